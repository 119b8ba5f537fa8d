/**
 * Listing: commands that tell about files.
 *
 * ls in one column unless a terminal is there, as busybox does when its output is a pipe.
 *
 * Kernel interface: stat(2), getdents64(2), readlink(2).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: of ls colours and sorting by anything but names, time and size; of find all but the
 *   tests below.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError, type FileStat } from "../../port.ts";
import { errnoText } from "./errno-text.ts";
import { modeText, ownerNames } from "./names.ts";
import { matches } from "./shell/pattern.ts";
import { readable } from "./sizes.ts";
import { readOptions, type Options } from "./options.ts";
import { complain, Failure, forEach, sayLines, type Applet, type Tool } from "./tool.ts";

interface Entry {
  readonly name: string;
  readonly path: string;
  readonly stat: FileStat;
}

/** `ls [-1aAdilnRrtSFhL] PATH…` */
export const ls: Applet = async (tool) => {
  const options = readOptions(tool, "1aAdilnRrtSFhLpCxkosctu");
  const paths = options.operands.length === 0 ? ["."] : options.operands;
  const entries: Entry[] = [];
  const exitCode = await forEach(tool, paths, String, (path) => {
    const follows = !options.has("d") && !options.has("l") && !options.has("F");
    const stat = follows || options.has("L") ? statOrLink(tool, path) : tool.kernel.lstat(path);
    entries.push({ name: path, path, stat });
  });
  const isListed = (entry: Entry): boolean => entry.stat.type === "directory" && !options.has("d");
  const files = sorted(
    options,
    entries.filter((entry) => !isListed(entry)),
  );
  await sayLines(tool, format(tool, options, files));
  const directories = sorted(options, entries.filter(isListed));
  let isFirst = files.length === 0;
  const isNamed = paths.length > 1 || options.has("R");
  for (const { path } of directories) {
    if (isNamed) await sayLines(tool, [...(isFirst ? [] : [""]), `${path}:`]);
    isFirst = false;
    if (!(await listDirectory(tool, options, path))) return 1;
  }
  return exitCode;
};

function statOrLink({ kernel }: Tool, path: string): FileStat {
  try {
    return kernel.stat(path);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== "ENOENT") throw error;
    return kernel.lstat(path);
  }
}

async function listDirectory(tool: Tool, options: Options, path: string): Promise<boolean> {
  const entries: Entry[] = [];
  const failed = await forEach(
    tool,
    [path],
    (each) => `can't open '${each}'`,
    () => {
      const found = tool.kernel.readdir(path);
      const hidden = options.has("a") || options.has("A");
      const names = hidden ? found : found.filter((name) => !name.startsWith("."));
      for (const name of [...(options.has("a") ? [".", ".."] : []), ...names]) {
        const inside = `${path.replace(/\/$/, "")}/${name}`;
        entries.push({ name, path: inside, stat: tool.kernel.lstat(inside) });
      }
    },
  );
  const inOrder = sorted(options, entries);
  if (options.has("l") || options.has("n") || options.has("s")) {
    await sayLines(tool, [`total ${inOrder.reduce((sum, { stat }) => sum + blocksOf(stat), 0)}`]);
  }
  await sayLines(tool, format(tool, options, inOrder));
  if (!options.has("R")) return failed === 0;
  const below = inOrder.filter(
    ({ stat, name }) => stat.type === "directory" && name !== "." && name !== "..",
  );
  for (const each of below) {
    await sayLines(tool, ["", `${each.path}:`]);
    await listDirectory(tool, options, each.path);
  }
  return failed === 0;
}

/** In units of 1024 bytes, as a file system with blocks of 4096 needs them. */
const blocksOf = ({ type, sizeBytes }: FileStat): number =>
  type === "file" ? Math.ceil(sizeBytes / 4096) * 4 : 0;

const byName = (a: Entry, b: Entry): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

function sorted(options: Options, entries: readonly Entry[]): readonly Entry[] {
  const key = options.last("tS");
  const value = ({ stat }: Entry): number => (key === "t" ? stat.mtimeMs : stat.sizeBytes);
  const order =
    key === undefined ? byName : (a: Entry, b: Entry) => value(b) - value(a) || byName(a, b);
  const inOrder = entries.toSorted(order);
  return options.has("r") ? inOrder.toReversed() : inOrder;
}

const MARKS: Readonly<Record<string, string>> = {
  directory: "/",
  symlink: "@",
  fifo: "|",
  socket: "=",
};

function marked(options: Options, { name, stat }: Entry): string {
  if (!options.has("F") && !(options.has("p") && stat.type === "directory")) return name;
  return name + (MARKS[stat.type] ?? ((stat.mode & 0o111) === 0 ? "" : "*"));
}

function format(tool: Tool, options: Options, entries: readonly Entry[]): readonly string[] {
  const isLong = options.has("l") || options.has("n");
  const names = ownerNames(tool.kernel);
  return entries.map((entry) => {
    const inode = options.has("i") ? `${String(entry.stat.inode).padStart(7)} ` : "";
    if (!isLong) return inode + marked(options, entry);
    const owner = options.has("n") ? String(entry.stat.hostUid) : names.user(entry.stat.hostUid);
    const group = options.has("n") ? String(entry.stat.hostGid) : names.group(entry.stat.hostGid);
    return inode + longLine(tool, options, entry, [owner, group]);
  });
}

function longLine(
  tool: Tool,
  options: Options,
  entry: Entry,
  [owner = "", group = ""]: readonly string[],
): string {
  const { stat, path } = entry;
  const isDevice = stat.type === "char" || stat.type === "block";
  const size = options.has("h") ? readable(stat.sizeBytes) : String(stat.sizeBytes);
  const columns = [
    modeText(stat),
    String(stat.links).padStart(4),
    owner.slice(0, 8).padEnd(8),
    group.slice(0, 8).padEnd(8),
    isDevice
      ? `${String(stat.rdevMajor).padStart(4)}, ${String(stat.rdevMinor).padStart(3)}`
      : size.padStart(9),
    dateText(stat.mtimeMs, tool.kernel.nowMs()),
  ];
  const target = stat.type === "symlink" ? ` -> ${tool.kernel.readlink(path)}` : "";
  return `${columns.join(" ")} ${marked(options, entry)}${target}`;
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const HALF_YEAR_MS = 15_768_000_000;

function dateText(ms: number, nowMs: number): string {
  const date = new Date(ms);
  const day = `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`;
  const isRecent = Math.abs(nowMs - ms) < HALF_YEAR_MS;
  return `${day} ${isRecent ? date.toISOString().slice(11, 16) : ` ${date.getUTCFullYear()}`}`;
}

/** `readlink [-f] PATH` */
export const readlink: Applet = async (tool) => {
  const options = readOptions(tool, "fnv");
  const [path = ""] = options.operands;
  try {
    const text = options.has("f") ? follow(tool, path) : tool.kernel.readlink(path);
    await sayLines(tool, [text]);
    return 0;
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    if (options.has("v")) await complain(tool, `${path}: ${errnoText(error.errno)}`);
    return 1;
  }
};

/** `realpath PATH…` */
export const realpath: Applet = (tool) =>
  forEach(tool, readOptions(tool, "").operands, String, (path) =>
    sayLines(tool, [follow(tool, path)]),
  );

const LINKS_MAX = 40;

/** The path without links, `.` and `..`; its last part need not be there. */
function follow({ kernel }: Tool, path: string): string {
  const waiting = path.split("/");
  let links = 0;
  let done = path.startsWith("/") ? "" : kernel.readlink("/proc/self/cwd").replace(/\/$/, "");
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    if (part === "" || part === ".") continue;
    if (part === "..") {
      done = done.slice(0, Math.max(done.lastIndexOf("/"), 0));
      continue;
    }
    const here = `${done}/${part}`;
    const isLast = waiting.every((each) => each === "");
    const target = linkTarget(kernel, here, isLast);
    if (target === undefined) {
      done = here;
      continue;
    }
    links += 1;
    if (links > LINKS_MAX) throw new KernelError("open", "ELOOP", path);
    if (target.startsWith("/")) done = "";
    waiting.unshift(...target.split("/"));
  }
  return done === "" ? "/" : done;
}

function linkTarget(kernel: Tool["kernel"], path: string, isLast: boolean): string | undefined {
  try {
    return kernel.lstat(path).type === "symlink" ? kernel.readlink(path) : undefined;
  } catch (error) {
    if (isLast && error instanceof KernelError && error.errno === "ENOENT") return undefined;
    throw error;
  }
}

/** `stat [-c FORMAT] PATH…` */
export const stat: Applet = (tool) => {
  const options = readOptions(tool, "c:Lt");
  const names = ownerNames(tool.kernel);
  return forEach(
    tool,
    options.operands,
    (path) => `can't stat '${path}'`,
    async (path) => {
      const found = options.has("L") ? tool.kernel.stat(path) : tool.kernel.lstat(path);
      const fields = statFields(path, found, names);
      const format = options.value("c") ?? STAT_FORMAT(found);
      const target = found.type === "symlink" ? ` -> '${tool.kernel.readlink(path)}'` : "";
      const text = format.replace(/%([a-zA-Z%])/g, (all, letter: string) => {
        if (letter === "%") return "%";
        if (letter === "N") return `'${path}'${target}`;
        return Object.hasOwn(fields, letter) ? (fields[letter] ?? all) : all;
      });
      await sayLines(tool, [text]);
    },
  );
};

const TYPE_WORDS: Readonly<Record<FileStat["type"], string>> = {
  file: "regular file",
  directory: "directory",
  symlink: "symbolic link",
  char: "character special file",
  block: "block special file",
  fifo: "fifo",
  socket: "socket",
};

const STAT_FORMAT = (found: FileStat): string =>
  [
    "  File: %N",
    "  Size: %s".padEnd(10) + "\tBlocks: %b".padEnd(10) + "  IO Block: %o   %F",
    `Device: %Dh/%dd\tInode: %i  Links: %h${found.type === "char" || found.type === "block" ? "     Device type: %t,%T" : ""}`,
    "Access: (%a/%A)  Uid: (%u/%U)   Gid: (%g/%G)",
    "Modify: %y",
  ].join("\n");

function statFields(
  path: string,
  found: FileStat,
  names: ReturnType<typeof ownerNames>,
): Readonly<Record<string, string>> {
  const empty = found.type === "file" && found.sizeBytes === 0 ? "regular empty file" : undefined;
  return {
    n: path,
    s: String(found.sizeBytes),
    a: found.mode.toString(8),
    A: modeText(found),
    b: String(blocksOf(found) * 2),
    o: "4096",
    B: "512",
    F: empty ?? TYPE_WORDS[found.type],
    d: String(found.device),
    D: found.device.toString(16),
    i: String(found.inode),
    h: String(found.links),
    u: String(found.hostUid),
    U: names.user(found.hostUid),
    g: String(found.hostGid),
    G: names.group(found.hostGid),
    t: found.rdevMajor.toString(16),
    T: found.rdevMinor.toString(16),
    Y: String(Math.floor(found.mtimeMs / 1000)),
    y: new Date(found.mtimeMs).toISOString().replace("T", " ").replace("Z", "000000 +0000"),
  };
}

/** `test`s of find that it knows, with one word each. */
type Test = (path: string, found: FileStat) => boolean;

/** `find [PATH]… [-name P] [-path P] [-type T] [-maxdepth N] [-mindepth N] [-perm M]` */
export const find: Applet = async (tool) => {
  const at = tool.args.findIndex((each) => /^[-!(]/.test(each));
  const paths = at < 0 ? tool.args : tool.args.slice(0, at);
  const wish = readTests(at < 0 ? [] : tool.args.slice(at));
  let exitCode = 0;
  for (const path of paths.length === 0 ? ["."] : paths) {
    const found: string[] = [];
    const failed = await walk(tool, path, 0, { ...wish, found });
    if (failed !== 0) exitCode = 1;
    await sayLines(tool, found);
  }
  return exitCode;
};

interface Wish {
  readonly tests: readonly Test[];
  readonly minDepth: number;
  readonly maxDepth: number;
}

async function walk(
  tool: Tool,
  path: string,
  depth: number,
  wish: Wish & { readonly found: string[] },
): Promise<number> {
  return forEach(tool, [path], String, async () => {
    const here = tool.kernel.lstat(path);
    if (depth >= wish.minDepth && wish.tests.every((test) => test(path, here))) {
      wish.found.push(path);
    }
    if (here.type !== "directory" || depth >= wish.maxDepth) return;
    for (const name of tool.kernel.readdir(path)) {
      await walk(tool, `${path.replace(/\/$/, "")}/${name}`, depth + 1, wish);
    }
  });
}

const LETTERS: Readonly<Record<string, FileStat["type"]>> = {
  f: "file",
  d: "directory",
  l: "symlink",
  c: "char",
  b: "block",
  p: "fifo",
  s: "socket",
};

function readTests(words: readonly string[]): Wish {
  const rest = [...words];
  const tests: Test[] = [];
  let [minDepth, maxDepth, isNegated] = [0, Infinity, false];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "-print" || word === "-a") continue;
    if (word === "!") {
      isNegated = !isNegated;
      continue;
    }
    const value = rest.shift();
    if (value === undefined) throw new Failure(`${word}: requires an argument`);
    if (word === "-maxdepth") maxDepth = Number(value);
    else if (word === "-mindepth") minDepth = Number(value);
    else {
      const test = testOf(word, value);
      const isWanted = !isNegated;
      tests.push((path, found) => test(path, found) === isWanted);
      isNegated = false;
    }
  }
  return { tests, minDepth, maxDepth };
}

function testOf(word: string, value: string): Test {
  const baseOf = (path: string): string => path.split("/").findLast((each) => each !== "") ?? "/";
  if (word === "-name") return (path) => matches(value, baseOf(path));
  if (word === "-iname") return (path) => matches(value.toLowerCase(), baseOf(path).toLowerCase());
  if (word === "-path") return (path) => matches(value, path);
  if (word === "-type") return (_, { type }) => type === LETTERS[value];
  if (word === "-perm") return (_, { mode }) => mode === Number.parseInt(value, 8);
  if (word === "-user") return (_, { hostUid }) => String(hostUid) === value;
  throw new Failure(`unrecognized: ${word}`);
}
