/**
 * Pipe: bytes that one writes and another reads, later.
 *
 * What is written waits until somebody listens. When more waits than a pipe holds, `write` says
 * so, and the writer who is polite waits for `drained`.
 *
 * Kernel interface: pipe(7).
 * Invariants: none.
 * Left out: SIGPIPE: what nobody will read is dropped.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ByteSink, ByteSource } from "../../port.ts";

const CAPACITY_BYTES = 65_536;

/** The two ends. */
export interface Pipe {
  readonly source: ByteSource;
  readonly sink: ByteSink;
}

interface State {
  readonly chunks: Uint8Array[];
  waitingBytes: number;
  isEnded: boolean;
  isPaused: boolean;
  isScheduled: boolean;
  listener:
    { readonly onData: (bytes: Uint8Array) => void; readonly onEnd: () => void } | undefined;
  writers: (() => void)[];
}

/** Makes a pipe. */
export function createPipe(): Pipe {
  const state: State = {
    chunks: [],
    waitingBytes: 0,
    isEnded: false,
    isPaused: false,
    isScheduled: false,
    listener: undefined,
    writers: [],
  };
  return { source: sourceOf(state), sink: sinkOf(state) };
}

/** What /dev/null gives: its end. */
export function emptySource(): ByteSource {
  const { source, sink } = createPipe();
  sink.end();
  return source;
}

/** What /dev/null takes: everything. */
export function emptySink(): ByteSink {
  return { write: () => true, drained: () => Promise.resolve(), end: () => undefined };
}

function sourceOf(state: State): ByteSource {
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
  };
}

function sinkOf(state: State): ByteSink {
  return {
    write: (bytes) => {
      if (state.isEnded || bytes.length === 0) return true;
      state.chunks.push(bytes.slice());
      state.waitingBytes += bytes.length;
      schedule(state);
      return state.waitingBytes < CAPACITY_BYTES;
    },
    drained: () =>
      new Promise((resolve) => {
        if (state.waitingBytes < CAPACITY_BYTES || state.isEnded) resolve();
        else state.writers.push(resolve);
      }),
    end: () => {
      state.isEnded = true;
      schedule(state);
    },
  };
}

/** Nothing is delivered while somebody writes: that comes when the present work is done. */
function schedule(state: State): void {
  if (state.isScheduled) return;
  state.isScheduled = true;
  void Promise.resolve().then(() => {
    state.isScheduled = false;
    deliver(state);
  });
}

function deliver(state: State): void {
  const { listener } = state;
  if (listener === undefined) return;
  while (!state.isPaused) {
    const chunk = state.chunks.shift();
    if (chunk === undefined) break;
    state.waitingBytes -= chunk.length;
    listener.onData(chunk);
  }
  if (state.waitingBytes < CAPACITY_BYTES) for (const go of state.writers.splice(0)) go();
  if (!state.isEnded || state.chunks.length > 0) return;
  state.listener = undefined;
  listener.onEnd();
}
