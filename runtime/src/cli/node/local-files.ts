/**
 * Local files: trees of this machine as archives, and back.
 *
 * @module
 */
import { packTreeAt, unpackTreeAt } from "../../container/index.ts";
import { createLinuxKernel } from "../../kernel/linux/index.ts";
import type { PackWish, UnpackWish } from "../index.ts";

/** A tree as an archive. */
export function packLocal(path: string, wish: PackWish): AsyncGenerator<Uint8Array> {
  return packTreeAt(createLinuxKernel(), path, wish);
}

/** An archive as files. @returns how many bytes the archive had */
export function unpackLocal(
  archive: AsyncIterable<Uint8Array>,
  { directory, name, keepOwner }: UnpackWish,
): Promise<number> {
  const own = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const place = { directory, name, owner: keepOwner ? null : own };
  return unpackTreeAt(createLinuxKernel(), archive, place);
}
