/**
 * Detach keys: leaving a terminal without ending what runs in it.
 *
 * While a terminal is raw, every key goes to the container, Ctrl-C too. One sequence of keys, by
 * default Ctrl-P Ctrl-Q, is kept for the user. A key that begins the sequence is held back until
 * the next one decides; if it does not go on, both are sent.
 *
 * Kernel interface: termios(3).
 * Specification: docker attach reference, "Override the detach sequence".
 * Invariants:
 *   detach-any-chunking   how the keys are cut on the way changes neither what is sent
 *                         nor when it ends
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** What to do with the keys that came. */
export interface KeyOutcome {
  readonly send: Uint8Array;
  readonly detached: boolean;
}

/** The default: Ctrl-P Ctrl-Q. */
export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

/**
 * Parses a sequence such as "ctrl-p,ctrl-q" or "a,b".
 *
 * @throws Error naming the key that is not known
 * @example parseDetachKeys("ctrl-p,ctrl-q") // Uint8Array [16, 17]
 */
export function parseDetachKeys(text: string): Uint8Array {
  return Uint8Array.from(text.split(","), (key) => {
    const [, letter] = /^ctrl-([a-z@[\\\]^_])$/i.exec(key) ?? [];
    if (letter === "@") return 0;
    if (letter !== undefined) return letter.toLowerCase().charCodeAt(0) & 0x1f;
    if (key.length === 1) return key.charCodeAt(0);
    throw new Error(`Unknown character: '${key}'`);
  });
}

/** Watches keys for the sequence; after it has come, nothing more is sent. */
export function createKeyWatch(sequence: Uint8Array): (chunk: Uint8Array) => KeyOutcome {
  let matched = 0;
  let detached = false;
  return (chunk) => {
    const send: number[] = [];
    for (const key of chunk) {
      if (detached) break;
      if (key !== sequence[matched]) {
        send.push(...sequence.subarray(0, matched));
        matched = 0;
      }
      if (key === sequence[matched]) matched += 1;
      else send.push(key);
      detached = matched === sequence.length && matched > 0;
    }
    return { send: Uint8Array.from(send), detached };
  };
}
