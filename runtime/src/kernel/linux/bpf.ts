/**
 * BPF programs as bytes: what seccomp(2) takes.
 *
 * A classic BPF instruction is eight bytes, `struct sock_filter`; the program is handed over as a
 * count and a pointer, `struct sock_fprog`, with the pointer on an address that eight divides.
 *
 * Kernel interface: seccomp(2), `linux/filter.h`.
 * Invariants: none.
 * Left out: the compiler from profiles to instructions, which is the security concept's.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { BpfInstruction } from "../port.ts";

/** Bytes of one instruction. */
export const INSTRUCTION_BYTES = 8;

/** The instructions as an array of `struct sock_filter`, little endian. */
export function packInstructions(program: readonly BpfInstruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [index, instruction] of program.entries()) {
    const at = index * INSTRUCTION_BYTES;
    view.setUint16(at, instruction.code, true);
    view.setUint8(at + 2, instruction.jt);
    view.setUint8(at + 3, instruction.jf);
    view.setUint32(at + 4, instruction.k, true);
  }
  return bytes;
}

/** `struct sock_fprog`: how many instructions, and where they are. */
export function packProgram(count: number, address: bigint): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, count, true);
  view.setBigUint64(8, address, true);
  return bytes;
}
