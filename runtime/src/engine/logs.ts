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
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import {
  comparableTime,
  createLogParser,
  detailsOf,
  endOfLog,
  endOfTime,
  formatEntries,
  hasProcess,
  isWanted,
  placeOfTail,
  placeOfTime,
  readLog,
  rotationOf,
} from "../container/index.ts";
import type { LogEntry, LogFiles, LogPlace, LogStart } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { FramedStream, LogsRequest } from "./engine.ts";

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
  const isFollowed = request.follow && hasProcess(container.history.state);
  const follower = isFollowed ? createFollower(engine, container) : null;
  const log = logFilesOf(engine, container);
  const live = (await follower?.open()) ?? null;
  const format = {
    timestamps: request.timestamps,
    raw,
    ...(request.details ? { details: detailsOf(container.definition) } : {}),
  };
  const formatted = function* (entries: readonly LogEntry[]): Generator<Uint8Array> {
    const wanted = entries.filter((entry) => isWanted(entry, request));
    if (wanted.length > 0) yield formatEntries(wanted, format);
  };
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    const end = endOfTime(log, live ?? endOfLog(log), request.untilMs);
    for (const entries of readLog(log, startOf(log, end, request), end)) yield* formatted(entries);
    if (follower === null || live === null) return;
    for await (const entries of follow(follower, live, request.untilMs)) yield* formatted(entries);
  };
  return { raw, stream: streamOf(pieces(), () => follower?.leave()) };
}

/** Where to begin for the wanted entries; null: with the oldest. */
function startOf(log: LogFiles, end: LogPlace, request: LogsRequest): LogStart | null {
  const { tail, sinceMs } = request;
  if (tail === 0) return { place: end, shown: "" };
  const from = placeOfTime(log, end, sinceMs);
  const last = { from, isWanted: (entry: LogEntry) => isWanted(entry, request), count: tail };
  const place = tail === Infinity ? from : (placeOfTail(log, end, last) ?? from);
  return place === null ? null : { place, shown: "" };
}

/** A reader's place at the end of a log that still grows. */
interface Follower {
  /** Takes the place. @returns up to where the files have everything; null: it will not grow */
  open(): Promise<LogPlace | null>;
  /** What is appended from there on. Ends with the process, or when we cannot keep up. */
  appended(): AsyncGenerator<Uint8Array>;
  /** Entries of the files from a start up to a place. */
  read(from: LogStart, to: LogPlace | null): Iterable<readonly LogEntry[]>;
  /** Calls `leave` at a moment. @returns how to take that back */
  leaveAt(untilMs: number): () => void;
  /** Nothing more is wanted. Idempotent. */
  leave(): void;
  readonly isOver: () => boolean;
}

function createFollower(engine: EngineContext, container: Container): Follower {
  const { kernel } = engine;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let isOver = false;
  const leave = (): void => {
    isOver = true;
    reader?.cancel().catch(() => undefined);
  };
  return {
    leave,
    isOver: () => isOver,
    leaveAt: (untilMs) =>
      untilMs === Infinity
        ? () => undefined
        : kernel.after(Math.max(0, untilMs - kernel.nowMs()), leave),
    read: (from, to) => readLog(logFilesOf(engine, container), from, to),
    async open() {
      await engine.keeper.ready;
      const { offsetBytes, born, entries } = await engine.keeper.current.followLog(container.id);
      reader = entries.getReader();
      // The client may have left meanwhile; and a process that is gone writes nothing more.
      if (isOver || offsetBytes === Infinity) leave();
      return offsetBytes === Infinity ? null : { born, offsetBytes };
    },
    async *appended() {
      for (;;) {
        const result = await reader?.read();
        if (result === undefined || result.done) return;
        yield result.value;
      }
    },
  };
}

/**
 * Entries as they come, several at a time. The keeper does not wait for us: when we fall behind, it
 * lets us go, and we read on in the file until we have caught up.
 */
async function* follow(
  follower: Follower,
  start: LogPlace,
  untilMs: number,
): AsyncGenerator<readonly LogEntry[]> {
  const stay = follower.leaveAt(untilMs);
  // No two writes have the same time, and a write arrives whole: what is later was not seen yet.
  let lastTime = "";
  const seen = (entries: readonly LogEntry[]): readonly LogEntry[] => {
    const last = entries.findLast(({ isGap }) => isGap !== true);
    if (last !== undefined) lastTime = comparableTime(last.time);
    return entries;
  };
  try {
    let at = start;
    while (!follower.isOver()) {
      const parse = createLogParser();
      for await (const bytes of follower.appended()) yield seen(parse(bytes));
      if (follower.isOver()) return;
      const end = await follower.open();
      for (const entries of follower.read({ place: at, shown: lastTime }, end)) {
        yield seen(entries);
      }
      at = end ?? at;
    }
  } finally {
    stay();
    follower.leave();
  }
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

/** The files of a container's log. */
export function logFilesOf({ kernel }: EngineContext, { files, definition }: Container): LogFiles {
  const { maxFiles } = rotationOf(definition.hostConfig.LogConfig);
  return { kernel, path: files.log, maxFiles };
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
