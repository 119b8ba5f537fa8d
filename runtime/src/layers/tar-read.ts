/**
 * Layers: a tar file as it arrives.
 *
 * An archive of any size is read in pieces: first an entry's head, then its bytes, then the next.
 *
 * Kernel interface: none.
 * Specification: POSIX.1-2017, pax, "ustar Interchange Format".
 * Invariants:
 *   tar-pieces-do-not-matter   however an archive is cut into pieces, it is read as the whole
 * Left out: see `tar.ts`.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import { concatBytes } from "../kernel/index.ts";
import { addExtra, BLOCK, isExtra, parseEntry, readSize, readText, refuseTar } from "./tar.ts";
import type { TarEntry } from "./tar.ts";

/** What is said about an entry is kept in memory: a hostile archive must not fill it. */
const EXTRA_LIMIT_BYTES = 1024 * 1024;

/** One entry of an archive that is being read. */
export interface ReadEntry {
  /** Without its bytes. */
  readonly entry: TarEntry;
  /** How many bytes it has. */
  readonly sizeBytes: number;
  /** Its bytes as they arrive, once; what is not read is skipped for the next entry. */
  readonly pieces: AsyncGenerator<Uint8Array>;
}

/** Takes bytes from a stream in lengths of its own choice. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Up to so many bytes, fewer only at the end of the stream. */
  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let missing = length; missing > 0;) {
      const part = await this.takeSome(missing);
      if (part.length === 0) break;
      parts.push(part);
      missing -= part.length;
    }
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    return concatBytes(parts);
  }

  /** What comes next, as it arrived, up to so many bytes; empty at the end of the stream. */
  async takeSome(length: number): Promise<Uint8Array> {
    await this.#fill();
    const part = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }

  async #fill(): Promise<void> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return;
      this.#chunk = next.value;
    }
  }

  /** Reads what is left, so that the sender can end. */
  async drain(): Promise<void> {
    this.#chunk = new Uint8Array(0);
    while ((await this.#source.next()).done !== true);
  }
}

/**
 * The entries of an archive, as they arrive.
 *
 * @throws RuntimeError `layer-invalid` as `parseTar`, when the damage is reached
 */
export async function* readTar(archive: AsyncIterable<Uint8Array>): AsyncGenerator<ReadEntry> {
  const reader = new ByteReader(archive);
  const globals = new Map<string, Uint8Array>();
  let extras = new Map<string, Uint8Array>();
  for (;;) {
    const header = (await reader.take(BLOCK)).slice();
    // Also when there is nothing any more: some writers leave the closing blocks out.
    if (header.every((byte) => byte === 0)) return reader.drain();
    if (header.length < BLOCK) refuseTar("the archive", "it ends inside a header");
    const flag = readText(header, "type");
    if (isExtra(flag)) {
      const data = await wholeOf(reader, readSize(header, undefined));
      addExtra(flag, data, flag === "g" ? globals : extras);
      continue;
    }
    const size = readSize(header, extras.get("size") ?? globals.get("size"));
    const entry = parseEntry(header, new Uint8Array(0), new Map([...globals, ...extras]));
    extras = new Map();
    const pieces = piecesOf(reader, size, entry.path);
    yield { entry, sizeBytes: size, pieces };
    for await (const _ of pieces);
  }
}

async function wholeOf(reader: ByteReader, size: number): Promise<Uint8Array> {
  if (size > EXTRA_LIMIT_BYTES) refuseTar("the archive", "a pax header is too long");
  const data = (await reader.take(size)).slice();
  if (data.length < size) refuseTar("the archive", "it ends inside an entry");
  await reader.take(-size & (BLOCK - 1));
  return data;
}

async function* piecesOf(
  reader: ByteReader,
  size: number,
  path: string,
): AsyncGenerator<Uint8Array> {
  let left = size;
  try {
    while (left > 0) {
      const piece = await reader.takeSome(left);
      if (piece.length === 0) refuseTar(path, "it ends inside an entry");
      left -= piece.length;
      yield piece;
    }
  } finally {
    // Whoever lost interest half-way leaves the rest to be skipped.
    while (left > 0) {
      const skipped = (await reader.takeSome(left)).length;
      left = skipped === 0 ? 0 : left - skipped;
    }
    await reader.take(-size & (BLOCK - 1));
  }
}
