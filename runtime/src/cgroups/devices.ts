/**
 * Cgroups: which device nodes a container may open.
 *
 * Whoever has CAP_MKNOD can make a node for the host's disk; the devices controller of version 1 is
 * what keeps it from being opened. It begins as "everything", so the plan denies all and then
 * allows Docker's short list. Privileged containers keep "everything".
 *
 * Kernel interface: kernel documentation, admin-guide/cgroup-v1/devices.rst.
 * Specification: OCI runtime-spec, config-linux.md, "Allowed Device list"; Docker's default device
 *   rules.
 * Invariants:
 *   device-rule-round-trip   printing a parsed rule gives the text back
 * Left out: version 2 has no such files, it wants an eBPF program of type
 *   BPF_PROG_TYPE_CGROUP_DEVICE, which we do not write: there, device nodes are kept away only by
 *   the capability bounding set and by what /dev holds.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";

/** Which nodes of which type, and what may be done with them: r, w and m (mknod). */
export interface DeviceRule {
  readonly type: "a" | "b" | "c";
  readonly major: number | "*";
  readonly minor: number | "*";
  readonly access: string;
}

/** What every container may use: make any node, open the harmless ones, have terminals. */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { type: "c", major: "*", minor: "*", access: "m" },
  { type: "b", major: "*", minor: "*", access: "m" },
  { type: "c", major: 1, minor: 3, access: "rwm" }, // /dev/null
  { type: "c", major: 1, minor: 5, access: "rwm" }, // /dev/zero
  { type: "c", major: 1, minor: 7, access: "rwm" }, // /dev/full
  { type: "c", major: 1, minor: 8, access: "rwm" }, // /dev/random
  { type: "c", major: 1, minor: 9, access: "rwm" }, // /dev/urandom
  { type: "c", major: 5, minor: 0, access: "rwm" }, // /dev/tty
  { type: "c", major: 5, minor: 1, access: "rwm" }, // /dev/console
  { type: "c", major: 5, minor: 2, access: "rwm" }, // /dev/ptmx
  { type: "c", major: 136, minor: "*", access: "rwm" }, // /dev/pts/*
];

/**
 * Prints a rule as the files `devices.allow` and `devices.deny` take it.
 *
 * @example formatDeviceRule({ type: "c", major: 1, minor: 3, access: "rwm" }) // "c 1:3 rwm"
 */
export function formatDeviceRule(rule: DeviceRule): string {
  return `${rule.type} ${rule.major}:${rule.minor} ${rule.access}`;
}

/**
 * Parses one of Docker's `DeviceCgroupRules`.
 *
 * @throws RuntimeError `resource-invalid` when it is no rule
 * @example parseDeviceRule("c 10:200 rwm").major // 10
 */
export function parseDeviceRule(text: string): DeviceRule {
  const match = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) {
    throw new RuntimeError({
      code: "resource-invalid",
      class: "invalid",
      operation: "check resources",
      subject: text,
      message: `invalid device cgroup rule format: '${text}'`,
      hint: "Write type, major:minor and access, for example: c 10:200 rwm",
    });
  }
  const [, type, major = "", minor = "", access = ""] = match;
  return { type: type as "a" | "b" | "c", major: idOf(major), minor: idOf(minor), access };
}

function idOf(text: string): number | "*" {
  return text === "*" ? "*" : Number(text);
}
