/**
 * File descriptions: what stat(2) packs into numbers, unpacked.
 *
 * The type of a file and its permissions share one number; a device number holds a major and a
 * minor one in a layout that grew twice: 12 bits of major between 20 bits of minor, and for the C
 * library 32 bits each.
 *
 * Kernel interface: inode(7), makedev(3).
 * Invariants: none.
 * Left out: birth times and mount ids of statx(2).
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Stats } from "node:fs";
import type { FileStat } from "../port.ts";

const S_IFMT = 0o170000;
const TYPES: Readonly<Record<number, FileStat["type"]>> = {
  0o010000: "fifo",
  0o020000: "char",
  0o040000: "directory",
  0o060000: "block",
  0o100000: "file",
  0o120000: "symlink",
  0o140000: "socket",
};

/** The port's description of what Node's stat returned. */
export function fileStatOf(stats: Stats): FileStat {
  const type = TYPES[stats.mode & S_IFMT] ?? "file";
  const isDevice = type === "char" || type === "block";
  return {
    type,
    mode: stats.mode & 0o7777,
    hostUid: stats.uid,
    hostGid: stats.gid,
    sizeBytes: stats.size,
    mtimeMs: stats.mtimeMs,
    inode: stats.ino,
    device: stats.dev,
    links: stats.nlink,
    rdevMajor: isDevice ? majorOf(stats.rdev) : 0,
    rdevMinor: isDevice ? minorOf(stats.rdev) : 0,
  };
}

/**
 * The major number in the C library's `dev_t`: bits 8 to 19 and 44 to 63.
 *
 * @example majorOf(0x103) // 1
 */
export function majorOf(device: number): number {
  return (Math.floor(device / 2 ** 8) & 0xfff) + (Math.floor(device / 2 ** 44) & 0xfffff) * 2 ** 12;
}

/**
 * The minor number in the C library's `dev_t`: bits 0 to 7 and 20 to 43.
 *
 * @example minorOf(0x103) // 3
 */
export function minorOf(device: number): number {
  return (device & 0xff) + (Math.floor(device / 2 ** 20) & 0xffffff) * 2 ** 8;
}

/**
 * A device number as mknod(2) takes it: 12 bits of major within 20 bits of minor.
 *
 * @example packDevice(1, 3) // 0x103
 */
export function packDevice(major: number, minor: number): number {
  return (minor & 0xff) + (major & 0xfff) * 2 ** 8 + (minor & 0xfff00) * 2 ** 12;
}
