/**
 * Layers: the tar format, as bytes.
 *
 * A tar file is a row of entries: a header of 512 bytes, then the file's bytes, filled up to a
 * multiple of 512. What the old header cannot hold (long or non-ASCII names, large numbers,
 * extended attributes) stands in an entry of its own before it, as records `length key=value`
 * (pax). Printing is a function of the entries alone: no clock, no user names.
 *
 * Why not a library: those that run in browsers lose device numbers or read extended attributes as
 * text, which damages binary ones such as file capabilities.
 *
 * Kernel interface: none.
 * Specification: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; OCI
 *   image-spec v1.1, layer.md.
 * Invariants:
 *   tar-round-trip      parsing printed entries gives them back: long, non-ASCII and empty names,
 *                       all types, attributes
 *   tar-deterministic   the same entries give the same bytes
 * Left out: sparse files are refused, fractions of a second are cut.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import { nameOf } from "../kernel/index.ts";

/** What an entry is. */
export type TarType = "file" | "link" | "symlink" | "char" | "block" | "directory" | "fifo";

/** One entry of a tar file. */
export interface TarEntry {
  /** As it stands in the file, without a closing slash. */
  readonly path: string;
  readonly type: TarType;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds since the epoch; may be negative. */
  readonly mtimeSeconds: number;
  /**
   * What a symbolic link says, or the path of the entry that a hard link shares. Empty otherwise.
   */
  readonly linkPath: string;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** A view into the parsed archive: copy it to keep it. */
  readonly data: Uint8Array;
}

/** A file without a name, to make others of. */
export const EMPTY_ENTRY: TarEntry = {
  path: "",
  type: "file",
  mode: 0,
  uid: 0,
  gid: 0,
  mtimeSeconds: 0,
  linkPath: "",
  major: 0,
  minor: 0,
  xattrs: new Map(),
  data: new Uint8Array(),
};

/** Headers and bytes come in blocks of this size. */
export const BLOCK = 512;
/** Each type with the letter that stands for it. */
export const TYPE_FLAGS: readonly (readonly [TarType, string])[] = [
  ["file", "0"],
  ["link", "1"],
  ["symlink", "2"],
  ["char", "3"],
  ["block", "4"],
  ["directory", "5"],
  ["fifo", "6"],
];
/** How the key of a pax record begins that holds an extended attribute. */
export const XATTR_PREFIX = "SCHILY.xattr.";

/** Where each field of a header stands: offset and length. */
export const FIELD = {
  path: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkPath: [157, 100],
  magic: [257, 8],
  major: [329, 8],
  minor: [337, 8],
  prefix: [345, 155],
} as const;
/** The name of a field of a header. */
export type Field = keyof typeof FIELD;

/** Everything wrong with an archive is one error: it is not to be trusted. */
export function refuseTar(subject: string, message: string): never {
  throw new RuntimeError({
    code: "layer-invalid",
    class: "invalid",
    operation: "read tar",
    subject,
    message: `invalid tar: ${message}`,
    hint: "Make the archive again; it is damaged, hostile or in a format that layers do not use.",
  });
}

/** The sum of all bytes, with the checksum's own field counted as spaces. */
export function checksumOf(header: Uint8Array): number {
  const [offset, length] = FIELD.checksum;
  let sum = length * 0x20;
  for (let at = 0; at < offset; at++) sum += header[at] ?? 0;
  for (let at = offset + length; at < BLOCK; at++) sum += header[at] ?? 0;
  return sum;
}

/**
 * Parses a whole tar file: ustar, pax and GNU's long names and large numbers.
 *
 * @throws RuntimeError `layer-invalid` for a wrong checksum, a cut file, a type that layers do not
 *   have, a bad record
 */
export function parseTar(archive: Uint8Array): readonly TarEntry[] {
  const entries: TarEntry[] = [];
  const globals = new Map<string, Uint8Array>();
  let extras = new Map<string, Uint8Array>();
  let offset = 0;
  while (offset + BLOCK <= archive.length) {
    const header = archive.subarray(offset, offset + BLOCK);
    if (header.every((byte) => byte === 0)) return entries;
    const flag = readText(header, "type");
    const size = readSize(
      header,
      isExtra(flag) ? undefined : (extras.get("size") ?? globals.get("size")),
    );
    const start = offset + BLOCK;
    if (start + size > archive.length) refuseTar(`offset ${offset}`, "it ends inside an entry");
    const data = archive.subarray(start, start + size);
    offset = start + size + (-size & (BLOCK - 1));
    if (isExtra(flag)) {
      addExtra(flag, data, flag === "g" ? globals : extras);
      continue;
    }
    entries.push(parseEntry(header, data, new Map([...globals, ...extras])));
    extras = new Map();
  }
  // Some writers leave the closing zero blocks out; a cut header is another matter.
  if (offset < archive.length) refuseTar(`offset ${offset}`, "it ends inside a header");
  return entries;
}

/** Whether a type stands for something that is said about other entries. */
export function isExtra(flag: string): boolean {
  return ["g", "x", "L", "K"].includes(flag);
}

/** Entries that say something about the next one (pax, GNU long names) or about all that follow. */
export function addExtra(flag: string, data: Uint8Array, into: Map<string, Uint8Array>): void {
  if (flag === "L") into.set("path", cutAtZero(data));
  else if (flag === "K") into.set("linkpath", cutAtZero(data));
  else addPaxRecords(data, into);
}

/** How many bytes follow a header. @throws RuntimeError layer-invalid */
export function readSize(header: Uint8Array, record: Uint8Array | undefined): number {
  if (readNumber(header, "checksum") !== checksumOf(header)) {
    refuseTar(readText(header, "path"), "a header's checksum is wrong");
  }
  // Links and directories have no bytes, whatever old writers put here.
  if (/^[1-6]$/.test(readText(header, "type"))) return 0;
  const size = record === undefined ? readNumber(header, "size") : Number(decode(record));
  if (!Number.isSafeInteger(size) || size < 0)
    refuseTar(readText(header, "path"), "a size is no size");
  return size;
}

/** One header with what was said about it before. @throws RuntimeError layer-invalid */
export function parseEntry(
  header: Uint8Array,
  data: Uint8Array,
  extras: ReadonlyMap<string, Uint8Array>,
): TarEntry {
  const text = (key: string, otherwise: string) => {
    const record = extras.get(key);
    return record === undefined ? otherwise : decode(record);
  };
  const number = (key: string, otherwise: number) => {
    const value = Math.floor(Number(text(key, String(otherwise))));
    if (!Number.isSafeInteger(value)) refuseTar(key, `a pax record ${key} is no number`);
    return value;
  };
  const path = text("path", joinPrefix(header));
  const type = typeOf(readText(header, "type"), path);
  return {
    path: path.replace(/\/+$/, ""),
    type,
    mode: readNumber(header, "mode") & 0o7777,
    uid: number("uid", readNumber(header, "uid")),
    gid: number("gid", readNumber(header, "gid")),
    mtimeSeconds: number("mtime", readNumber(header, "mtime")),
    linkPath: text("linkpath", readText(header, "linkPath")),
    major: readNumber(header, "major"),
    minor: readNumber(header, "minor"),
    xattrs: xattrsOf(extras),
    data,
  };
}

function xattrsOf(extras: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  const pairs = [...extras].filter(([key]) => key.startsWith(XATTR_PREFIX));
  return new Map(pairs.map(([key, value]) => [key.slice(XATTR_PREFIX.length), value.slice()]));
}

/** Before POSIX had a type flag for directories they were files whose name ends in a slash. */
function typeOf(flag: string, path: string): TarType {
  const known = TYPE_FLAGS.find(([, each]) => each === flag)?.[0];
  if (known !== undefined && known !== "file") return known;
  if (known === "file" || flag === "" || flag === "7") {
    return path.endsWith("/") ? "directory" : "file";
  }
  return refuseTar(path, `"${path}" has the unknown type "${flag}"`);
}

/** ustar splits a long path in two; GNU uses the second field for other things. */
function joinPrefix(header: Uint8Array): string {
  const path = readText(header, "path");
  const isUstar = readText(header, "magic").startsWith("ustar") && header[262] === 0;
  const prefix = isUstar ? readText(header, "prefix") : "";
  return prefix === "" ? path : `${prefix}/${path}`;
}

/** A field as text. */
export function readText(header: Uint8Array, field: Field): string {
  const [offset, length] = FIELD[field];
  return decode(cutAtZero(header.subarray(offset, offset + length)));
}

function cutAtZero(bytes: Uint8Array): Uint8Array {
  const end = bytes.indexOf(0);
  return end === -1 ? bytes : bytes.subarray(0, end);
}

function decode(bytes: Uint8Array): string {
  // Most names are short and ASCII, and a decoder costs more than they do.
  let text = "";
  for (let at = 0; at < bytes.length && at < BLOCK; at++) {
    const byte = bytes[at] ?? 0x80;
    if (byte >= 0x80) break;
    text += String.fromCodePoint(byte);
  }
  if (text.length === bytes.length) return text;
  return nameOf(bytes);
}

/**
 * Octal digits; or, GNU's way for large and negative ones, a number in base 256 marked by the
 * highest bit.
 */
function readNumber(header: Uint8Array, field: Field): number {
  const [offset, length] = FIELD[field];
  const bytes = header.subarray(offset, offset + length);
  const [first = 0] = bytes;
  if ((first & 0x80) !== 0) return readBase256(bytes);
  let at = 0;
  while (bytes[at] === SPACE) at++;
  let value = 0;
  for (; isOctalDigit(bytes[at]); at++) value = value * 8 + (bytes[at] ?? 0) - ZERO;
  while (bytes[at] === SPACE) at++;
  const isOver = at === length || bytes[at] === 0;
  if (!isOver) refuseTar(field, `a header's ${field} is no octal number`);
  return value;
}

const SPACE = 0x20;
const ZERO = 0x30;

function isOctalDigit(byte = 0): boolean {
  return byte >= ZERO && byte < ZERO + 8;
}

function readBase256(bytes: Uint8Array): number {
  const [first = 0, ...rest] = bytes;
  const isNegative = (first & 0x40) !== 0;
  // Sign bit and marker leave six bits of the first byte.
  let value = isNegative ? (first & 0x3f) - 0x40 : first & 0x3f;
  for (const byte of rest) value = value * 256 + byte;
  return value;
}

function addPaxRecords(data: Uint8Array, into: Map<string, Uint8Array>): void {
  let offset = 0;
  while (offset < data.length) {
    const space = data.indexOf(0x20, offset);
    const digits = space === -1 ? "" : decode(data.subarray(offset, space));
    const end = /^\d{1,12}$/.test(digits) ? offset + Number(digits) : 0;
    const equals = data.indexOf(0x3d, space);
    const isWhole = end <= data.length && space < equals && equals < end && data[end - 1] === 0x0a;
    if (!isWhole) refuseTar("pax record", "a pax record is damaged");
    into.set(decode(data.subarray(space + 1, equals)), data.subarray(equals + 1, end - 1));
    offset = end;
  }
}
