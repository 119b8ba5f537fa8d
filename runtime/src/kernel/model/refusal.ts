/**
 * Refusal: how the model's inner functions say no.
 *
 * Deep inside a path walk nobody knows which system call began it, so the errno travels alone and
 * becomes a `KernelError` at the door, where call and subject are known.
 *
 * Kernel interface: errno(3).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError, type Errno } from "../port.ts";

/** An errno on its way to the door. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly errno: Errno;

  /** @param errno symbolic errno */
  constructor(errno: Errno) {
    super(errno);
    this.errno = errno;
  }
}

/** Says no. @throws Refusal always */
export function refuse(errno: Errno): never {
  throw new Refusal(errno);
}

/** Says no when a condition holds. @throws Refusal then */
export function refuseIf(condition: boolean, errno: Errno): void {
  if (condition) refuse(errno);
}

/**
 * Makes one call of the port: what is refused inside leaves as a `KernelError`.
 *
 * @param syscall man page name @param subject the path, pid or name that the call is about
 */
export function call<T>(syscall: string, subject: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof Refusal) throw new KernelError(syscall, error.errno, subject);
    throw error;
  }
}
