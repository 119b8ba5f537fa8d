/**
 * Recorder: every kernel call of the engine and of the processes that it starts, in order.
 *
 * Engine and keeper each work on a kernel that tells this one journal. A call of a container's init
 * reaches it only after the spawn that made the process, so each call brings along the snapshot
 * that was taken when it ended.
 *
 * Docs: docs/concepts/playground.md
 *
 * @module
 */
import type { Keeper } from "../container/index.ts";
import {
  toEntry,
  toOutline,
  traceKernel,
  type JournalEntry,
  type Kernel,
  type RecordedCall,
} from "../kernel/index.ts";
import type { Snapshot } from "../kernel/model/index.ts";

/** One call. */
export interface PlaygroundCall extends JournalEntry {
  /** Its place in the journal, from 0. */
  readonly index: number;
  /**
   * Who made it: `init` and `exec` are the children that become a container's processes, `program`
   * is a command of the host, `child` a process that it starts.
   */
  readonly where: "engine" | "keeper" | "init" | "exec" | "program" | "child";
  /** The machine right after it; of a call that only looks, as it was before. */
  readonly snapshot: Snapshot;
}

/** A journal of calls. */
export interface Recorder {
  readonly calls: readonly PlaygroundCall[];
  /** A kernel that records. */
  traced(kernel: Kernel, who: "engine" | "keeper" | "program"): Kernel;
  /** A keeper whose starts are recorded in the name of what they start. */
  watched(keeper: Keeper): Keeper;
  onCall(listener: (call: PlaygroundCall) => void): () => void;
}

/** What the keeper is starting at this moment. */
interface Starting {
  readonly where: "init" | "exec";
  readonly named: { readonly subject: string };
}

/** Makes a recorder. @param snapshot is cheap when little has changed */
export function createRecorder(snapshot: () => Snapshot): Recorder {
  const calls: PlaygroundCall[] = [];
  const listeners = new Set<(call: PlaygroundCall) => void>();
  let last = snapshot();
  let starting: Starting | undefined;
  const note = (call: RecordedCall, where: PlaygroundCall["where"]): void => {
    // `remember` below is `snapshot`.
    last = (call.remembered as Snapshot | undefined) ?? last;
    const noted = describeLater(call, { index: calls.length, where, snapshot: last });
    calls.push(noted);
    for (const tell of listeners) tell(noted);
  };
  return {
    calls,
    traced: (kernel, who) => {
      const record = (call: RecordedCall): void => {
        const born = who === "program" ? "child" : (starting?.where ?? "init");
        const context = { ...starting?.named, ...call.context };
        note({ ...call, context }, call.hostPid === undefined ? who : born);
      };
      return traceKernel(kernel, { record }, { sources: true, looks: true, remember: snapshot });
    },
    watched: (keeper) => ({
      ...keeper,
      start: (request) => {
        const where = request.kind === "exec" ? "exec" : "init";
        starting = { where, named: { subject: request.id } };
        try {
          return keeper.start(request);
        } finally {
          starting = undefined;
        }
      },
    }),
    onCall: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/**
 * A call as data. Its arguments and its place in the source are put into words when somebody asks:
 * most calls are never asked about.
 */
function describeLater(
  call: RecordedCall,
  rest: Pick<PlaygroundCall, "index" | "where" | "snapshot">,
): PlaygroundCall {
  let entry: JournalEntry | undefined;
  const described = (): JournalEntry => (entry ??= toEntry(call));
  const noted = {
    ...toOutline(call),
    ...rest,
    get args() {
      return described().args;
    },
  };
  if (call.caller === undefined) return noted;
  // A place that cannot be told is missing, as it may be.
  const source = { enumerable: true, get: () => described().source };
  return Object.defineProperty(noted, "source", source);
}
