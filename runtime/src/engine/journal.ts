/**
 * Journal: every kernel call that was made for a container.
 *
 * The engine works for a container through a kernel of its own that writes each call down; what
 * init did lies with the keeper. Both are kept in the container's directory, one JSON object on a
 * line, so `explain` can tell years later how a container came to be. Asking the keeper and writing
 * wait a moment: a container that lives a tenth of a second and is removed leaves nothing that had
 * to be told or written.
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants: none.
 * Left out: calls that only look; what a daemon did in its last moment before it was killed.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { KernelError, toEntry, traceKernel, withContext } from "../kernel/index.ts";
import type { JournalEntry, Kernel, RecordedCall } from "../kernel/index.ts";
import type { ExplainedCall } from "./engine.ts";

/** Newest entries kept in memory until they are written. */
const PENDING_MAX = 4000;
/** A journal that has grown beyond this loses its older half. */
const FILE_MAX_BYTES = 512 * 1024;
const WRITE_DELAY_MS = 200;

/** The journal of one container: see the head of this file. */
export interface ContainerJournal {
  /** The kernel to work for this container with. */
  readonly kernel: Kernel;
  /** Adds what init did. @param ask tells it, once; a keeper that is gone tells nothing */
  addInit(ask: () => Promise<readonly JournalEntry[]>): void;
  /** Everything so far, in the order of time. */
  read(): Promise<readonly ExplainedCall[]>;
  /** Writes what waits. */
  flush(): Promise<void>;
  /** Writes nothing any more: the container's directory is going. */
  close(): void;
}

/**
 * Opens the journal of a container.
 *
 * @param untraced makes the journal's own writes, which are not journaled
 * @param path of the file; need not exist
 * @param id names the container in each entry
 */
export function openJournal(untraced: Kernel, path: string, id: string): ContainerJournal {
  let pending: RecordedCall[] = [];
  /** What the keeper told, once asked. */
  let told: ExplainedCall[] = [];
  const waiting = (): readonly ExplainedCall[] =>
    [
      ...pending.map((call): ExplainedCall => ({ ...toEntry(call), where: "engine" })),
      ...told,
    ].toSorted((left, right) => left.atUs - right.atUs);
  let questions: (() => Promise<readonly JournalEntry[]>)[] = [];
  let cancel: (() => void) | undefined;
  let isOpen = true;
  const wait = (): void => {
    if (isOpen) cancel ??= untraced.after(WRITE_DELAY_MS, () => void flush());
  };
  const askAll = async (): Promise<void> => {
    for (let ask = questions.shift(); ask !== undefined; ask = questions.shift()) {
      const entries = await ask().catch((): readonly JournalEntry[] => []);
      for (const entry of entries) told.push({ ...entry, where: "init" });
    }
  };
  /** A reader who comes while a writer asks waits for the same answers. */
  let hearing = Promise.resolve();
  const hearInit = (): Promise<void> => (hearing = hearing.then(askAll));
  const flush = async (): Promise<void> => {
    cancel?.();
    await hearInit();
    cancel = undefined;
    const lines = waiting()
      .map((call) => `${JSON.stringify(call)}\n`)
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
    addInit: (ask) => {
      questions.push(ask);
      wait();
    },
    read: async () => {
      await hearInit();
      return [...readLines(untraced, path), ...waiting()];
    },
    flush,
    close: () => {
      isOpen = false;
      cancel?.();
      pending = [];
      told = [];
      questions = [];
    },
  };
}

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
  kernel.writeFile(
    temporary,
    lines.slice(Math.floor(lines.length / 2)).join("\n"),
    "create",
    0o600,
  );
  kernel.rename(temporary, path);
}

function readLines(kernel: Kernel, path: string): readonly ExplainedCall[] {
  try {
    return kernel.readText(path).split("\n").flatMap(parseLine);
  } catch (error) {
    if (error instanceof KernelError && error.errno === "ENOENT") return [];
    throw error;
  }
}

/** A line that was cut off by a crash is no entry. */
function parseLine(line: string): readonly ExplainedCall[] {
  try {
    // Only `append` writes this file.
    return [JSON.parse(line) as ExplainedCall];
  } catch {
    return [];
  }
}
