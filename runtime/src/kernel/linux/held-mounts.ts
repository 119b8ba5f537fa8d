/**
 * Held mounts: a process may end before its mounts do.
 *
 * When the last process leaves a mount namespace, the kernel takes the mounts apart before that
 * process counts as ended: it waits for other processors to forget them, and an overlay writes what
 * is not yet written. A parent that waits for the end waits for all that. So the parent holds the
 * namespace by a descriptor, and lets go of it on another thread once it has heard of the end.
 *
 * Kernel interface: namespaces(7), "Namespace lifetime"; proc_pid_ns(5).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import type { HeldRoot, HostPid } from "../port.ts";
import { callFs } from "./files.ts";

/**
 * Holds the mount namespace of a child until after its end.
 *
 * @param held a descriptor of it; undefined when there is none to hold
 * @returns resolves when it was let go
 */
export async function holdMounts(
  held: number | undefined,
  exited: Promise<unknown>,
): Promise<void> {
  await exited;
  if (held === undefined) return;
  // Closing is what takes time, so not on this thread.
  await new Promise<void>((resolve) => {
    fs.close(held, () => resolve());
  });
}

/**
 * Holds a process's root: a descriptor of the directory leads there without the process, and one of
 * the mount namespace keeps what is mounted below it in its place.
 */
export function holdRoot(hostPid: HostPid): HeldRoot {
  const { O_RDONLY, O_DIRECTORY } = fs.constants;
  const open = (path: string, flags: number): number =>
    callFs("open", path, () => fs.openSync(path, flags));
  const mounts = open(`/proc/${hostPid}/ns/mnt`, O_RDONLY);
  const close = (fd: number): void => fs.close(fd, () => undefined);
  try {
    const root = open(`/proc/${hostPid}/root`, O_RDONLY | O_DIRECTORY);
    const release = (): void => [root, mounts].forEach(close);
    return { path: `/proc/self/fd/${root}`, [Symbol.dispose]: release };
  } catch (error) {
    close(mounts);
    throw error;
  }
}

/** The mount namespace of a child; undefined when it has ended already. */
export function openMounts(hostPid: HostPid): number | undefined {
  try {
    return fs.openSync(`/proc/${hostPid}/ns/mnt`, "r");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}
