import { expect, test } from "vitest";
import { KernelError } from "../kernel/index.ts";
import { rotationOf } from "./log-rotation.ts";
import { createLogWriter } from "./log-writer.ts";
import { LOG_PART_BYTES, createLineCutter, createLogParser, formatEntry } from "./logs.ts";
import { formatLogTime, parseLogTime } from "./logs.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("createLineCutter() cuts a line without end at 16 KiB, where a character starts", () => {
  const cutter = createLineCutter();
  const text = `${"x".repeat(LOG_PART_BYTES - 1)}€${"y".repeat(5)}`;
  expect(cutter.push(encode(text))).toEqual(["x".repeat(LOG_PART_BYTES - 1)]);
  expect(cutter.end()).toEqual(["€yyyyy"]);
});

test("createLineCutter() passes an empty line and bytes that are no UTF-8", () => {
  const cutter = createLineCutter();
  expect(cutter.push(new Uint8Array([10, 0xff, 0x61, 10]))).toEqual(["\n", "\u{fffd}a\n"]);
});

test("formatLogTime() prints as Go does, and parseLogTime() reads Docker's nanoseconds", () => {
  expect(formatLogTime(0)).toBe("1970-01-01T00:00:00Z");
  expect(formatLogTime(1_500.25)).toBe("1970-01-01T00:00:01.50025Z");
  expect(parseLogTime("1970-01-01T00:00:01.500250001Z")).toBeCloseTo(1_500.250_001, 5);
});

test("formatEntry() frames, prefixes the time with nine digits, or gives the bare text", () => {
  const entry = { log: "hi\n", stream: "stderr", time: "2026-01-02T03:04:05.5Z" } as const;
  expect(decode(formatEntry(entry, { timestamps: false, raw: true }))).toBe("hi\n");
  expect(decode(formatEntry(entry, { timestamps: true, raw: true }))).toBe(
    "2026-01-02T03:04:05.500000000Z hi\n",
  );
  expect([...formatEntry(entry, { timestamps: false, raw: false })].slice(0, 8)).toEqual([
    2, 0, 0, 0, 0, 0, 0, 3,
  ]);
});

test("a disk that was full costs the lines of that time, and no others", () => {
  let file = "";
  let isFull = false;
  const kernel = {
    nowMs: () => 0,
    writeFile: (path: string, data: Uint8Array | string) => {
      if (!isFull) file += String(data);
      else {
        // A write that fails may have written its beginning.
        file += String(data).slice(0, 9);
        throw new KernelError("write", "ENOSPC", path);
      }
    },
    statIfPresent: () => expect.unreachable(),
    rename: () => expect.unreachable(),
    unlink: () => expect.unreachable(),
  };
  const writer = createLogWriter({ kernel, path: "/log", onAppended: () => undefined });
  writer.write("stdout", encode("one\n"));
  isFull = true;
  writer.write("stdout", encode("two\n"));
  isFull = false;
  writer.write("stdout", encode("three\n"));
  expect(createLogParser()(encode(file)).map(({ log }) => log)).toEqual(["one\n", "three\n"]);
});

test("rotationOf() has the defaults of the driver that was named", () => {
  const limitsOf = (Type: string, Config: Record<string, string>) => {
    const { maxBytes, maxFiles } = rotationOf({ Type, Config });
    return [maxBytes, maxFiles];
  };
  expect(limitsOf("", {})).toEqual([20_000_000, 5]);
  expect(limitsOf("local", {})).toEqual([20_000_000, 5]);
  expect(limitsOf("json-file", { "max-size": "1m" })).toEqual([1_000_000, 1]);
  expect(limitsOf("local", { "max-size": "1m", compress: "true" })).toEqual([1_000_000, 5]);
  expect(limitsOf("local", { "max-size": "-1", "max-file": "2" })).toEqual([null, 2]);
});
