/**
 * Programs: how a command starts another.
 *
 * Found through PATH, in the mount namespace of whoever will run it.
 *
 * Kernel interface: fork(2), execve(2), environ(7).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: nothing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError, type Files } from "../../port.ts";
import { signalNumber } from "../../signals.ts";
import { errnoText } from "./errno-text.ts";
import { complain, Failure, variable, type Tool } from "./tool.ts";

/** Where programs are looked for when nobody says. */
export const DEFAULT_PATH = "/sbin:/usr/sbin:/bin:/usr/bin";

/** Where a program is. @returns undefined when no directory of PATH has it */
export function findProgram(kernel: Files, name: string, path = DEFAULT_PATH): string | undefined {
  if (name.includes("/")) return name;
  const candidates = path.split(":").map((each) => `${each === "" ? "." : each}/${name}`);
  return candidates.find((each) => isProgram(kernel, each));
}

/** The names in the directories of PATH; a directory that is not there has none. */
export function programNames(kernel: Files, path = DEFAULT_PATH): readonly string[] {
  return [...new Set(path.split(":").flatMap((each) => namesIn(kernel, each || ".")))];
}

/** What a directory holds; nothing, if it cannot be read. */
export function namesIn(kernel: Files, path: string): readonly string[] {
  try {
    return kernel.readdir(path);
  } catch (error) {
    if (error instanceof KernelError && error.errno !== "ESRCH") return [];
    throw error;
  }
}

function isProgram(kernel: Files, path: string): boolean {
  try {
    const { type, mode } = kernel.stat(path);
    return type === "file" && (mode & 0o111) !== 0;
  } catch (error) {
    if (error instanceof KernelError && error.errno !== "ESRCH") return false;
    throw error;
  }
}

/** Becomes another program. @returns only when it cannot: 126 or 127 */
export async function execute(
  tool: Tool,
  argv: readonly string[],
  env: readonly string[] = tool.env,
): Promise<number> {
  const [name = ""] = argv;
  const path = findProgram(tool.kernel, name, variable({ env }, "PATH"));
  try {
    if (path === undefined) throw new KernelError("execve", "ENOENT", name);
    return await tool.context.exec({ path, argv, env }, tool.streams);
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno === "ESRCH") throw error;
    await complain(tool, `can't execute '${name}': ${errnoText(error.errno)}`);
    return error.errno === "ENOENT" ? 127 : 126;
  }
}

/** A command that was started. */
export interface Started {
  readonly pid: number;
  /** Its exit code, 128 and more for a signal. */
  readonly ended: Promise<number>;
}

/** Starts another program as a child. @throws KernelError EAGAIN */
export function start(tool: Tool, argv: readonly string[]): Started {
  if (argv.length === 0) throw new Failure("missing command");
  const child = tool.context.fork(tool.streams, (context) =>
    execute({ ...tool, context, kernel: context.kernel }, argv),
  );
  const ended = child.exited.then((status) =>
    "exitCode" in status ? status.exitCode : 128 + (signalNumber(status.signal) ?? 0),
  );
  return { pid: child.pid, ended };
}
