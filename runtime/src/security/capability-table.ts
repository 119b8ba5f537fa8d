/**
 * The capabilities of Linux: what each piece of root's power lets a process do.
 *
 * Root's privilege is cut into numbered pieces. A thread's sets are bit masks over these numbers;
 * /proc/PID/status prints them in hexadecimal. This table is data: number, name, meaning.
 *
 * Kernel interface: capabilities(7), include/uapi/linux/capability.h.
 * Specification: OCI runtime-spec v1.2, config.md, "Linux Process", capabilities.
 * Invariants: none; the laws are in `capability-plan.ts`.
 * Left out: nothing; the numbers end where Linux 6.18 ends.
 * Docs: docs/concepts/capabilities.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

/** Meaning of each capability; the position in the list is its number. */
export const CAPABILITIES: readonly { readonly name: string; readonly meaning: string }[] = [
  { name: "CAP_CHOWN", meaning: "change the owner of any file" },
  { name: "CAP_DAC_OVERRIDE", meaning: "read, write and execute files despite their mode" },
  { name: "CAP_DAC_READ_SEARCH", meaning: "read files and search directories despite their mode" },
  { name: "CAP_FOWNER", meaning: "act as the owner of any file" },
  { name: "CAP_FSETID", meaning: "keep set-id bits when a file changes" },
  { name: "CAP_KILL", meaning: "send signals to processes of other users" },
  { name: "CAP_SETGID", meaning: "change group ids and supplementary groups" },
  { name: "CAP_SETUID", meaning: "change user ids" },
  { name: "CAP_SETPCAP", meaning: "change capability sets and the bounding set" },
  { name: "CAP_LINUX_IMMUTABLE", meaning: "set the append-only and immutable file flags" },
  { name: "CAP_NET_BIND_SERVICE", meaning: "bind to ports below 1024" },
  { name: "CAP_NET_BROADCAST", meaning: "unused: broadcast and listen to multicast" },
  { name: "CAP_NET_ADMIN", meaning: "configure links, routes and firewalls" },
  { name: "CAP_NET_RAW", meaning: "use raw and packet sockets" },
  { name: "CAP_IPC_LOCK", meaning: "lock memory without limit" },
  { name: "CAP_IPC_OWNER", meaning: "use System V IPC objects despite their mode" },
  { name: "CAP_SYS_MODULE", meaning: "load and unload kernel modules" },
  { name: "CAP_SYS_RAWIO", meaning: "reach I/O ports and physical memory" },
  { name: "CAP_SYS_CHROOT", meaning: "use chroot(2)" },
  { name: "CAP_SYS_PTRACE", meaning: "trace any process and read its memory" },
  { name: "CAP_SYS_PACCT", meaning: "switch process accounting" },
  { name: "CAP_SYS_ADMIN", meaning: "mount, enter namespaces, and very much else" },
  { name: "CAP_SYS_BOOT", meaning: "reboot and load another kernel" },
  { name: "CAP_SYS_NICE", meaning: "raise priorities and pin any process" },
  { name: "CAP_SYS_RESOURCE", meaning: "raise hard limits and exceed quotas" },
  { name: "CAP_SYS_TIME", meaning: "set the clock" },
  { name: "CAP_SYS_TTY_CONFIG", meaning: "configure and hang up terminals" },
  { name: "CAP_MKNOD", meaning: "make device nodes" },
  { name: "CAP_LEASE", meaning: "take leases on any file" },
  { name: "CAP_AUDIT_WRITE", meaning: "write to the kernel's audit log" },
  { name: "CAP_AUDIT_CONTROL", meaning: "configure auditing" },
  { name: "CAP_SETFCAP", meaning: "set file capabilities" },
  { name: "CAP_MAC_OVERRIDE", meaning: "override the mandatory access control of Smack" },
  { name: "CAP_MAC_ADMIN", meaning: "configure mandatory access control" },
  { name: "CAP_SYSLOG", meaning: "read kernel messages and addresses" },
  { name: "CAP_WAKE_ALARM", meaning: "set alarms that wake the machine" },
  { name: "CAP_BLOCK_SUSPEND", meaning: "keep the machine awake" },
  { name: "CAP_AUDIT_READ", meaning: "read the audit log" },
  { name: "CAP_PERFMON", meaning: "watch the performance of the whole machine" },
  { name: "CAP_BPF", meaning: "load BPF programs" },
  { name: "CAP_CHECKPOINT_RESTORE", meaning: "checkpoint and restore processes" },
];

/** What Docker gives a container that asks for nothing: mask 00000000a80425fb. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SYS_CHROOT",
  "CAP_MKNOD",
  "CAP_AUDIT_WRITE",
  "CAP_SETFCAP",
];

/** Names in the order of their numbers. */
export function sortCapabilities(names: Iterable<string>): readonly string[] {
  const wanted = new Set(names);
  return CAPABILITIES.map(({ name }) => name).filter((name) => wanted.has(name));
}

/**
 * Parses a set as /proc/PID/status prints it (`CapEff: 00000000a80425fb`, with or without the
 * label). Numbers that this table does not know are left out.
 *
 * @throws RuntimeError `request-invalid` when the text ends in no hexadecimal number
 * @example parseCapabilityMask("CapEff:\t0000000000000003") // ["CAP_CHOWN", "CAP_DAC_OVERRIDE"]
 */
export function parseCapabilityMask(text: string): readonly string[] {
  const digits = /(?:^|[\s:])([0-9a-f]+)\s*$/i.exec(text)?.[1];
  if (digits === undefined) {
    throw new RuntimeError({
      code: "request-invalid",
      class: "invalid",
      message: `Cannot read capability set "${text}"`,
      operation: "read capabilities",
      subject: text,
      hint: "A set in /proc/PID/status is a hexadecimal number.",
    });
  }
  const mask = BigInt(`0x${digits}`);
  return CAPABILITIES.filter((_, number) => ((mask >> BigInt(number)) & 1n) === 1n).map(
    ({ name }) => name,
  );
}

/**
 * Prints a set as /proc/PID/status does: 16 hexadecimal digits.
 *
 * @example printCapabilityMask(DEFAULT_CAPABILITIES) // "00000000a80425fb"
 */
export function printCapabilityMask(names: Iterable<string>): string {
  const wanted = new Set(names);
  const mask = CAPABILITIES.reduce(
    (sum, { name }, number) => (wanted.has(name) ? sum | (1n << BigInt(number)) : sum),
    0n,
  );
  return mask.toString(16).padStart(16, "0");
}
