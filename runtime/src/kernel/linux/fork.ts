/**
 * fork: how a Node process makes a copy of itself, and why it may.
 *
 * V8 marks its heap so that a fork does not copy it (MADV_DONTFORK), which would leave a child
 * without the memory its code lives in. One madvise(2) over the address space takes the mark away
 * right before fork(2). Its range ends below [vvar], the pages that the kernel lends to every
 * process and that refuse the call.
 *
 * A child has one thread, its parent's main thread, so nothing in it may wait for another: Node
 * must run with `FORK_FLAGS`, and the child runs synchronous code only and then becomes another
 * program or exits. For the same reason it may do what no other Node process can: enter a user
 * namespace and a mount namespace, which the kernel refuses to processes with several threads.
 *
 * A PID namespace is chosen before fork, since a process can never change its own:
 *
 * ```
 * block signals
 * unshare(CLONE_NEWPID) or setns(pid)   children now go there, we stay
 * fork                                  child: PID 1 of the new one, or a member of the joined one
 * setns(own pid)                        children go to our own again
 * restore signals
 * ```
 *
 * Signals are blocked meanwhile, so that none reaches the child while it still has Node's handlers,
 * which write into a pipe that it shares with the parent.
 *
 * Kernel interface: fork(2), madvise(2), unshare(2), setns(2), sigprocmask(2), pid_namespaces(7).
 * Invariants: none.
 * Left out: vfork and CLONE_VFORK, which would save the copy of the page tables but share the
 * memory. A PID namespace that belongs to a new user namespace: ours belongs to the parent's, so a
 * proc of it is mounted before the user namespace is entered.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { KernelError, type SpawnOptions } from "../port.ts";
import { callFs } from "./files.ts";
import { check, lastErrno, type Libc } from "./libc.ts";

const CLONE_NEWPID = 0x20000000;
const MADV_DOFORK = 11;
const SIG_SETMASK = 2;
const MASK_BYTES = 8;
/** No mapping lies lower, and every page size divides it (vm.mmap_min_addr). */
const LOWEST_ADDRESS = 65_536;
const SIGKILL = 9;
const SIGSTOP = 19;
const LAST_SIGNAL = 64;

/**
 * Flags of Node for a process that forks. It has no thread of V8's own. All functions are compiled
 * when they are loaded, and stay so: those that only children run would otherwise be compiled anew
 * in each of them, which made a spawn 0.8 ms slower. Positions in the source are kept for the same
 * reason: a child that journals where a call stands would parse each function again to find them,
 * which took a third of its time.
 */
export const FORK_FLAGS: readonly string[] = [
  "--single-threaded",
  "--no-lazy",
  "--no-enable-lazy-source-positions",
  "--no-flush-bytecode",
];

/** What `fork` needs to know about this process, found out once. */
export interface ForkPlace {
  /** Everything below may be copied. */
  readonly endOfHeap: number;
  /** Where the namespaces of processes are seen: /proc/self/ns/pid of the parent. */
  readonly ownPidNamespace: number;
}

/** Looks at the address space and opens the own PID namespace; the descriptor is kept for good. */
export function findForkPlace(): ForkPlace {
  return {
    endOfHeap: startOfVvar(fs.readFileSync("/proc/self/maps", "utf8")),
    ownPidNamespace: fs.openSync("/proc/self/ns/pid", "r"),
  };
}

/** The address where [vvar] begins, or the stack where there is none. */
export function startOfVvar(maps: string): number {
  const address = /^([0-9a-f]+)-\S+ .*\[(?:vvar|stack)\]?/m.exec(maps)?.[1];
  if (address === undefined) throw new KernelError("fork", "ENOSYS", "/proc/self/maps");
  return Number.parseInt(address, 16);
}

/**
 * Makes a copy of this process.
 *
 * @returns the child's pid in the parent; 0 in the child, whose signals are still blocked: see
 * `takeControl`
 * @throws KernelError when the namespace or the process cannot be made
 */
export function fork(
  libc: Libc,
  place: ForkPlace,
  pidNamespace: SpawnOptions["pidNamespace"],
): number {
  const before = new Uint8Array(MASK_BYTES);
  const all = new Uint8Array(MASK_BYTES).fill(0xff);
  libc.rawMask("rt_sigprocmask", SIG_SETMASK, all, before, MASK_BYTES);
  let pid = -1;
  try {
    leadChildrenTo(libc, pidNamespace);
    try {
      allowCopying(libc, place);
      pid = check(libc.fork(), "fork", String(pidNamespace));
    } finally {
      if (pid !== 0 && pidNamespace !== "inherit") {
        check(libc.setns(place.ownPidNamespace, CLONE_NEWPID), "setns", "/proc/self/ns/pid");
      }
    }
  } finally {
    if (pid !== 0) libc.rawMask("rt_sigprocmask", SIG_SETMASK, before, null, MASK_BYTES);
  }
  return pid;
}

/**
 * Takes V8's mark off this process's memory. New memory gets it again, so do it before each fork.
 */
function allowCopying(libc: Libc, place: ForkPlace): void {
  const length = place.endOfHeap - LOWEST_ADDRESS;
  // ENOMEM only says that there are gaps, which there always are. EINVAL says that it stopped at
  // memory of a device, such as a ring that is shared with the kernel.
  if (libc.madvise(LOWEST_ADDRESS, length, MADV_DOFORK) === 0 || lastErrno() !== "EINVAL") return;
  for (const { start, end } of parseMaps(fs.readFileSync("/proc/self/maps", "utf8"))) {
    if (start < place.endOfHeap) libc.madvise(start, end - start, MADV_DOFORK);
  }
}

/**
 * The ranges of addresses that a maps file lists.
 *
 * @example parseMaps("1000-3000 rw-p …") // [{ start: 0x1000, end: 0x3000 }]
 */
export function parseMaps(
  text: string,
): readonly { readonly start: number; readonly end: number }[] {
  return [...text.matchAll(/^([0-9a-f]+)-([0-9a-f]+) /gm)].map(([, start = "", end = ""]) => ({
    start: Number.parseInt(start, 16),
    end: Number.parseInt(end, 16),
  }));
}

function leadChildrenTo(libc: Libc, pidNamespace: SpawnOptions["pidNamespace"]): void {
  if (pidNamespace === "inherit") return;
  if (pidNamespace === "new") {
    check(libc.unshare(CLONE_NEWPID), "unshare", "CLONE_NEWPID");
    return;
  }
  const path = `/proc/${pidNamespace}/ns/pid`;
  const fd = callFs("setns", path, () => fs.openSync(path, "r"));
  try {
    check(libc.setns(fd, CLONE_NEWPID), "setns", path);
  } finally {
    fs.closeSync(fd);
  }
}

/** In the child: signals act as in a new program again, and then they may come. */
export function takeControl(libc: Libc): void {
  for (let signal = 1; signal <= LAST_SIGNAL; signal++) {
    if (signal !== SIGKILL && signal !== SIGSTOP) libc.signal(signal, 0);
  }
  libc.rawMask("rt_sigprocmask", SIG_SETMASK, new Uint8Array(MASK_BYTES), null, MASK_BYTES);
}
