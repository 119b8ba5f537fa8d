/**
 * Random programs of file operations, and what they leave behind: for comparing two trees that
 * ought to behave alike.
 *
 * Three names, two contents and little depth, so that operations meet each other: names chosen
 * freely would hardly ever collide, and collisions are where file systems differ.
 */
import { fc } from "@fast-check/vitest";
import { type FileStat, type Kernel, KernelError } from "../runtime/src/kernel/index.ts";

/** One operation; paths are relative to the tree's root. */
export type Operation =
  | { readonly do: "write" | "append" | "new"; readonly path: string; readonly text: string }
  | { readonly do: "mkdir" | "chmod"; readonly path: string; readonly mode: number }
  | { readonly do: "rmdir" | "unlink" | "device"; readonly path: string }
  | { readonly do: "rename" | "link" | "symlink"; readonly from: string; readonly path: string }
  | { readonly do: "chown"; readonly path: string; readonly id: number }
  | { readonly do: "truncate"; readonly path: string; readonly size: number }
  | { readonly do: "time"; readonly path: string; readonly seconds: number }
  | { readonly do: "setxattr"; readonly path: string; readonly name: string; readonly text: string }
  | { readonly do: "removexattr"; readonly path: string; readonly name: string }
  | {
      readonly do: "read" | "open" | "list" | "stat" | "readlink" | "xattrs";
      readonly path: string;
    };

const name = fc.constantFrom("a", "b", "c");
const path = fc.oneof(
  { weight: 3, arbitrary: name },
  { weight: 3, arbitrary: fc.tuple(name, name).map((parts) => parts.join("/")) },
  { weight: 1, arbitrary: fc.tuple(name, name, name).map((parts) => parts.join("/")) },
);
const text = fc.constantFrom("x", "yy");
const attribute = fc.constantFrom("user.k", "trusted.k");

/** Operations that only look. */
export const reading: fc.Arbitrary<Operation> = fc.record({
  do: fc.constantFrom("read" as const, "open", "list", "stat", "readlink"),
  path,
});

const writing: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constantFrom("write" as const, "append" as const), path, text }),
  fc.record({ do: fc.constantFrom("new" as const), path, text }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant("mkdir" as const), path, mode: modes() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("unlink" as const, "rmdir"), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("rename" as const), from: path, path }) },
  fc.record({ do: fc.constant("link" as const), from: path, path }),
  fc.record({ do: fc.constant("symlink" as const), from: name, path }),
  fc.record({ do: fc.constant("chmod" as const), path, mode: modes() }),
  fc.record({ do: fc.constant("chown" as const), path, id: fc.constantFrom(0, 1000) }),
  fc.record({ do: fc.constant("truncate" as const), path, size: fc.constantFrom(0, 1, 5) }),
  fc.record({ do: fc.constant("time" as const), path, seconds: fc.constantFrom(1, 1_000_000_000) }),
  fc.record({ do: fc.constant("setxattr" as const), path, name: attribute, text }),
  fc.record({ do: fc.constant("removexattr" as const), path, name: attribute }),
  fc.record({ do: fc.constant("device" as const), path }),
);

function modes() {
  return fc.constantFrom(0o755, 0o700, 0o4711, 0o1777, 0);
}

/** A directory is emptied, removed and made again: its old children must not come back. */
const remaking: fc.Arbitrary<readonly Operation[]> = name.map((directory) => [
  ...["a", "b", "c"].map((child) => ({ do: "unlink" as const, path: `${directory}/${child}` })),
  { do: "rmdir", path: directory },
  { do: "mkdir", path: directory, mode: 0o755 },
]);

/** A program. */
export const program: fc.Arbitrary<readonly Operation[]> = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: writing.map((operation) => [operation]) },
      { weight: 2, arbitrary: reading.map((operation) => [operation]) },
      { weight: 1, arbitrary: remaking },
    ),
    { maxLength: 14 },
  )
  .map((parts) => parts.flat());

/**
 * What a tree is made with: mostly things that come into being, so that later programs meet some.
 */
export const building: fc.Arbitrary<readonly Operation[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.record({ do: fc.constant("mkdir" as const), path, mode: modes() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("write" as const), path, text }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("link" as const), from: path, path }) },
    { weight: 2, arbitrary: writing },
  ),
  { minLength: 2, maxLength: 14 },
);

/** Everything before this is a time that a program set; everything after is "now". */
const NOW_FROM_MS = 1_500_000_000_000;

/** What can be seen of a name, without what two runs of one program never share. */
export function describeStat(stat: FileStat): string {
  const { type, mode, hostUid, hostGid, mtimeMs } = stat;
  const size = type === "file" || type === "symlink" ? stat.sizeBytes : "";
  const time = mtimeMs >= NOW_FROM_MS ? "now" : mtimeMs;
  const device = type === "char" ? `${stat.rdevMajor}:${stat.rdevMinor}` : "";
  return [type, mode.toString(8), hostUid, hostGid, size, time, device].join(" ");
}

/**
 * Does one operation in a tree.
 *
 * @returns what the kernel answered, errno or value, as text to compare
 */
export function perform(kernel: Kernel, root: string, operation: Operation): string {
  try {
    return performOrThrow(kernel, `${root}/${operation.path}`, root, operation);
  } catch (error) {
    if (error instanceof KernelError) return error.errno;
    throw error;
  }
}

function performOrThrow(kernel: Kernel, at: string, root: string, operation: Operation): string {
  switch (operation.do) {
    case "read":
      return new TextDecoder().decode(kernel.readFile(at));
    case "open": {
      using file = kernel.openFile(at);
      const bytes = new Uint8Array(8);
      const text = new TextDecoder().decode(bytes.subarray(0, file.read(bytes, 0)));
      return `${text} ${file.listXattr().join(" ")}`;
    }
    case "list":
      return kernel.readdir(at).join(" ");
    case "stat":
      return describeStat(kernel.lstat(at));
    case "readlink":
      return kernel.readlink(at);
    case "xattrs":
      return kernel.listXattr(at).join(" ");
    default:
      change(kernel, at, root, operation);
      return "ok";
  }
}

// oxlint-disable-next-line complexity -- one line for each kernel call
function change(kernel: Kernel, at: string, root: string, operation: Operation): void {
  switch (operation.do) {
    case "write":
      return kernel.writeFile(at, operation.text, "create");
    case "append":
      return kernel.writeFile(at, operation.text, "append");
    case "new":
      return kernel.writeFile(at, operation.text, "exclusive");
    case "mkdir":
      return kernel.mkdir(at, operation.mode);
    case "rmdir":
      return kernel.rmdir(at);
    case "unlink":
      return kernel.unlink(at);
    case "rename":
      return kernel.rename(`${root}/${operation.from}`, at);
    case "link":
      return kernel.link(`${root}/${operation.from}`, at);
    case "symlink":
      return kernel.symlink(operation.from, at);
    case "chmod":
      return kernel.chmod(at, operation.mode);
    case "chown":
      return kernel.lchown(at, operation.id, operation.id);
    case "truncate":
      return kernel.truncate(at, operation.size);
    case "time":
      return kernel.lutimes(at, operation.seconds * 1000);
    case "setxattr":
      return kernel.setXattr(at, operation.name, new TextEncoder().encode(operation.text));
    case "removexattr":
      return kernel.removeXattr(at, operation.name);
    case "device":
      // /dev/null: opening it never waits, as a fifo's would.
      return kernel.mknod(at, { type: "char", major: 1, minor: 3, permissions: 0o666 });
    default:
      throw new Error(`${operation.do} changes nothing`);
  }
}

/** Everything in a tree, by path; the root is "". */
export type Snapshot = Readonly<Record<string, string>>;

/**
 * What a tree holds: types, modes, owners, times, contents, link targets and attributes.
 *
 * @param view `seen`: as a program sees it; `exact`: with inode numbers and times, to find any
 *   change
 */
export function snapshot(kernel: Kernel, root: string, view: "seen" | "exact" = "seen"): Snapshot {
  const found: Record<string, string> = {};
  const visit = (path: string) => {
    const at = path === "" ? root : `${root}/${path}`;
    const stat = kernel.lstat(at);
    found[path] = [
      describeStat(stat),
      view === "exact" ? `${stat.inode} ${stat.mtimeMs} ${stat.links}` : "",
      contentOf(kernel, at, stat),
      ...attributesOf(kernel, at),
    ].join(" | ");
    if (stat.type !== "directory") return;
    for (const child of kernel.readdir(at)) visit(path === "" ? child : `${path}/${child}`);
  };
  visit("");
  return found;
}

function contentOf(kernel: Kernel, at: string, stat: FileStat): string {
  if (stat.type === "file") return new TextDecoder().decode(kernel.readFile(at));
  if (stat.type === "symlink") return `-> ${kernel.readlink(at)}`;
  if (stat.type !== "directory") return "";
  const names = kernel.readdir(at);
  if (new Set(names).size !== names.length) throw new Error(`${at} lists a name twice`);
  return names.join(" ");
}

function attributesOf(kernel: Kernel, at: string): readonly string[] {
  const names = kernel.listXattr(at).toSorted();
  return names.map((each) => `${each}=${new TextDecoder().decode(kernel.getXattr(at, each))}`);
}

/** Gives every name an inode of its own: copies of layers do not keep what was one file. */
export function breakHardLinks(kernel: Kernel, root: string): void {
  for (const name of kernel.readdir(root)) {
    const at = `${root}/${name}`;
    const stat = kernel.lstat(at);
    if (stat.type === "directory") breakHardLinks(kernel, at);
    else if (stat.links > 1) replaceByCopy(kernel, root, name, stat);
  }
}

function replaceByCopy(kernel: Kernel, root: string, name: string, stat: FileStat): void {
  const at = `${root}/${name}`;
  const copy = `${root}/copy-of-${name}`;
  const { mtimeMs } = kernel.lstat(root);
  if (stat.type === "symlink") kernel.symlink(kernel.readlink(at), copy);
  else if (stat.type === "file") kernel.writeFile(copy, kernel.readFile(at), "exclusive");
  else kernel.mknod(copy, { type: "char", major: 1, minor: 3, permissions: 0o600 });
  kernel.lchown(copy, stat.hostUid, stat.hostGid);
  if (stat.type !== "symlink") kernel.chmod(copy, stat.mode);
  for (const each of kernel.listXattr(at)) kernel.setXattr(copy, each, kernel.getXattr(at, each));
  kernel.lutimes(copy, stat.mtimeMs);
  kernel.rename(copy, at);
  kernel.lutimes(root, mtimeMs);
}
