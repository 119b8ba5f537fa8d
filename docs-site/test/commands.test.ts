/**
 * Commands: what the pages tell a reader to type is typed, against a daemon of our own.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { skipped, TestDaemon, whyNoContainers } from "../../runtime/test/daemon.ts";
import { agrees, blocksOf, commandBlocks, runBlock } from "./commands.fixture.ts";

const house = fileURLToPath(new URL("../..", import.meta.url));
const blocks = commandBlocks(join(house, "docs-site/docs"));
const skip = skipped("the commands of the pages", whyNoContainers());

describe("blocksOf()", () => {
  const page = [
    "```sh",
    "echo hi",
    "```",
    "",
    "```text output",
    "hi",
    "```",
    "",
    "```sh by-hand",
    "reboot",
    "```",
    "",
  ].join("\n");

  test("finds commands, what they print, and those that are left to people", () => {
    expect(blocksOf("p", page)).toEqual([
      { page: "p", line: 2, language: "sh", commands: "echo hi\n", output: "hi\n", byHand: false },
      { page: "p", line: 10, language: "sh", commands: "reboot\n", output: null, byHand: true },
    ]);
  });

  test("agrees() takes … for anything, and a line of it for any lines", () => {
    expect(agrees("pid 17 ended\n", "pid … ended\n")).toBe(true);
    expect(agrees("a\nb\nc\n", "a\n…\nc\n")).toBe(true);
    expect(agrees("a\nc\n", "a\n…\nc\n")).toBe(true);
    expect(agrees("pid 17\n", "pid 18\n")).toBe(false);
    expect(agrees("a\nb\n", "a\n")).toBe(false);
    expect(agrees("a\nb", "…\nc")).toBe(false);
  });
});

test("the pages tell readers to type things, and few of them by hand", () => {
  const byHand = blocks.filter((block) => block.byHand);
  expect(blocks.length, "the check is blind").toBeGreaterThan(15);
  expect(byHand.length).toBeLessThan(blocks.length / 3);
});

describe.skipIf(skip)("every command block", () => {
  const daemon = new TestDaemon();
  const directory = mkdtempSync(join(tmpdir(), "drydock-docs-"));

  beforeAll(async () => {
    await daemon.start();
    mkdirSync(join(directory, "bin"));
    const launcher = join(house, "runtime/bin/drydock.js");
    const provide = (name: string, command: string): void => {
      const script = `#!/bin/sh\n${command} "$@"\n`;
      writeFileSync(join(directory, "bin", name), script, { mode: 0o755 });
    };
    provide("drydock", `exec ${process.execPath} ${launcher}`);
    // A command of the page's machine; on Linux it is started from the clone.
    provide("example", `cd ${house} && exec ${process.execPath} --import tsx examples/run.ts`);
  });

  afterAll(async () => {
    await daemon[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  for (const { page, line, commands, output } of blocks.filter((block) => !block.byHand)) {
    test(`${page}:${line} does what the page says`, async () => {
      const env = {
        ...daemon.environment,
        PATH: [join(directory, "bin"), process.env["PATH"]].join(delimiter),
      };
      // The pages speak of the daemon that `npm start` starts; the test has one of its own.
      const here = commands.replaceAll("/run/drydock.sock", daemon.socketPath);
      const own = join(directory, page.replace(/\W/g, "-"));
      mkdirSync(own, { recursive: true });
      const cwd = /^(?:npm|npx|node) /m.test(commands) ? house : own;
      const { code, text } = await runBlock(here, { cwd, env, untilFailure: output === null });
      await daemon.removeContainers();
      const said = output ?? `(it succeeds)\n${text}`;
      const holds = output === null ? code === 0 : agrees(text, output);
      expect(holds ? said : text).toBe(said);
    });
  }
});
