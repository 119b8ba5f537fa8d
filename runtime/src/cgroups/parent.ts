/**
 * Cgroups: the engine's own directory in each hierarchy, and what cgroups in it can do.
 *
 * Everything that an engine makes is below one directory, so that two engines never meet and a
 * clean-up knows where to look. Making it also tells what this kernel can do: a limit exists
 * exactly if a cgroup has the file for it. (The root of a hierarchy lacks many of them, so the root
 * cannot be asked.)
 *
 * Kernel interface: cgroups(7); kernel documentation, admin-guide/cgroup-v2.rst, "Top-down
 *   Constraint".
 * Invariants:
 *   parent-is-idempotent   opening the same parent twice changes nothing the second time
 *   parent-goes-when-empty   closing removes a parent that holds nothing, and leaves any other as
 *                            it is
 * Left out: moving processes out of the root of a delegated version 2 hierarchy, which
 *   Docker-in-Docker does in a script of its own; where that is needed, the controllers cannot be
 *   enabled and count as missing.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { Files } from "../kernel/index.ts";
import { KernelError } from "../kernel/index.ts";
import { formatIdList, parseIdList } from "./id-list.ts";
import type { CgroupHierarchy, CgroupLayout } from "./layout.ts";
import { readTextOr, words } from "./layout.ts";
import type { CgroupSupport } from "./limits.ts";
import type { CgroupParent } from "./plan.ts";

/** The controllers that a plan writes to or that usage is read from. */
const USED = new Set(
  "cpu cpuacct cpuset memory pids blkio io devices freezer net_cls net_prio".split(" "),
);

/** The kernel says no to the whole hierarchy: it is read-only here or belongs to somebody else. */
const NOT_OURS = ["EROFS", "EACCES", "EPERM"];

/**
 * Makes the engine's parent cgroup where it is missing and finds out what cgroups in it can do.
 *
 * Idempotent. Hierarchies that this process may not write to are left out: their limits are then
 * unsupported and end up as warnings. Call it once when the engine starts, and once for each
 * `--cgroup-parent` of a user.
 *
 * @param path below each mount point: `"/drydock"`; missing parts are made
 * @throws RuntimeError `cgroup-unavailable` when the path is not absolute or leaves the hierarchy
 * @throws KernelError when the kernel refuses for another reason than permission
 */
export function openCgroupParent(kernel: Files, layout: CgroupLayout, path: string): CgroupParent {
  refuseStrangePath(path);
  const parts = words(path.replaceAll("/", " "));
  const normal = `/${parts.join("/")}`;
  const opened = layout.hierarchies
    .map((hierarchy) => keepUsed(hierarchy, layout))
    .filter((hierarchy) => hierarchy !== undefined)
    .flatMap((hierarchy) => openIn(kernel, hierarchy, parts));
  const files = new Set(
    opened.flatMap(({ mountPoint }) => kernel.readdir(`${mountPoint}${normal}`)),
  );
  const support = readSupport(kernel, opened, files);
  return { layout, path: normal, hierarchies: opened, files, support };
}

/**
 * Refuses settings (`--cgroup-conf`) for which a cgroup here has no file.
 *
 * @throws RuntimeError `resource-invalid`
 */
export function checkSettings(
  parent: CgroupParent,
  settings: Readonly<Record<string, string>>,
): void {
  const known = new Set(parent.hierarchies.flatMap(({ controllers }) => controllers));
  for (const file of Object.keys(settings)) {
    const [controller = ""] = file.split(".");
    if (known.has(controller) && parent.files.has(file)) continue;
    throw new RuntimeError({
      code: "resource-invalid",
      class: "invalid",
      operation: "check cgroup settings",
      subject: file,
      message: known.has(controller)
        ? `invalid --cgroup-conf ${file}: a cgroup has no such file`
        : `invalid --cgroup-conf ${file}: no cgroup hierarchy with ${controller} is mounted`,
      hint:
        controller === "net_cls" || controller === "net_prio"
          ? "Only cgroup v1 has it; on v2 nft and eBPF tell packets apart by their cgroup."
          : `The controllers here are ${[...known].join(", ")}; /proc/cgroups lists the kernel's.`,
    });
  }
}

/** What rmdir(2) answers where processes, other cgroups or nobody's directory is left. */
const NOT_EMPTY = ["EBUSY", "ENOTEMPTY", "ENOENT"];

/**
 * Takes the engine's parent cgroup away again, in each hierarchy where nothing is left in it.
 *
 * Idempotent; a parent in which containers go on running stays.
 */
export function closeCgroupParent(kernel: Files, parent: CgroupParent): void {
  for (const { mountPoint } of parent.hierarchies) {
    const path = `${mountPoint}${parent.path}`;
    try {
      kernel.rmdir(path);
    } catch (error) {
      if (!(error instanceof KernelError) || !NOT_EMPTY.includes(error.errno)) throw error;
    }
  }
}

function refuseStrangePath(path: string): void {
  if (/^\/[^/\s]/.test(path) && !path.split("/").includes("..") && !/\s/.test(path)) return;
  throw new RuntimeError({
    code: "cgroup-unavailable",
    class: "invalid",
    operation: "open cgroup parent",
    subject: path,
    message: `invalid cgroup parent "${path}"`,
    hint: "Give an absolute path such as /drydock, without .. and without spaces.",
  });
}

/**
 * Version 2 has freezing and killing without any controller, so it is worth having when it is
 * alone.
 */
function keepUsed(hierarchy: CgroupHierarchy, layout: CgroupLayout): CgroupHierarchy | undefined {
  const controllers = hierarchy.controllers.filter((name) => USED.has(name));
  const isOnlyOne = hierarchy.version === 2 && layout.mode === "v2";
  return controllers.length > 0 || isOnlyOne ? { ...hierarchy, controllers } : undefined;
}

function openIn(
  kernel: Files,
  hierarchy: CgroupHierarchy,
  parts: readonly string[],
): readonly CgroupHierarchy[] {
  let directory = hierarchy.mountPoint;
  let { controllers } = hierarchy;
  try {
    for (const part of parts) {
      const above = directory;
      directory = `${directory}/${part}`;
      if (hierarchy.version === 2) controllers = delegate(kernel, above, controllers);
      makeDirectory(kernel, directory);
      if (controllers.includes("cpuset") && hierarchy.version === 1) {
        fillCpuset(kernel, above, directory);
      }
    }
    if (hierarchy.version === 2) controllers = delegate(kernel, directory, controllers);
  } catch (error) {
    if (error instanceof KernelError && NOT_OURS.includes(error.errno)) return [];
    throw error;
  }
  return [{ ...hierarchy, controllers }];
}

/** mkdir that is content when somebody was here before. */
export function makeDirectory(kernel: Files, path: string): void {
  try {
    kernel.mkdir(path, 0o755);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== "EEXIST") throw error;
  }
}

/**
 * Version 2: a cgroup's children have a controller only if it is enabled in the parent's
 * cgroup.subtree_control.
 *
 * One write for each controller: a single one that cannot be enabled would make the kernel refuse
 * all of them.
 *
 * @returns the controllers that the children have
 */
function delegate(kernel: Files, path: string, wanted: readonly string[]): readonly string[] {
  const file = `${path}/cgroup.subtree_control`;
  const enabled = new Set(words(kernel.readText(file)));
  for (const name of wanted.filter((controller) => !enabled.has(controller))) {
    try {
      kernel.writeFile(file, `+${name}`, "existing");
      enabled.add(name);
    } catch (error) {
      // EBUSY: the cgroup holds processes itself. The controller then counts as missing.
      if (!(error instanceof KernelError)) throw error;
    }
  }
  return wanted.filter((name) => enabled.has(name));
}

/** Version 1: a new cpuset is empty, and no child can have what its parent does not have. */
function fillCpuset(kernel: Files, above: string, directory: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (kernel.readText(`${directory}/${file}`).trim() !== "") continue;
    kernel.writeFile(
      `${directory}/${file}`,
      kernel.readText(`${above}/${file}`).trim(),
      "existing",
    );
  }
}

function readSupport(
  kernel: Files,
  hierarchies: readonly CgroupHierarchy[],
  files: ReadonlySet<string>,
): CgroupSupport {
  const has = (...names: readonly string[]) => names.some((name) => files.has(name));
  const cpus = readIds(kernel, hierarchies, "cpus", "/sys/devices/system/cpu/online");
  const mems = readIds(kernel, hierarchies, "mems", "/sys/devices/system/node/online");
  return {
    memoryLimit: has("memory.limit_in_bytes", "memory.max"),
    swapLimit: has("memory.memsw.limit_in_bytes", "memory.swap.max"),
    memoryReservation: has("memory.soft_limit_in_bytes", "memory.low"),
    memorySwappiness: has("memory.swappiness"),
    oomKillDisable: has("memory.oom_control"),
    pidsLimit: has("pids.max"),
    cpuShares: has("cpu.shares", "cpu.weight"),
    cpuQuota: has("cpu.cfs_quota_us", "cpu.max"),
    cpuRealtime: has("cpu.rt_runtime_us"),
    cpuset: has("cpuset.cpus"),
    blkioWeight: has("blkio.weight", "blkio.bfq.weight", "io.weight", "io.bfq.weight"),
    blkioWeightDevice: has("blkio.weight_device", "blkio.bfq.weight_device", "io.weight"),
    blkioThrottle: has("blkio.throttle.read_bps_device", "io.max"),
    devices: has("devices.allow"),
    freezer: has("freezer.state", "cgroup.freeze"),
    cpuCount: parseIdList(cpus)?.length ?? 1,
    cpus,
    mems,
  };
}

/** Which CPUs or memory nodes there are: as the root cpuset says, else as the machine does. */
function readIds(
  kernel: Files,
  hierarchies: readonly CgroupHierarchy[],
  kind: "cpus" | "mems",
  online: string,
): string {
  const home = hierarchies.find((hierarchy) => hierarchy.controllers.includes("cpuset"));
  const file = home?.version === 1 ? `cpuset.${kind}` : `cpuset.${kind}.effective`;
  const text = home === undefined ? "" : readTextOr(kernel, `${home.mountPoint}/${file}`, "");
  const ids = parseIdList(text.trim() || readTextOr(kernel, online, "0")) ?? [0];
  return formatIdList(ids);
}
