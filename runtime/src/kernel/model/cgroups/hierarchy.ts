/**
 * Cgroup hierarchy: a tree of directories, each a group of processes.
 *
 * Making a directory makes a cgroup; writing a pid into its `cgroup.procs` moves the process. In
 * version 2 the controllers that a cgroup's children get are named in its `cgroup.subtree_control`,
 * and a cgroup that hands controllers down has no processes of its own, the root excepted.
 *
 * Kernel interface: cgroups(7), cgroup_namespaces(7); kernel documentation, cgroup-v2.rst, "Core
 *   Interface Files", "No Internal Process Constraint".
 * Invariants:
 *   cgroup-core-agrees   a random program of making, removing, moving, freezing and killing has the
 *                        same answers and the same cgroup.events as on Linux
 *   cgroup-top-down      a cgroup has the controllers that its parent hands down, and hands down no
 *                        others; one that hands any down has no processes, the root excepted
 *   cgroup-populated     it is populated while somebody lives in it or below; it is removed only
 *                        when nobody is in it and nothing below
 * Left out: threads; who may move whose process; a frozen program runs on, since it is a function;
 *   notify_on_release; pressure.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import {
  createGenerated,
  createGeneratedFileSystem,
  generatedFile,
} from "../pseudo/generated-file-system.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type {
  Cgroup,
  CgroupHierarchy,
  FileSystem,
  GeneratedFile,
  GeneratedInode,
  Process,
  UserNamespace,
  World,
} from "../state.ts";
import { nextDevice } from "../mounts/device.ts";
import { downwards, keepWithin, moveProcess, processesBelow, upwards, type End } from "./charge.ts";
import { FILES_1, FILES_2, isFrozen, type CgroupFile } from "./files.ts";

/** A hierarchy with its file system. */
export interface MountedHierarchy {
  readonly hierarchy: CgroupHierarchy;
  readonly fs: FileSystem;
}

/** Makes a hierarchy with every process in its root. */
export function createHierarchy(
  world: World,
  what: Pick<CgroupHierarchy, "id" | "version" | "controllers">,
  tools: { readonly end: End; readonly owner: UserNamespace },
): MountedHierarchy {
  const hierarchy: CgroupHierarchy = {
    ...what,
    get root(): Cgroup {
      return root;
    },
  };
  const root = newCgroup(hierarchy, "", undefined);
  world.hierarchies.push(hierarchy);
  for (const process of world.processes.values()) moveProcess(process, root);
  const inodes = new WeakMap<Cgroup, GeneratedInode>();
  const tree: Tree = { world, inodes, end: tools.end };
  const fs = createGeneratedFileSystem({
    type: what.version === 1 ? "cgroup" : "cgroup2",
    device: nextDevice(world),
    userNamespace: tools.owner,
    root: directoryOf(tree, root),
    options: what.version === 1 ? what.controllers.join(",") : "",
    changeable: true,
  });
  return { hierarchy, fs };
}

interface Tree {
  readonly world: World;
  readonly inodes: WeakMap<Cgroup, GeneratedInode>;
  readonly end: End;
}

function newCgroup(hierarchy: CgroupHierarchy, name: string, parent: Cgroup | undefined): Cgroup {
  return {
    name,
    parent,
    hierarchy,
    children: new Map(),
    processes: new Set(),
    settings: new Map(),
    memoryBytes: 0,
    events: new Map(),
    removed: false,
  };
}

function directoryOf(tree: Tree, cgroup: Cgroup): GeneratedInode {
  const known = tree.inodes.get(cgroup);
  if (known !== undefined) return known;
  const files = new Map(
    Object.entries(coreFiles(tree, cgroup)).map(([name, does]) => [
      name,
      generatedFile(tree.world, does),
    ]),
  );
  const rows = cgroup.hierarchy.version === 1 ? FILES_1 : FILES_2;
  const limits = new Map(
    rows.map((row) => [row.name, { row, inode: limitFile(tree, cgroup, row) }]),
  );
  const visible = (): readonly string[] =>
    [...limits.values()].filter(({ row }) => isOffered(cgroup, row)).map(({ row }) => row.name);
  const inode = createGenerated(
    tree.world,
    { type: "directory", mode: 0o755 },
    {
      lookup: (name) => {
        const child = cgroup.children.get(name);
        if (child !== undefined) return directoryOf(tree, child);
        const limit = limits.get(name);
        if (limit !== undefined && isOffered(cgroup, limit.row)) return limit.inode;
        return files.get(name);
      },
      names: () => [...files.keys(), ...visible(), ...cgroup.children.keys()],
      mkdir: (name) => directoryOf(tree, makeCgroup(cgroup, name)),
      rmdir: (name) => removeCgroup(cgroup.children.get(name) ?? refuse("EPERM")),
    },
  );
  tree.inodes.set(cgroup, inode);
  return inode;
}

/** Whether a cgroup has a controller's file: the root of version 2 has no limits. */
function isOffered({ hierarchy, parent }: Cgroup, { controller }: CgroupFile): boolean {
  if (hierarchy.version === 1) return hierarchy.controllers.includes(controller);
  if (controller === "") return true;
  return parent !== undefined && enabledFor(parent).includes(controller);
}

function makeCgroup(parent: Cgroup, name: string): Cgroup {
  refuseIf(name.includes("\n"), "EINVAL");
  for (const [depth, above] of upwards(parent).entries()) {
    const depthMax = Number(
      (above.settings.get("cgroup.max.depth") ?? "max").replace("max", "Infinity"),
    );
    const most = (above.settings.get("cgroup.max.descendants") ?? "max").replace("max", "Infinity");
    refuseIf(depth + 1 > depthMax || downwards(above).length > Number(most), "EAGAIN");
  }
  const child = newCgroup(parent.hierarchy, name, parent);
  parent.children.set(name, child);
  return child;
}

function removeCgroup(cgroup: Cgroup): void {
  refuseIf(cgroup.processes.size > 0 || cgroup.children.size > 0, "EBUSY");
  cgroup.removed = true;
  cgroup.parent?.children.delete(cgroup.name);
}

function limitFile({ world, end }: Tree, cgroup: Cgroup, row: CgroupFile): GeneratedInode {
  const { show, take, name } = row;
  return generatedFile(world, {
    ...(show === undefined ? {} : { read: () => lines(show(cgroup)) }),
    ...(take === undefined
      ? {}
      : {
          write: (_by: Process, text: string) => {
            refuseIf(cgroup.removed, "ENODEV");
            cgroup.settings.set(name, take(cgroup, text.trim()));
            keepWithin(cgroup, end);
          },
        }),
  });
}

const lines = (text: string): string => (/^$|\n$/.test(text) ? text : `${text}\n`);

/** The controllers that a cgroup's children get. */
function enabledFor({ settings }: Cgroup): readonly string[] {
  return (settings.get("cgroup.subtree_control") ?? "").split(" ").filter((name) => name !== "");
}

/** The controllers that a cgroup may hand down. */
function availableIn({ hierarchy, parent }: Cgroup): readonly string[] {
  return parent === undefined ? hierarchy.controllers : enabledFor(parent);
}

function coreFiles(tree: Tree, cgroup: Cgroup): Readonly<Record<string, GeneratedFile>> {
  const procs: GeneratedFile = {
    read: (by) => pidsOf(cgroup, by),
    write: (by, text) => attach(cgroup, by, text.trim()),
  };
  if (cgroup.hierarchy.version === 1) return { "cgroup.procs": procs, tasks: procs };
  const control: GeneratedFile = {
    read: () => lines(enabledFor(cgroup).join(" ")),
    write: (_, text) => changeControl(cgroup, text.trim()),
  };
  const always = {
    "cgroup.procs": procs,
    "cgroup.controllers": { read: () => lines(availableIn(cgroup).join(" ")) },
    "cgroup.subtree_control": control,
    "cgroup.max.depth": countFile(cgroup, "cgroup.max.depth"),
    "cgroup.max.descendants": countFile(cgroup, "cgroup.max.descendants"),
  };
  return cgroup.parent === undefined ? always : { ...always, ...innerFiles(tree, cgroup) };
}

function innerFiles({ end }: Tree, cgroup: Cgroup): Readonly<Record<string, GeneratedFile>> {
  return {
    "cgroup.events": {
      read: () => {
        const populated = processesBelow(cgroup).length > 0 ? 1 : 0;
        return `populated ${populated}\nfrozen ${isFrozen(cgroup) ? 1 : 0}\n`;
      },
    },
    "cgroup.type": { read: () => "domain\n" },
    "cgroup.freeze": {
      read: () => lines(cgroup.settings.get("cgroup.freeze") ?? "0"),
      write: (_, text) => {
        const wish = /^-?\d+$/.test(text.trim()) ? text.trim() : refuse("EINVAL");
        refuseIf(!["0", "1"].includes(wish), "ERANGE");
        cgroup.settings.set("cgroup.freeze", wish);
      },
    },
    "cgroup.kill": {
      write: (_, text) => {
        const wish = /^-?\d+$/.test(text.trim()) ? text.trim() : refuse("EINVAL");
        refuseIf(wish !== "1", "ERANGE");
        for (const each of processesBelow(cgroup)) {
          end(each, { signal: "SIGKILL", coreDumped: false });
        }
      },
    },
  };
}

function countFile({ settings }: Cgroup, name: string): GeneratedFile {
  return {
    read: () => lines(settings.get(name) ?? "max"),
    write: (_, text) => {
      const wish = text.trim();
      refuseIf(wish !== "max" && !/^-?\d+$/.test(wish), "EINVAL");
      refuseIf(Number(wish) < 0, "ERANGE");
      settings.set(name, wish);
    },
  };
}

function pidsOf({ processes }: Cgroup, by: Process): string {
  return [...processes]
    .map((each) => each.pids.get(by.namespaces.pid) ?? 0)
    .toSorted((a, b) => a - b)
    .map((pid) => `${pid}\n`)
    .join("");
}

function attach(cgroup: Cgroup, by: Process, text: string): void {
  refuseIf(cgroup.removed, "ENODEV");
  refuseIf(!/^-?\d+$/.test(text) || Number(text) < 0, "EINVAL");
  const { processes } = by.namespaces.pid;
  const process = text === "0" ? by : (processes.get(Number(text)) ?? refuse("ESRCH"));
  const { version, controllers } = cgroup.hierarchy;
  const isInner = cgroup.parent !== undefined && enabledFor(cgroup).length > 0;
  refuseIf(version === 2 && isInner, "EBUSY");
  if (version === 1 && controllers.includes("cpuset")) {
    const isEmpty = (name: string): boolean =>
      cgroup.parent !== undefined && (cgroup.settings.get(name) ?? "") === "";
    refuseIf(isEmpty("cpuset.cpus") || isEmpty("cpuset.mems"), "ENOSPC");
  }
  moveProcess(process, cgroup);
}

/** `+pids -memory`: all or nothing. */
function changeControl(cgroup: Cgroup, text: string): void {
  const enabled = new Set(enabledFor(cgroup));
  const words = text.split(/\s+/).filter((word) => word !== "");
  for (const word of words) {
    const name = word.slice(1);
    refuseIf(!/^[+-]/.test(word), "EINVAL");
    refuseIf(!cgroup.hierarchy.controllers.includes(name), "EINVAL");
    if (word.startsWith("+")) enabled.add(name);
    else enabled.delete(name);
  }
  const added = [...enabled].filter((name) => !enabledFor(cgroup).includes(name));
  const removed = enabledFor(cgroup).filter((name) => !enabled.has(name));
  refuseIf(
    added.some((name) => !availableIn(cgroup).includes(name)),
    "ENOENT",
  );
  const isUsedBelow = [...cgroup.children.values()].some((child) =>
    enabledFor(child).some((name) => removed.includes(name)),
  );
  refuseIf(isUsedBelow, "EBUSY");
  const isInner = cgroup.parent !== undefined && cgroup.processes.size > 0;
  refuseIf(isInner && added.length > 0, "EBUSY");
  for (const child of cgroup.children.values()) forgetLimits(child, removed);
  const order = cgroup.hierarchy.controllers.filter((name) => enabled.has(name));
  cgroup.settings.set("cgroup.subtree_control", order.join(" "));
}

/** A controller that is taken away takes its limits along: given again, it begins without any. */
function forgetLimits({ settings }: Cgroup, controllers: readonly string[]): void {
  for (const { name, controller } of FILES_2) {
    if (controllers.includes(controller)) settings.delete(name);
  }
}
