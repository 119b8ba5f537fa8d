/**
 * Failures of init: what a step's failing kernel call means to the person who started the
 * container.
 *
 * Most become "Cannot <why>: <call>: <errno>"
 * with the step's own words; a few that people make every day are said in Docker's words, which
 * clients look for.
 *
 * Kernel interface: errno(3).
 * Invariants: none; `init.test.ts` lists the cases.
 * Left out: nothing.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { ErrorParts } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { InitStep } from "./init-plan.ts";

/**
 * What a step threw, with the step's words.
 *
 * @param step that failed
 * @param error what it threw
 */
export function describeFailure(step: InitStep, error: unknown): RuntimeError {
  if (error instanceof RuntimeError) return error;
  if (error instanceof KernelError) {
    const parts = describeKnown(step, error) ?? describeKernelError(step, error);
    return new RuntimeError({ ...parts, cause: error });
  }
  const text = error instanceof Error ? error.message : String(error);
  return new RuntimeError({
    code: "keeper-failed",
    class: "internal",
    message: `Cannot ${step.why}: ${text}`,
    operation: step.op,
    cause: error,
  });
}

/** The parts that a `RuntimeError` is made of, without its cause: plain data. */
export function partsOf(error: RuntimeError): ErrorParts {
  const { code, message, operation, subject, errno, hint } = error;
  return { code, class: error.class, message, operation, subject, errno, hint };
}

const WORKDIR_WORDS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  ENOTDIR: "not a directory",
  EACCES: "permission denied",
};

function describeKnown(step: InitStep, error: KernelError): ErrorParts | undefined {
  const known = { operation: step.op, errno: error.errno, class: "invalid" } as const;
  if (step.op === "workdir") {
    const words = WORKDIR_WORDS[error.errno] ?? error.errno;
    return {
      ...known,
      code: "workdir-invalid",
      message: `unable to start container process: chdir to cwd ("${step.path}") failed: ${words}`,
      subject: step.path,
      hint: "Choose a directory that exists in the container and that its user may enter.",
    };
  }
  if (step.op === "make-directory" && error.errno === "ENOTDIR") {
    return {
      ...known,
      code: "workdir-invalid",
      message: `Cannot mkdir: ${step.path} is not a directory`,
      subject: step.path,
      hint: "A file is in the way: choose another directory.",
    };
  }
  if (step.op === "bind") return describeBind(step, error);
  return undefined;
}

/** A container's own is refused when it is made; that of an exec only here, as Docker does. */
export function relativeWorkdir(path: string): RuntimeError {
  return new RuntimeError({
    code: "workdir-invalid",
    class: "invalid",
    message: "Cwd must be an absolute path",
    operation: "workdir",
    subject: path,
    hint: `Begin it with a slash: /${path} where it is below the root.`,
  });
}

function describeBind(
  step: Extract<InitStep, { readonly op: "bind" }>,
  error: KernelError,
): ErrorParts | undefined {
  const known = { code: "volume-invalid", class: "invalid", operation: step.op } as const;
  const { errno } = error;
  if (errno === "ENOENT" && error.subject === step.source) {
    return {
      ...known,
      errno,
      message:
        'invalid mount config for type "bind": ' +
        `bind source path does not exist: ${step.source}`,
      subject: step.source,
      hint: "Make it on the host first; -v makes a directory where --mount does not.",
    };
  }
  if (errno !== "ENOTDIR" && errno !== "EISDIR") return undefined;
  return {
    ...known,
    errno,
    message:
      `error mounting "${step.source}" to rootfs at "${step.path}": not a directory: ` +
      "Are you trying to mount a directory onto a file (or vice-versa)? " +
      "Check if the specified host path exists and is the expected type",
    subject: step.path,
    hint: "Source and target must both be files, or both be directories.",
  };
}

function describeKernelError(step: InitStep, error: KernelError): ErrorParts {
  return {
    code: "kernel-call-failed",
    class: "internal",
    message: `Cannot ${step.why}: ${error.message}`,
    operation: step.op,
    subject: error.subject,
    errno: error.errno,
    hint: HINTS[error.errno],
  };
}

const HINTS: Readonly<Record<string, string>> = {
  EPERM: "The kernel wants a privilege for this: look at the capabilities of the engine.",
  EACCES: "Look at the permissions of this path and of the directories above it.",
  ENOSPC: "A disk or a limit of the kernel is full: look at df, and at /proc/sys/user.",
  ENOMEM: "There is not enough memory: look at the container's memory limit.",
  EMFILE: "Too many files are open: look at the engine's limit with ulimit -n.",
  EAGAIN: "Too many processes: look at the container's pids limit and at ulimit -u.",
  ENODEV: "The kernel does not have this file system: look at /proc/filesystems.",
};
