/**
 * Own binary: the one program that a container must never run.
 *
 * While a child of ours prepares a container it still is a process of our program, and
 * `/proc/self/exe` in it leads to the program's file on the host. A hostile image can name that
 * path as its command, directly, by a link, or as the interpreter of a script, so that the host's
 * file runs inside the container, where its root may later write to it (CVE-2019-5736 of runc). So
 * execve is refused for the file that we are, by device and inode, whatever path led there.
 *
 * Kernel interface: execve(2), proc(5).
 * Invariants: none.
 * Left out: binfmt_misc interpreters, and a file that is exchanged between the check and the exec
 * by a process that already runs in the container; runc also keeps its binary on a read-only mount.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";

/** How deep the kernel follows scripts whose interpreter is a script. */
const INTERPRETER_DEPTH = 5;

/** The kernel looks for an interpreter in this many bytes (BINPRM_BUF_SIZE). */
const HEAD_BYTES = 256;

/** Device and inode of the program that this process runs. */
export interface OwnBinary {
  readonly device: number;
  readonly inode: number;
}

/** Looks up the file of this process's program. */
export function findOwnBinary(): OwnBinary {
  const { dev, ino } = fs.statSync("/proc/self/exe");
  return { device: dev, inode: ino };
}

/**
 * Why a path must not be executed: it is our own binary, also as the interpreter of a script, or it
 * cannot be looked at. A helper outside a container's PID namespace sees nothing behind
 * `/proc/self`, where its child would see our binary: so what cannot be looked at is refused.
 *
 * @returns an errno, or undefined when it may be executed
 */
export function whyNotExecute(own: OwnBinary, path: string): string | undefined {
  let current: string | undefined = path;
  try {
    for (let depth = 0; current !== undefined && depth <= INTERPRETER_DEPTH; depth++) {
      const stat: fs.Stats = fs.statSync(current);
      if (stat.dev === own.device && stat.ino === own.inode) return "EACCES";
      current = stat.isFile() ? interpreterOf(current) : undefined;
    }
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "EIO";
  }
}

/** The interpreter that the first line of a script names. */
function interpreterOf(path: string): string | undefined {
  const bytes = new Uint8Array(HEAD_BYTES);
  let length = 0;
  const fd = fs.openSync(path, fs.constants.O_RDONLY);
  try {
    length = fs.readSync(fd, bytes);
  } finally {
    fs.closeSync(fd);
  }
  return parseInterpreter(bytes.subarray(0, length));
}

/**
 * The interpreter in the first bytes of a file.
 *
 * @example parseInterpreter(new TextEncoder().encode("#! /bin/sh -e\n")) // "/bin/sh"
 */
export function parseInterpreter(head: Uint8Array): string | undefined {
  const [line = ""] = new TextDecoder().decode(head).split("\n");
  return /^#![ \t]*([^ \t\0]+)/.exec(line)?.[1];
}
