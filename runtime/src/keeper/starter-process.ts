/**
 * Starter process: walks the plans of a keeper, one after the other, and is nobody's parent.
 *
 * It reads an order, makes the child, answers, and reads the next. It may hang in a plan and may be
 * lost with one: the keeper has another one then, see `starters.ts`. When its keeper is gone it
 * leaves.
 *
 * ```
 * {"start":{…},"programs":[…]} + the child's ends ▶   ◀ {"hostPid":7,"endings":[]} or "error":…
 * {"journal":1} ▶                                     ◀ {"entries":[…]}
 * ```
 *
 * Kernel interface: see `kernel/linux/foster.ts`.
 *
 * @module
 */

import { writeSync } from "node:fs";
import {
  StartError,
  createLineReader,
  createStarter,
  encodeLine,
  partsOf,
  received,
  spawnOptionsOf,
} from "../container/index.ts";
import type { Birth, KnownPrograms, LocalStarter, SentStart } from "../container/index.ts";
import type { ErrorParts } from "../errors/index.ts";
import type { BpfInstruction, HostPid, JournalEntry } from "../kernel/index.ts";
import { createBearer } from "../kernel/linux/index.ts";
import type { Bearer } from "../kernel/linux/index.ts";

/** Raised when a keeper and a starter would no longer understand each other. */
export const STARTER_PROTOCOL = 1;

/** What it is called, in the length that a process's name may have. */
export const STARTER_NAME = "drydock-starter";

/** The descriptors that its keeper gave it: for lines, and for mounts on their way. */
const STARTER_FD = 3;
const MAIL_FD = 4;

/** How many journals may wait for somebody who asks; the oldest is forgotten. */
const JOURNALS_KEPT = 64;

/** One line of the keeper's. */
export type StarterOrder =
  | {
      readonly start: SentStart;
      /** Programs that this starter has not had yet. */
      readonly programs: readonly (readonly [number, readonly BpfInstruction[]])[];
    }
  /** What init did in the n-th start, counted from 1. */
  | { readonly journal: number };

/** A line back. */
export type StarterAnswer = StartAnswer | { readonly entries: readonly JournalEntry[] };

/** How a start went. */
export type StartAnswer = {
  /** Children of the keeper's that are about to end. */
  readonly endings: readonly HostPid[];
} & (
  | { readonly hostPid: HostPid }
  | { readonly error: ErrorParts; readonly journal: readonly JournalEntry[] }
);

/** Serves its keeper until that is gone. */
export function runStarter(): void {
  const serving = new Serving(createBearer(MAIL_FD));
  writeAll(encodeLine({ protocol: STARTER_PROTOCOL }));
  serving.serve();
}

class Serving {
  readonly #bearer: Bearer;
  readonly #starter: LocalStarter;
  readonly #programs: KnownPrograms = new Map();
  readonly #journals = new Map<number, Birth["journal"]>();
  #starts = 0;

  constructor(bearer: Bearer) {
    this.#bearer = bearer;
    this.#starter = createStarter({ kernel: bearer.kernel, trace: { sources: true } });
  }

  serve(): void {
    const reader = createLineReader();
    const ends: number[] = [];
    for (;;) {
      const message = this.#bearer.receive(STARTER_FD);
      if (message === undefined) return;
      ends.push(...message.fds);
      for (const line of reader.push(message.bytes)) {
        const order = JSON.parse(line) as StarterOrder; // written by starters.ts
        writeAll(encodeLine(this.#obey(order, ends) satisfies StarterAnswer));
      }
    }
  }

  /** @param ends a start takes them; another order may have been read together with it */
  #obey(order: StarterOrder, ends: number[]): StarterAnswer {
    if ("start" in order) return this.#start(order, ends.splice(0));
    const journal = this.#journals.get(order.journal);
    this.#journals.delete(order.journal);
    const entries = journal?.() ?? [];
    // It is in this very process.
    return { entries: entries as readonly JournalEntry[] };
  }

  #start(
    { start, programs }: Extract<StarterOrder, { readonly start: SentStart }>,
    ends: readonly number[],
  ): StartAnswer {
    for (const [number, program] of programs) this.#programs.set(number, program);
    let result: Pick<Extract<StartAnswer, { hostPid: HostPid }>, "hostPid"> | Failure | undefined;
    const endings = this.#bearer.spawnWith(spawnOptionsOf(start), ends, () => {
      result = this.#tryToStart(start);
    });
    if (result === undefined) throw new Error("bug: neither started nor failed");
    return { ...result, endings };
  }

  #tryToStart(start: SentStart): { readonly hostPid: HostPid } | Failure {
    this.#starts += 1;
    try {
      const { child, journal } = this.#starter.start(received(start, this.#programs));
      this.#keep(journal);
      return { hostPid: child.hostPid };
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      return { error: partsOf(error), journal: error.journal };
    }
  }

  #keep(journal: Birth["journal"]): void {
    this.#journals.set(this.#starts, journal);
    const [oldest = 0] = this.#journals.keys();
    if (this.#journals.size > JOURNALS_KEPT) this.#journals.delete(oldest);
  }
}

type Failure = Pick<Extract<StartAnswer, { error: ErrorParts }>, "error" | "journal">;

function writeAll(bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(writeSync(STARTER_FD, rest));
}
