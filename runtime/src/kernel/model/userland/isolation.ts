/**
 * Isolation: commands that change namespaces, mounts, links and power.
 *
 * Each is a thin coat over one or two calls of the kernel: with them a container can be made by
 * hand.
 *
 * Kernel interface: unshare(2), setns(2), mount(2), pivot_root(2), chroot(2), rtnetlink(7),
 *   capabilities(7).
 * Invariants: none; machine.test.ts tries them.
 * Left out: of mount loop devices and /etc/fstab; of ip and ifconfig addresses and routes, which
 *   the model lacks.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { CAPABILITIES } from "../../capability-names.ts";
import { KernelError, type MountFlag, type NamespaceFlag } from "../../port.ts";
import { errnoText } from "./errno-text.ts";
import { readable } from "./sizes.ts";
import { readOptions, type Options } from "./options.ts";
import { execute, start } from "./programs.ts";
import { Failure, forEach, sayLines, variable, type Applet, type Tool } from "./tool.ts";

const FLAGS: Readonly<Record<string, MountFlag>> = {
  ro: "MS_RDONLY",
  nosuid: "MS_NOSUID",
  nodev: "MS_NODEV",
  noexec: "MS_NOEXEC",
  remount: "MS_REMOUNT",
  bind: "MS_BIND",
  move: "MS_MOVE",
  noatime: "MS_NOATIME",
  relatime: "MS_RELATIME",
  strictatime: "MS_STRICTATIME",
};

const PROPAGATION: Readonly<Record<string, MountFlag>> = {
  private: "MS_PRIVATE",
  slave: "MS_SLAVE",
  shared: "MS_SHARED",
  unbindable: "MS_UNBINDABLE",
};

/** The flags of one word of `-o`; undefined when it belongs to the file system. */
function flagsOf(word: string): readonly MountFlag[] | undefined {
  if (["rw", "defaults", "suid", "dev", "exec"].includes(word)) return [];
  if (word === "rbind") return ["MS_BIND", "MS_REC"];
  const [, recursive, kind = ""] =
    /^(?:make-)?(r?)(private|slave|shared|unbindable)$/.exec(word) ?? [];
  const change = PROPAGATION[kind];
  if (change !== undefined) return recursive === "r" ? [change, "MS_REC"] : [change];
  const flag = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
  return flag === undefined ? undefined : [flag];
}

/** `mount [-t TYPE] [-o OPTIONS] [--bind|--make-private|…] SOURCE TARGET`, or no word at all */
export const mount: Applet = async (tool) => {
  const words = tool.args.filter((each) => each.startsWith("--")).map((each) => each.slice(2));
  const args = tool.args.filter((each) => !each.startsWith("--"));
  const options = readOptions({ args }, "t:o:rwafn");
  const [source, target] = options.operands;
  if (source === undefined) return listMounts(tool);
  if (options.has("r")) words.push("ro");
  words.push(...(options.value("o") ?? "").split(",").filter(Boolean));
  const flags = words.flatMap((word) => flagsOf(word) ?? []);
  const data = words.filter((word) => flagsOf(word) === undefined).join(",");
  const isChange = target === undefined && flags.length > 0;
  if (target === undefined && !isChange) throw new Failure(`can't find ${source} in /etc/fstab`);
  const [from, to] = target === undefined ? ["none", source] : [source, target];
  const fstype = options.value("t") ?? "";
  return forEach(
    tool,
    [to],
    () => `mounting ${from} on ${to} failed`,
    () => tool.kernel.mount({ source: from, target: to, fstype, flags, data }),
  );
};

async function listMounts(tool: Tool): Promise<number> {
  const lines = tool.kernel.readText("/proc/mounts").trimEnd().split("\n").filter(Boolean);
  await sayLines(
    tool,
    lines.map((line) => {
      const [source, target, type, options] = line.split(" ");
      return `${source} on ${target} type ${type} (${options})`;
    }),
  );
  return 0;
}

/** `umount [-l] TARGET…` */
export const umount: Applet = (tool) => {
  const options = readOptions(tool, "lfrdnt:");
  return forEach(
    tool,
    options.operands,
    (path) => `can't unmount ${path}`,
    (path) => tool.kernel.umount(path, options.has("l") ? "detach" : "now"),
  );
};

/** `df [-h]`: what is mounted; nothing of it is ever full. */
export const df: Applet = async (tool) => {
  const options = readOptions(tool, "hkPTam");
  const unit = options.has("h") ? "Size" : "1K-blocks";
  const show = (size: number): string =>
    (options.has("h") ? readable(size) : String(size)).padStart(9);
  const lines = tool.kernel.readText("/proc/mounts").trimEnd().split("\n").filter(Boolean);
  const rows = lines.map((line) => {
    const [source = "", target = ""] = line.split(" ");
    return `${source.padEnd(20)} ${show(0)} ${show(0)} ${show(0)}   0% ${target}`;
  });
  await sayLines(tool, [
    `Filesystem           ${unit.padStart(9)}      Used Available Use% Mounted on`,
    ...rows,
  ]);
  return 0;
};

const KINDS: Readonly<Record<string, NamespaceFlag>> = {
  m: "CLONE_NEWNS",
  u: "CLONE_NEWUTS",
  i: "CLONE_NEWIPC",
  n: "CLONE_NEWNET",
  p: "CLONE_NEWPID",
  U: "CLONE_NEWUSER",
  C: "CLONE_NEWCGROUP",
  T: "CLONE_NEWTIME",
};

const LONG: Readonly<Record<string, string>> = {
  mount: "m",
  uts: "u",
  ipc: "i",
  net: "n",
  pid: "p",
  user: "U",
  cgroup: "C",
  time: "T",
  fork: "f",
  "map-root-user": "r",
  "mount-proc": "M",
  target: "t",
};

const namespacesOf = (options: Options): readonly NamespaceFlag[] =>
  Object.entries(KINDS)
    .filter(([letter]) => options.has(letter))
    .map(([, flag]) => flag);

/** `unshare [-muinpUCTfr] [--mount-proc] [COMMAND…]` */
export const unshare: Applet = async (tool) => {
  const options = readOptions(tool, "+muinpUCTfrM", LONG);
  const { kernel } = tool;
  const isUser = options.has("U") || options.has("r");
  const flags = namespacesOf(options).filter((flag) => flag !== "CLONE_NEWUSER");
  return guarded("unshare", async () => {
    if (isUser) enterUserNamespace(tool, options.has("r"));
    if (options.has("M") && !flags.includes("CLONE_NEWNS")) kernel.unshare(["CLONE_NEWNS"]);
    kernel.unshare(flags);
    if (flags.includes("CLONE_NEWNS") || options.has("M")) {
      const call = { source: "none", target: "/", fstype: "", data: "" };
      kernel.mount({ ...call, flags: ["MS_REC", "MS_PRIVATE"] });
    }
    const words = options.operands.length === 0 ? [shellOf(tool)] : options.operands;
    const prepared = (own: Tool): Promise<number> => {
      if (options.has("M")) {
        const call = { source: "proc", target: "/proc", fstype: "proc", data: "" };
        own.kernel.mount({ ...call, flags: ["MS_NOSUID", "MS_NODEV", "MS_NOEXEC"] });
      }
      return execute(own, words);
    };
    if (!options.has("f")) return prepared(tool);
    return forked(tool, prepared);
  });
};

const shellOf = (tool: Tool): string => variable(tool, "SHELL") ?? "/bin/sh";

/** A new user namespace; its maps are written from outside, by a child that stayed there. */
function enterUserNamespace({ kernel }: Tool, mapsRoot: boolean): void {
  const { effectiveUid } = kernel.identity();
  if (!mapsRoot) {
    kernel.unshare(["CLONE_NEWUSER"]);
    return;
  }
  const own = [{ containerId: 0, hostId: effectiveUid, count: 1 }];
  const handle = kernel.createUserNamespace({ uid: own, gid: own });
  kernel.joinUserNamespace(handle);
  kernel.closeUserNamespace(handle);
}

async function forked(tool: Tool, body: (own: Tool) => Promise<number>): Promise<number> {
  const child = tool.context.fork(tool.streams, (context) =>
    body({ ...tool, context, kernel: context.kernel }),
  );
  const status = await child.exited;
  if ("exitCode" in status) return status.exitCode;
  tool.kernel.kill(tool.kernel.identity().hostPid, status.signal);
  return 1;
}

/** Says which call was refused, without the kernel's subject. */
async function guarded(what: string, body: () => Promise<number>): Promise<number> {
  try {
    return await body();
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    throw new Failure(`${what}: ${errnoText(error.errno)}`);
  }
}

/** `nsenter -t PID [-muinpUC] [COMMAND…]` */
export const nsenter: Applet = (tool) => {
  const options = readOptions(tool, "+t:muinpUCTaF", LONG);
  const target = options.value("t");
  if (target === undefined) throw new Failure("no target PID specified");
  const all = Object.values(KINDS).filter((flag) => flag !== "CLONE_NEWUSER");
  const flags = options.has("a") ? all : namespacesOf(options);
  return guarded("setns", () => {
    tool.kernel.joinNamespaces(Number(target), flags);
    const words = options.operands.length === 0 ? [shellOf(tool)] : options.operands;
    // Who joins a PID namespace is not in it: only children are.
    if (!flags.includes("CLONE_NEWPID")) return execute(tool, words);
    return start(tool, words).ended;
  });
};

/** `chroot DIRECTORY [COMMAND…]` */
export const chroot: Applet = (tool) => {
  const [path, ...words] = tool.args;
  if (path === undefined) throw new Failure("missing operand");
  try {
    tool.context.chroot(path);
    tool.kernel.chdir("/");
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    throw new Failure(`can't change root directory to '${path}': ${errnoText(error.errno)}`);
  }
  return execute(tool, words.length === 0 ? [shellOf(tool), "-i"] : words);
};

/** `pivot_root NEW_ROOT PUT_OLD` */
export const pivotRoot: Applet = (tool) => {
  const [newRoot, putOld] = tool.args;
  if (newRoot === undefined || putOld === undefined) throw new Failure("missing operand");
  return guarded("pivot_root", () => {
    tool.kernel.pivotRoot(newRoot, putOld);
    return Promise.resolve(0);
  });
};

/** `capsh --print`: the capability sets of the process. */
export const capsh: Applet = async (tool) => {
  const { bounding, effective, inheritable, permitted, ambient } = tool.kernel.getCapabilities();
  const show = (names: readonly string[]): string =>
    names.length === CAPABILITIES.length
      ? "all"
      : names.map((name) => name.toLowerCase()).join(",");
  await sayLines(tool, [
    `Permitted: ${show(permitted)}`,
    `Effective: ${show(effective)}`,
    `Inheritable: ${show(inheritable)}`,
    `Bounding set: ${show(bounding)}`,
    `Ambient set: ${show(ambient)}`,
  ]);
  return 0;
};

/** `ip link [set NAME up]`, `ip addr`: the links of the network namespace. */
export const ip: Applet = (tool) => {
  const words = tool.args.filter((each) => each !== "dev" && !each.startsWith("-"));
  const [object = "", verb = "show", name = "", state] = words;
  if (!/^(l|li|lin|link|a|ad|add|addr|address)$/.test(object)) {
    throw new Failure(`unsupported object '${object}'`);
  }
  if (verb === "set" && state === "up") return setUp(tool, name);
  if (!/^(s|sh|show|list|ls)$/.test(verb)) throw new Failure(`unsupported command '${verb}'`);
  const lines = tool.kernel.listLinks().map((link) => {
    const kind = link.name === "lo" ? "LOOPBACK" : "BROADCAST,MULTICAST";
    const flags = link.up ? `<${kind},UP,LOWER_UP>` : `<${kind}>`;
    const state = link.up ? (link.name === "lo" ? "UNKNOWN" : "UP") : "DOWN";
    return `${link.index}: ${link.name}: ${flags} state ${state}`;
  });
  return sayLines(tool, lines).then(() => 0);
};

function setUp(tool: Tool, name: string): Promise<number> {
  return forEach(
    tool,
    [name],
    () => `can't set ${name} up`,
    (each) => tool.kernel.changeLink(each, { up: true }),
  );
}

/** `ifconfig [-a] [NAME up]` */
export const ifconfig: Applet = async (tool) => {
  const [name, state] = tool.args.filter((each) => each !== "-a");
  if (name !== undefined && state === "up") return setUp(tool, name);
  const links = tool.kernel.listLinks();
  const isAll = tool.args.includes("-a");
  const wanted = links.filter((link) =>
    name === undefined ? isAll || link.up : link.name === name,
  );
  if (name !== undefined && wanted.length === 0) {
    throw new Failure(`${name}: error fetching interface information: Device not found`);
  }
  await sayLines(
    tool,
    wanted.flatMap((link) => [
      `${link.name.padEnd(9)} Link encap:${link.name === "lo" ? "Local Loopback" : "Ethernet"}`,
      `          ${link.up ? "UP " : ""}${link.name === "lo" ? "LOOPBACK" : "BROADCAST"}`,
      "",
    ]),
  );
  return 0;
};
