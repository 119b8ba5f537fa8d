import { expect, test } from "vitest";
import { readApplets } from "./base-tree.ts";
import { parseElf, parseLoaderCache } from "./elf.ts";

const text = (value: string) => new TextEncoder().encode(value);

test("readApplets() reads the table up to the empty name", () => {
  const program = text("\u007fELF junk\0[\0[[\0ash\0cat\0sh\0\0zcat\0");
  expect(readApplets(program)).toEqual(["[", "[[", "ash", "cat", "sh"]);
});

test("readApplets() stops where the order breaks, and finds nothing in another program", () => {
  expect(readApplets(text("\0[\0[[\0sh\0cat\0"))).toEqual(["[", "[[", "sh"]);
  expect(readApplets(text("#!/bin/sh\n"))).toEqual([]);
});

test("parseElf() knows a script, a truncated program and a static one", () => {
  expect(parseElf(text("#!/bin/sh\n"))).toBeNull();
  const header = new Uint8Array(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  expect(parseElf(header)).toEqual({ interpreter: null, libraries: [] });
  const lying = header.slice();
  new DataView(lying.buffer).setUint16(56, 3, true); // three program headers in a file of 64 bytes
  new DataView(lying.buffer).setBigUint64(32, 1000n, true);
  expect(parseElf(lying)).toBeNull();
});

test("parseElf() reads the interpreter and the libraries of a dynamic program", () => {
  expect(parseElf(dynamicProgram())).toEqual({
    interpreter: "/lib/ld.so",
    libraries: ["liba.so", "libb.so.1"],
  });
});

test("parseLoaderCache() reads names and paths, and nothing from another file", () => {
  const strings = text("libc.so.6\0/lib/libc.so.6\0");
  const bytes = new Uint8Array(48 + 24 + strings.length);
  bytes.set(text("glibc-ld.so.cache1.1"));
  const view = new DataView(bytes.buffer);
  view.setUint32(20, 1, true);
  view.setUint32(52, 72, true);
  view.setUint32(56, 82, true);
  bytes.set(strings, 72);
  expect(parseLoaderCache(bytes)).toEqual(new Map([["libc.so.6", "/lib/libc.so.6"]]));
  expect(parseLoaderCache(text("something else")).size).toBe(0);
});

/** A file with one PT_LOAD (addresses from 0x1000), a PT_INTERP and a PT_DYNAMIC. */
function dynamicProgram(): Uint8Array {
  const bytes = new Uint8Array(0x200);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  view.setBigUint64(32, 64n, true);
  view.setUint16(54, 56, true);
  view.setUint16(56, 3, true);
  const segments = [
    [1, 0, 0x1000, 0x200],
    [3, 0x120, 0x1120, 11],
    [2, 0x140, 0x1140, 0x40],
  ] as const;
  for (const [index, [type, offset, address, size]] of segments.entries()) {
    const at = 64 + index * 56;
    view.setUint32(at, type, true);
    view.setBigUint64(at + 8, BigInt(offset), true);
    view.setBigUint64(at + 16, BigInt(address), true);
    view.setBigUint64(at + 32, BigInt(size), true);
  }
  bytes.set(text("/lib/ld.so\0"), 0x120);
  const dynamic = [
    [1n, 1n],
    [1n, 9n],
    [5n, 0x1180n],
  ] as const;
  for (const [index, [tag, value]] of dynamic.entries()) {
    view.setBigInt64(0x140 + index * 16, tag, true);
    view.setBigUint64(0x148 + index * 16, value, true);
  }
  bytes.set(text("\0liba.so\0libb.so.1\0"), 0x180);
  return bytes;
}
