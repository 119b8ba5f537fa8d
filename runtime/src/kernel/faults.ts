/**
 * Faults: a kernel whose k-th call fails.
 *
 * What an operation leaves behind when it fails half-way is found by failing it half-way, at every
 * place where it can: for k = 1, 2, 3… the k-th call throws without being made, and every other one
 * works, so that the operation can take its steps back. When an operation succeeds with fewer than
 * k calls, all places have been tried.
 *
 * Calls of a child count too. Parent and child each have a counter after a fork; it travels with
 * every line that they exchange, as a token, so that numbers go on where the other one stopped.
 * They are exact as long as the parent makes no calls of its own while the child runs.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: calls that are made and then reported as failed, and processes killed at a call.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { CALLS, type CallName } from "./calls.ts";
import { decorate, interceptReports, type Callable } from "./decorate.ts";
import { KernelError, type Child, type Errno, type Inside, type Kernel } from "./port.ts";
import { keepViews } from "./trace.ts";

/** Which call fails, and how. */
export interface FaultPlan {
  /** The number of the call, from 1; 0 lets none fail and only counts. */
  readonly failAt: number;
  readonly errno: Errno;
  /** Which calls count; all that can fail, unless given. */
  readonly counts?: (call: CallName) => boolean;
}

/** A kernel with a fault in it. */
export interface FaultyKernel {
  readonly kernel: Kernel;
  /**
   * How many calls were counted so far, in this process and, as far as they reported, in its
   * children.
   */
  callsMade(): number;
  /** The call that failed, once it did. */
  failedCall(): CallName | undefined;
}

interface Token {
  made: number;
  failed?: CallName;
}

const MARK = "\u0001fault ";

/**
 * A kernel whose k-th call fails.
 *
 * @example
 * const faulty = injectFaults(kernel, { failAt: 3, errno: "ENOSPC" });
 */
export function injectFaults(kernel: Kernel, plan: FaultPlan): FaultyKernel {
  const token: Token = { made: 0 };
  return {
    kernel: faulty(kernel, plan, token),
    callsMade: () => token.made,
    failedCall: () => token.failed,
  };
}

function faulty(kernel: Kernel, plan: FaultPlan, token: Token): Kernel {
  const withFaults = decorateFaults(kernel, plan, token);
  const spawn: Kernel["spawn"] = (options, main) => {
    countCall(plan, token, "spawn", String(options.pidNamespace));
    const child = kernel.spawn(options, (inside) => runFaulty(inside, plan, token, main));
    return followToken(child, token);
  };
  return keepViews(kernel, { ...withFaults, spawn }, (view) => faulty(view, plan, token));
}

function decorateFaults<K extends Callable>(kernel: K, plan: FaultPlan, token: Token): K {
  return decorate(kernel, ({ name, args, proceed }) => {
    countCall(plan, token, name, typeof args[0] === "string" ? args[0] : "");
    return proceed();
  });
}

/** Counts a call. @throws KernelError when it is the one that must fail */
function countCall(plan: FaultPlan, token: Token, name: CallName, subject: string): void {
  if (CALLS[name].kind === "own" || plan.counts?.(name) === false) return;
  token.made += 1;
  if (token.made !== plan.failAt || token.failed !== undefined) return;
  token.failed = name;
  throw new KernelError(name, plan.errno, subject);
}

/**
 * In the child: the token goes with every line, and home at last before the child becomes another
 * program.
 */
function runFaulty(
  inside: Inside,
  plan: FaultPlan,
  token: Token,
  main: (inside: Inside) => void,
): void {
  const marked = (line?: string): string => MARK + JSON.stringify({ ...token, line });
  const wrap = (kernel: Inside["kernel"]): Inside["kernel"] => {
    const withFaults = decorateFaults(kernel, plan, token);
    const execve: Inside["kernel"]["execve"] = (path, argv, env) => {
      countCall(plan, token, "execve", path);
      inside.report(marked());
      return kernel.execve(path, argv, env);
    };
    return keepViews(kernel, { ...withFaults, execve }, wrap);
  };
  try {
    main({
      kernel: wrap(inside.kernel),
      report: (line) => inside.report(marked(line)),
      ask: (line) => {
        const answer = inside.ask(marked(line));
        if (!answer.startsWith(MARK)) return answer;
        return takeToken(token, answer.slice(MARK.length)) ?? "";
      },
      handOver: (masterFd) => inside.handOver(masterFd),
    });
  } finally {
    inside.report(marked());
  }
}

/**
 * In the parent: learns what the child counted, and tells it with each answer what was counted
 * here.
 */
function followToken(child: Child, token: Token): Child {
  const intercepted = interceptReports(child, {
    mark: MARK,
    onMarked: (text) => takeToken(token, text),
    onEnd: () => undefined,
  });
  const answer: Child["answer"] = (line) => child.answer(MARK + JSON.stringify({ ...token, line }));
  return { ...intercepted, answer };
}

/** Goes on where the other one stopped. @returns the line that came with the token, if one did */
function takeToken(token: Token, text: string): string | undefined {
  // The other side of this file wrote it.
  const other = JSON.parse(text) as Token & { readonly line?: string };
  token.made = Math.max(token.made, other.made);
  if (other.failed !== undefined) token.failed = other.failed;
  return other.line;
}
