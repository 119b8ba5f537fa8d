import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writePidFile } from "./pid-file.ts";

let directory = "";
let path = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "drydock-pid-"));
  path = join(directory, "d.pid");
});
afterEach(() => rmSync(directory, { recursive: true }));

test("writePidFile() names this process, and is taken back", () => {
  const remove = writePidFile(path);
  expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
  remove();
  expect(existsSync(path)).toBe(false);
});

test("writePidFile() refuses the file of a living process", () => {
  writeFileSync(path, `${process.ppid}\n`);
  expect(() => writePidFile(path)).toThrow(`process with PID ${process.ppid} is still running`);
  expect(readFileSync(path, "utf8")).toBe(`${process.ppid}\n`);
});

test("writePidFile() replaces the file of a dead process, and nonsense", () => {
  for (const text of ["4194000\n", "nonsense", ""]) {
    writeFileSync(path, text);
    writePidFile(path)();
    expect(existsSync(path)).toBe(false);
  }
});

test("writePidFile() leaves the file of a daemon that came after", () => {
  const remove = writePidFile(path);
  writeFileSync(path, "1\n");
  remove();
  expect(existsSync(path)).toBe(true);
});
