import { expect, test } from "vitest";
import { createLogger, type LogSettings } from "./logger.ts";

function written(settings: Partial<LogSettings>): readonly string[] {
  const lines: string[] = [];
  const all: LogSettings = { debug: false, logLevel: "info", logFormat: "text", ...settings };
  const logger = createLogger(
    () => all,
    (line) => lines.push(line),
    () => "2026-01-02T03:04:05.678Z",
  );
  logger.log("debug", "small");
  logger.log("info", "two\nlines", { path: "/a/b", status: 200, words: 'say "so"' });
  logger.log("warn", "loud");
  return lines;
}

test("createLogger() writes logrus's text, one line each whatever is said", () => {
  expect(written({})).toEqual([
    'time="2026-01-02T03:04:05.678Z" level=info msg="two\\nlines" path=/a/b status=200 ' +
      'words="say \\"so\\""\n',
    'time="2026-01-02T03:04:05.678Z" level=warning msg="loud"\n',
  ]);
});

test("createLogger() writes JSON that parses back", () => {
  const [first = ""] = written({ logFormat: "json" });
  expect(JSON.parse(first)).toEqual({
    time: "2026-01-02T03:04:05.678Z",
    level: "info",
    msg: "two\nlines",
    path: "/a/b",
    status: 200,
    words: 'say "so"',
  });
});

test("createLogger() leaves out what is below its level, and debug lets all through", () => {
  expect(written({ logLevel: "warn" }).length).toBe(1);
  expect(written({ logLevel: "error" }).length).toBe(0);
  expect(written({ logLevel: "error", debug: true }).length).toBe(3);
});
