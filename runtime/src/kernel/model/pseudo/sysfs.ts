/**
 * Sysfs: the places that other file systems are mounted on.
 *
 * Kernel interface: sysfs(5).
 * Invariants: none.
 * Left out: devices; what a container reads of /sys is the cgroup tree, which is another file
 *   system.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { nextDevice } from "../mounts/device.ts";
import type { FileSystem, Process } from "../state.ts";
import { CPUS, MEMORY_NODES } from "../machine.ts";
import {
  createGeneratedFileSystem,
  generatedDirectory,
  generatedFile,
} from "./generated-file-system.ts";

/** Makes a sysfs. */
export function createSysfs(process: Process): FileSystem {
  const { world, credentials } = process;
  const online = (ids: string): ReturnType<typeof generatedDirectory> =>
    generatedDirectory(world, { online: generatedFile(world, { read: () => `${ids}\n` }) });
  const empty = (): ReturnType<typeof generatedDirectory> => generatedDirectory(world, {});
  const root = generatedDirectory(world, {
    block: empty(),
    bus: empty(),
    class: empty(),
    dev: empty(),
    devices: generatedDirectory(world, {
      system: generatedDirectory(world, { cpu: online(CPUS), node: online(MEMORY_NODES) }),
    }),
    firmware: empty(),
    fs: generatedDirectory(world, { cgroup: empty() }),
    kernel: empty(),
    module: empty(),
    power: empty(),
  });
  return createGeneratedFileSystem({
    type: "sysfs",
    device: nextDevice(world),
    userNamespace: credentials.userNamespace,
    root,
    changeable: false,
  });
}
