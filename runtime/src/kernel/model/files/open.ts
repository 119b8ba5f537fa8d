/**
 * Open: contents of files, and what stands between a path and them.
 *
 * All calls of the port but one open, read or write, and close. What open(2) decides is decided
 * here all the same, in its order: what the path leads to, then what it is, then whether the
 * process may.
 *
 * Kernel interface: open(2), read(2), write(2), truncate(2), flock(2), null(4), random(4).
 * Invariants: none; property-tests/model-files.test.ts compares every errno.
 * Left out: fifos and sockets cannot be opened (ENXIO), since a call of the model never waits; of
 *   the devices only those that containers get; /dev/zero read whole is refused, where Linux would
 *   never end.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Lock, WriteMode } from "../../port.ts";
import { refuse } from "../refusal.ts";
import type { Attributes, Dentry, Place, Process, Sink, Source, Terminal } from "../state.ts";
import {
  checkAccess,
  checkMayCreate,
  checkWritable,
  EXECUTE,
  isCapable,
  READ,
  WRITE,
} from "./permission.ts";
import { across, lookupName, resolve, resolveLast, resolveLastThrough } from "./walk.ts";

const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();

/** What reading and writing a device does, by `major:minor`. */
interface Device {
  /** Up to `lengthBytes`, or all when it ends by itself. */
  readonly read: (process: Process, lengthBytes: number | undefined) => Uint8Array;
  readonly writeErrno?: string;
  readonly write?: (bytes: Uint8Array) => void;
}

const endless = (count: number | undefined): number => count ?? refuse("EFBIG");
const zeros: Device["read"] = (_, count) => new Uint8Array(endless(count));
const chance: Device["read"] = (process, count) => process.world.clock.random(endless(count));

const DEVICES: Readonly<Record<string, Device>> = {
  "1:3": { read: () => NOTHING },
  "1:5": { read: zeros },
  "1:7": { read: zeros, writeErrno: "ENOSPC" },
  "1:8": { read: chance },
  "1:9": { read: chance },
};

/** The whole of a file. */
export function readFile(process: Process, path: string): Uint8Array {
  return readPart(process, path, undefined).slice();
}

/** Part of a file. */
export function readRange(
  process: Process,
  path: string,
  range: { readonly offsetBytes: number; readonly lengthBytes: number },
): Uint8Array {
  const { offsetBytes, lengthBytes } = range;
  const bytes = readPart(process, path, lengthBytes);
  if (isDevice(resolve(process, path, "follow").dentry)) return bytes;
  return bytes.slice(offsetBytes, offsetBytes + lengthBytes);
}

function readPart(process: Process, path: string, lengthBytes: number | undefined): Uint8Array {
  const place = resolve(process, path, "follow");
  const { dentry } = place;
  checkOpen(process, place, READ);
  if (dentry.inode.type === "directory") refuse("EISDIR");
  if (!isDevice(dentry)) return dentry.fs.read(dentry, process);
  return deviceOf(process, dentry).read(process, lengthBytes);
}

function isDevice({ inode }: Dentry): boolean {
  return inode.type === "char" || inode.type === "block";
}

function deviceOf(process: Process, dentry: Dentry): Device {
  const terminal = terminalAt(process, dentry);
  // A call of the model does not wait for somebody to type.
  if (terminal !== undefined) {
    return { read: () => refuse("EAGAIN"), write: (bytes) => terminal.sink.write(bytes) };
  }
  const { type, rdevMajor, rdevMinor } = dentry.fs.attributes(dentry);
  const device = type === "char" ? DEVICES[`${rdevMajor}:${rdevMinor}`] : undefined;
  return device ?? refuse("ENXIO");
}

/** What open(2) checks of something that is there. @throws Refusal */
export function checkOpen(process: Process, place: Place, wish: number): void {
  const { mount, dentry } = place;
  const { type } = dentry.inode;
  if (type === "symlink") refuse("ELOOP");
  if (type === "directory" && (wish & WRITE) !== 0) refuse("EISDIR");
  if (isDevice(dentry) && mount.options.noDev) refuse("EACCES");
  checkAccess(process, dentry, wish);
  if ((wish & WRITE) !== 0 && type === "file") checkWritable(mount);
  checkNotFifo(dentry);
}

function checkNotFifo(dentry: Dentry): void {
  const { type } = dentry.inode;
  if ((type === "fifo" || type === "socket") && streamOf(dentry) === undefined) refuse("ENXIO");
}

/** What `writeFile` of the port is asked. */
export interface WriteRequest {
  readonly data: Uint8Array | string;
  readonly mode: WriteMode;
  readonly permissions: number;
}

/** Opens as `mode` says and writes once. */
export function writeFile(process: Process, path: string, request: WriteRequest): void {
  const { data, mode, permissions } = request;
  const place = openForWriting(process, path, mode, permissions);
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  writeTo(process, place.dentry, bytes, mode === "append" ? "append" : "replace");
}

/** Something that stays open. */
export interface OpenToRead {
  readonly place: Place;
  readonly read: (offsetBytes: number, lengthBytes: number) => Uint8Array;
  /** Instead of that, if it is a stream: a terminal, or a descriptor of a process. */
  readonly source: Source | undefined;
}

/** Opens for reading, again and again. @throws Refusal */
export function openToRead(
  process: Process,
  path: string,
  last: "follow" | "keep" = "follow",
): OpenToRead {
  const place = resolve(process, path, last);
  const { dentry } = place;
  checkOpen(process, place, READ);
  const stream = streamOf(dentry) ?? terminalAt(process, dentry)?.source;
  const source = stream !== undefined && "read" in stream ? stream : undefined;
  if (isDevice(dentry) && source === undefined) {
    const device = deviceOf(process, dentry);
    return { place, source, read: (_, lengthBytes) => device.read(process, lengthBytes) };
  }
  const read = (offset: number, length: number): Uint8Array => {
    if (dentry.inode.type === "directory") refuse("EISDIR");
    return dentry.fs.read(dentry, process).slice(offset, offset + length);
  };
  return { place, source, read };
}

/** Something that stays open. */
export interface OpenToWrite {
  readonly place: Place;
  /** Adds at the end. */
  readonly write: (bytes: Uint8Array) => void;
  /** Instead of that, if it is a stream: a terminal, or a descriptor of a process. */
  readonly sink: Sink | undefined;
}

/** Opens for writing; what was in a file goes with `create`. @throws Refusal */
export function openToWrite(
  process: Process,
  path: string,
  how: Omit<WriteRequest, "data">,
): OpenToWrite {
  const place = openForWriting(process, path, how.mode, how.permissions);
  const { dentry } = place;
  const stream = streamOf(dentry) ?? terminalAt(process, dentry)?.sink;
  const sink = stream !== undefined && "write" in stream ? stream : undefined;
  if (how.mode === "create" && sink === undefined) writeTo(process, dentry, NOTHING, "replace");
  return { place, sink, write: (bytes) => writeTo(process, dentry, bytes, "append") };
}

function streamOf({ inode }: Dentry): Source | Sink | undefined {
  return inode.kind === "generated" ? inode.does.stream : undefined;
}

/** The terminal that a node stands for: /dev/tty is that of whoever asks. @throws Refusal ENXIO */
function terminalAt(process: Process, dentry: Dentry): Terminal | undefined {
  if (!isDevice(dentry)) return undefined;
  const { rdevMajor, rdevMinor } = dentry.fs.attributes(dentry);
  const { terminals: all, openedAt } = process.world;
  const terminals = [...all];
  const isOwn = rdevMajor === 5 && rdevMinor === 0;
  if (!isOwn)
    return terminals.find(
      ({ source }) => openedAt.get(source.opened)?.dentry.inode === dentry.inode,
    );
  return terminals.find(({ session }) => session === process.session) ?? refuse("ENXIO");
}

/** Opens what is there, empties it, and writes each text. */
export function writeEach(process: Process, path: string, texts: readonly string[]): void {
  const { dentry } = openForWriting(process, path, "existing", 0);
  writeTo(process, dentry, encoder.encode(texts[0] ?? ""), "replace");
  for (const text of texts.slice(1)) writeTo(process, dentry, encoder.encode(text), "append");
}

function writeTo(
  process: Process,
  dentry: Dentry,
  bytes: Uint8Array,
  how: "replace" | "append",
): void {
  if (isDevice(dentry)) {
    const { writeErrno, write } = deviceOf(process, dentry);
    if (writeErrno !== undefined && bytes.length > 0) refuse(writeErrno);
    write?.(bytes);
    return;
  }
  if (how === "replace" || bytes.length > 0) dropPrivileges(process, dentry);
  dentry.fs.write(dentry, bytes, how, process);
}

/**
 * Writing takes set-id bits and file capabilities away, the bits not from somebody who may set
 * them.
 */
function dropPrivileges(process: Process, dentry: Dentry): void {
  const { fs } = dentry;
  const { mode } = fs.attributes(dentry);
  const kept = withoutSetId(mode);
  const { credentials } = process;
  const mayKeep = isCapable(credentials, credentials.userNamespace, "CAP_FSETID");
  if (mode !== kept && !mayKeep) fs.change(dentry, { mode: kept });
  if (fs.listXattr(dentry).includes("security.capability")) {
    fs.removeXattr(dentry, "security.capability");
  }
}

/** A mode without set-user-ID, and without set-group-ID where the group may execute. */
export function withoutSetId(mode: number): number {
  const withoutUser = mode & ~0o4000;
  return (mode & 0o10) === 0 ? withoutUser : withoutUser & ~0o2000;
}

function openForWriting(
  process: Process,
  path: string,
  mode: WriteMode,
  permissions: number,
): Place {
  if (mode === "existing") {
    const place = resolve(process, path, "follow");
    checkOpen(process, place, WRITE);
    return place;
  }
  const isExclusive = mode === "exclusive";
  const last = isExclusive ? resolveLast(process, path) : resolveLastThrough(process, path);
  const { directory, kind, name, slashes } = last;
  if (kind !== "name") refuse(isExclusive ? "EEXIST" : "EISDIR");
  if (slashes) refuse("EISDIR");
  const found = lookupName(process, directory.dentry, name);
  if (found === undefined) return createFile(process, directory, name, permissions);
  if (isExclusive) refuse("EEXIST");
  const place = across({ mount: directory.mount, dentry: found });
  checkOpen(process, place, WRITE);
  return place;
}

function createFile(process: Process, directory: Place, name: string, permissions: number): Place {
  checkWritable(directory.mount);
  checkMayCreate(process, directory);
  const { uid, gid } = process.credentials;
  const { dentry, mount } = directory;
  const node = { type: "file", mode: permissions & 0o7777, uid, gid } as const;
  return { mount, dentry: dentry.fs.create(dentry, name, node, process) };
}

/** Sets a file's length: it opens for writing, and only files have one. */
export function truncate(process: Process, path: string, sizeBytes: number): void {
  const place = resolve(process, path, "follow");
  const { dentry } = place;
  checkOpen(process, place, READ | WRITE);
  if (dentry.inode.type !== "file") refuse("EINVAL");
  dropPrivileges(process, dentry);
  dentry.fs.truncate(dentry, sizeBytes);
}

/** Opens for reading, which is all of fsync(2) that memory needs. */
export function fsync(process: Process, path: string): void {
  const place = resolve(process, path, "follow");
  checkOpen(process, place, READ);
  if (isDevice(place.dentry)) refuse("EINVAL");
}

/** An exclusive lock on a file that is made when it is missing. */
export function lockFile(process: Process, path: string): Lock {
  const place = openForWriting(process, path, "append", 0o644);
  checkAccess(process, place.dentry, READ | WRITE);
  writeTo(process, place.dentry, NOTHING, "append");
  const { locks } = process.world;
  const key = place.dentry.fs.identity(place.dentry);
  if (locks.has(key)) refuse("EAGAIN");
  locks.add(key);
  let held = true;
  const release = (): void => {
    if (held) locks.delete(key);
    held = false;
  };
  return { release };
}

/** The program at a path, as execve(2) sees it. @throws Refusal EACCES, ENOENT, ENOTDIR, ELOOP */
export function openProgram(process: Process, path: string): Place {
  const place = resolve(process, path, "follow");
  if (place.dentry.inode.type !== "file" || place.mount.options.noExec) refuse("EACCES");
  checkAccess(process, place.dentry, EXECUTE);
  return place;
}

/** For callers that list: what reading a directory needs. */
export function openDirectory(process: Process, path: string): Place {
  const place = resolve(process, path, "follow");
  if (place.dentry.inode.type !== "directory") refuse("ENOTDIR");
  checkAccess(process, place.dentry, READ);
  return place;
}

/** A place's attributes. */
export function attributesOf({ dentry }: Place): Attributes {
  return dentry.fs.attributes(dentry);
}
