/**
 * Contexts: a few C calls in a row, made without JavaScript.
 *
 * A child that shares its parent's memory must not leave JavaScript half-way: the engine's stack
 * and scopes are the parent's, too. So `main` runs as a callback that returns as callbacks do, and
 * what comes after it, execve(2) above all, is prepared as data: a chain of user contexts, each of
 * which calls one C function and then goes on to the next (`uc_link`). No code of ours runs there.
 *
 * ```
 * clone ─▶ setcontext ─▶ [ main, by koffi ] ─▶ [ execve ] ─▶ [ memset: "it failed" ] ─▶ [ _exit ]
 * ```
 *
 * JavaScript needs the stack that it knows, or it sees an overflow. koffi makes its calls on a
 * stack of its own and gives callbacks the engine's back, if they come from that stack. So the
 * context of `main` begins on it, far below the call that waits for the child.
 *
 * Kernel interface: getcontext(3), makecontext(3).
 * Invariants: none.
 * Left out: musl, which has no makecontext.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { KernelError, type Program } from "../port.ts";
import type { Libc } from "./libc.ts";

/** One call of a C function with numbers and addresses. */
export interface CCall {
  readonly name:
    | "execve"
    | "_exit"
    | "memset"
    | "memcpy"
    | "mount"
    | "setsid"
    | "ioctl"
    | "prctl"
    | "prlimit"
    | "pause";
  readonly args: readonly (number | bigint)[];
  /** What an address points into: kept from the garbage collector. */
  readonly memory?: ArrayBufferView;
}

/** ucontext_t is 968 bytes on x86_64 and 4560 on arm64. */
const CONTEXT_BYTES = 8192;
const STACK_BYTES = 32_768;
const ALIGNMENT = 4096;
/** The longest chain, the first context included. */
const CONTEXTS = 12;

/** Offsets in ucontext_t that all 64-bit architectures have. */
const UC_LINK = 8;
const UC_STACK_ADDRESS = 16;
const UC_STACK_SIZE = 32;

/** Where ucontext_t keeps the stack pointer (REG_RSP, `sp` of sigcontext) and the signal mask. */
const PLACES: Readonly<
  Record<string, { readonly stackPointer: number; readonly signalMask: number }>
> = {
  x64: { stackPointer: 160, signalMask: 296 },
  arm64: { stackPointer: 432, signalMask: 40 },
};

/** How far below the waiting call of koffi's stack, of 1 MiB, a child's callback begins. */
const DEPTH_BYTES = 512n * 1024n;

/** Memory of contexts and their stacks, used anew by each child. */
export interface Contexts {
  /** The top of a stack for clone(2). */
  readonly cloneStack: bigint;
  /** Eight bytes for the kernel and for memset to write into. */
  readonly word: { readonly address: bigint; read(at: number): number; clear(): void };
  /** Calls a callback of koffi, with those signals blocked that are now, and then the chain. */
  callback(address: bigint): bigint;
  /**
   * Makes the calls that follow the callback, with no signal blocked; the last must not return.
   *
   * @returns the first
   */
  chain(calls: readonly CCall[]): bigint;
}

/** Makes room for contexts. */
export function createContexts(libc: Libc, arch: string): Contexts {
  const places = PLACES[arch];
  if (places === undefined) throw new KernelError("getcontext", "ENOSYS", arch);
  const each = CONTEXT_BYTES + STACK_BYTES;
  const memory = new Uint8Array(2 * ALIGNMENT + STACK_BYTES + CONTEXTS * each);
  const view = new DataView(memory.buffer);
  const start = libc.addressOf(memory);
  const base = (start + BigInt(ALIGNMENT - 1)) & ~BigInt(ALIGNMENT - 1);
  const offsetOf = (address: bigint): number => Number(address - start);
  const contexts = base + BigInt(ALIGNMENT + STACK_BYTES);
  const contextAt = (index: number): bigint => contexts + BigInt(index * each);
  const set = (context: bigint, field: number, value: bigint): void => {
    view.setBigUint64(offsetOf(context) + field, value, true);
  };
  const prepare = (index: number): bigint => {
    if (index >= CONTEXTS) throw new KernelError("makecontext", "ENOMEM", String(index));
    const context = contextAt(index);
    libc.getcontext(context);
    set(context, UC_STACK_ADDRESS, context + BigInt(CONTEXT_BYTES));
    set(context, UC_STACK_SIZE, BigInt(STACK_BYTES));
    set(context, UC_LINK, index + 1 < CONTEXTS ? contextAt(index + 1) : 0n);
    return context;
  };
  const word = offsetOf(base);
  return {
    cloneStack: base + BigInt(ALIGNMENT + STACK_BYTES),
    word: {
      address: base,
      read: (at) => view.getInt32(word + at, true),
      clear: () => view.setBigUint64(word, 0n, true),
    },
    callback: (address) => {
      const context = prepare(0);
      const pointer = view.getBigUint64(offsetOf(context) + places.stackPointer, true);
      set(context, UC_STACK_ADDRESS, (pointer - DEPTH_BYTES) & -16n);
      libc.makecontext(context, address, []);
      return context;
    },
    chain: (calls) => {
      for (const [index, { name, args }] of calls.entries()) {
        const context = prepare(index + 1);
        set(context, places.signalMask, 0n);
        libc.makecontext(context, libc.functionAddress(name), args);
      }
      return contextAt(1);
    },
  };
}

/** A call whose arguments are texts and numbers; null is no text. */
export function textCall(
  libc: Libc,
  name: CCall["name"],
  given: readonly (string | number | null)[],
): CCall {
  const texts = given.map((each) =>
    typeof each === "string" ? new TextEncoder().encode(`${each}\0`) : new Uint8Array(0),
  );
  const memory = new Uint8Array(texts.reduce((sum, { length }) => sum + length, 1));
  const start = libc.addressOf(memory);
  let end = 0;
  const args = given.map((each, index) => {
    if (typeof each === "number") return each;
    const text = texts[index] ?? new Uint8Array(0);
    memory.set(text, end);
    end += text.length;
    return each === null ? 0 : start + BigInt(end - text.length);
  });
  return { name, args, memory };
}

const POINTER_BYTES = 8;

/** The call of execve(2), with its texts and lists of texts as C takes them. */
export function execveCall(libc: Libc, program: Program): CCall {
  const encoder = new TextEncoder();
  const { path, argv, env } = program;
  const texts = [path, ...argv, ...env].map((text) => encoder.encode(`${text}\0`));
  const pointers = argv.length + 1 + env.length + 1;
  const length = texts.reduce((sum, text) => sum + text.length, pointers * POINTER_BYTES);
  const memory = new Uint8Array(length);
  const view = new DataView(memory.buffer);
  const start = libc.addressOf(memory);
  let end = pointers * POINTER_BYTES;
  const addresses = texts.map((text) => {
    memory.set(text, end);
    end += text.length;
    return start + BigInt(end - text.length);
  });
  const [pathAddress = 0n, ...rest] = addresses;
  const lists = [...rest.slice(0, argv.length), 0n, ...rest.slice(argv.length), 0n];
  for (const [index, address] of lists.entries()) {
    view.setBigUint64(index * POINTER_BYTES, address, true);
  }
  const envAddress = start + BigInt((argv.length + 1) * POINTER_BYTES);
  return { name: "execve", args: [pathAddress, start, envAddress], memory };
}
