/**
 * Exec: finding the program to become.
 *
 * A command without a slash is looked for in each directory of PATH, the container's and inside the
 * container, as execvp(3) does. What is said when there is none is Docker's wording to the letter,
 * because clients derive the exit code from it: 127 when there is no such file, 126 when there is
 * one that cannot be executed.
 *
 * Kernel interface: execve(2), environ(7).
 * Specification: docker-run(1), "Exit status".
 * Invariants: none; `init.test.ts` lists the cases.
 * Left out: execvp's last resort, running a file of unknown format with /bin/sh.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { ErrorCode } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import type { Files, Program, Self } from "../kernel/index.ts";
import { isErrno } from "./resolve-path.ts";

/** PATH of a process that has none, as execvp(3). */
const FALLBACK_PATH = "/bin:/usr/bin";

/** How Docker begins to say so. */
const START_FAILED = "unable to start container process";

/** Why a command cannot run: the words, and how bad it is. */
interface Refusal {
  readonly code: ErrorCode & ("command-not-found" | "command-not-executable");
  readonly words: string;
  readonly errno: string | undefined;
  readonly hint: string;
}

const NO_SUCH_FILE = "no such file or directory";

const LOOK_IN_IMAGE =
  "Look whether the image has it, in a directory of PATH, with its first line's interpreter.";

/**
 * Finds the program that `argv[0]` names.
 *
 * @param env `NAME=value`; PATH is taken from it
 * @throws RuntimeError command-not-found, command-not-executable
 */
export function execCommand(
  kernel: Pick<Files, "statIfPresent"> & Pick<Self, "execve">,
  argv: readonly string[],
  env: readonly string[],
): Program {
  const [command = ""] = argv;
  const path = findProgram(kernel, command, env);
  try {
    return kernel.execve(path, argv, env);
  } catch (error) {
    throw execFailure(command, error);
  }
}

/**
 * Why a command could not run although it was found, as execve(2) said.
 *
 * @param error what the kernel threw; returned as it is when it says nothing about the program
 */
export function execFailure(command: string, error: unknown): unknown {
  if (!(error instanceof KernelError) || error.syscall !== "execve") return error;
  return failure(command, refusalOfExecve(error), error);
}

/** The path to execute. */
function findProgram(
  kernel: Pick<Files, "statIfPresent">,
  command: string,
  env: readonly string[],
): string {
  if (command.includes("/")) {
    const refusal = refusalOf(kernel, command);
    if (refusal === undefined) return command;
    throw failure(command, refusal, undefined);
  }
  let denied: Refusal | undefined;
  for (const directory of searchPath(env)) {
    const candidate = `${directory === "" ? "." : directory}/${command}`;
    const refusal = command === "" ? NOT_IN_PATH : refusalOf(kernel, candidate);
    if (refusal === undefined) return candidate;
    if (refusal.errno === "EACCES") denied = refusal;
    else if (!PASSED_OVER.has(refusal.errno)) throw failure(command, refusal, undefined);
  }
  throw failure(command, denied ?? NOT_IN_PATH, undefined);
}

/** What says that the program is not in this directory; by another errno one cannot know. */
const PASSED_OVER = new Set<string | undefined>(["ENOENT", "ENAMETOOLONG", "EISDIR", "ELOOP"]);

const NOT_IN_PATH: Refusal = {
  code: "command-not-found",
  words: "executable file not found in $PATH",
  errno: "ENOENT",
  hint: LOOK_IN_IMAGE,
};

function searchPath(env: readonly string[]): readonly string[] {
  const variable = env.find((entry) => entry.startsWith("PATH="));
  return (variable?.slice("PATH=".length) ?? FALLBACK_PATH).split(":");
}

/** Why a file is no program, as far as looking at it tells; undefined when it may be one. */
function refusalOf(kernel: Pick<Files, "statIfPresent">, path: string): Refusal | undefined {
  try {
    const stat = kernel.statIfPresent(path);
    if (stat === undefined) return missing(path, "ENOENT");
    const { type, mode } = stat;
    if (type === "directory") {
      const hint = "Name the program in it.";
      return { code: "command-not-executable", words: "is a directory", errno: "EISDIR", hint };
    }
    return type === "file" && (mode & 0o111) !== 0 ? undefined : DENIED;
  } catch (error) {
    if (isErrno(error, "EACCES")) return DENIED;
    if (isErrno(error, "ENAMETOOLONG")) return missing(path, error.errno);
    if (!(error instanceof KernelError)) throw error;
    return refusedAs(error.errno, `stat ${path}: `);
  }
}

function missing(path: string, errno: string): Refusal {
  const words = `stat ${path}: ${NO_SUCH_FILE}`;
  return { code: "command-not-found", words, errno, hint: LOOK_IN_IMAGE };
}

const DENIED: Refusal = {
  code: "command-not-executable",
  words: "permission denied",
  errno: "EACCES",
  hint:
    "Give it the x bit in the image, for the user that the container runs as, and let that user " +
    "enter the directories above it; a mount with noexec has no programs.",
};

/** What else execve(2) says, in strerror's words, and what to do. */
const OTHERS: Readonly<Record<string, readonly [words: string, hint: string]>> = {
  ENOEXEC: [
    "exec format error",
    "It is no program for this kind of machine, and no script whose first line begins with #!.",
  ],
  E2BIG: [
    "argument list too long",
    "One argument or variable may have 128 KiB, all together a quarter of the stack's limit: " +
      "hand it over in a file, or raise --ulimit stack.",
  ],
  ETXTBSY: [
    "text file busy",
    "Somebody has the program open for writing: wait until he is through, or run a copy.",
  ],
  EPERM: [
    "operation not permitted",
    "A seccomp profile may forbid execve, or the file has capabilities that the container does " +
      "not: compare getcap with --cap-add.",
  ],
  ELOOP: [
    "too many levels of symbolic links",
    "Its links lead in a circle, or its interpreter is a script whose interpreter is a script.",
  ],
  EMFILE: [
    "too many open files",
    "The limit leaves no descriptor to load it with: raise --ulimit nofile.",
  ],
  ENFILE: [
    "too many open files in system",
    "The machine has no file left to open: look at /proc/sys/fs/file-nr.",
  ],
  ENOMEM: [
    "cannot allocate memory",
    "There is not enough memory to load it: raise --memory, --ulimit as or --ulimit data, or look " +
      "at free.",
  ],
  EAGAIN: [
    "resource temporarily unavailable",
    "Its user has more processes than its limit: raise --ulimit nproc.",
  ],
  EIO: [
    "input/output error",
    "The disk or the server that the file is on fails: look at dmesg, and try another copy.",
  ],
};

const NO_ADVICE = "The manual page execve(2) lists what this can mean.";

function refusedAs(errno: string, place: string): Refusal {
  const [words, hint] = OTHERS[errno] ?? [errno, NO_ADVICE];
  return { code: "command-not-executable", words: `${place}${words}`, errno, hint };
}

/** The file exists, so ENOENT is about the interpreter in its first line or its dynamic loader. */
function refusalOfExecve({ errno, subject }: KernelError): Refusal {
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    const words = `${subject}: ${NO_SUCH_FILE}`;
    return { code: "command-not-found", words, errno, hint: LOOK_IN_IMAGE };
  }
  return errno === "EACCES" ? DENIED : refusedAs(errno, "");
}

function failure(command: string, refusal: Refusal, cause: unknown): RuntimeError {
  return new RuntimeError({
    code: refusal.code,
    class: "invalid",
    message: `${START_FAILED}: exec: ${JSON.stringify(command)}: ${refusal.words}`,
    operation: "execute the command",
    subject: command,
    errno: refusal.errno,
    hint: refusal.hint,
    cause,
  });
}
