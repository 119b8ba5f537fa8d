/**
 * The machine of a playground: opened once, watched, and looked at as it is or as it was.
 *
 * The pictures show one snapshot and what differs from another. Live, that is the machine as it is,
 * against what it was when the last command was entered; at a call of the timeline, what it was
 * after that call, against what it was before.
 */
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Snapshot } from "../../../runtime/src/kernel/model/index.ts";
import type { Playground, PlaygroundCall } from "../../../runtime/src/playground/index.ts";

/** Calls that come in one go are drawn once. */
const QUIET_MS = 60;
/** Processes end and memory grows without a call of ours. */
const LOOK_MS = 500;

/** What all parts of a playground share. */
export interface Machine {
  readonly playground: Playground;
  /** The calls that can have changed something, in their order. */
  readonly calls: readonly PlaygroundCall[];
  /** The place in `calls` that is looked at; undefined for the machine as it is. */
  readonly at: number | undefined;
  readonly now: Snapshot;
  readonly before: Snapshot;
  /** The machine as it is, wherever the reader looks. */
  readonly live: Snapshot;
  /** Looks at the machine after a call, or as it is. */
  readonly goTo: (at: number | undefined) => void;
  /** What is done from here on is what the pictures mark. */
  readonly markNow: () => void;
}

/** Watches a playground. */
export function useMachine(playground: Playground): Machine {
  const first = useRef(playground.snapshot());
  const [live, setLive] = useState(first.current);
  const [base, setBase] = useState(first.current);
  const [calls, setCalls] = useState<readonly PlaygroundCall[]>([]);
  const [at, setAt] = useState<number>();

  useEffect(() => {
    const look = (): void => {
      setLive(playground.snapshot());
      setCalls((known) => withNew(known, playground.journal));
    };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = playground.onCall(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        look();
      }, QUIET_MS);
    });
    const regular = setInterval(look, LOOK_MS);
    look();
    return () => {
      stop();
      clearTimeout(timer);
      clearInterval(regular);
    };
  }, [playground]);

  const goTo = useCallback((next: number | undefined) => setAt(next), []);
  const markNow = useCallback(() => {
    setBase(playground.snapshot());
    setAt(undefined);
  }, [playground]);
  return useMemo(() => {
    const shown = at === undefined ? undefined : calls[at];
    const earlier = at === undefined ? base : (calls[at - 1]?.snapshot ?? first.current);
    const now = shown?.snapshot ?? live;
    return { playground, calls, at, now, before: earlier, live, goTo, markNow };
  }, [playground, calls, at, base, live, goTo, markNow]);
}

/** The same list when nothing came, so that nobody draws it again. */
function withNew(
  known: readonly PlaygroundCall[],
  journal: readonly PlaygroundCall[],
): readonly PlaygroundCall[] {
  const last = known.at(-1)?.index ?? -1;
  const more = journal.filter(({ index, effect }) => effect && index > last);
  return more.length === 0 ? known : [...known, ...more];
}
