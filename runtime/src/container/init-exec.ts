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
}

const NO_SUCH_FILE = "no such file or directory";

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
    if (refusal.code === "command-not-executable" && refusal.errno === "EACCES") denied = refusal;
  }
  throw failure(command, denied ?? NOT_IN_PATH, undefined);
}

const NOT_IN_PATH: Refusal = {
  code: "command-not-found",
  words: "executable file not found in $PATH",
  errno: "ENOENT",
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
      return { code: "command-not-executable", words: "is a directory", errno: "EISDIR" };
    }
    return type === "file" && (mode & 0o111) !== 0 ? undefined : DENIED;
  } catch (error) {
    if (isErrno(error, "EACCES")) return DENIED;
    if (!isErrno(error, "ELOOP", "ENAMETOOLONG")) throw error;
    return missing(path, error.errno);
  }
}

function missing(path: string, errno: string): Refusal {
  return { code: "command-not-found", words: `stat ${path}: ${NO_SUCH_FILE}`, errno };
}

const DENIED: Refusal = {
  code: "command-not-executable",
  words: "permission denied",
  errno: "EACCES",
};

const EXECVE_WORDS: Readonly<Record<string, string>> = {
  ENOEXEC: "exec format error",
  E2BIG: "argument list too long",
  ETXTBSY: "text file busy",
  EPERM: "operation not permitted",
};

/** The file exists, so ENOENT is about the interpreter in its first line or its dynamic loader. */
function refusalOfExecve({ errno, subject }: KernelError): Refusal {
  if (errno === "ENOENT" || errno === "ENOTDIR") {
    return { code: "command-not-found", words: `${subject}: ${NO_SUCH_FILE}`, errno };
  }
  if (errno === "EACCES") return DENIED;
  return { code: "command-not-executable", words: EXECVE_WORDS[errno] ?? errno, errno };
}

const HINTS: Readonly<Record<Refusal["code"], string>> = {
  "command-not-found":
    "Look whether the image has it, in a directory of PATH, with its first line's interpreter.",
  "command-not-executable":
    "Give it the x bit in the image, for the user that the container runs as.",
};

function failure(command: string, refusal: Refusal, cause: unknown): RuntimeError {
  return new RuntimeError({
    code: refusal.code,
    class: "invalid",
    message: `${START_FAILED}: exec: ${JSON.stringify(command)}: ${refusal.words}`,
    operation: "execute the command",
    subject: command,
    errno: refusal.errno,
    hint: HINTS[refusal.code],
    cause,
  });
}
