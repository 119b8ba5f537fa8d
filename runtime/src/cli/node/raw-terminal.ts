/**
 * Raw terminal: every byte through unchanged, both ways.
 *
 * Node's raw mode is raw for keys only: the terminal still turns each "\n" that is written into
 * "\r\n" (ONLCR). A program in the container has done that itself, and a full-screen program means
 * "down one line" by a bare "\n". So the bit that stands for all output processing is cleared by
 * hand. Node restores the terminal at its own end, whatever happens, as it would without us.
 *
 * Kernel interface: tcgetattr(3), tcsetattr(3) (TCGETS, TCSETS).
 * Specification: POSIX.1, "General Terminal Interface", OPOST.
 * Invariants: none.
 * Left out: systems other than Linux, where Node's raw mode has to do.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Undo } from "../index.ts";

const OPOST = 1;
const TCSANOW = 0;
/** struct termios: c_iflag, c_oflag, … as 32-bit words; larger than any libc's. */
const TERMIOS_BYTES = 256;
const OUTPUT_FLAGS_AT = 4;
const INPUT_FD = 0;

/** Makes the terminal raw; the undo gives it its mode back. */
export async function enterRawMode(): Promise<Undo> {
  process.stdin.setRawMode(true);
  await clearOutputProcessing().catch(() => undefined);
  return () => {
    process.stdin.setRawMode(false);
  };
}

async function clearOutputProcessing(): Promise<void> {
  if (process.platform !== "linux") return;
  const { default: koffi } = await import("koffi");
  const libc = koffi.load("libc.so.6");
  const getAttributes = libc.func("int tcgetattr(int fd, void *termios)");
  const setAttributes = libc.func("int tcsetattr(int fd, int when, void *termios)");
  const termios = new Uint8Array(TERMIOS_BYTES);
  if (getAttributes(INPUT_FD, termios) !== 0) return;
  const words = new DataView(termios.buffer);
  const flags = words.getUint32(OUTPUT_FLAGS_AT, true);
  words.setUint32(OUTPUT_FLAGS_AT, flags & ~OPOST, true);
  setAttributes(INPUT_FD, TCSANOW, termios);
}
