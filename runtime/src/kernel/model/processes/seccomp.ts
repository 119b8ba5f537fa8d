/**
 * Seccomp: a program decides about each call.
 *
 * The filter is classic BPF: it loads words of a description of the call (its number, the machine,
 * the arguments), compares, jumps and returns a verdict. The model runs it before each call of the
 * port with the number that the Linux side would use on x86_64.
 *
 * Kernel interface: seccomp(2), bpf(4).
 * Invariants: none.
 * Left out: arguments, which read as zero; verdicts other than allow, an errno and kill.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { BpfInstruction } from "../../port.ts";
import { refuse, refuseIf } from "../refusal.ts";

const AUDIT_ARCH_X86_64 = 0xc000003e;
const INSTRUCTIONS_MAX = 4096;
const RET_KILL = 0x00000000;
const RET_ALLOW = 0x7fff0000;
const RET_ERRNO = 0x00050000;
const RET_ACTION = 0xffff0000;

/** The calls of the port by the number of their system call; what is missing is not filtered. */
const NUMBERS: Readonly<Record<string, number>> = {
  readFile: 0,
  readText: 0,
  writeFile: 1,
  writeEach: 1,
  stat: 4,
  statIfPresent: 4,
  lstat: 6,
  lstatIfPresent: 6,
  truncate: 77,
  chdir: 80,
  rename: 82,
  mkdir: 83,
  rmdir: 84,
  link: 86,
  unlink: 87,
  symlink: 88,
  readlink: 89,
  chmod: 90,
  lchown: 94,
  umask: 95,
  setGroups: 116,
  setGid: 119,
  setUid: 117,
  setSession: 112,
  mknod: 133,
  pivotRoot: 155,
  mount: 165,
  umount: 166,
  setHostname: 170,
  setDomainname: 171,
  kill: 62,
  unshare: 272,
  joinNamespaces: 308,
  joinNamespacePath: 308,
  joinUserNamespace: 308,
};

/** Errnos that a filter may name, by number. */
const ERRNOS: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  5: "EIO",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  16: "EBUSY",
  17: "EEXIST",
  18: "EXDEV",
  22: "EINVAL",
  38: "ENOSYS",
  95: "EOPNOTSUPP",
};

/** Whether a program may be installed at all. @throws Refusal EINVAL */
export function checkFilter(program: readonly BpfInstruction[]): void {
  refuseIf(program.length === 0 || program.length > INSTRUCTIONS_MAX, "EINVAL");
  for (const [at, { code, jt, jf, k }] of program.entries()) {
    refuseIf(!KNOWN_CODES.has(code), "EINVAL");
    const isJump = (code & 7) === 5;
    const furthest = code === 0x05 ? k : Math.max(jt, jf);
    refuseIf(isJump && at + 1 + furthest >= program.length, "EINVAL");
  }
  refuseIf(((program.at(-1)?.code ?? 0) & 7) !== 6, "EINVAL");
}

const KNOWN_CODES = new Set([0x06, 0x16, 0x20, 0x05, 0x15, 0x25, 0x35, 0x45, 0x54, 0x44, 0x00]);

/** Asks all filters of a process about a call. @throws Refusal with a filter's errno */
export function filterCall(
  filters: readonly (readonly BpfInstruction[])[],
  method: string,
  kill: () => never,
): void {
  const number = NUMBERS[method];
  if (number === undefined) return;
  for (const filter of filters) {
    const verdict = run(filter, number);
    const action = (verdict & RET_ACTION) >>> 0;
    if (action === RET_ALLOW) continue;
    if (action === RET_ERRNO) refuse(ERRNOS[verdict & 0xffff] ?? "EPERM");
    if (action === RET_KILL || action === 0x80000000) kill();
  }
}

/** A word of struct seccomp_data. */
function wordAt(offset: number, number: number): number {
  if (offset === 0) return number;
  return offset === 4 ? AUDIT_ARCH_X86_64 : 0;
}

function run(program: readonly BpfInstruction[], number: number): number {
  let accumulator = 0;
  for (let at = 0; at < program.length; at++) {
    const { code, jt, jf, k } = program[at] ?? { code: 6, jt: 0, jf: 0, k: 0 };
    if (code === 0x06) return k >>> 0;
    if (code === 0x16) return accumulator;
    if ((code & 7) === 5) at += jump(code, accumulator, { code, jt, jf, k });
    else accumulator = compute(code, accumulator, k, number);
  }
  return RET_KILL;
}

function compute(code: number, accumulator: number, k: number, number: number): number {
  if (code === 0x20) return wordAt(k, number);
  if (code === 0x54) return (accumulator & k) >>> 0;
  return code === 0x44 ? (accumulator | k) >>> 0 : k >>> 0;
}

function jump(code: number, accumulator: number, { jt, jf, k }: BpfInstruction): number {
  if (code === 0x05) return k;
  return holds(code, accumulator, k >>> 0) ? jt : jf;
}

function holds(code: number, left: number, right: number): boolean {
  if (code === 0x15) return left === right;
  if (code === 0x25) return left > right;
  return code === 0x35 ? left >= right : (left & right) !== 0;
}
