/**
 * Calls: the list of the port's methods, as data.
 *
 * The tracer and the fault injector treat every method alike: what they need to know about each is
 * here. The compiler checks that the list is complete.
 *
 * Kernel interface: syscalls(2).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Kernel, Self } from "./port.ts";

/** A method of the port. */
export type CallName = keyof Kernel | keyof Self;

/** What a decorator needs to know about a method. */
export interface CallKind {
  /**
   * `change`: it does something to the machine. `look`: it only tells. `own`: about this process's
   * time and chance.
   */
  readonly kind: "change" | "look" | "own";
}

const change = { kind: "change" } as const;
const look = { kind: "look" } as const;
const own = { kind: "own" } as const;

/** Every method. A call of kind `own` is neither journaled nor made to fail. */
export const CALLS: Readonly<Record<CallName, CallKind>> = {
  readFile: look,
  readText: look,
  readRange: look,
  openFile: look,
  holdDirectory: look,
  holdRoot: look,
  readlink: look,
  readdir: look,
  lstat: look,
  stat: look,
  lstatIfPresent: look,
  statIfPresent: look,
  reach: look,
  listXattr: look,
  getXattr: look,
  listLinks: look,
  listAddresses: look,
  listRoutes: look,
  listNeighbours: look,
  listForwarding: look,
  listRuleset: look,
  getCapabilities: look,
  createFile: change,
  writeFile: change,
  writeEach: change,
  fsync: change,
  mkdir: change,
  rmdir: change,
  unlink: change,
  rename: change,
  link: change,
  symlink: change,
  chmod: change,
  lchown: change,
  lutimes: change,
  truncate: change,
  mknod: change,
  setXattr: change,
  removeXattr: change,
  lockFile: change,
  mount: change,
  umount: change,
  pivotRoot: change,
  spawn: change,
  kill: change,
  createUserNamespace: change,
  closeUserNamespace: change,
  createLink: change,
  changeLink: change,
  deleteLink: change,
  addAddress: change,
  deleteAddress: change,
  addRoute: change,
  deleteRoute: change,
  addNeighbour: change,
  deleteNeighbour: change,
  changeRuleset: change,
  unshare: change,
  joinNamespaces: change,
  joinNamespacePath: change,
  joinUserNamespace: change,
  openCgroups: change,
  joinCgroups: change,
  chdir: change,
  umask: change,
  setHostname: change,
  setDomainname: change,
  setSession: change,
  openTerminal: change,
  ownStdio: change,
  setResourceLimit: change,
  setGroups: change,
  setGid: change,
  setUid: change,
  setBoundingSet: change,
  setCapabilities: change,
  setNoNewPrivileges: change,
  installSeccomp: change,
  setParentDeathSignal: change,
  execve: change,
  nowMs: own,
  monotonicUs: own,
  random: own,
  after: own,
  uname: own,
  identity: own,
};
