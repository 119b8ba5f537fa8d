import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writePidFile } from "./pid-file.ts";

const directory = mkdtempSync(join(tmpdir(), "drydock-pid-"));
const path = join(directory, "d.pid");

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
  rmSync(directory, { recursive: true });
});

test("writePidFile() leaves the file of a daemon that came after", () => {
  const other = mkdtempSync(join(tmpdir(), "drydock-pid-"));
  const file = join(other, "d.pid");
  const remove = writePidFile(file);
  writeFileSync(file, "1\n");
  remove();
  expect(existsSync(file)).toBe(true);
  rmSync(other, { recursive: true });
});
