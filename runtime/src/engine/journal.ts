/**
 * Journal: every kernel call that was made for a container.
 *
 * The engine works for a container through a kernel of its own that writes each call down; what
 * init did lies with the keeper. Both are kept in the container's directory, one JSON object on a
 * line, so `explain` can tell years later how a container came to be. Asking the keeper and writing
 * wait a moment, and until it is quiet: a container that lives a tenth of a second and is removed
 * leaves nothing that had to be told or written, and who starts fifty waits for no journal.
 *
 * Execs have sections of their own: their entries carry the exec's id, and two more lines, notes,
 * say which command it was and how it ended. A journal that has grown too long loses old execs
 * first: a health check runs for ever, and how the container was made must not be lost for it.
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants: none.
 * Left out: calls that only look; what the keeper appends to the log; what a daemon did in its last
 *   moment before it was killed.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import {
  ifThere,
  KernelError,
  toEntry,
  traceKernel,
  withContext,
  within,
} from "../kernel/index.ts";
import type { JournalEntry, Kernel, RecordedCall } from "../kernel/index.ts";
import type { Quiet } from "./quiet.ts";
import type { ExplainedCall, ExplainedExec } from "./told.ts";

/** Newest entries kept in memory until they are written. */
const PENDING_MAX = 4000;
/** A journal that has grown beyond this loses its older half. */
const FILE_MAX_BYTES = 512 * 1024;
const WRITE_DELAY_MS = 200;
/** How long a writer or reader waits for what init did: a later answer is for the next one. */
const HEAR_MS = 2000;

/** What is known of an exec besides its calls. */
type Note = Partial<Omit<ExplainedExec, "id">>;

/** A line of the file: a call, or a note about an exec. */
type Line =
  | (Omit<ExplainedCall, "exec"> & { readonly exec?: string })
  | { readonly exec: string; readonly atUs: number; readonly note: Note };

/** The journal of one container: see the head of this file. */
export interface ContainerJournal {
  /** The kernel to work for this container with. */
  readonly kernel: Kernel;
  /**
   * Adds what keeper and init did.
   *
   * @param ask tells it, once; a keeper that is gone tells nothing
   * @param exec whose init it was; absent: the container's
   */
  addInit(ask: () => Promise<readonly JournalEntry[]>, exec?: string): void;
  /** Notes what an exec is, or how it ended. */
  noteExec(exec: string, note: Note): void;
  /** Everything so far, in the order of time. */
  read(): Promise<readonly ExplainedCall[]>;
  /** Writes what waits. */
  flush(): Promise<void>;
  /** Writes nothing any more: the container's directory is going. */
  close(): void;
}

/** What a journal works with. */
export interface JournalOptions {
  /** Makes the journal's own writes, which are not journaled. */
  readonly kernel: Kernel;
  /** Says when it may write. */
  readonly quiet: Pick<Quiet, "moment">;
}

/**
 * Opens the journal of a container.
 *
 * @param path of the file; need not exist
 * @param id names the container in each entry
 */
export function openJournal(options: JournalOptions, path: string, id: string): ContainerJournal {
  const { kernel: untraced, quiet } = options;
  let pending: RecordedCall[] = [];
  /** What the keeper told, once asked, and notes. */
  let told: Line[] = [];
  const waiting = (): readonly Line[] => inOrder(pending, told);
  let cancel: (() => void) | undefined;
  let isOpen = true;
  const wait = (): void => {
    if (isOpen) cancel ??= untraced.after(WRITE_DELAY_MS, () => void quiet.moment().then(flush));
  };
  const questions = createQuestions(untraced, (lines) => {
    if (isOpen) told.push(...lines);
    wait();
  });
  const flush = async (): Promise<void> => {
    await questions.heard();
    cancel?.();
    cancel = undefined;
    const lines = waiting()
      .map((line) => `${JSON.stringify(line)}\n`)
      .join("");
    pending = [];
    told = [];
    if (isOpen && lines !== "") append(untraced, path, lines);
  };
  const record = (call: RecordedCall): void => {
    pending.push(call);
    if (pending.length > PENDING_MAX) pending.shift();
    wait();
  };
  return {
    kernel: withContext(traceKernel(untraced, { record }, { sources: true }), { subject: id }),
    addInit: (ask, exec) => {
      questions.add({ ask, exec });
      wait();
    },
    noteExec: (exec, note) => {
      told.push({ exec, note, atUs: Math.round(untraced.monotonicUs()) });
      wait();
    },
    read: async () => {
      await questions.heard();
      return withNotes([...readLines(untraced, path), ...waiting()]);
    },
    flush,
    close: () => {
      isOpen = false;
      cancel?.();
      pending = [];
      told = [];
      questions.drop();
    },
  };
}

interface Question {
  readonly ask: () => Promise<readonly JournalEntry[]>;
  readonly exec: string | undefined;
}

interface Questions {
  add(question: Question): void;
  /** Asks them, and waits for the answers; one that is late is told when it comes. */
  heard(): Promise<void>;
  /** Forgets those that were not asked yet. */
  drop(): void;
}

function createQuestions(clock: Kernel, tell: (lines: readonly Line[]) => void): Questions {
  const waiting: Question[] = [];
  /** A reader who comes while a writer asks waits for the same answers. */
  const asked = new Set<Promise<void>>();
  const hear = async ({ ask, exec }: Question): Promise<void> => {
    const entries = await ask().catch((): readonly JournalEntry[] => []);
    tell(entries.map((entry) => lineOf(entry, exec)));
  };
  return {
    add: (question) => void waiting.push(question),
    heard: async () => {
      for (const question of waiting.splice(0)) {
        const heard = hear(question).finally(() => asked.delete(heard));
        asked.add(heard);
      }
      if (asked.size > 0) await within(clock, HEAR_MS, Promise.all(asked));
    },
    drop: () => void waiting.splice(0),
  };
}

function inOrder(pending: readonly RecordedCall[], told: readonly Line[]): readonly Line[] {
  const ours = pending.map((call): Line => ({ ...toEntry(call), where: "engine" }));
  return [...ours, ...told].toSorted((left, right) => left.atUs - right.atUs);
}

/** A call that the keeper told: its own, or that of a child of its. */
function lineOf(entry: JournalEntry, exec: string | undefined): Line {
  const where = entry.hostPid === undefined ? "keeper" : "init";
  return exec === undefined ? { ...entry, where } : { ...entry, where, exec };
}

/** The calls, each of an exec with all that its notes say. */
function withNotes(lines: readonly Line[]): readonly ExplainedCall[] {
  const execs = new Map<string, Note>();
  for (const line of lines) {
    if ("note" in line) execs.set(line.exec, { ...execs.get(line.exec), ...line.note });
  }
  return lines.flatMap((line): readonly ExplainedCall[] => {
    if ("note" in line) return [];
    const { exec: id, ...call } = line;
    if (id === undefined) return [call];
    return [{ ...call, exec: { ...UNKNOWN_EXEC, ...execs.get(id), id } }];
  });
}

/** Of an exec whose notes were lost. */
const UNKNOWN_EXEC = { command: [], exitCode: null } as const;

/** A journal is worth less than what it tells of: when it cannot be written, the work goes on. */
function append(kernel: Kernel, path: string, lines: string): void {
  try {
    kernel.writeFile(path, lines, "append", 0o600);
    if (kernel.stat(path).sizeBytes > FILE_MAX_BYTES) halve(kernel, path);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
}

function halve(kernel: Kernel, path: string): void {
  const lines = kernel.readText(path).split("\n");
  const temporary = `${path}.new`;
  kernel.writeFile(temporary, newerHalf(lines).join("\n"), "create", 0o600);
  kernel.rename(temporary, path);
}

/**
 * Without the older half of what execs did or, where most is not theirs, of everything.
 *
 * @param lines of a journal file @example newerHalf(["a", "b", "c", "d"]) // ["c", "d"]
 */
export function newerHalf(lines: readonly string[]): readonly string[] {
  const isExecs = (line: string): boolean => parseLine(line).some(({ exec }) => exec !== undefined);
  const execs = lines.filter(isExecs).length;
  if (execs < lines.length / 2) return lines.slice(Math.floor(lines.length / 2));
  let left = Math.ceil(execs / 2);
  return lines.filter((line) => {
    if (left === 0 || !isExecs(line)) return true;
    left -= 1;
    return false;
  });
}

function readLines(kernel: Kernel, path: string): readonly Line[] {
  return (ifThere(() => kernel.readText(path)) ?? "").split("\n").flatMap(parseLine);
}

/** A line that was cut off by a crash is no entry. */
function parseLine(line: string): readonly Line[] {
  try {
    // Only `append` writes this file.
    return [JSON.parse(line) as Line];
  } catch {
    return [];
  }
}
