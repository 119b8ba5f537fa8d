/**
 * Lessons: what is the same in most starts is sent once.
 *
 * A seccomp program is most of a plan, and nearly always one of the same few. Whoever sends starts
 * teaches each program once and then sends its number.
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants: none of its own; `keeper-protocol.test.ts` counts what is sent.
 * Left out: forgetting.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import type { BpfInstruction } from "../kernel/index.ts";
import type { InitStep } from "./init-plan.ts";
import type { StartRequest } from "./keeper.ts";

/** How many seccomp programs are taught; others are sent with each start. */
const PROGRAMS_TAUGHT = 16;

/** A start as it is sent. */
export type SentStart = Omit<StartRequest, "plan"> & { readonly plan: readonly SentStep[] };

/** A step of a sent plan. */
export type SentStep =
  | Exclude<InitStep, { readonly op: "seccomp" }>
  | (Omit<Extract<InitStep, { readonly op: "seccomp" }>, "program"> & {
      readonly program: number | readonly BpfInstruction[];
    });

/** Seccomp programs by their number. */
export type KnownPrograms = Map<number, readonly BpfInstruction[]>;

type Teach = (number: number, program: readonly BpfInstruction[]) => Promise<unknown>;

/** Sends each seccomp program once, and then its number. */
export class Teacher {
  readonly #teach: Teach;
  readonly #taught: (readonly BpfInstruction[])[] = [];
  /** Resolves when what was taught has been learned. */
  learned: Promise<unknown> = Promise.resolve();

  constructor(teach: Teach) {
    this.#teach = teach;
  }

  shortened(request: StartRequest): SentStart {
    const plan = request.plan.map((step): SentStep => {
      return step.op === "seccomp" ? { ...step, program: this.#numberOf(step.program) } : step;
    });
    return { ...request, plan };
  }

  #numberOf(program: readonly BpfInstruction[]): number | readonly BpfInstruction[] {
    const known = this.#taught.indexOf(program);
    if (known !== -1) return known;
    // A number stays with its program: what is beyond is sent with each start.
    if (this.#taught.length === PROGRAMS_TAUGHT) return program;
    const number = this.#taught.push(program) - 1;
    // It is on its way before the start that needs it, and on the same connection in order.
    this.learned = this.#teach(number, program).catch(() => undefined);
    return number;
  }
}

/** The start that was sent. */
export function received(start: SentStart, programs: KnownPrograms): StartRequest {
  const plan = start.plan.map((step): InitStep => {
    if (step.op !== "seccomp") return step;
    const { program: sent } = step;
    const program = typeof sent === "number" ? programs.get(sent) : sent;
    if (program === undefined) throw new Error("a seccomp program that was never sent");
    return { ...step, program };
  });
  return { ...start, plan };
}
