/**
 * Changing: commands that make, move and remove files.
 *
 * The umask of the process is applied here where the port applies modes exactly.
 *
 * Kernel interface: rename(2), unlink(2), link(2), symlink(2), chmod(2), chown(2), mknod(2).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: questions before something is removed; moving between file systems keeps no attributes.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError, type FileStat } from "../../port.ts";
import { errnoText } from "./errno-text.ts";
import { changedMode, idOf } from "./names.ts";
import { readOptions, type Options } from "./options.ts";
import { Failure, forEach, type Applet, type Tool } from "./tool.ts";

/** The umask of a process, of which no call tells without setting it. */
function umaskOf({ kernel }: Tool): number {
  try {
    const [, text = "022"] = /^Umask:\t(\d+)$/m.exec(kernel.readText("/proc/self/status")) ?? [];
    return Number.parseInt(text, 8);
  } catch (error) {
    if (error instanceof KernelError && error.errno !== "ESRCH") return 0o022;
    throw error;
  }
}

function isDirectory({ kernel }: Tool, path: string): boolean {
  try {
    return kernel.stat(path).type === "directory";
  } catch (error) {
    if (error instanceof KernelError && error.errno !== "ESRCH") return false;
    throw error;
  }
}

const nameOf = (path: string): string => path.replace(/\/+$/, "").replace(/^.*\//s, "");
const inside = (directory: string, name: string): string =>
  `${directory.replace(/(?<=.)\/+$/, "").replace(/^\/$/, "")}/${name}`;

function needOperands(operands: readonly string[], count: number): void {
  if (operands.length < count) throw new Failure("missing operand");
}

/** `mkdir [-p] [-m MODE] DIRECTORY…` */
export const mkdir: Applet = (tool) => {
  const options = readOptions(tool, "pm:v", { parents: "p", mode: "m" });
  needOperands(options.operands, 1);
  const mode = options.value("m");
  const umask = umaskOf(tool);
  const permissions = mode === undefined ? 0o777 & ~umask : Number.parseInt(mode, 8);
  return forEach(
    tool,
    options.operands,
    (path) => `can't create directory '${path}'`,
    (path) => {
      if (!options.has("p")) {
        tool.kernel.mkdir(path, permissions);
        return;
      }
      const parts = path.split("/");
      for (const [index] of parts.entries()) {
        const here = parts.slice(0, index + 1).join("/");
        if (here === "" || isDirectory(tool, here)) continue;
        tool.kernel.mkdir(here, index === parts.length - 1 ? permissions : 0o777 & ~umask);
      }
    },
  );
};

/** `rmdir [-p] DIRECTORY…` */
export const rmdir: Applet = (tool) => {
  const options = readOptions(tool, "p");
  needOperands(options.operands, 1);
  return forEach(
    tool,
    options.operands,
    (path) => `'${path}'`,
    (path) => {
      tool.kernel.rmdir(path);
      if (!options.has("p")) return;
      for (let above = path; above.includes("/");) {
        above = above.slice(0, above.lastIndexOf("/"));
        tool.kernel.rmdir(above);
      }
    },
  );
};

/** `rm [-rf] PATH…` */
export const rm: Applet = (tool) => {
  const options = readOptions(tool, "rRfiv", { recursive: "r", force: "f" });
  if (options.operands.length === 0 && options.has("f")) return 0;
  needOperands(options.operands, 1);
  const isDeep = options.has("r") || options.has("R");
  return forEach(
    tool,
    options.operands,
    (path) => `can't remove '${path}'`,
    async (path) => {
      if (/(^|\/)\.{1,2}\/*$/.test(path)) throw new Failure("'.' and '..' may not be removed");
      const found = tool.kernel.lstatIfPresent(path);
      if (found === undefined && options.has("f")) return;
      if (found?.type !== "directory") tool.kernel.unlink(path);
      else if (!isDeep) throw new Failure(`'${path}' is a directory`);
      else removeTree(tool, path);
    },
  );
};

function removeTree(tool: Tool, path: string): void {
  const { kernel } = tool;
  for (const name of kernel.readdir(path)) {
    const each = inside(path, name);
    if (kernel.lstat(each).type === "directory") removeTree(tool, each);
    else kernel.unlink(each);
  }
  kernel.rmdir(path);
}

/** Where each of several goes: into a directory, or to the one name. */
function targets(tool: Tool, options: Options): readonly (readonly [string, string])[] {
  const into = options.value("t");
  const operands = [...options.operands];
  const last = into ?? operands.pop() ?? "";
  if (operands.length === 0) throw new Failure("missing operand");
  const isInto = operands.length > 1 || (isDirectory(tool, last) && !options.has("T"));
  return operands.map((from) => [from, isInto ? inside(last, nameOf(from)) : last] as const);
}

/** `mv [-fn] FROM… TO` */
export const mv: Applet = (tool) => {
  const options = readOptions(tool, "finvt:T");
  return forEach(
    tool,
    targets(tool, options),
    ([from]) => `can't rename '${from}'`,
    ([from, to]) => {
      if (options.has("n") && tool.kernel.lstatIfPresent(to) !== undefined) return;
      move(tool, from, to);
    },
  );
};

function move(tool: Tool, from: string, to: string): void {
  const { kernel } = tool;
  try {
    kernel.rename(from, to);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== "EXDEV") throw error;
    copy(tool, from, to, { isDeep: true, isExact: true, isArchive: true });
    if (kernel.lstat(from).type === "directory") removeTree(tool, from);
    else kernel.unlink(from);
  }
}

/** `cp [-aRdpf] FROM… TO` */
export const cp: Applet = (tool) => {
  const options = readOptions(tool, "arRdpfiPLHnt:Tlsuv");
  const isArchive = options.has("a");
  const how = {
    isDeep: isArchive || options.has("r") || options.has("R"),
    isExact: isArchive || options.has("d") || options.has("P"),
    isArchive: isArchive || options.has("p"),
  };
  return forEach(
    tool,
    targets(tool, options),
    ([from]) => `can't stat '${from}'`,
    ([from, to]) => {
      if (options.has("n") && tool.kernel.lstatIfPresent(to) !== undefined) return;
      copy(tool, from, to, how);
    },
  );
};

interface How {
  readonly isDeep: boolean;
  /** Links are copied as links. */
  readonly isExact: boolean;
  /** Owner, mode and time are kept. */
  readonly isArchive: boolean;
}

function copy(tool: Tool, from: string, to: string, how: How): void {
  const { kernel } = tool;
  const found = how.isExact || how.isDeep ? kernel.lstat(from) : kernel.stat(from);
  if (found.type === "directory") {
    if (!how.isDeep) throw new Failure(`omitting directory '${from}'`);
    copyDirectory(tool, from, to, { ...how, found });
  } else copyNode(tool, from, to, found);
  if (!how.isArchive) return;
  kernel.lchown(to, found.hostUid, found.hostGid);
  if (found.type !== "symlink") kernel.chmod(to, found.mode);
  kernel.lutimes(to, found.mtimeMs);
}

function copyDirectory(
  tool: Tool,
  from: string,
  to: string,
  { found, ...how }: How & { readonly found: FileStat },
): void {
  const { kernel } = tool;
  if (kernel.lstatIfPresent(to) === undefined) kernel.mkdir(to, found.mode & ~umaskOf(tool));
  for (const name of kernel.readdir(from)) {
    copy(tool, inside(from, name), inside(to, name), { ...how, isExact: true });
  }
}

function copyNode(tool: Tool, from: string, to: string, found: FileStat): void {
  const { kernel } = tool;
  const there = kernel.lstatIfPresent(to);
  if (there?.inode === found.inode && there.device === found.device) {
    throw new Failure(`'${from}' and '${to}' are the same file`);
  }
  if (found.type === "file") {
    writeCopy(tool, from, to, found);
    return;
  }
  if (there !== undefined) kernel.unlink(to);
  if (found.type === "symlink") kernel.symlink(kernel.readlink(from), to);
  else if (found.type === "socket") throw new Failure(`can't copy socket '${from}'`);
  else {
    const { rdevMajor: major, rdevMinor: minor } = found;
    const type = found.type === "directory" ? "fifo" : found.type;
    kernel.mknod(to, { type, major, minor, permissions: found.mode });
  }
}

function writeCopy(tool: Tool, from: string, to: string, { mode }: FileStat): void {
  const bytes = tool.kernel.readFile(from);
  try {
    tool.kernel.writeFile(to, bytes, "create", mode & 0o777 & ~umaskOf(tool));
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    throw new Failure(`can't create '${to}': ${errnoText(error.errno)}`);
  }
}

/** `ln [-sfn] TARGET… NAME` */
export const ln: Applet = (tool) => {
  const options = readOptions(tool, "sfnvt:T", { symbolic: "s", force: "f" });
  const [only] = options.operands;
  const isAlone = options.operands.length === 1 && only !== undefined;
  const pairs = isAlone ? [[only, nameOf(only)] as const] : targets(tool, options);
  return forEach(
    tool,
    pairs,
    ([, path]) => path,
    ([target, path]) => {
      const { kernel } = tool;
      if (options.has("f") && kernel.lstatIfPresent(path) !== undefined) kernel.unlink(path);
      if (options.has("s")) kernel.symlink(target, path);
      else kernel.link(target, path);
    },
  );
};

/** `touch [-c] FILE…` */
export const touch: Applet = (tool) => {
  const options = readOptions(tool, "cd:amt:r:h");
  needOperands(options.operands, 1);
  const reference = options.value("r");
  const when = options.value("d");
  const ms =
    reference === undefined
      ? when === undefined
        ? tool.kernel.nowMs()
        : when.startsWith("@")
          ? Number(when.slice(1)) * 1000
          : Date.parse(`${when}Z`)
      : tool.kernel.stat(reference).mtimeMs;
  if (Number.isNaN(ms)) throw new Failure(`invalid date '${when}'`);
  return forEach(tool, options.operands, String, (path) => {
    if (tool.kernel.lstatIfPresent(path) === undefined) {
      if (options.has("c")) return;
      tool.kernel.writeFile(path, "", "append", 0o666 & ~umaskOf(tool));
    }
    tool.kernel.lutimes(path, ms);
  });
};

/** Does something to a path, and with `-R` to all below it. */
async function onTree(
  tool: Tool,
  path: string,
  isDeep: boolean,
  change: (path: string) => void,
): Promise<number> {
  return forEach(tool, [path], String, async () => {
    change(path);
    if (!isDeep || tool.kernel.lstat(path).type !== "directory") return;
    for (const name of tool.kernel.readdir(path)) {
      await onTree(tool, inside(path, name), isDeep, change);
    }
  });
}

/** `chmod [-R] MODE PATH…` */
export const chmod: Applet = async (tool) => {
  const args = tool.args.map((each) => (/^-[rwxst]+$/.test(each) ? `a${each}` : each));
  const options = readOptions({ args }, "Rvcf");
  const [wish = "", ...paths] = options.operands;
  needOperands(options.operands, 2);
  const umask = umaskOf(tool);
  let exitCode = 0;
  for (const path of paths) {
    exitCode |= await onTree(tool, path, options.has("R"), (each) => {
      const mode = changedMode(tool.kernel.stat(each), wish, umask);
      if (mode === undefined) throw new Failure(`invalid mode '${wish}'`);
      tool.kernel.chmod(each, mode);
    });
  }
  return exitCode;
};

/** `chown [-R] [USER][:GROUP] PATH…`, and `chgrp GROUP PATH…` */
export const chown: Applet = async (tool) => {
  const options = readOptions(tool, "Rhvcf");
  const [wish = "", ...paths] = options.operands;
  needOperands(options.operands, 2);
  const [user = "", group] = tool.name === "chgrp" ? ["", wish] : wish.split(/[:.]/);
  const uid = user === "" ? -1 : idOf(tool.kernel, "user", user);
  const gid = group === undefined || group === "" ? -1 : idOf(tool.kernel, "group", group);
  if (uid === undefined) throw new Failure(`unknown user ${user}`);
  if (gid === undefined) throw new Failure(`unknown group ${group}`);
  let exitCode = 0;
  for (const path of paths) {
    exitCode |= await onTree(tool, path, options.has("R"), (each) => {
      const { hostUid, hostGid } = tool.kernel.lstat(each);
      tool.kernel.lchown(each, uid < 0 ? hostUid : uid, gid < 0 ? hostGid : gid);
    });
  }
  return exitCode;
};

const NODE_TYPES = { b: "block", c: "char", u: "char", p: "fifo" } as const;

/** `mknod [-m MODE] NAME TYPE [MAJOR MINOR]`, and `mkfifo NAME` */
export const mknod: Applet = (tool) => {
  const options = readOptions(tool, "m:");
  const [path = "", letter = "p", major = "0", minor = "0"] = options.operands;
  needOperands(options.operands, tool.name === "mkfifo" ? 1 : 2);
  const type = Object.entries(NODE_TYPES).find(([each]) => each === letter)?.[1];
  if (type === undefined) throw new Failure(`invalid type '${letter}'`);
  const mode = options.value("m");
  const permissions = mode === undefined ? 0o666 & ~umaskOf(tool) : Number.parseInt(mode, 8);
  return forEach(tool, [path], String, () => {
    tool.kernel.mknod(path, { type, major: Number(major), minor: Number(minor), permissions });
  });
};
