/**
 * Trace: a kernel that writes down what it is asked and what it answers.
 *
 * Every effect passes through the port, so a decorator around it sees every effect: the journal is
 * complete by construction. `explain`, `--plan`, the lab checks and the tests against leaks read
 * it.
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
import { CALLS } from "./calls.ts";
import { decorate, type Around, type Callable, type Passing } from "./decorate.ts";
import { callerOf } from "./caller.ts";
import { describeResult } from "./describe.ts";
import { KernelError, type Inside, type Kernel, type Program, type Self } from "./port.ts";
import type { Journal, RecordedCall, TraceContext } from "./recorded-call.ts";

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

/** A call before the journal has given it a number and a process. */
type Draft = Omit<RecordedCall, "n" | "hostPid">;

/** How a call went. */
interface Outcome extends Pick<RecordedCall, "result" | "errno"> {
  readonly startUs: number;
}

const DONE = { result: undefined, errno: undefined };

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
    for (const listener of listeners) {
      if (!draft.effect && listener.options.looks !== true) continue;
      listener.told += 1;
      listener.journal.record(numbered(draft, listener.told, hostPid));
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
    const self = traced(base, tracer, { context }, own);
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

/** In whose name the calls of one kernel are made now; a child's changes with each step. */
interface Scope {
  context: TraceContext;
}

function tracedSpawn(
  kernel: Kernel,
  tracer: Tracer,
  context: TraceContext,
  record: Recorder,
): Kernel["spawn"] {
  const spawn: Kernel["spawn"] = (options, main) => {
    const startUs = tracer.clock();
    const passing = { name: "spawn", args: [options], entry: spawn } as const;
    const begun = draftOf(passing, tracer, context, { ...DONE, startUs });
    let born: ChildTrace | undefined;
    let remembered: unknown;
    const tell = (spawned: Partial<Draft>, execve: Partial<Draft>): void => {
      record({ ...begun, remembered: remembered ?? begun.remembered, ...spawned });
      for (const draft of born?.drafts ?? []) record(draft, born?.hostPid);
      if (born?.execve === undefined) return;
      const durationUs = tracer.clock() - born.execve.atUs;
      const after = tracer.options.remember?.() ?? born.execve.remembered;
      record({ ...born.execve, remembered: after, durationUs, ...execve }, born.hostPid);
    };
    try {
      const child = kernel.spawn(options, (inside) => {
        remembered = tracer.options.remember?.();
        born = { hostPid: inside.hostPid, durationUs: tracer.clock() - startUs, drafts: [] };
        return runTraced(inside, tracer, { context, born, main });
      });
      tell({ durationUs: born?.durationUs ?? begun.durationUs, result: child.hostPid }, {});
      return child;
    } catch (error) {
      const errno = errnoOf(error);
      // A child that was born tells what failed: a call of its own, or execve behind them.
      if (born === undefined) tell({ errno }, {});
      else tell({ durationUs: born.durationUs, result: born.hostPid }, { errno });
      throw error;
    }
  };
  return spawn;
}

/** The calls but spawn, journaled. */
function traced<K extends Callable>(kernel: K, tracer: Tracer, scope: Scope, own: object): K {
  const around: Around = (passing) => {
    const startUs = tracer.clock();
    let returned: unknown;
    try {
      returned = passing.proceed();
    } catch (error) {
      const outcome = { startUs, result: undefined, errno: errnoOf(error) };
      tracer.record(draftOf(passing, tracer, scope.context, outcome));
      throw error;
    }
    const result = describeResult(passing.name, returned);
    tracer.record(draftOf(passing, tracer, scope.context, { startUs, result, errno: undefined }));
    return returned;
  };
  return decorate(kernel, around, { own, changesOnly: tracer.options.looks !== true });
}

function draftOf(
  { name, args, entry }: Omit<Passing, "proceed">,
  { clock, options }: Tracer,
  context: TraceContext,
  { startUs, result, errno }: Outcome,
): Draft {
  const effect = CALLS[name].kind === "change";
  return {
    context,
    call: name,
    args,
    result,
    errno,
    effect,
    atUs: startUs,
    durationUs: clock() - startUs,
    caller: options.sources === true ? callerOf(entry) : undefined,
    remembered: effect ? options.remember?.() : undefined,
  };
}

function errnoOf(error: unknown): string {
  return error instanceof KernelError ? error.errno : "EIO";
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
  const tracer: Tracer = { ...parent, record: (draft) => born.drafts.push(draft) };
  const view = (context: TraceContext): Kernel & Self => {
    const scope: Scope = { context: { ...context, ...entered } };
    const own: Pick<Self, "execve"> & Viewed & Entered = {
      execve: tracedExecve(inside, tracer, scope, born),
      [VIEW]: (more) => view({ ...context, ...more }),
      [ENTER]: (current) => {
        entered = current;
        scope.context = { ...context, ...current };
      },
    };
    return traced(inside.kernel, tracer, scope, own);
  };
  return main({ ...inside, kernel: view(context) });
}

/** What a child becomes: known now, done when its main is over. */
function tracedExecve(
  inside: Inside,
  tracer: Tracer,
  scope: Scope,
  born: ChildTrace,
): Self["execve"] {
  const execve: Self["execve"] = (path, argv, env) => {
    const passing = { name: "execve", args: [path, argv, env], entry: execve } as const;
    const outcome = { ...DONE, startUs: tracer.clock() };
    const begun = draftOf(passing, tracer, scope.context, outcome);
    try {
      const program = inside.kernel.execve(path, argv, env);
      born.execve = begun;
      return program;
    } catch (error) {
      born.drafts.push({ ...begun, errno: errnoOf(error) });
      throw error;
    }
  };
  return execve;
}

/** A copy with every field written out: faster than spreading, and this is done for each call. */
function numbered(draft: Draft, n: number, hostPid: number | undefined): RecordedCall {
  return {
    n,
    context: draft.context,
    call: draft.call,
    args: draft.args,
    result: draft.result,
    errno: draft.errno,
    effect: draft.effect,
    atUs: draft.atUs,
    durationUs: draft.durationUs,
    hostPid,
    caller: draft.caller,
    remembered: draft.remembered,
  };
}
