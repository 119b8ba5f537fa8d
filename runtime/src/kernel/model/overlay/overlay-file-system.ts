/**
 * Overlay file system: one tree out of many.
 *
 * The options name the layers; a dentry of the overlay knows the dentries of the layers that it
 * shows, and passes every question on to the one that is seen. Attributes of overlayfs itself are
 * never shown; those that a user sets under its prefix are kept under one more `overlay.`.
 *
 * Kernel interface: mount(2), overlayfs (kernel documentation, filesystems/overlayfs.rst).
 * Invariants:
 *   overlay-agrees   a random program on one to four lower layers has the same answers as on Linux,
 *                    and the same merged tree and upper layer after each step
 * Left out: index, metacopy, redirect_dir=on, nfs_export, volatile and data-only layers are
 *   refused; whether the mounter may do in the layers what it does there is not asked; changing a
 *   layer under a mount is not seen everywhere at once, as on Linux it is not defined.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { checkWritable } from "../files/permission.ts";
import { resolve } from "../files/walk.ts";
import { nextDevice } from "../mounts/device.ts";
import { isBelow } from "../mounts/table.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type { Dentry, FileSystem, Place, Process } from "../state.ts";
import { copyUp, isPrivate, shownAttributes } from "./copy-up.ts";
import { lookup, names, overlayInode, realOf, type Overlay } from "./layers.ts";
import { overlayNames } from "./names.ts";

const LAYERS_MAX = 500;
const DEPTH_MAX = 2;

/** Options that change nothing here, and the values that they may have. */
const ACCEPTED: Readonly<Record<string, RegExp>> = {
  index: /^off$/,
  metacopy: /^off$/,
  redirect_dir: /^(off|follow|nofollow)$/,
  nfs_export: /^off$/,
  xino: /^(on|off|auto)$/,
  uuid: /^(on|off|auto|null)$/,
};

interface Options {
  readonly lowers: readonly string[];
  readonly upper: string | undefined;
  readonly work: string | undefined;
  readonly isUser: boolean;
}

/** Mounts an overlay. @throws Refusal ENOENT, ENOTDIR, EINVAL, ELOOP */
export function createOverlay(process: Process, data: string): FileSystem {
  const options = parseOptions(data);
  const place = (path: string): Place => {
    const found = resolve(process, path, "follow");
    refuseIf(found.dentry.inode.type !== "directory", "ENOTDIR");
    return found;
  };
  const lowers = options.lowers.map(place);
  const upper = options.upper === undefined ? undefined : place(options.upper);
  const work = options.work === undefined ? undefined : place(options.work);
  refuseIf(lowers.length === 0 || lowers.length > LAYERS_MAX, "EINVAL");
  if (upper !== undefined) prepareUpper(process, upper, work ?? refuse("EINVAL"));
  checkApart(
    lowers,
    [upper, work].flatMap((each) => each ?? []),
  );
  const layers = [...lowers, ...(upper === undefined ? [] : [upper])];
  const depth = 1 + Math.max(...layers.map(({ dentry }) => dentry.fs.depth));
  refuseIf(depth > DEPTH_MAX, "EINVAL");
  const overlay: Overlay = {
    world: process.world,
    mounter: process,
    prefix: options.isUser ? "user.overlay." : "trusted.overlay.",
    isWritable: upper !== undefined,
    byUpper: new WeakMap(),
  };
  const stack = { upper: upper?.dentry, lowers: lowers.map(({ dentry }) => dentry) };
  return createFileSystem(overlay, { ...stack, depth, options: data });
}

/** `key=value` of each option; a colon or comma behind a backslash belongs to the path. */
function parseOptions(data: string): Options {
  const found = new Map((data.match(/(?:\\.|[^,\\])+/g) ?? []).map(parseOption));
  const plain = (text: string): string => text.replace(/\\(.)/g, "$1");
  const path = (key: string): string | undefined => {
    const text = found.get(key);
    return text === undefined ? undefined : plain(text);
  };
  const lower = found.get("lowerdir") ?? "";
  return {
    lowers: (lower.match(/(?:\\.|[^:\\])+/g) ?? []).map(plain),
    upper: path("upperdir"),
    work: path("workdir"),
    isUser: found.has("userxattr"),
  };
}

function parseOption(part: string): readonly [string, string] {
  const at = part.indexOf("=");
  const [key, value] = at < 0 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
  const isPath = ["lowerdir", "upperdir", "workdir"].includes(key);
  const form = Object.hasOwn(ACCEPTED, key) ? ACCEPTED[key] : undefined;
  const isFlag = part === "userxattr";
  refuseIf(!isPath && !isFlag && form?.test(value) !== true, "EINVAL");
  return [key, value];
}

/** Upper and work directory lie side by side on one mount that may be written. */
function prepareUpper(process: Process, upper: Place, work: Place): void {
  refuseIf(upper.mount !== work.mount, "EINVAL");
  const isNested = isBelow(upper.dentry, work.dentry) || isBelow(work.dentry, upper.dentry);
  refuseIf(isNested || upper.dentry.fs.depth > 0, "EINVAL");
  try {
    checkWritable(upper.mount);
  } catch {
    refuse("EINVAL");
  }
  const { fs } = work.dentry;
  if (fs.lookup(work.dentry, "work", process) !== undefined) return;
  const { uid, gid } = process.credentials;
  fs.create(work.dentry, "work", { type: "directory", mode: 0, uid, gid }, process);
}

/** No lower layer is another one, or inside of what is written. */
function checkApart(lowers: readonly Place[], written: readonly Place[]): void {
  const roots = [...lowers, ...written].map(({ dentry }) => dentry);
  for (const [index, { dentry }] of lowers.entries()) {
    const others = roots.filter((_, at) => at !== index);
    refuseIf(
      others.some((other) => isBelow(dentry, other)),
      "ELOOP",
    );
  }
}

interface Stack {
  readonly upper: Dentry | undefined;
  readonly lowers: readonly Dentry[];
  readonly depth: number;
  readonly options: string;
}

function createFileSystem(overlay: Overlay, stack: Stack): FileSystem {
  const { upper, lowers, depth } = stack;
  const fs: FileSystem = {
    type: "overlay",
    device: nextDevice(overlay.world),
    get root(): Dentry {
      return root;
    },
    userNamespace: overlay.mounter.credentials.userNamespace,
    readOnly: !overlay.isWritable,
    options: stack.options,
    depth,
    get changes(): number {
      const layers = upper === undefined ? lowers : [upper, ...lowers];
      return layers.reduce((sum, layer) => sum + layer.fs.changes, 0);
    },
    mounts: new Set(),
    lookup: (directory, name) => lookup(overlay, directory, name),
    names: (directory) => names(overlay, directory),
    attributes: (dentry) => shownAttributes(overlay, dentry),
    change: (dentry, change) => {
      const above = copyUp(overlay, dentry);
      above.fs.change(above, change);
    },
    ...overlayNames(overlay),
    ...overlayContents(overlay),
    ...overlayXattrs(overlay),
    reconfigure: () => undefined,
  };
  const inode = overlayInode(overlay, { upper, lowers });
  const root: Dentry = { name: "", parent: undefined, inode, fs, gone: false };
  return fs;
}

type Contents = Pick<FileSystem, "readlink" | "read" | "write" | "truncate">;

function overlayContents(overlay: Overlay): Contents {
  return {
    readlink: (dentry, by) => {
      const real = realOf(dentry);
      return real.fs.readlink(real, by);
    },
    read: (dentry, by) => {
      const real = realOf(dentry);
      return real.fs.read(real, by);
    },
    // Opening for writing copies up, even when nothing is written then.
    write: (dentry, bytes, how, by) => {
      const above = copyUp(overlay, dentry);
      above.fs.write(above, bytes, how, by);
    },
    truncate: (dentry, sizeBytes) => {
      const above = copyUp(overlay, dentry);
      above.fs.truncate(above, sizeBytes);
    },
  };
}

type Xattrs = Pick<FileSystem, "listXattr" | "getXattr" | "setXattr" | "removeXattr">;

function overlayXattrs(overlay: Overlay): Xattrs {
  const { prefix } = overlay;
  const escaped = `${prefix}overlay.`;
  const stored = (name: string): string =>
    name.startsWith(prefix) ? escaped + name.slice(prefix.length) : name;
  const shown = (name: string): string =>
    name.startsWith(escaped) ? prefix + name.slice(escaped.length) : name;
  return {
    listXattr: (dentry) => {
      const real = realOf(dentry);
      return real.fs
        .listXattr(real)
        .filter((name) => !isPrivate(overlay, name))
        .map(shown);
    },
    getXattr: (dentry, name) => {
      const real = realOf(dentry);
      return real.fs.getXattr(real, stored(name));
    },
    setXattr: (dentry, name, value) => {
      const above = copyUp(overlay, dentry);
      above.fs.setXattr(above, stored(name), value);
    },
    removeXattr: (dentry, name) => {
      const real = realOf(dentry);
      // What is not there is not worth a copy.
      if (real.fs.getXattr(real, stored(name)) === undefined) refuse("ENODATA");
      const above = copyUp(overlay, dentry);
      above.fs.removeXattr(above, stored(name));
    },
  };
}
