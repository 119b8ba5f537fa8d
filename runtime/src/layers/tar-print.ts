/**
 * Layers: entries become the bytes of a tar file.
 *
 * Kernel interface: none.
 * Specification: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block".
 * Invariants: see `tar.ts`.
 * Left out: see `tar.ts`.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { bytesOfName, concatBytes } from "../kernel/index.ts";
import { BLOCK, checksumOf, EMPTY_ENTRY, FIELD, TYPE_FLAGS, XATTR_PREFIX } from "./tar.ts";
import type { Field, TarEntry, TarType } from "./tar.ts";

/**
 * Prints entries as a tar file.
 *
 * @example parseTar(formatTar(entries)) // the entries again
 */
export function formatTar(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const parts = entries.flatMap((entry) => formatEntry(entry));
  return concatBytes([...parts, tarEnd()]);
}

function formatEntry(entry: TarEntry): readonly Uint8Array[] {
  return [...formatTarHead(entry, entry.data.length), ...padded(entry.data)];
}

/**
 * What stands before the bytes of an entry; the bytes and `tarPadding` follow it.
 *
 * @param sizeBytes how many bytes there will be; those of the entry are not looked at
 */
export function formatTarHead(entry: TarEntry, sizeBytes: number): readonly Uint8Array[] {
  const records = paxRecordsOf(entry, sizeBytes);
  const pax = records.length === 0 ? [] : formatPax(entry, records);
  return [...pax, formatHeader(entry, flagOf(entry.type), sizeBytes)];
}

/** How many zero bytes fill the last block of an entry. */
export function paddingBytes(sizeBytes: number): number {
  return -sizeBytes & (BLOCK - 1);
}

/** The zero bytes that fill the last block of an entry. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array(paddingBytes(sizeBytes));
}

/** The zero bytes that end an archive. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK);
}

function flagOf(type: TarType): string {
  return TYPE_FLAGS.find(([name]) => name === type)?.[1] ?? "0";
}

type PaxRecord = readonly [key: string, value: Uint8Array];

/** What the header cannot hold, in one fixed order. */
function paxRecordsOf(entry: TarEntry, sizeBytes: number): readonly PaxRecord[] {
  const records: PaxRecord[] = [];
  const text = (key: string, value: string) => records.push([key, bytesOfName(value)]);
  if (!fitsHeader(headerPath(entry))) text("path", headerPath(entry));
  if (!fitsHeader(entry.linkPath)) text("linkpath", entry.linkPath);
  if (!fitsOctal(sizeBytes, "size")) text("size", String(sizeBytes));
  if (!fitsOctal(entry.uid, "uid")) text("uid", String(entry.uid));
  if (!fitsOctal(entry.gid, "gid")) text("gid", String(entry.gid));
  if (!fitsOctal(entry.mtimeSeconds, "mtime")) text("mtime", String(entry.mtimeSeconds));
  const names = [...entry.xattrs.keys()].toSorted(byCodeUnit);
  for (const name of names) {
    records.push([`${XATTR_PREFIX}${name}`, entry.xattrs.get(name) ?? new Uint8Array()]);
  }
  return records;
}

function byCodeUnit(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Directories end in a slash: readers from before the type flag existed know them by it. */
function headerPath(entry: TarEntry): string {
  return entry.type === "directory" ? `${entry.path}/` : entry.path;
}

function fitsHeader(path: string): boolean {
  return path.length <= 100 && /^[\x20-\x7e]*$/.test(path);
}

/** A number field holds octal digits and one closing byte. */
function fitsOctal(value: number, field: Field): boolean {
  return Number.isInteger(value) && value >= 0 && value < 8 ** (FIELD[field][1] - 1);
}

function formatPax(entry: TarEntry, records: readonly PaxRecord[]): readonly Uint8Array[] {
  const data = concatBytes(records.map((record) => formatPaxRecord(record)));
  const name = entry.path.slice(entry.path.lastIndexOf("/") + 1).replace(/[^\x21-\x7e]/g, "_");
  const path = `PaxHeaders.0/${name.slice(0, 80)}`;
  const plain = { ...EMPTY_ENTRY, path, mode: 0o644, data };
  return [formatHeader(plain, "x", data.length), ...padded(data)];
}

/** `length key=value\n`, where the length counts its own digits too. */
function formatPaxRecord([key, value]: PaxRecord): Uint8Array {
  const body = concatBytes([new TextEncoder().encode(` ${key}=`), value, Uint8Array.of(0x0a)]);
  let total = body.length + 1;
  while (String(total).length + body.length !== total) total = String(total).length + body.length;
  return concatBytes([new TextEncoder().encode(String(total)), body]);
}

function formatHeader(entry: TarEntry, typeFlag: string, sizeBytes: number): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const put = (field: Field, text: string) => {
    const [offset, length] = FIELD[field];
    // ASCII, and too short for an encoder to be worth its call.
    for (let i = 0; i < Math.min(text.length, length); i++) header[offset + i] = text.charCodeAt(i);
  };
  const putOctal = (field: Field, value: number) => {
    const [offset, length] = FIELD[field];
    let rest = fitsOctal(value, field) ? value : 0;
    for (let at = offset + length - 2; at >= offset; at--, rest = Math.floor(rest / 8)) {
      header[at] = ZERO + (rest % 8);
    }
  };
  // What does not fit is in the pax records; here stands something that old readers can show.
  put("path", headerPath(entry).replace(/[^\x20-\x7e]/g, "_"));
  putOctal("mode", entry.mode);
  putOctal("uid", entry.uid);
  putOctal("gid", entry.gid);
  putOctal("size", sizeBytes);
  putOctal("mtime", entry.mtimeSeconds);
  put("type", typeFlag);
  put("linkPath", entry.linkPath.replace(/[^\x20-\x7e]/g, "_"));
  put("magic", "ustar\u000000");
  putOctal("major", entry.major);
  putOctal("minor", entry.minor);
  put("checksum", `${checksumOf(header).toString(8).padStart(6, "0")}\u0000 `);
  return header;
}

const ZERO = 0x30;

function padded(data: Uint8Array): readonly Uint8Array[] {
  return data.length === 0 ? [] : [data, tarPadding(data.length)];
}
