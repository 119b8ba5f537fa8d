/**
 * Local tree: the user's own files as archives, and back: the client's side of a copy.
 *
 * The same tar and the same care with names as in the engine: what a container sends is not trusted
 * more than what a client sends.
 *
 * Kernel interface: getdents64(2), lstat(2), readlink(2), open(2), lchown(2).
 * Specification: docker cp reference.
 * Invariants: see `archive.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/archive.md
 *
 * @module
 */
import type { Kernel } from "../kernel/index.ts";
import { formatTarHead, readTar, streamTree, tarEnd, tarPadding } from "../layers/index.ts";
import type { TarEntry } from "../layers/index.ts";
import { extractArchive } from "./archive.ts";

/** A tree as an archive. */
export async function* packTreeAt(
  kernel: Kernel,
  path: string,
  { name, follow }: { readonly name: string | null; readonly follow: boolean },
): AsyncGenerator<Uint8Array> {
  const isContent = /(?:^|\/)\.$/u.test(path);
  const bare = path.replace(/(?<=.)\/+\.?$/u, "");
  const isLink = kernel.lstat(bare).type === "symlink";
  const start = isLink && (follow || path !== bare) ? targetOf(kernel, bare) : bare;
  const top = name ?? (isContent ? "." : (bare.split("/").at(-1) ?? ""));
  yield* streamTree(kernel, { path: start, name: top, hidden: new Set() });
}

/** What a link of this machine leads to in the end. */
function targetOf(kernel: Kernel, link: string): string {
  const text = kernel.readlink(link);
  const above = link.slice(0, link.lastIndexOf("/") + 1);
  const target = text.startsWith("/") ? text : `${above}${text}`;
  return kernel.lstat(target).type === "symlink" ? targetOf(kernel, target) : target;
}

/** Where files go, and whose they are. */
export interface UnpackPlace {
  readonly directory: string;
  /** What the archive's top becomes; null: as it is called. */
  readonly name: string | null;
  /** null: who the archive says. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/** An archive as files. @returns how many bytes the archive had */
export async function unpackTreeAt(
  kernel: Kernel,
  archive: AsyncIterable<Uint8Array>,
  { directory, name, owner }: UnpackPlace,
): Promise<number> {
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of archive) {
      bytes += piece.length;
      yield piece;
    }
  };
  const renamed = name === null ? counted() : withTop(counted(), name);
  await extractArchive(kernel, directory === "/" ? "" : directory, renamed, {
    containerPath: "/",
    keepTypes: true,
    owner,
  });
  return bytes;
}

/** The same archive with another name for its top. */
async function* withTop(
  archive: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<Uint8Array> {
  let top: string | undefined;
  const named = (path: string): string => `${name}${path.slice(top === "" ? 0 : top?.length)}`;
  for await (const { entry, pieces, sizeBytes } of readTar(archive)) {
    top ??= entry.path;
    const linkPath = entry.type === "link" ? named(entry.linkPath) : entry.linkPath;
    const renamed: TarEntry = { ...entry, path: named(entry.path), linkPath };
    yield* formatTarHead(renamed, sizeBytes);
    yield* pieces;
    yield tarPadding(sizeBytes);
  }
  yield tarEnd();
}
