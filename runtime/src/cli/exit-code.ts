/**
 * Exit codes: what `run` tells its caller when the container did not start.
 *
 * 127 when the command was not found, 126 when it could not be executed, 125 when the engine
 * failed. The API has no field for it: every Docker client reads it from the words of the error.
 *
 * Kernel interface: execve(2): ENOENT, EACCES, EISDIR.
 * Specification: docker run reference, "Exit status".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

const NOT_FOUND = [
  "executable file not found",
  "no such file or directory",
  "system cannot find the file specified",
];
const NOT_EXECUTABLE = ["permission denied", "is a directory"];

/**
 * The exit code for an error of the daemon.
 *
 * @example startFailureCode('exec: "foo": executable file not found in $PATH') // 127
 */
export function startFailureCode(reason: string): 125 | 126 | 127 {
  if (NOT_FOUND.some((words) => reason.includes(words))) return 127;
  if (NOT_EXECUTABLE.some((words) => reason.includes(words))) return 126;
  return 125;
}
