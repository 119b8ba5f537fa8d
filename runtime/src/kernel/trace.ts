/**
 * Trace: a kernel that writes down what it is asked and what it answers.
 *
 * Every effect passes through the port, so a decorator around it sees every effect: the journal is
 * complete by construction. `explain`, `--plan`, the lab checks and the tests against leaks read
 * it. An entry is plain data: the call, its arguments cut to a bounded size, the errno, the time it
 * took, and the line of source that asked.
 *
 * A journal must be safe to show: of a file's contents it keeps the size, except for short texts
 * written to kernel files, which are the very point; of an environment it keeps the names.
 *
 * A child runs in the memory of its parent, so its calls come into the same journal, behind the
 * spawn that made it. The last one, execve, is what `spawn` does with the program.
 *
 * Kernel interface: none; strace(1) sees the same from outside.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { CALLS, type CallName } from "./calls.ts";
import { decorate, type Around, type Callable, type Passing } from "./decorate.ts";
import { callerOf } from "./caller.ts";
import { describeArguments, describeResult, type JournalValue } from "./describe.ts";
import { KernelError, type Inside, type Kernel, type Program, type Self } from "./port.ts";

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
 * asked about.
 */
export interface RecordedCall extends Omit<JournalEntry, "args" | "source"> {
  readonly rawArgs: readonly unknown[];
  readonly locate?: () => string | undefined;
  /** See `TraceOptions.remember`. */
  readonly remembered?: unknown;
}

/** Where calls go. */
export interface Journal {
  record(call: RecordedCall): void;
}

/** A recorded call as the plain data that it stands for. */
export function toEntry(recorded: RecordedCall): JournalEntry {
  const { locate, rawArgs, remembered: _, ...rest } = recorded;
  const source = locate?.();
  const entry = { ...rest, args: describeArguments(rest.call, rawArgs) };
  return source === undefined ? entry : { ...entry, source };
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

/** How to trace. */
export interface TraceOptions {
  /** Whether calls that only look are journaled too. */
  readonly looks?: boolean;
  /** Whether each entry names the line of source that asked. */
  readonly sources?: boolean;
  /**
   * Asked at the end of each call that could change something; the answer goes with the call. A
   * child's calls reach the journal only after its spawn, when it is too late to look.
   */
  readonly remember?: () => unknown;
}

/** An entry before the journal has given it a number and a process. */
type Draft = Omit<RecordedCall, "n" | "hostPid">;

interface Tracer {
  readonly clock: () => number;
  readonly options: TraceOptions;
  readonly record: (draft: Draft) => void;
}

/** How a traced kernel makes views of itself for another context; only traced kernels have it. */
const VIEW = Symbol("view");

/** How a child's traced kernel changes its own context. */
const ENTER = Symbol("enter");

interface Entered {
  readonly [ENTER]: (context: TraceContext) => void;
}

interface Viewed {
  readonly [VIEW]: (context: TraceContext) => Callable;
}

/** One journal that a tracer tells. */
interface Listener {
  readonly journal: Journal;
  readonly options: TraceOptions;
  told: number;
}

const TRACING = Symbol("tracing");

/** What a traced kernel is made of, for a second tracer. */
interface Tracing {
  /** The very kernel: a decorator on top copies properties, but is another one. */
  readonly self: Callable;
  readonly base: Kernel;
  readonly listeners: readonly Listener[];
}

/**
 * A kernel that journals every call.
 *
 * Tracing a traced kernel makes one tracer with two journals, so that a call is told to both in the
 * same words and with the same place in the source.
 *
 * @param journal is told after each call, in the parent also about those of its children
 * @example const traced = traceKernel(kernel, createJournal(1000), { sources: true });
 */
export function traceKernel(kernel: Kernel, journal: Journal, options: TraceOptions = {}): Kernel {
  const below = tracingOf(kernel);
  const base = below?.base ?? kernel;
  const listeners = [...(below?.listeners ?? []), { journal, options, told: 0 }];
  const [remember] = listeners.flatMap((each) => each.options.remember ?? []);
  const record: Recorder = (draft, hostPid) => {
    const whose = hostPid === undefined ? {} : { hostPid };
    for (const listener of listeners) {
      if (!draft.effect && listener.options.looks !== true) continue;
      listener.told += 1;
      listener.journal.record({ n: listener.told, ...draft, ...whose });
    }
  };
  const tracer: Tracer = {
    clock: () => base.monotonicUs(),
    options: {
      looks: listeners.some((each) => each.options.looks === true),
      sources: listeners.some((each) => each.options.sources === true),
      ...(remember === undefined ? {} : { remember }),
    },
    record,
  };
  const view = (context: TraceContext): Kernel => {
    const own: Pick<Kernel, "spawn"> & Viewed = {
      spawn: tracedSpawn(base, tracer, context, record),
      [VIEW]: (more) => view({ ...context, ...more }),
    };
    const self = traced(base, tracer, context, own);
    return Object.assign(self, { [TRACING]: { self, base, listeners } satisfies Tracing });
  };
  return view({});
}

function tracingOf(kernel: Callable): Tracing | undefined {
  // Only `traceKernel` puts something there.
  const tracing = Reflect.get(kernel, TRACING) as Tracing | undefined;
  return tracing?.self === kernel ? tracing : undefined;
}

/**
 * The same kernel, whose calls are journaled in the name of a concept, an operation or a subject.
 *
 * What `context` does not say stays as it was. A kernel that is not traced is returned as it is.
 *
 * @example withContext(kernel, { concept: "cgroups", operation: "create" }).mkdir(path, 0o755);
 */
export function withContext<K extends Callable>(kernel: K, context: TraceContext): K {
  const view: unknown = Reflect.get(kernel, VIEW);
  // Only this file puts a function there, and it returns a kernel of the same type.
  return typeof view === "function" ? (view(context) as K) : kernel;
}

/**
 * From now on the calls of this very kernel are made in the name of `context`.
 *
 * For a child's `main`, which does one thing after the other: it costs nothing, where a view for
 * each step would be made anew in each child. A kernel that is no child's, or not traced, stays as
 * it is.
 */
export function enterContext(kernel: Callable, context: TraceContext): void {
  const enter: unknown = Reflect.get(kernel, ENTER);
  // Only this file puts a function there.
  if (typeof enter === "function") enter(context);
}

/**
 * Lets a decorator on top of a traced kernel keep its views.
 *
 * @param wrapped receives them @param wrap decorates a view as the kernel was
 */
export function keepViews<K extends Callable>(
  kernel: Callable,
  wrapped: K,
  wrap: (view: K) => K,
): K {
  const view: unknown = Reflect.get(kernel, VIEW);
  if (typeof view !== "function") return wrapped;
  const own: Viewed = { [VIEW]: (context) => wrap(view(context) as K) };
  return Object.assign(wrapped, own);
}

type Recorder = (draft: Draft, hostPid?: number) => void;

function tracedSpawn(
  kernel: Kernel,
  tracer: Tracer,
  context: TraceContext,
  record: Recorder,
): Kernel["spawn"] {
  const spawn: Kernel["spawn"] = (options, main) => {
    const start = tracer.clock();
    const passing = { name: "spawn", args: [options], entry: spawn } as const;
    const begun = draftOf(passing, tracer, context, start);
    let born: ChildTrace | undefined;
    let remembered: Pick<Draft, "remembered"> = {};
    const tell = (spawned: Partial<Draft>, execve: Partial<Draft>): void => {
      record({ ...begun, ...remembered, ...spawned });
      for (const draft of born?.drafts ?? []) record(draft, born?.hostPid);
      if (born?.execve === undefined) return;
      const durationUs = Math.round(tracer.clock() - born.execve.atUs);
      const after = rememberedBy(tracer);
      record({ ...born.execve, ...after, durationUs, ...execve }, born.hostPid);
    };
    try {
      const child = kernel.spawn(options, (inside) => {
        const bornUs = tracer.clock();
        remembered = rememberedBy(tracer);
        born = { hostPid: inside.hostPid, durationUs: Math.round(bornUs - start), drafts: [] };
        return runTraced(inside, tracer, { context, born, main });
      });
      tell({ durationUs: born?.durationUs ?? begun.durationUs, result: child.hostPid }, {});
      return child;
    } catch (error) {
      const failed = errnoOf(error);
      // A child that was born tells what failed: a call of its own, or execve behind them.
      if (born === undefined) tell(failed, {});
      else tell({ durationUs: born.durationUs, result: born.hostPid }, failed);
      throw error;
    }
  };
  return spawn;
}

/** The calls but spawn, journaled. */
function traced<K extends Callable>(
  kernel: K,
  tracer: Tracer,
  context: TraceContext,
  more: object,
): K {
  const around: Around = (passing) => {
    if (CALLS[passing.name].kind === "look" && tracer.options.looks !== true) {
      return passing.proceed();
    }
    const start = tracer.clock();
    try {
      const result = passing.proceed();
      const described = describeResult(passing.name, result);
      const draft = draftOf(passing, tracer, context, start);
      tracer.record(described === undefined ? draft : { ...draft, result: described });
      return result;
    } catch (error) {
      tracer.record({ ...draftOf(passing, tracer, context, start), ...errnoOf(error) });
      throw error;
    }
  };
  return decorate(kernel, around, more);
}

function draftOf(
  passing: Omit<Passing, "proceed">,
  tracer: Tracer,
  context: TraceContext,
  start: number,
): Draft {
  const locate = tracer.options.sources === true ? callerOf(passing.entry) : undefined;
  const isEffect = CALLS[passing.name].kind === "change";
  return {
    ...context,
    call: passing.name,
    rawArgs: passing.args,
    effect: isEffect,
    atUs: Math.round(start),
    durationUs: Math.round(tracer.clock() - start),
    ...(isEffect ? rememberedBy(tracer) : {}),
    ...(locate === undefined ? {} : { locate }),
  };
}

function rememberedBy({ options }: Tracer): Pick<Draft, "remembered"> {
  const remembered = options.remember?.();
  return remembered === undefined ? {} : { remembered };
}

function errnoOf(error: unknown): { readonly errno: string } {
  return { errno: error instanceof KernelError ? error.errno : "EIO" };
}

/** What a child's calls leave until `spawn` is over. */
interface ChildTrace {
  readonly hostPid: number;
  /** From the call of spawn to the child's first breath. */
  readonly durationUs: number;
  readonly drafts: Draft[];
  execve?: Draft;
}

interface TracedMain {
  readonly context: TraceContext;
  readonly born: ChildTrace;
  readonly main: (inside: Inside) => Program | undefined;
}

function runTraced(
  inside: Inside,
  parent: Tracer,
  { context, born, main }: TracedMain,
): Program | undefined {
  let entered: TraceContext = {};
  const tracer: Tracer = {
    ...parent,
    record: (draft) => born.drafts.push({ ...draft, ...entered }),
  };
  const execve: Self["execve"] = (path, argv, env) => {
    const passing = { name: "execve", args: [path, argv, env], entry: execve } as const;
    const begun = draftOf(passing, tracer, { ...context, ...entered }, tracer.clock());
    try {
      const program = inside.kernel.execve(path, argv, env);
      born.execve = begun;
      return program;
    } catch (error) {
      born.drafts.push({ ...begun, ...errnoOf(error) });
      throw error;
    }
  };
  const view = (context: TraceContext): Kernel & Self => {
    const own: Pick<Self, "execve"> & Viewed & Entered = {
      execve,
      [VIEW]: (more) => view({ ...context, ...more }),
      [ENTER]: (current) => {
        entered = current;
      },
    };
    return traced(inside.kernel, tracer, context, own);
  };
  return main({ ...inside, kernel: view(context) });
}
