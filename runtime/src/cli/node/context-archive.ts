/**
 * Context archive: a context as a file that can be given to somebody else.
 *
 *     meta.json               name, description, address
 *     tls/docker/ca.pem, …    certificates and the key
 *
 * Kernel interface: none.
 * Specification: docker/cli, cli/context/store, Export and Import.
 * Invariants: none.
 * Left out: the old zip form; endpoints of other kinds.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { concatBytes } from "../../kernel/index.ts";
import { EMPTY_ENTRY, formatTar, parseTar } from "../../layers/index.ts";
import type { TarEntry } from "../../layers/index.ts";
import type { TlsFiles } from "../index.ts";

const encoder = new TextEncoder();

function entryOf(path: string, type: "file" | "directory", text: string): TarEntry {
  const mode = type === "directory" ? 0o700 : path === "meta.json" ? 0o644 : 0o600;
  return { ...EMPTY_ENTRY, path, type, mode, data: encoder.encode(text) };
}

/** A context as a tar. */
export function packContext(metadata: object, tls: TlsFiles): Uint8Array {
  const files = Object.entries(tls);
  return formatTar([
    entryOf("meta.json", "file", JSON.stringify(metadata)),
    entryOf("tls", "directory", ""),
    ...(files.length === 0 ? [] : [entryOf("tls/docker", "directory", "")]),
    ...files.map(([name, text]) => entryOf(`tls/docker/${name}`, "file", text)),
  ]);
}

/** A context is a few certificates: what is larger is something else. */
const MOST_BYTES = 10 << 20;

/** The other way. @throws Error when it is too large, or a file in it is none of a context's */
export async function unpackContext(archive: AsyncIterable<Uint8Array>): Promise<{
  readonly metadata: unknown;
  readonly tls: TlsFiles;
}> {
  const tls: Record<string, string> = {};
  let metadata: unknown;
  for (const { path, type, data } of parseTar(await readAll(archive))) {
    if (type === "directory") continue;
    const text = new TextDecoder().decode(data);
    const name = /^tls\/docker\/((?:ca|cert|key)\.pem)$/.exec(path)?.[1];
    if (type !== "file" || (name === undefined && path !== "meta.json")) {
      throw new Error(`${JSON.stringify(path)}: unexpected context file`);
    }
    if (name === undefined) metadata = JSON.parse(text);
    else tls[name] = text;
  }
  return { metadata, tls };
}

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    read.push(piece);
    size += piece.length;
    if (size > MOST_BYTES) throw new Error("read exceeds the defined limit of 10 MiB");
  }
  return concatBytes(read);
}
