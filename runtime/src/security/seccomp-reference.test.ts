/**
 * libseccomp as a second opinion: it resolves the same names and decides the same calls.
 *
 * It is what runc uses. Where its library is missing these tests skip themselves.
 */
import { fc, test } from "@fast-check/vitest";
import koffi from "koffi";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect } from "vitest";
import type { BpfInstruction } from "../kernel/index.ts";
import {
  actionValue,
  DEFAULT_CAPABILITIES,
  defaultSeccompProfile,
  evaluateFilter,
  resolveFilter,
  runBpf,
  syscallNumbers,
} from "./index.ts";
import type { SeccompComparison, SeccompFilter, SeccompProfile, SyscallTable } from "./index.ts";

/** libseccomp's tokens: those of linux/audit.h, and its own for x32. */
const TOKENS = {
  X86_64: 0xc000003e,
  X32: 0x4000003e,
  X86: 0x40000003,
  AARCH64: 0xc00000b7,
  ARM: 0x40000028,
} satisfies Record<SyscallTable, number>;

const OPERATIONS: readonly SeccompComparison[] = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];

function openLibrary() {
  try {
    const library = koffi.load("libseccomp.so.2");
    return {
      init: library.func("void *seccomp_init(uint32_t action)"),
      release: library.func("void seccomp_release(void *filter)"),
      addArch: library.func("int seccomp_arch_add(void *filter, uint32_t arch)"),
      addRule: library.func(
        "int seccomp_rule_add_array(void *f, uint32_t action, int nr, uint32_t n, void *args)",
      ),
      numberOf: library.func("int seccomp_syscall_resolve_name(const char *name)"),
      numberIn: library.func(
        "int seccomp_syscall_resolve_name_arch(uint32_t arch, const char *name)",
      ),
      nameIn: library.func("char *seccomp_syscall_resolve_num_arch(uint32_t arch, int number)"),
      exportBpf: library.func("int seccomp_export_bpf(void *filter, int fd)"),
    };
  } catch (error) {
    console.log(`skipped: seccomp-reference.test.ts: ${String(error).split("\n")[0]}`);
    return null;
  }
}

const library = openLibrary();
const isNative = process.arch === "x64";

function packArguments(args: SeccompProfile["rules"][number]["args"]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(24 * args.length));
  args.forEach(({ index, op, value, valueTwo }, at) => {
    bytes.setUint32(24 * at, index, true);
    bytes.setUint32(24 * at + 4, OPERATIONS.indexOf(op) + 1, true);
    bytes.setBigUint64(24 * at + 8, value, true);
    bytes.setBigUint64(24 * at + 16, valueTwo, true);
  });
  return new Uint8Array(bytes.buffer);
}

/** The program that libseccomp makes of the rules, for x86_64, x32 and i386. */
function compileThere(profile: SeccompProfile): readonly BpfInstruction[] {
  if (library === null) throw new Error("no libseccomp");
  const directory = mkdtempSync(join(tmpdir(), "drydock-seccomp-"));
  const file = openSync(join(directory, "bpf"), "w");
  const filter: unknown = library.init(actionValue(profile.defaultAction));
  library.addArch(filter, TOKENS.X86);
  library.addArch(filter, TOKENS.X32);
  for (const { names, action, args } of profile.rules) {
    for (const name of names) {
      const number = Number(library.numberOf(name));
      if (number === -1) continue;
      const packed = packArguments(args);
      const value = actionValue(action);
      const code = Number(library.addRule(filter, value, number, args.length, packed));
      // EEXIST: the same rule once more. EDOM: a call that x86_64 does not have, exactly asked.
      if (![0, -17, -33].includes(code)) throw new Error(`seccomp_rule_add ${name}: ${code}`);
    }
  }
  expect(library.exportBpf(filter, file)).toBe(0);
  library.release(filter);
  closeSync(file);
  const bytes = new DataView(Uint8Array.from(readFileSync(join(directory, "bpf"))).buffer);
  rmSync(directory, { recursive: true });
  return Array.from({ length: bytes.byteLength / 8 }, (_, at) => ({
    code: bytes.getUint16(8 * at, true),
    jt: bytes.getUint8(8 * at + 2),
    jf: bytes.getUint8(8 * at + 3),
    k: bytes.getUint32(8 * at + 4, true),
  }));
}

/** Compares every call that both know, below the number where runc's ENOSYS begins. */
function expectSame(filter: SeccompFilter, program: readonly BpfInstruction[], words: bigint[]) {
  const calls = filter.tables.flatMap(({ table, auditArch, numberBits, highestKnown }) =>
    [...syscallNumbers(table)]
      .filter(([, number]) => number <= highestKnown)
      .filter(([name]) => Number(library?.numberOf(name)) !== -1)
      .filter(([name]) => Number(library?.numberIn(TOKENS[table], name)) >= 0)
      .map(([name, number]) => ({ table, name, arch: auditArch, nr: number + numberBits })),
  );
  expect(calls.length).toBeGreaterThan(300);
  for (const { table, name, arch, nr } of calls) {
    for (const word of words) {
      const data = {
        nr,
        arch,
        instructionPointer: 0n,
        args: Array.from({ length: 6 }, () => word),
      };
      const ours = actionValue(evaluateFilter(filter, data));
      const theirs = runBpf(program, data);
      if (ours !== theirs) expect({ table, name, word, ours }).toMatchObject({ ours: theirs });
    }
  }
}

const facts = {
  machine: "x86_64",
  kernelRelease: "6.1.0",
  capabilities: DEFAULT_CAPABILITIES,
};

describe.skipIf(library === null)("syscallNumbers()", () => {
  test.each(Object.keys(TOKENS) as SyscallTable[])("has libseccomp's numbers for %s", (table) => {
    const bits = table === "X32" ? 0x40000000 : 0;
    const wrong = [...syscallNumbers(table)].flatMap(([name, number]) => {
      const theirs = Number(library?.numberIn(TOKENS[table], name));
      return theirs < 0 || theirs === number + bits ? [] : [{ name, number, theirs }];
    });
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(library === null || !isNative)("evaluateFilter()", () => {
  test("decides the default profile as libseccomp does", () => {
    const profile = defaultSeccompProfile();
    const counting = profile.rules.filter(
      ({ includes, excludes }) =>
        excludes.caps.every((name) => !facts.capabilities.includes(name)) &&
        includes.caps.every((name) => facts.capabilities.includes(name)) &&
        (includes.arches.length === 0 || includes.arches.includes("amd64")),
    );
    const program = compileThere({ ...profile, rules: counting });
    const words = [0n, 8n, 39n, 40n, 0x20000n, 0x20008n, 0xffffffffn, 0x10000000n, 0x80n];
    expectSame(resolveFilter(profile, facts), program, words);
  });

  const scope = { caps: [], arches: [], minKernel: "" };
  const halves = fc.constantFrom(0n, 1n, 0x7fffffffn, 0x80000000n, 0xffffffffn);
  const anyWord = fc.tuple(halves, halves).map(([high, low]) => (high << 32n) | low);
  const anyRule = fc.record({
    names: fc.constantFrom("kill", "mprotect", "lseek").map((name) => [name]),
    action: fc.constant({ kind: "errno" as const, errno: 5 }),
    args: fc.array(
      fc.record({
        index: fc.nat(2),
        op: fc.constantFrom(...OPERATIONS.filter((op) => op !== "SCMP_CMP_MASKED_EQ")),
        value: anyWord,
        valueTwo: fc.constant(0n),
      }),
      { maxLength: 1 },
    ),
    includes: fc.constant(scope),
    excludes: fc.constant(scope),
  });

  // One rule for a call: libseccomp 2.5.4 merges "> 0x7fffffff00000000" and "<= 0" into a rule that
  // holds for 0x80000000 too.
  const anyRules = fc.uniqueArray(anyRule, {
    selector: ({ names }) => names[0],
    minLength: 1,
    maxLength: 3,
  });
  test.prop({ rules: anyRules, word: anyWord })(
    "decides rules with one condition as libseccomp does, on x86_64",
    ({ rules, word }) => {
      const profile: SeccompProfile = {
        defaultAction: { kind: "allow" },
        rules,
        architectures: ["SCMP_ARCH_X86", "SCMP_ARCH_X32"],
      };
      const filter = resolveFilter(profile, facts);
      // For i386 and x32 libseccomp compares low halves only.
      const tables = filter.tables.filter(({ table }) => table === "X86_64");
      const whole = tables.map((table) => ({ ...table, highestKnown: 400 }));
      expectSame({ ...filter, tables: whole }, compileThere(profile), [word, word + 1n]);
    },
  );
});
