/**
 * Held directory: found inside a root in one step, and the same one from then on.
 *
 * Who looks at each part of a path in turn and then uses the path can be fooled: a program of the
 * container swaps a directory for a link between two looks. openat2(2) resolves as if the process
 * had changed its root, and what it returns is the directory itself, not its name.
 *
 * Kernel interface: openat2(2) with RESOLVE_IN_ROOT, proc_pid_fd(5).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { concatBytes } from "../bytes.ts";
import { bytesOfName } from "../file-names.ts";
import type { HeldDirectory } from "../port.ts";
import { check, cPath, type Libc } from "./libc.ts";

const { O_DIRECTORY } = fs.constants;
/** Opens a place rather than what is there; Node has no name for it. */
export const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const RESOLVE_IN_ROOT = 0x10;

/** struct open_how: flags, mode, resolve. */
const HOW = new BigUint64Array([O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT].map(BigInt));

/** See `Files.holdDirectory`. @param rootFd stays open */
export function holdInside(libc: Libc, rootFd: number, path: string): HeldDirectory {
  const name = concatBytes([bytesOfName(cPath("openat2", path)), new Uint8Array(1)]);
  const fd = check(libc.rawMask("openat2", rootFd, name, HOW, HOW.byteLength), "openat2", path);
  return { path: `/proc/self/fd/${fd}`, [Symbol.dispose]: () => fs.closeSync(fd) };
}
