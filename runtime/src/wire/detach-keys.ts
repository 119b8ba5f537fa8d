/**
 * Detach keys: how a person leaves a terminal without ending what runs in it.
 *
 * A terminal passes every byte on, Ctrl-C too, so leaving needs a sequence that nobody types by
 * accident: Ctrl-P Ctrl-Q unless the client says otherwise. The filter holds back what may become
 * the sequence and gives it on as soon as it turns out to be something else. Both ends of a line
 * have one: the client's ends the program, the daemon's serves clients that have none.
 *
 * Kernel interface: termios(3).
 * Specification: Docker Engine API v1.50, "ContainerAttach", detachKeys; docker attach reference,
 *   "Override the detach sequence".
 * Invariants:
 *   detach-any-chunking   how the keys are cut on the way changes neither what is sent nor when it
 *                         ends
 * Left out: nothing known.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

/** The default: Ctrl-P Ctrl-Q. */
const DEFAULT_KEYS = "ctrl-p,ctrl-q";

/**
 * The bytes of a key sequence such as `ctrl-p,ctrl-q` or `ctrl-x,a`; of the default for "".
 *
 * @throws RuntimeError request-invalid when a key is neither one character nor `ctrl-` and one of
 *   `a`–`z`, `@`, `[`, `\`, `]`, `^`, `_`
 * @example parseDetachKeys("ctrl-p,q") // [16, 113]
 */
export function parseDetachKeys(keys: string): readonly number[] {
  return (keys || DEFAULT_KEYS).split(",").map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 31;
    if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
    throw new RuntimeError({
      code: "request-invalid",
      class: "invalid",
      message: `Invalid detach keys (${keys}) provided`,
      hint: "Separate keys by commas; a key is one character or ctrl- and one of a-z, @, [, \\, ], ^, _.",
    });
  });
}

/** What a filter says about some input: what to give on, and whether the sequence was typed. */
export interface Filtered {
  readonly bytes: Uint8Array;
  readonly detached: boolean;
}

/**
 * Makes a filter that watches for a key sequence across chunks. Once it was typed, nothing more is
 * given on.
 *
 * @param keys at least one byte, as `parseDetachKeys` gives them
 */
export function detachFilter(keys: readonly number[]): (chunk: Uint8Array) => Filtered {
  /** Bytes held back: always a beginning of the keys. */
  const held: number[] = [];
  const isBeginning = (): boolean => held.every((byte, index) => byte === keys[index]);
  const isWhole = (): boolean => held.length === keys.length;
  return (chunk) => {
    const out: number[] = [];
    for (const byte of chunk) {
      if (isWhole()) break;
      held.push(byte);
      while (!isBeginning()) out.push(...held.splice(0, 1));
    }
    return { bytes: Uint8Array.from(out), detached: isWhole() };
  };
}
