/**
 * Pipe: bytes that one writes and another reads, later.
 *
 * What is written waits until somebody reads. When more waits than a pipe holds, `write` says so,
 * and the writer who is polite waits for `drained`. When the last process that had the writing end
 * is gone the reader comes to the end; when the last that had the reading end is gone, writers are
 * told.
 *
 * Kernel interface: pipe(7).
 * Invariants: none.
 * Left out: fifos, which have a name.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Opened, Pipe, Process, Sink, Source, Streams } from "../state.ts";

const CAPACITY_BYTES = 65_536;

interface Reader {
  readonly limitBytes: number;
  readonly isWanted: () => boolean;
  readonly give: (bytes: Uint8Array) => void;
}

interface State {
  readonly opened: Opened;
  readonly chunks: Uint8Array[];
  waitingBytes: number;
  isEnded: boolean;
  isBroken: boolean;
  isPaused: boolean;
  isScheduled: boolean;
  listener:
    { readonly onData: (bytes: Uint8Array) => void; readonly onEnd: () => void } | undefined;
  readers: readonly Reader[];
  writers: (() => void)[];
}

/** Makes a pipe. @param opened what it is part of, if it is no pipe of its own */
export function createPipe(opened: Opened = { kind: "pipe" }): Pipe {
  const state: State = {
    opened,
    chunks: [],
    waitingBytes: 0,
    isEnded: false,
    isBroken: false,
    isPaused: false,
    isScheduled: false,
    listener: undefined,
    readers: [],
    writers: [],
  };
  const endOnce = (): void => {
    state.chunks.push(new Uint8Array(0));
    schedule(state);
  };
  return { source: sourceOf(state), sink: sinkOf(state), endOnce };
}

/** Counts who has something. @param onLast called when the last has let go */
export function holders(onLast: () => void): () => () => void {
  let count = 0;
  return () => {
    count += 1;
    let isHeld = true;
    return () => {
      if (isHeld) count -= 1;
      if (isHeld && count === 0) onLast();
      isHeld = false;
    };
  };
}

/** A process has streams, and no longer those that it had. */
export function holdStreams(process: Process, streams: Streams): void {
  const { stdin, stdout, stderr } = streams;
  const held = [stdin.hold(), stdout.hold(), stderr.hold()];
  process.releaseStreams();
  process.streams = streams;
  process.releaseStreams = () => {
    for (const release of held) release();
  };
}

/** What /dev/null gives: its end. */
export function emptySource(): Source {
  const { source, sink } = createPipe({ kind: "null" });
  sink.end();
  return source;
}

/** What /dev/null takes: everything. */
export function emptySink(): Sink {
  return {
    write: () => true,
    drained: () => Promise.resolve(),
    end: () => undefined,
    hold: holders(() => undefined),
    isBroken: () => false,
    opened: { kind: "null" },
  };
}

function sourceOf(state: State): Source {
  return {
    listen: (onData, onEnd) => {
      state.listener = { onData, onEnd };
      schedule(state);
    },
    pause: () => {
      state.isPaused = true;
    },
    resume: () => {
      state.isPaused = false;
      schedule(state);
    },
    read: (limitBytes, isWanted) =>
      new Promise((give) => {
        state.readers = [...state.readers, { limitBytes, isWanted, give }];
        schedule(state);
      }),
    hold: holders(() => {
      state.isBroken = true;
      state.chunks.length = 0;
      for (const go of state.writers.splice(0)) go();
    }),
    opened: state.opened,
  };
}

function sinkOf(state: State): Sink {
  const end = (): void => {
    state.isEnded = true;
    schedule(state);
  };
  return {
    write: (bytes) => {
      if (state.isEnded || state.isBroken || bytes.length === 0) return true;
      state.chunks.push(bytes.slice());
      state.waitingBytes += bytes.length;
      schedule(state);
      return state.waitingBytes < CAPACITY_BYTES;
    },
    drained: () =>
      new Promise((resolve) => {
        const isFree = state.isEnded || state.isBroken || state.waitingBytes < CAPACITY_BYTES;
        if (isFree) resolve();
        else state.writers.push(resolve);
      }),
    end,
    hold: holders(end),
    isBroken: () => state.isBroken,
    opened: state.opened,
  };
}

/** Nothing is delivered while somebody writes: that comes when the present work is done. */
function schedule(state: State): void {
  if (state.isScheduled) return;
  state.isScheduled = true;
  void Promise.resolve().then(() => {
    state.isScheduled = false;
    serveReaders(state);
    serveListener(state);
    if (state.waitingBytes < CAPACITY_BYTES) for (const go of state.writers.splice(0)) go();
  });
}

function serveReaders(state: State): void {
  state.readers = state.readers.filter(({ isWanted }) => isWanted());
  for (const reader of state.readers) {
    const chunk = state.chunks.shift();
    if (chunk === undefined && !state.isEnded) return;
    const bytes = (chunk ?? new Uint8Array(0)).subarray(0, reader.limitBytes);
    const rest = chunk?.subarray(bytes.length);
    if (rest !== undefined && rest.length > 0) state.chunks.unshift(rest);
    state.waitingBytes -= bytes.length;
    state.readers = state.readers.filter((each) => each !== reader);
    reader.give(bytes);
  }
}

function serveListener(state: State): void {
  const { listener } = state;
  if (listener === undefined) return;
  while (!state.isPaused) {
    const chunk = state.chunks.shift();
    if (chunk === undefined) break;
    state.waitingBytes -= chunk.length;
    if (chunk.length === 0) return endListening(state, listener);
    listener.onData(chunk);
  }
  if (state.isEnded && state.chunks.length === 0) endListening(state, listener);
}

function endListening(state: State, listener: NonNullable<State["listener"]>): void {
  state.listener = undefined;
  listener.onEnd();
}
