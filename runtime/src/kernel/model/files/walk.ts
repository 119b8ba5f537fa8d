/**
 * Walk: from a path to a place.
 *
 * A path is taken name by name. Each directory passed through asks for permission; a symbolic link
 * puts its text in front of what is left; a name on which something is mounted leads to the root of
 * what is mounted, and `..` at such a root leads back out. At the root of the process `..` stays:
 * that is all that keeps a container inside.
 *
 * Kernel interface: path_resolution(7), symlink(7).
 * Invariants: none; property-tests/model-files.test.ts walks on both kernels.
 * Left out: automounts, openat2(2) and its ways to resolve.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { refuse } from "../refusal.ts";
import type { Dentry, Place, Process } from "../state.ts";
import { checkAccess, EXECUTE } from "./permission.ts";

const LINKS_MAX = 40;
const PATH_MAX_BYTES = 4096;
const NAME_MAX_BYTES = 255;
const encoder = new TextEncoder();

/** A directory and the last name of a path, which may not exist. */
export interface Last {
  readonly directory: Place;
  /** A name, or one of the three that are no names: `.`, `..`, and `/` alone. */
  readonly kind: "name" | "dot" | "dotdot" | "root";
  readonly name: string;
  /** Whether slashes follow, which asks for a directory. */
  readonly slashes: boolean;
}

/** One walk: who walks, where it is, and how many links it has met. */
interface Walk {
  readonly process: Process;
  place: Place;
  links: number;
}

/**
 * Where a path leads.
 *
 * @param last whether a symbolic link at the end is followed or is what is meant
 * @throws Refusal ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG
 */
export function resolve(process: Process, path: string, last: "follow" | "keep"): Place {
  const walk: Walk = { process, place: process.cwd, links: 0 };
  walkAll(walk, path, last);
  return walk.place;
}

/** The directory in which a path's last name is, or would be. @throws Refusal as `resolve` */
export function resolveLast(process: Process, path: string): Last {
  return walkToLast({ process, place: process.cwd, links: 0 }, path);
}

/**
 * As `resolveLast`, behind a symbolic link at the end: where O_CREAT makes the file.
 *
 * @throws Refusal as `resolve`
 */
export function resolveLastThrough(process: Process, path: string): Last {
  const walk: Walk = { process, place: process.cwd, links: 0 };
  let last = walkToLast(walk, path);
  for (;;) {
    const found = last.kind === "name" ? step(process, last.directory, last.name) : undefined;
    if (found === undefined || typeOf(found.dentry) !== "symlink" || last.slashes) return last;
    const text = linkText(walk, found);
    walk.place = last.directory;
    last = walkToLast(walk, text);
  }
}

/** What a name in a directory leads to, across mounts; a link is not followed. */
export function step(process: Process, directory: Place, name: string): Place | undefined {
  const found = lookupName(process, directory.dentry, name);
  return found === undefined ? undefined : across({ mount: directory.mount, dentry: found });
}

/** A name in a directory, below whatever is mounted on it. @throws Refusal ENAMETOOLONG */
export function lookupName(process: Process, directory: Dentry, name: string): Dentry | undefined {
  if (encoder.encode(name).length > NAME_MAX_BYTES) refuse("ENAMETOOLONG");
  return directory.gone ? undefined : directory.fs.lookup(directory, name, process);
}

/** The topmost of what is mounted at a place, or the place itself. */
export function across(place: Place): Place {
  let at = place;
  for (;;) {
    const mounted = at.mount.children.get(at.dentry);
    if (mounted === undefined) return at;
    at = { mount: mounted, dentry: mounted.root };
  }
}

/** Whether two places are one. */
export function isSamePlace(a: Place, b: Place): boolean {
  return a.mount === b.mount && a.dentry === b.dentry;
}

/** The type of what a dentry leads to. */
export function typeOf(dentry: Dentry): Dentry["inode"]["type"] {
  return dentry.inode.type;
}

function walkToLast(walk: Walk, path: string): Last {
  if (path === "") refuse("ENOENT");
  if (encoder.encode(path).length >= PATH_MAX_BYTES) refuse("ENAMETOOLONG");
  if (path.startsWith("/")) walk.place = walk.process.root;
  const names = path.split("/").filter((name) => name !== "");
  const name = names.pop();
  if (name === undefined) {
    return { directory: walk.place, kind: "root", name: "/", slashes: false };
  }
  for (const each of names) {
    mayPass(walk);
    take(walk, each);
    if (typeOf(walk.place.dentry) !== "directory") refuse("ENOTDIR");
  }
  mayPass(walk);
  const kind = name === "." ? "dot" : name === ".." ? "dotdot" : "name";
  return { directory: walk.place, kind, name, slashes: path.endsWith("/") };
}

function mayPass(walk: Walk): void {
  checkAccess(walk.process, walk.place.dentry, EXECUTE);
}

function walkAll(walk: Walk, path: string, last: "follow" | "keep"): void {
  const { kind, name, slashes } = walkToLast(walk, path);
  // What is mounted over the place where a walk begins is not seen.
  if (kind === "root") return;
  if (last === "keep" && !slashes) takeNoLink(walk, name);
  else take(walk, name);
  if (slashes && typeOf(walk.place.dentry) !== "directory") refuse("ENOTDIR");
}

function takeNoLink(walk: Walk, name: string): void {
  if (name === ".") return;
  if (name === "..") {
    walk.place = above(walk.process, walk.place);
    return;
  }
  walk.place = step(walk.process, walk.place, name) ?? refuse("ENOENT");
}

/** Takes one name, through any links. */
function take(walk: Walk, name: string): void {
  const directory = walk.place;
  takeNoLink(walk, name);
  const found = walk.place;
  if (typeOf(found.dentry) !== "symlink") return;
  const { inode } = found.dentry;
  if (inode.kind === "generated" && inode.does.jump !== undefined) {
    countLink(walk);
    walk.place = inode.does.jump(walk.process);
    return;
  }
  const text = linkText(walk, found);
  walk.place = directory;
  walkAll(walk, text, "follow");
}

function linkText(walk: Walk, link: Place): string {
  countLink(walk);
  return link.dentry.fs.readlink(link.dentry, walk.process);
}

function countLink(walk: Walk): void {
  walk.links += 1;
  if (walk.links > LINKS_MAX) refuse("ELOOP");
}

/** `..` of a place; the root of the process is its own. */
function above(process: Process, place: Place): Place {
  let { mount, dentry } = place;
  for (;;) {
    if (isSamePlace({ mount, dentry }, process.root)) return across(place);
    if (dentry !== mount.root && dentry.parent !== undefined) {
      return across({ mount, dentry: dentry.parent });
    }
    if (mount.parent === undefined || mount.mountpoint === undefined) return across(place);
    dentry = mount.mountpoint;
    mount = mount.parent;
  }
}
