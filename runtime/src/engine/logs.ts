/**
 * Logs: what a container wrote, from its file and, as it goes on, from the keeper.
 *
 * The file is read in pieces, so that a log of any size takes little memory. Following begins where
 * the keeper says the file ended when it began to pass on new lines: no line is lost or shown
 * twice.
 *
 * Kernel interface: pread(2).
 * Specification: Docker Engine API v1.50, ContainerLogs.
 * Invariants: see `logs.ts` of container/.
 * Left out: a tail that reads the file from its end; it reads all of it and keeps the last lines.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { createLogParser, formatEntry, hasProcess, isWanted } from "../container/index.ts";
import type { LogEntry, LogFilter } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { Files } from "../kernel/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { FramedStream, LogsRequest } from "./engine.ts";

const CHUNK_BYTES = 256 * 1024;

/**
 * The log of a container as a stream.
 *
 * @throws RuntimeError request-invalid when no stream was chosen, feature-unsupported when the
 * container keeps no log
 */
export async function containerLogs(
  engine: EngineContext,
  container: Container,
  request: LogsRequest,
): Promise<FramedStream> {
  checkRequest(container, request);
  const raw = container.definition.config.Tty;
  const format = { timestamps: request.timestamps, raw };
  const isFollowed = request.follow && hasProcess(container.history.state);
  const followed = isFollowed ? await engine.keeper.current.followLog(container.id) : null;
  const endBytes = followed?.offsetBytes ?? Infinity;
  const reader = followed?.entries.getReader();
  // Also for a client that leaves while the file is read: the keeper waits for who follows.
  const leave = (): void => void reader?.cancel().catch(() => undefined);
  const entries = async function* (): AsyncGenerator<LogEntry> {
    try {
      yield* tail(readEntries(engine.kernel, container.files.log, endBytes), request);
      if (reader !== undefined) yield* wanted(parsed(reader, engine, request.untilMs), request);
    } finally {
      leave();
    }
  };
  const items = mapped(entries(), (entry) => formatEntry(entry, format));
  return { raw, stream: streamOf(items, leave) };
}

function checkRequest(container: Container, request: LogsRequest): void {
  if (!request.stdout && !request.stderr) {
    throw new RuntimeError({
      code: "request-invalid",
      class: "invalid",
      message: "Bad parameters: you must choose at least one stream",
      operation: "read logs",
      hint: "Set stdout=1, stderr=1 or both.",
    });
  }
  if (container.definition.hostConfig.LogConfig.Type !== "none") return;
  throw new RuntimeError({
    code: "feature-unsupported",
    class: "not-implemented",
    message: "configured logging driver does not support reading",
    operation: "read logs",
    subject: container.name,
    hint: "The container was made with --log-driver none: nothing that it writes is kept.",
  });
}

/** The entries of a log file up to a length; a file that is missing has none. */
export function* readEntries(
  kernel: Files,
  path: string,
  endBytes: number,
): Generator<LogEntry, void, undefined> {
  const parse = createLogParser();
  for (let offset = 0; offset < endBytes;) {
    const bytes = chunkAt(kernel, path, offset, Math.min(CHUNK_BYTES, endBytes - offset));
    if (bytes.length === 0) return;
    offset += bytes.length;
    yield* parse(bytes);
  }
}

function chunkAt(kernel: Files, path: string, offset: number, length: number): Uint8Array {
  try {
    return kernel.readRange(path, offset, length);
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return new Uint8Array(0);
    throw error;
  }
}

/** The last wanted entries; all of them when `tail` is Infinity. */
function* tail(entries: Iterable<LogEntry>, filter: LogFilter): Generator<LogEntry> {
  const last: LogEntry[] = [];
  for (const entry of entries) {
    if (!isWanted(entry, filter)) continue;
    if (filter.tail === Infinity) yield entry;
    else last.push(entry);
    // Cut now and then rather than each time: shifting a long list is what makes a tail slow.
    if (last.length > 2 * filter.tail + CHUNK_BYTES / 64) last.splice(0, last.length - filter.tail);
  }
  if (filter.tail !== Infinity && filter.tail > 0) yield* last.slice(-filter.tail);
}

async function* wanted(
  entries: AsyncIterable<LogEntry>,
  filter: LogFilter,
): AsyncGenerator<LogEntry> {
  for await (const entry of entries) if (isWanted(entry, filter)) yield entry;
}

/** Entries as they come; ends at a time in the future too, when nothing comes any more. */
async function* parsed(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  engine: EngineContext,
  untilMs: number,
): AsyncGenerator<LogEntry> {
  const parse = createLogParser();
  const leave = (): void => void reader.cancel().catch(() => undefined);
  const cancel =
    untilMs === Infinity
      ? undefined
      : engine.kernel.after(Math.max(0, untilMs - engine.kernel.nowMs()), leave);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parse(value);
    }
  } finally {
    cancel?.();
  }
}

async function* mapped<T, U>(items: AsyncIterable<T>, map: (item: T) => U): AsyncGenerator<U> {
  for await (const item of items) yield map(item);
}

/**
 * A stream that asks for the next item when its reader wants one.
 *
 * @param onCancel is called when the reader gives up, even if no item was ever asked for
 */
export function streamOf(
  items: AsyncGenerator<Uint8Array>,
  onCancel: () => void = () => undefined,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await items.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      onCancel();
      await items.return(undefined);
    },
  });
}
