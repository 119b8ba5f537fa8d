/**
 * Writes runtime/src/security/syscall-numbers.ts from the kernel's own headers.
 *
 *     apt-get install gcc linux-libc-dev linux-libc-dev-arm64-cross linux-libc-dev-armhf-cross
 *     node runtime/tools/syscall-tables.mjs [ROOT]
 *
 * ROOT is where those packages are unpacked, by default /. The C preprocessor resolves the headers;
 * what is newer than they are is listed below: since 2019 (number 424) all architectures give a new
 * system call the same number. Run it again when a profile wants a call that the tables lack.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = process.argv[2] ?? "/";
const x86 = ["/usr/include/x86_64-linux-gnu", "/usr/include"];
const arm64 = [`${root}/usr/aarch64-linux-gnu/include`];
const arm = [`${root}/usr/arm-linux-gnueabihf/include`];

const X32_BIT = 0x40000000;

const TABLES = [
  { name: "X86_64", header: "asm/unistd_64.h", include: x86, bit: 0 },
  { name: "X32", header: "asm/unistd_x32.h", include: x86, bit: X32_BIT },
  { name: "X86", header: "asm/unistd_32.h", include: x86, bit: 0 },
  { name: "AARCH64", header: "asm/unistd.h", include: arm64, bit: 0 },
  { name: "ARM", header: "asm/unistd.h", include: arm, bit: 0 },
];

/** Linux 6.2 to 6.18, by number. */
const NEWER = `451 cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue statmount
listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal setxattrat getxattrat listxattrat
removexattrat open_tree_attr file_getattr file_setattr`;
const NEWER_X86_64 = { uretprobe: 335, uprobe: 336 };

function preprocess(include, source, ...options) {
  const paths = include.flatMap((path) => ["-I", path]);
  const defines = ["-U__x86_64__", "-U__ILP32__", "-D__ARM_EABI__"];
  const args = ["-E", "-P", "-nostdinc", ...defines, ...options, ...paths, "-"];
  return execFileSync("cpp", args, { input: source, encoding: "utf8" });
}

function readTable({ name, header, include, bit }) {
  const source = `#define __X32_SYSCALL_BIT 0x40000000\n#include <${header}>\n`;
  const defined = preprocess(include, source, "-dM")
    .split("\n")
    .flatMap((line) => /^#define (__(?:ARM_)?NR_([a-z_]\w*)) /.exec(line)?.slice(1, 3) ?? [])
    .reduce((pairs, word, at, all) => (at % 2 ? pairs : [...pairs, [word, all[at + 1]]]), [])
    .filter(
      ([, call]) => !["syscalls", "arch_specific_syscall", "sync_file_range2_"].includes(call),
    );
  const questions = defined.map(([macro, call]) => `@${call} = ${macro}`).join("\n");
  const numbers = new Map();
  for (const line of preprocess(include, source + questions).split("\n")) {
    const match = /^@(\w+) = ([()+ 0-9a-fxA-F]+)$/.exec(line.trim());
    // The headers write sums: "(0x40000000 + 12)", "((0x900000 + 0x0f0000)+1)".
    const terms = match?.[2].replace(/[() ]/g, "").split("+") ?? [];
    if (match !== null) numbers.set(match[1], terms.reduce((sum, term) => sum + +term, 0) - bit);
  }
  const [first, ...calls] = NEWER.split(/\s+/);
  calls.forEach((call, index) => numbers.set(call, Number(first) + index));
  if (name === "X86_64") {
    for (const [call, number] of Object.entries(NEWER_X86_64)) numbers.set(call, number);
  }
  return [...numbers].toSorted(([, left], [, right]) => left - right);
}

/** "0 read write open …": a number, then the names that follow each other from there. */
function printTable({ name }, numbers) {
  const words = [];
  numbers.forEach(([call, number], index) => {
    if (index === 0 || numbers[index - 1][1] !== number - 1) words.push(String(number));
    words.push(call);
  });
  const lines = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 98) lines[lines.length - 1] += ` ${word}`;
    else lines.push(word);
  }
  return `  ${name}: \`\n${lines.join("\n")}\n\`,\n`;
}

const head = `/**
 * System call numbers: what a filter sees instead of names.
 *
 * A seccomp filter gets the number of a system call and the architecture by whose table it was
 * made. This file holds the tables of the five that a 64-bit x86 or ARM kernel serves. It is made
 * by \`runtime/tools/syscall-tables.mjs\` from the kernel's headers (linux-libc-dev 6.1) and the
 * list of later calls in that tool: do not edit it by hand. In each table a number says where the
 * names that follow it begin. Numbers of X32 are without its bit 30.
 *
 * Kernel interface: syscalls(2), asm/unistd.h.
 * Specification: none.
 * Invariants: none; \`security.test.ts\` compares the tables with those of libseccomp.
 * Left out: mips, ppc64le, riscv64 and s390x, on which this engine was never run.
 * Docs: docs/concepts/seccomp.md
 *
 * @module
 */

/** The tables that a filter can be compiled for. */
export type SyscallTable = "X86_64" | "X32" | "X86" | "AARCH64" | "ARM";

const TABLES: Readonly<Record<SyscallTable, string>> = {
`;

const tail = `};

/**
 * The numbers by name.
 *
 * @example syscallNumbers("X86_64").get("clone3") // 435
 */
export function syscallNumbers(table: SyscallTable): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const word of TABLES[table].trim().split(/\\s+/)) {
    if (/^\\d/.test(word)) next = Number(word);
    else numbers.set(word, next++);
  }
  return numbers;
}
`;

const target = fileURLToPath(new URL("../src/security/syscall-numbers.ts", import.meta.url));
writeFileSync(target, head + TABLES.map((t) => printTable(t, readTable(t))).join("") + tail);
