/**
 * Classic BPF: the little machine that judges every system call.
 *
 * A filter is a program of at most 4096 instructions over one accumulator. It reads 32-bit words of
 * `seccomp_data` (number, architecture, arguments), compares, jumps forwards only, and returns an
 * action. Here a program is first a graph of decisions; `assemble` lays it out from the end, so
 * that every jump's distance is known when it is written. A conditional jump reaches 255
 * instructions; what is further away gets a stepping stone, an unconditional jump that reaches all.
 *
 *     seccomp_data:   0 nr │ 4 arch │ 8 instruction pointer │ 16 args[0] low │ 20 args[0] high │ …
 *
 * Kernel interface: seccomp(2), bpf(4), linux/filter.h, linux/seccomp.h.
 * Specification: none.
 * Invariants:
 *   bpf-layout   assembling keeps meaning, whatever the distances, and all jumps go forwards
 * Left out: big-endian machines, scratch memory, arithmetic but AND: no filter of ours needs them.
 * Docs: docs/concepts/seccomp.md
 *
 * @module
 */

import type { BpfInstruction } from "../kernel/index.ts";

/** The kernel's limit, BPF_MAXINSNS. */
export const BPF_MAX_INSTRUCTIONS = 4096;

/** Instruction codes, as linux/bpf_common.h composes them. */
const CODE = {
  /** BPF_LD | BPF_W | BPF_ABS: accumulator = word at k */
  load: 0x20,
  /** BPF_ALU | BPF_AND | BPF_K */
  and: 0x54,
  /** BPF_JMP | BPF_JA */
  jump: 0x05,
  /** BPF_JMP | BPF_JEQ | BPF_K */
  equal: 0x15,
  /** BPF_JMP | BPF_JGT | BPF_K, unsigned */
  greater: 0x25,
  /** BPF_JMP | BPF_JGE | BPF_K, unsigned */
  greaterOrEqual: 0x35,
  /** BPF_RET | BPF_K */
  return: 0x06,
} as const;

/** How a test compares the accumulator with its value, unsigned. */
export type BpfTest = "equal" | "greater" | "greaterOrEqual";

/** A decision and what follows from it. Nodes may be shared; they must not form a circle. */
export type BpfNode =
  | { readonly op: "return"; readonly value: number }
  | { readonly op: "load"; readonly offset: number; readonly next: BpfNode }
  | { readonly op: "and"; readonly mask: number; readonly next: BpfNode }
  | {
      readonly op: "test";
      readonly test: BpfTest;
      readonly value: number;
      readonly yes: BpfNode;
      readonly no: BpfNode;
    };

/** Furthest that a conditional jump is let reach; two less than 255 for the stones of its twin. */
const REACH = 253;

/** A program as it grows from its last instruction towards its first. */
class Layout {
  readonly #reversed: BpfInstruction[] = [];
  /** Where a node was last put, counted from the end. */
  readonly #places = new Map<BpfNode, number>();

  program(): readonly BpfInstruction[] {
    return this.#reversed.toReversed();
  }

  /** Puts a node and what follows from it, unless it is there already. */
  put(node: BpfNode): void {
    if (this.#places.has(node)) return;
    if (node.op === "load" || node.op === "and") {
      this.put(node.next);
      if (this.#distance(node.next) > 0) this.#putStone(node.next);
    }
    if (node.op === "test") {
      this.put(node.no);
      this.put(node.yes);
      for (const target of [node.no, node.yes]) {
        if (this.#distance(target) > REACH) this.#putStone(target);
      }
    }
    this.#push(node, this.#encode(node));
  }

  /** How many instructions the next one would jump over to get to a node. */
  #distance(node: BpfNode): number {
    const place = this.#places.get(node);
    if (place === undefined) throw new Error("a BPF node is used before it has its place");
    return this.#reversed.length - 1 - place;
  }

  /** Brings a far node near: a return is repeated, anything else is jumped to. */
  #putStone(node: BpfNode): void {
    const jump = { code: CODE.jump, jt: 0, jf: 0, k: this.#distance(node) };
    this.#push(node, node.op === "return" ? this.#encode(node) : jump);
  }

  #push(node: BpfNode, instruction: BpfInstruction): void {
    this.#places.set(node, this.#reversed.length);
    this.#reversed.push(instruction);
  }

  #encode(node: BpfNode): BpfInstruction {
    if (node.op === "test") {
      const jt = this.#distance(node.yes);
      return { code: CODE[node.test], jt, jf: this.#distance(node.no), k: node.value };
    }
    const k = node.op === "return" ? node.value : node.op === "load" ? node.offset : node.mask;
    return { code: CODE[node.op], jt: 0, jf: 0, k };
  }
}

/**
 * Lays a graph of decisions out as a program. The caller checks the length against the limit.
 *
 * @example
 * assemble({ op: "return", value: 0x7fff0000 })
 * // [{ code: 6, jt: 0, jf: 0, k: 0x7fff0000 }]
 */
export function assemble(root: BpfNode): readonly BpfInstruction[] {
  const layout = new Layout();
  layout.put(root);
  return layout.program();
}

/** What the kernel tells a filter about a system call: `struct seccomp_data`. */
export interface SeccompData {
  readonly nr: number;
  /** One of AUDIT_ARCH_…, see linux/audit.h. */
  readonly arch: number;
  readonly instructionPointer: bigint;
  /** Six unsigned 64-bit numbers. */
  readonly args: readonly bigint[];
}

/** The 32-bit word at an offset, low half first. */
function wordAt(data: SeccompData, offset: number): number {
  if (offset === 0) return data.nr >>> 0;
  if (offset === 4) return data.arch >>> 0;
  const wide = offset < 16 ? data.instructionPointer : data.args[(offset - 16) >> 3];
  if (wide === undefined || offset % 4 !== 0) throw new Error(`no seccomp_data word at ${offset}`);
  return Number(BigInt.asUintN(32, offset % 8 === 0 ? wide : wide >> 32n));
}

function isTrue(code: number, accumulator: number, k: number): boolean {
  switch (code) {
    case CODE.equal:
      return accumulator === k;
    case CODE.greater:
      return accumulator > k;
    case CODE.greaterOrEqual:
      return accumulator >= k;
    default:
      throw new Error(`unknown BPF instruction 0x${code.toString(16)}`);
  }
}

/**
 * Runs a program as the kernel would. Pure, for tests, the model kernel and the page.
 *
 * @returns the action value that the program returns
 * @throws Error (a bug in the program) for an unknown instruction or a jump beyond the end
 * @example runBpf([{ code: 6, jt: 0, jf: 0, k: 5 }], data) // 5
 */
export function runBpf(program: readonly BpfInstruction[], data: SeccompData): number {
  let accumulator = 0;
  let at = 0;
  for (;;) {
    const instruction = program[at];
    if (instruction === undefined) throw new Error(`a BPF program jumped to ${at}, beyond its end`);
    const { code, jt, jf, k } = instruction;
    at += 1;
    if (code === CODE.return) return k;
    else if (code === CODE.load) accumulator = wordAt(data, k);
    else if (code === CODE.and) accumulator = (accumulator & k) >>> 0;
    else if (code === CODE.jump) at += k;
    else at += isTrue(code, accumulator, k) ? jt : jf;
  }
}
