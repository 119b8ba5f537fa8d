/**
 * Cgroups: where this machine keeps which controller.
 *
 * A cgroup is a directory in a file system that the kernel makes up. There are two generations. In
 * version 1 every controller (memory, cpu, pids …) may have a hierarchy of its own, mounted in its
 * own place; in version 2 one hierarchy has them all. A machine may run both at once ("hybrid"): a
 * controller is then in exactly one of the two. Nothing may be assumed, so we read the mount table
 * and say what is where.
 *
 * Kernel interface: cgroups(7), proc(5) (mountinfo, self/cgroup).
 * Invariants:
 *   one-home-per-controller   every controller of a layout is in exactly one hierarchy
 * Left out: hierarchies that are only named (name=systemd), since they hold no controller.
 * Docs: docs/concepts/cgroups.md
 *
 * @module
 */
import type { Files } from "../kernel/index.ts";
import { KernelError } from "../kernel/index.ts";

/** One mounted hierarchy of cgroups. */
export interface CgroupHierarchy {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  /** In the kernel's spelling: version 1 says `blkio`, version 2 says `io`. */
  readonly controllers: readonly string[];
}

/** Which controller lives where on this machine. */
export interface CgroupLayout {
  readonly mode: "v1" | "v2" | "hybrid" | "none";
  readonly hierarchies: readonly CgroupHierarchy[];
}

/** What the layout is worked out from, as text. */
export interface LayoutTexts {
  /** The text of /proc/self/mountinfo. */
  readonly mountinfo: string;
  /** The text of /proc/self/cgroup. */
  readonly selfCgroup: string;
  /** The text of cgroup.controllers at a mount point of version 2. */
  readonly controllersAt: (mountPoint: string) => string;
}

/**
 * Works out the layout from the kernel's own texts. Pure.
 *
 * @param texts see `LayoutTexts`
 * @example
 * parseCgroupLayout({
 *   mountinfo: "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
 *   selfCgroup: "0::/",
 *   controllersAt: () => "cpu memory pids",
 * }).mode; // "v2"
 */
export function parseCgroupLayout(texts: LayoutTexts): CgroupLayout {
  const known = parseVersion1Controllers(texts.selfCgroup);
  const taken = new Set<string>();
  const hierarchies: CgroupHierarchy[] = [];
  for (const mount of parseCgroupMounts(texts.mountinfo)) {
    if (mount.version === 2 && hierarchies.some((other) => other.version === 2)) continue;
    const offered =
      mount.version === 2
        ? words(texts.controllersAt(mount.mountPoint))
        : mount.options.filter((option) => known.has(option));
    // The same hierarchy may be mounted twice, for example inside a container's tree: the first one
    // counts.
    const controllers = offered.filter((name) => !taken.has(name));
    if (mount.version === 1 && controllers.length === 0) continue;
    for (const name of controllers) taken.add(name);
    hierarchies.push({ version: mount.version, mountPoint: mount.mountPoint, controllers });
  }
  return { mode: modeOf(hierarchies), hierarchies };
}

/**
 * Reads the layout of this machine. Call it once: it does not change while the machine runs.
 *
 * @param kernel the door
 * @throws KernelError when /proc is not mounted
 */
export function readCgroupLayout(kernel: Files): CgroupLayout {
  return parseCgroupLayout({
    mountinfo: kernel.readText("/proc/self/mountinfo"),
    selfCgroup: kernel.readText("/proc/self/cgroup"),
    controllersAt: (mountPoint) => readTextOr(kernel, `${mountPoint}/cgroup.controllers`, ""),
  });
}

function modeOf(hierarchies: readonly CgroupHierarchy[]): CgroupLayout["mode"] {
  const versions = new Set(hierarchies.map((hierarchy) => hierarchy.version));
  if (versions.size === 2) return "hybrid";
  if (versions.has(2)) return "v2";
  return versions.has(1) ? "v1" : "none";
}

/**
 * Lines are `ID:controller,controller:path`; ID 0 is version 2, `name=x` is a hierarchy without
 * controller.
 */
function parseVersion1Controllers(selfCgroup: string): ReadonlySet<string> {
  const names = selfCgroup
    .split("\n")
    .flatMap((line) => (line.split(":")[1] ?? "").split(","))
    .filter((name) => name !== "" && !name.startsWith("name="));
  return new Set(names);
}

interface CgroupMount {
  readonly version: 1 | 2;
  readonly mountPoint: string;
  readonly options: readonly string[];
}

/** `36 35 98:0 /root /mount/point rw,noatime shared:1 - fstype source super,options` */
function parseCgroupMounts(mountinfo: string): readonly CgroupMount[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const [fstype, , options = ""] = after.split(" ");
    const mountPoint = unescapeMountPath(before.split(" ")[4] ?? "");
    if (fstype !== "cgroup" && fstype !== "cgroup2") return [];
    return [{ version: fstype === "cgroup2" ? 2 : 1, mountPoint, options: options.split(",") }];
  });
}

/** The kernel writes space, tab, newline and backslash in a path as three octal digits. */
function unescapeMountPath(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

/** Splits at white space, dropping what is empty. */
export function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** The text of a kernel file, or `otherwise` where the kernel does not have that file. */
export function readTextOr(kernel: Files, path: string, otherwise: string): string {
  try {
    return kernel.readText(path);
  } catch (error) {
    const absent =
      error instanceof KernelError && ["ENOENT", "ENODEV", "EOPNOTSUPP"].includes(error.errno);
    if (absent) return otherwise;
    throw error;
  }
}
