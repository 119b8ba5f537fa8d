/**
 * Host devices: the device nodes of the machine that a container asked for.
 *
 * A device is a number; its node is only a name for it. The container gets nodes of its own with
 * the same numbers, and its devices cgroup is told that they may be opened.
 *
 * Kernel interface: stat(2), null(4).
 * Specification: Docker Engine API v1.50, HostConfig.Devices and HostConfig.Privileged.
 * Invariants: none.
 * Left out: DeviceRequests (GPUs), devices plugged in later.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import type { HostConfig, HostDevice } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import type { Files, FileStat } from "../kernel/index.ts";
import { lookOr } from "./look.ts";

/** Of /dev not passed on: the container has these of its own, or they are nobody's to give. */
const OWN = ["pts", "shm", "mqueue", "fd", "core", "console", "ptmx", "tty"];

/**
 * The devices that a container shall have besides the usual ones.
 *
 * @throws RuntimeError resource-invalid when a path that was asked for is no device
 */
export function readDevices(kernel: Files, hostConfig: HostConfig): readonly HostDevice[] {
  if (hostConfig.Privileged) return nodesBelow(kernel, "/dev", "/dev", "rwm");
  return hostConfig.Devices.flatMap(({ PathOnHost, PathInContainer, CgroupPermissions }) => {
    const target = PathInContainer === "" ? PathOnHost : PathInContainer;
    return devicesAt(kernel, PathOnHost, target, CgroupPermissions || "rwm");
  });
}

function devicesAt(
  kernel: Files,
  hostPath: string,
  containerPath: string,
  access: string,
): readonly HostDevice[] {
  const stat = statOr(kernel, hostPath);
  if (stat?.type === "directory") return nodesBelow(kernel, hostPath, containerPath, access);
  const device = deviceOf(stat, hostPath, containerPath, access);
  if (device !== undefined) return [device];
  const problem = stat === undefined ? "no such file or directory" : "not a device node";
  throw new RuntimeError({
    code: "resource-invalid",
    class: "invalid",
    message:
      "error gathering device information while adding custom device " +
      `"${hostPath}": ${problem}`,
    operation: "read device",
    subject: hostPath,
    hint: "Name a node below /dev of this machine.",
  });
}

function nodesBelow(
  kernel: Files,
  hostPath: string,
  containerPath: string,
  access: string,
): readonly HostDevice[] {
  const names = kernel
    .readdir(hostPath)
    .filter((name) => hostPath !== "/dev" || !OWN.includes(name));
  return names.flatMap((name): readonly HostDevice[] => {
    const path = `${hostPath}/${name}`;
    const stat = lstatOr(kernel, path);
    if (stat?.type === "directory")
      return nodesBelow(kernel, path, `${containerPath}/${name}`, access);
    const device = deviceOf(stat, path, `${containerPath}/${name}`, access);
    return device === undefined ? [] : [device];
  });
}

function deviceOf(
  stat: FileStat | undefined,
  hostPath: string,
  containerPath: string,
  access: string,
): HostDevice | undefined {
  if (stat === undefined || (stat.type !== "char" && stat.type !== "block")) return undefined;
  const { type, rdevMajor: major, rdevMinor: minor, hostUid, hostGid, mode } = stat;
  const node = { type, major, minor, permissions: mode };
  return { hostPath, containerPath, node, hostUid, hostGid, access };
}

function statOr(kernel: Files, path: string): FileStat | undefined {
  return lookOr(() => kernel.stat(path), undefined);
}

function lstatOr(kernel: Files, path: string): FileStat | undefined {
  return lookOr(() => kernel.lstat(path), undefined);
}
