/**
 * Proc: processes as directories.
 *
 * A proc file system shows the processes of one PID namespace, the one of whoever mounted it, by
 * their numbers there. What a container reads of it is here: its mount table, its namespaces, its
 * cgroups, its credentials.
 *
 * Kernel interface: proc(5), proc_pid(5), namespaces(7).
 * Invariants: none.
 * Left out: memory maps, statistics, most of /proc/sys; hidepid; the masks that a
 *   container's proc gets are mounts like any other.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { idList } from "../cgroups/files.ts";
import { isCapable } from "../files/permission.ts";
import { CPUS, MEMORY_BYTES } from "../machine.ts";
import { nextDevice } from "../mounts/device.ts";
import { mountInfo, mountsText, pathFrom } from "../mounts/mount-info.ts";
import { refuse } from "../refusal.ts";
import type {
  FileSystem,
  GeneratedFile,
  GeneratedInode,
  PidNamespace,
  Place,
  Process,
  World,
} from "../state.ts";
import {
  createGenerated,
  createGeneratedFileSystem,
  generatedDirectory,
  generatedFile,
} from "./generated-file-system.ts";
import { descriptorDirectory } from "./descriptor-files.ts";
import { idMapFile, limitsText, statText, statusText } from "./process-text.ts";
import { namespaceFile, NAMESPACE_FILES } from "./namespace-files.ts";
import { networkSettings } from "./network-settings.ts";
import { linksText } from "./network-text.ts";

/** What a proc file system knows. */
interface Proc {
  readonly world: World;
  readonly namespace: PidNamespace;
  readonly directories: WeakMap<Process, GeneratedInode>;
}

/** Makes the proc of a PID namespace. */
export function createProc(mounter: Process): FileSystem {
  const { world } = mounter;
  const namespace = mounter.namespaces.pid;
  const proc: Proc = { world, namespace, directories: new WeakMap() };
  const fixed = fixedFiles(proc);
  const root = createGenerated(
    world,
    { type: "directory", mode: 0o555 },
    {
      lookup: (name) => (Object.hasOwn(fixed, name) ? fixed[name] : processDirectory(proc, name)),
      names: () => [...Object.keys(fixed), ...[...namespace.processes.keys()].map(String)],
    },
  );
  return createGeneratedFileSystem({
    type: "proc",
    device: nextDevice(world),
    userNamespace: mounter.credentials.userNamespace,
    root,
    changeable: false,
  });
}

function pidIn(proc: Proc, process: Process): number {
  return process.pids.get(proc.namespace) ?? refuse("ENOENT");
}

function linkTo(world: World, target: (by: Process) => string): GeneratedInode {
  return createGenerated(world, { type: "symlink", mode: 0o777 }, { target });
}

function fixedFiles(proc: Proc): Readonly<Record<string, GeneratedInode>> {
  const { world } = proc;
  const file = (does: GeneratedFile): GeneratedInode => generatedFile(world, does);
  return {
    self: linkTo(world, (by) => String(pidIn(proc, by))),
    "thread-self": linkTo(world, (by) => `${pidIn(proc, by)}/task/${pidIn(proc, by)}`),
    mounts: linkTo(world, () => "self/mounts"),
    net: linkTo(world, () => "self/net"),
    filesystems: file({ read: () => FILE_SYSTEMS }),
    uptime: file({ read: () => `${(world.clock.monotonicUs() / 1e6).toFixed(2)} 0.00\n` }),
    cgroups: file({ read: () => cgroupsText(world) }),
    meminfo: file({ read: () => memoryText(world) }),
    cpuinfo: file({ read: cpuText }),
    version: file({ read: () => "Linux version 6.18.0-model\n" }),
    sys: generatedDirectory(world, {
      kernel: generatedDirectory(world, {
        hostname: nameFile(world, "hostname"),
        domainname: nameFile(world, "domainname"),
        ostype: file({ read: () => "Linux\n" }),
        cap_last_cap: file({ read: () => "40\n" }),
      }),
      net: networkSettings(world),
    }),
  };
}

/** What is not held by a program is free: nothing is kept in caches. */
function memoryText({ processes }: World): string {
  const held = [...processes.values()].reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  const line = (name: string, bytes: number): string =>
    `${`${name}:`.padEnd(16)}${String(Math.floor(bytes / 1024)).padStart(8)} kB\n`;
  const free = MEMORY_BYTES - held;
  return [
    line("MemTotal", MEMORY_BYTES),
    line("MemFree", free),
    line("MemAvailable", free),
    line("Buffers", 0),
    line("Cached", 0),
    line("SwapTotal", 0),
    line("SwapFree", 0),
  ].join("");
}

function cpuText(): string {
  const model = "model name\t: a processor in memory";
  return idList(CPUS)
    .map((id) => `processor\t: ${id}\n${model}\n\n`)
    .join("");
}

const FILE_SYSTEMS = ["sysfs", "tmpfs", "proc", "cgroup", "cgroup2", "devpts", "overlay", "mqueue"]
  .map((type) => `nodev\t${type}\n`)
  .join("");

function nameFile(world: World, key: "hostname" | "domainname"): GeneratedInode {
  return generatedFile(world, {
    read: (by) => `${by.namespaces.uts[key]}\n`,
    write: (by, text) => {
      const { uts } = by.namespaces;
      if (!isCapable(by.credentials, uts.owner, "CAP_SYS_ADMIN")) refuse("EPERM");
      uts[key] = text.trimEnd();
    },
  });
}

function cgroupsText({ hierarchies }: World): string {
  const lines = hierarchies
    .filter(({ version }) => version === 1)
    .flatMap(({ controllers, id }) => controllers.map((name) => `${name}\t${id}\t1\t1\n`));
  return ["#subsys_name\thierarchy\tnum_cgroups\tenabled\n", ...lines].join("");
}

function processDirectory(proc: Proc, name: string): GeneratedInode | undefined {
  const process = /^[1-9]\d*$/.test(name) ? proc.namespace.processes.get(Number(name)) : undefined;
  if (process === undefined) return undefined;
  let directory = proc.directories.get(process);
  if (directory === undefined) {
    directory = createProcessDirectory(proc, process);
    proc.directories.set(process, directory);
  }
  return directory;
}

/** Whether somebody may look into a process: ptrace(2), "Ptrace access mode checking". */
function checkMayLook(by: Process, process: Process): void {
  const { uid, gid, userNamespace } = process.credentials;
  const isSame = by.credentials.uid === uid && by.credentials.gid === gid;
  if (by === process) return;
  const isWeaker = process.credentials.permitted.every((each) =>
    by.credentials.permitted.includes(each),
  );
  if (isSame && isWeaker && by.credentials.userNamespace === userNamespace) return;
  if (!isCapable(by.credentials, userNamespace, "CAP_SYS_PTRACE")) refuse("EACCES");
}

function createProcessDirectory(proc: Proc, process: Process): GeneratedInode {
  const { world } = proc;
  const file = (does: GeneratedFile): GeneratedInode => generatedFile(world, does);
  const jump = (placeOf: () => Place | undefined): GeneratedInode =>
    createGenerated(
      world,
      { type: "symlink", mode: 0o777 },
      {
        target: (by) => {
          checkMayLook(by, process);
          const place = placeOf() ?? refuse("ENOENT");
          return pathFrom(by.root, place) ?? "/";
        },
        jump: (by) => {
          checkMayLook(by, process);
          return placeOf() ?? refuse("ENOENT");
        },
      },
    );
  const children = {
    mountinfo: file({ read: () => mountInfo(process) }),
    mounts: file({ read: () => mountsText(process) }),
    cgroup: file({ read: (by) => cgroupText(by, process) }),
    status: file({ read: (by) => statusText(by, process, proc.namespace) }),
    limits: file({ read: () => limitsText(process) }),
    stat: file({ read: () => statText(process, proc.namespace) }),
    comm: file({ read: () => `${process.comm}\n` }),
    cmdline: file({ read: () => process.argv.map((each) => `${each}\0`).join("") }),
    environ: createGenerated(
      world,
      { type: "file", mode: 0o400 },
      { read: (by) => environText(by, process) },
    ),
    uid_map: file(idMapFile(process, "uid")),
    gid_map: file(idMapFile(process, "gid")),
    fd: descriptorDirectory(process, (by) => checkMayLook(by, process)),
    net: generatedDirectory(world, { dev: file({ read: () => linksText(process) }) }),
    root: jump(() => process.root),
    cwd: jump(() => process.cwd),
    exe: jump(() => process.executable),
    ns: generatedDirectory(
      world,
      Object.fromEntries(
        Object.keys(NAMESPACE_FILES).map((name) => [
          name,
          namespaceFile(process, name, (by) => checkMayLook(by, process)),
        ]),
      ),
    ),
  };
  return generatedDirectory(world, children);
}

function environText(by: Process, process: Process): string {
  checkMayLook(by, process);
  return process.env.map((each) => `${each}\0`).join("");
}

/** One line for each hierarchy: where the process is in it, as the reader's namespace sees it. */
function cgroupText(by: Process, process: Process): string {
  const lines = [...process.cgroups].toSorted(([a], [b]) => b - a);
  return lines
    .map(([id, cgroup]) => {
      const { version, controllers } = cgroup.hierarchy;
      const top = by.namespaces.cgroup.roots.get(id) ?? cgroup.hierarchy.root;
      const names = version === 2 ? "0::" : `${id}:${controllers.join(",")}:`;
      return `${names}${cgroupPath(cgroup, top)}\n`;
    })
    .join("");
}

function cgroupPath(cgroup: CgroupLike, top: CgroupLike): string {
  const chain = (from: CgroupLike): readonly CgroupLike[] =>
    from.parent === undefined ? [from] : [...chain(from.parent), from];
  const [path, base] = [chain(cgroup), chain(top)];
  let common = 0;
  while (common < base.length && path[common] === base[common]) common += 1;
  const up = base.slice(common).map(() => "..");
  const down = path.slice(common).map(({ name }) => name);
  return `/${[...up, ...down].join("/")}`;
}

interface CgroupLike {
  readonly name: string;
  readonly parent: CgroupLike | undefined;
}
