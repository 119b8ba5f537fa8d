/**
 * Faults: a kernel whose k-th call fails.
 *
 * What an operation leaves behind when it fails half-way is found by failing it half-way, at every
 * place where it can: for k = 1, 2, 3… the k-th call throws without being made, and every other one
 * works, so that the operation can take its steps back. When an operation succeeds with fewer than
 * k calls, all places have been tried.
 *
 * Calls of a child count too, execve as the last.
 *
 * Kernel interface: none.
 * Invariants: none.
 * Left out: calls that are made and then reported as failed, and processes killed at a call.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { CALLS, type CallName } from "./calls.ts";
import { decorate, type Around, type Callable } from "./decorate.ts";
import { KernelError, type Errno, type Inside, type Kernel } from "./port.ts";
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
  /** How many calls were counted so far, in this process and in its children. */
  callsMade(): number;
  /** The call that failed, once it did. */
  failedCall(): CallName | undefined;
}

interface Count {
  made: number;
  failed?: CallName;
}

/**
 * A kernel whose k-th call fails.
 *
 * @example
 * const faulty = injectFaults(kernel, { failAt: 3, errno: "ENOSPC" });
 */
export function injectFaults(kernel: Kernel, plan: FaultPlan): FaultyKernel {
  const count: Count = { made: 0 };
  return {
    kernel: faulty(kernel, plan, count),
    callsMade: () => count.made,
    failedCall: () => count.failed,
  };
}

function faulty(kernel: Kernel, plan: FaultPlan, count: Count): Kernel {
  const spawn: Kernel["spawn"] = (options, main) => {
    countCall(plan, count, "spawn", String(options.pidNamespace));
    const wrap = (own: Inside["kernel"]): Inside["kernel"] =>
      keepViews(own, decorateFaults(own, plan, count), wrap);
    return kernel.spawn(options, (inside) => main({ ...inside, kernel: wrap(inside.kernel) }));
  };
  const withFaults = decorateFaults(kernel, plan, count, { spawn });
  return keepViews(kernel, withFaults, (view) => faulty(view, plan, count));
}

function decorateFaults<K extends Callable>(
  kernel: K,
  plan: FaultPlan,
  count: Count,
  more: object = {},
): K {
  const around: Around = ({ name, args, proceed }) => {
    countCall(plan, count, name, typeof args[0] === "string" ? args[0] : "");
    return proceed();
  };
  return decorate(kernel, around, { own: more });
}

/** Counts a call. @throws KernelError when it is the one that must fail */
function countCall(plan: FaultPlan, count: Count, name: CallName, subject: string): void {
  if (CALLS[name].kind === "own" || plan.counts?.(name) === false) return;
  count.made += 1;
  if (count.made !== plan.failAt || count.failed !== undefined) return;
  count.failed = name;
  throw new KernelError(name, plan.errno, subject);
}
