import fs from "node:fs";
import os from "node:os";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { signalName, signalNumber } from "../signals.ts";
import { INSTRUCTION_BYTES, packInstructions, packProgram } from "./bpf.ts";
import { capabilityName, capabilityNumber, maskOfNames, namesOfMask } from "../capability-names.ts";
import { errnoName, errnoNumber } from "./errno.ts";
import { majorOf, minorOf, packDevice } from "./file-stat.ts";
import { parseInterpreter } from "./own-binary.ts";
import { decodeWaitStatus } from "./reaper.ts";
import { packLimit, resourceNumber } from "./resource-limits.ts";
import { SYSCALL_NUMBERS, syscallNumbersOf } from "./syscall-numbers.ts";

/** Names that share a number with another one, which errnoName() prefers. */
const ALIASES = ["EWOULDBLOCK", "ENOTSUP", "EDEADLOCK"];

test("errnoName() agrees with this machine's C library", () => {
  const theirs = Object.entries(os.constants.errno).filter(([name]) => !ALIASES.includes(name));
  expect(theirs.length).toBeGreaterThan(70);
  expect(theirs.map(([, number]) => errnoName(number))).toEqual(theirs.map(([name]) => name));
});

test("errnoName() and errnoNumber() are inverse, with a name for every number", () => {
  for (let number = 1; number <= 133; number++) {
    if (number === 41 || number === 58) continue;
    expect(errnoNumber(errnoName(number))).toBe(number);
  }
  expect([errnoName(41), errnoName(134)]).toEqual(["E41", "E134"]);
  expect([errnoNumber("-"), errnoNumber("ENONE")]).toEqual([undefined, undefined]);
});

test("signalNumber() agrees with this machine's C library", () => {
  const theirs = Object.entries(os.constants.signals);
  expect(theirs.length).toBeGreaterThan(30);
  expect(theirs.map(([name]) => signalNumber(name))).toEqual(theirs.map(([, number]) => number));
});

test("signalName() and signalNumber() are inverse from 1 to 64", () => {
  for (let number = 1; number <= 64; number++) {
    if (number === 32 || number === 33) continue;
    expect(signalNumber(signalName(number))).toBe(number);
  }
  expect(["SIGRTMAX-1", "SIGRTMIN+30", "0"].map(signalNumber)).toEqual([63, 64, 0]);
  const none = ["SIGRTMIN+31", "SIGRTMAX-31", "TERM", "SIGNONE", "", "toString"];
  expect(none.map(signalNumber)).toEqual(none.map(() => undefined));
});

test("capability names agree with the header of the C library's kernel", () => {
  expect(capabilityNumber("CAP_CHOWN")).toBe(0);
  expect(capabilityNumber("CAP_SYS_ADMIN")).toBe(21);
  expect(capabilityNumber("CAP_CHECKPOINT_RESTORE")).toBe(40);
  expect(capabilityName(41)).toBe("CAP_41");
});

test("namesOfMask() undoes maskOfNames() for every set of capabilities", () => {
  const all = Array.from({ length: 41 }, (_, number) => capabilityName(number));
  fc.assert(
    fc.property(fc.subarray(all), (names) => {
      const mask = maskOfNames(names);
      if ("unknown" in mask) throw new Error(mask.unknown);
      expect(namesOfMask(mask.low, mask.high)).toEqual(names);
    }),
  );
  expect(maskOfNames(["CAP_KILL", "CAP_NONE"])).toEqual({ unknown: "CAP_NONE" });
});

test("packInstructions() lays a filter out as struct sock_filter", () => {
  const program = [{ code: 0x15, jt: 1, jf: 255, k: 0x7fff_0001 }];
  expect([...packInstructions(program)]).toEqual([0x15, 0, 1, 255, 1, 0, 0xff, 0x7f]);
  expect(packInstructions([]).length).toBe(0);
  expect(INSTRUCTION_BYTES).toBe(8);
});

test("packProgram() lays count and pointer out as struct sock_fprog", () => {
  const bytes = [...packProgram(0x0102, 0x1122334455667788n)];
  const padding = [0, 0, 0, 0, 0, 0];
  expect(bytes).toEqual([2, 1, ...padding, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]);
});

test("majorOf() and minorOf() undo what mknod(2) packs, within 12 and 20 bits", () => {
  const major = fc.integer({ min: 0, max: 0xfff });
  const minor = fc.integer({ min: 0, max: 0xfffff });
  fc.assert(
    fc.property(major, minor, (a, b) => {
      const device = packDevice(a, b);
      expect([majorOf(device), minorOf(device)]).toEqual([a, b]);
    }),
  );
  expect([majorOf(2 ** 44), minorOf(2 ** 43)]).toEqual([4096, 2 ** 31]);
});

test("packLimit() makes Infinity the kernel's RLIM_INFINITY", () => {
  expect([...packLimit(10, Infinity)]).toEqual([10n, 2n ** 64n - 1n]);
  expect(["RLIMIT_CPU", "RLIMIT_RTTIME", "RLIMIT_X"].map(resourceNumber)).toEqual([
    0,
    15,
    undefined,
  ]);
});

test("decodeWaitStatus() tells exit codes, signals and core dumps apart", () => {
  expect(decodeWaitStatus(0x2a00)).toEqual({ exitCode: 42 });
  expect(decodeWaitStatus(0xff00)).toEqual({ exitCode: 255 });
  expect(decodeWaitStatus(9)).toEqual({ signal: "SIGKILL", coreDumped: false });
  expect(decodeWaitStatus(0x8b)).toEqual({ signal: "SIGSEGV", coreDumped: true });
});

test("parseInterpreter() reads the first line of a script", () => {
  const head = (text: string): string | undefined =>
    parseInterpreter(new TextEncoder().encode(text));
  expect(head("#!/bin/sh\nrest")).toBe("/bin/sh");
  expect(head("#! \t/usr/bin/env node")).toBe("/usr/bin/env");
  expect(head("\n#!/bin/sh")).toBeUndefined();
  expect(head("\u007fELF")).toBeUndefined();
  expect(head("#!")).toBeUndefined();
});

test("syscall numbers are known for two architectures, and agree from 424 on", () => {
  expect(() => syscallNumbersOf("mips")).toThrow("mips");
  const common = Object.entries(SYSCALL_NUMBERS.x64).filter(([, number]) => number >= 424);
  expect(common.map(([name]) => name)).toEqual(["close_range", "openat2"]);
  expect(SYSCALL_NUMBERS.arm64).toMatchObject(Object.fromEntries(common));
});

const HEADER = "/usr/include/asm-generic/unistd.h";

test.skipIf(!fs.existsSync(HEADER))("the arm64 numbers are those of asm-generic/unistd.h", () => {
  const text = fs.readFileSync(HEADER, "utf8");
  for (const [name, number] of Object.entries(SYSCALL_NUMBERS.arm64)) {
    const pattern = new RegExp(`#define __NR(?:3264)?_${name} (\\d+)`);
    expect([name, Number(pattern.exec(text)?.[1])]).toEqual([name, number]);
  }
});
