/**
 * User namespaces: made for somebody who will enter.
 *
 * The id maps of a new user namespace must be written by somebody outside it. A child of ours that
 * makes one could wait forever: its parent, who would write them, waits for it. So the namespace is
 * made before, by a process that is born into it and does nothing but wait (pause(2)). The parent
 * writes the maps, opens the namespace, and ends that process; the open descriptor keeps the
 * namespace alive, and the child enters it.
 *
 * Kernel interface: user_namespaces(7), clone(2), pause(2), kill(2).
 * Invariants: none.
 * Left out: maps by newuidmap(1), for engines without privileges.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import type { IdMap, UserNamespaceMaps } from "../port.ts";
import { createContexts } from "./contexts.ts";
import { callFs } from "./files.ts";
import { check, type Libc } from "./libc.ts";
import { NAMESPACES } from "./self.ts";

const CLONE_VM = 0x100;
const SIGCHLD = 17;
const SIGKILL = 9;

/** Makes a user namespace. @returns a descriptor of it */
export function createUserNamespace(libc: Libc, arch: string, maps: UserNamespaceMaps): number {
  const contexts = createContexts(libc, arch);
  const pause = contexts.chain([{ name: "pause", args: [] }]);
  const setcontext = libc.functionAddress("setcontext");
  const flags = CLONE_VM | NAMESPACES.CLONE_NEWUSER.bit | SIGCHLD;
  const { cloneStack, word } = contexts;
  const pid = check(
    libc.clone(setcontext, cloneStack, flags, pause, word.address),
    "clone",
    "CLONE_NEWUSER",
  );
  try {
    writeIdMap(pid, "uid", maps.uid);
    writeIdMap(pid, "gid", maps.gid);
    const path = `/proc/${pid}/ns/user`;
    return callFs("open", path, () => fs.openSync(path, "r"));
  } finally {
    libc.kill(pid, SIGKILL);
    libc.waitpid(pid, new Int32Array(1), 0);
  }
}

function writeIdMap(pid: number, kind: "uid" | "gid", map: readonly IdMap[]): void {
  const lines = map.map((range) => `${range.containerId} ${range.hostId} ${range.count}\n`);
  const path = `/proc/${pid}/${kind}_map`;
  // One write(2) for all: the kernel takes a map once and whole.
  callFs("write", path, () => fs.writeFileSync(path, lines.join("")));
}
