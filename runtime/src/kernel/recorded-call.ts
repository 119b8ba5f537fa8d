/**
 * Recorded calls: what a journal keeps of a call, and how it is put into words.
 *
 * A journal must be safe to show: of a file's contents it keeps the size, except for short texts
 * written to kernel files, which are the very point; of an environment it keeps the names
 * (describe.ts).
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { CallName } from "./calls.ts";
import { placeOf, type Caller } from "./caller.ts";
import { describeArguments, type JournalValue } from "./describe.ts";

/** In whose name a call is made. */
export interface TraceContext {
  /** The concept, as its folder is called: "cgroups". */
  readonly concept?: string;
  /** What is being done, in words: "create cgroup", "undo". */
  readonly operation?: string;
  /** To what: a container's id. */
  readonly subject?: string;
}

/** One call. Plain JSON data. */
export interface JournalEntry extends TraceContext {
  /** Counts up from 1 in the order in which the journal learned of the calls. */
  readonly n: number;
  readonly call: CallName;
  readonly args: readonly JournalValue[];
  readonly result?: JournalValue;
  /** Set when the call failed. */
  readonly errno?: string;
  /** Whether the call could change something; looking does not. */
  readonly effect: boolean;
  /** Monotonic time at which the call began, microseconds; the same clock in parent and child. */
  readonly atUs: number;
  readonly durationUs: number;
  /** The child that made the call; undefined for the process that has the journal. */
  readonly hostPid?: number;
  /**
   * Where the call stands, as `file:line:column` of the running program; an entry maps it to the
   * source.
   */
  readonly source?: string;
}

/**
 * A call as it is recorded. What it was asked and where it stands is remembered, but put into words
 * only when somebody asks: that costs more than everything else about it, and most calls are never
 * asked about. For the same reason all calls have the same fields, and share their context.
 */
export interface RecordedCall {
  readonly n: number;
  readonly context: TraceContext;
  readonly call: CallName;
  readonly args: readonly unknown[];
  /** Of the few calls whose result is kept. */
  readonly result: JournalValue | undefined;
  readonly errno: string | undefined;
  readonly effect: boolean;
  readonly atUs: number;
  readonly durationUs: number;
  readonly hostPid: number | undefined;
  readonly caller: Caller | undefined;
  /** See `TraceOptions.remember`. */
  readonly remembered: unknown;
}

/** Where calls go. */
export interface Journal {
  record(call: RecordedCall): void;
}

/** A recorded call as the plain data that it stands for; what is not known of it is not there. */
export function toEntry(recorded: RecordedCall): JournalEntry {
  const { call, args, caller } = recorded;
  const source = caller === undefined ? undefined : placeOf(caller);
  const entry = { ...toOutline(recorded), args: describeArguments(call, args) };
  return source === undefined ? entry : { ...entry, source };
}

/** An entry without what takes time to put into words. */
export function toOutline(recorded: RecordedCall): Omit<JournalEntry, "args" | "source"> {
  const { n, context, call, result, errno, effect, atUs, durationUs, hostPid } = recorded;
  return {
    ...context,
    n,
    call,
    ...(result === undefined ? {} : { result }),
    ...(errno === undefined ? {} : { errno }),
    effect,
    atUs: Math.round(atUs),
    durationUs: Math.round(durationUs),
    ...(hostPid === undefined ? {} : { hostPid }),
  };
}

/** A journal in memory that keeps the newest entries. @param limit how many */
export function createJournal(limit: number): Journal & { entries(): readonly JournalEntry[] } {
  const kept: RecordedCall[] = [];
  return {
    record: (call) => {
      kept.push(call);
      if (kept.length > limit) kept.shift();
    },
    entries: () => kept.map(toEntry),
  };
}
