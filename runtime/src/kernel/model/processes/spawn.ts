/**
 * Spawn: a child that prepares itself and becomes a program.
 *
 * `main` runs to its end inside `spawn`, with a kernel that acts in the child's name. Then the file
 * that it named is looked at as execve(2) does, and the program begins when whoever called has
 * finished: a program of the model is a function, and its file holds its name.
 *
 * Kernel interface: vfork(2), execve(2), pid_namespaces(7).
 * Invariants: none; `kernel/conformance.ts` says what every implementation must do.
 * Left out: terminals: there is no line discipline yet, so openTerminal is ENXIO. A program that
 *   was killed may run on until it next asks the kernel for something, which then throws.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import {
  KernelError,
  type Child,
  type Inside,
  type Kernel,
  type Processes,
  type Program,
  type Self,
  type SpawnOptions,
  type WaitStatus,
} from "../../port.ts";
import { holdMemory } from "../cgroups/charge.ts";
import { attributesOf, openProgram } from "../files/open.ts";
import { isCapable } from "../files/permission.ts";
import { resolve } from "../files/walk.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { ModelProgram, PidNamespace, Place, Process, ProgramContext } from "../state.ts";
import { changeForExec } from "./credentials.ts";
import { createUserNamespace, newPidNamespace } from "./namespaces.ts";
import { createPipe, emptySink, emptySource } from "./pipe.ts";
import { bearChild, end, kill } from "./process.ts";

/** How the file of a program begins; behind it stands the program's name. */
const PROGRAM_MARK = "\x7fMODEL ";
const SCRIPTS_MAX = 5;
const COMM_MAX = 15;

/** What to write into the file of a program. @param name as in `ModelOptions.programs` */
export function programFile(name: string): string {
  return `${PROGRAM_MARK}${name}\n`;
}

/** Makes the kernel of another process: given from outside, since kernels spawn. */
export type KernelOf = (process: Process) => Kernel & Self;

/** The process calls of the port, made by a process. */
export function modelProcesses(process: Process, kernelOf: KernelOf): Processes {
  return {
    spawn: (options, main) => spawn(process, { kernelOf, options, main }),
    kill: (pid, signal) => call("kill", String(pid), () => kill(process, pid, signal)),
    createUserNamespace: (maps) =>
      call("clone", "CLONE_NEWUSER", () => createUserNamespace(process, maps)),
    closeUserNamespace: (handle) =>
      call("close", String(handle), () => {
        refuseIf(!process.world.handles.delete(handle), "EBADF");
      }),
  };
}

/** Says which program to become, as far as can be seen at once. */
export function execve(process: Process, program: Program): Program {
  const { path, argv, env } = program;
  return call("execve", path, () => {
    refuseIf(
      [path, ...argv, ...env].some((text) => text.includes("\0")),
      "EINVAL",
    );
    openProgram(process, path);
    return program;
  });
}

interface Spawning {
  readonly kernelOf: KernelOf;
  readonly options: SpawnOptions;
  readonly main: (inside: Inside) => Program | undefined;
}

function spawn(parent: Process, { kernelOf, options, main }: Spawning): Child {
  const birth = { pidNamespace: call("fork", "", () => birthplace(parent, options)) };
  const process = call("fork", "", () => bearChild(parent, birth));
  const kernel = kernelOf(process);
  const exited = new Promise<WaitStatus>((resolveEnd) => {
    process.onEnd.push(resolveEnd);
  });
  const hostPid = process.pids.get(parent.namespaces.pid) ?? 0;
  const ends = openEnds(process, options);
  try {
    const handOver = (masterFd: number): never => {
      throw new KernelError("sendmsg", "ENOTCONN", String(masterFd));
    };
    const program = main({ kernel, hostPid, handOver });
    if (program === undefined) end(process, { exitCode: 0 });
    else become(process, program, { ...ends.child, kernel });
  } catch (error) {
    // A child that never became a program is as if it had not been.
    end(process, { exitCode: 0 });
    throw error;
  }
  const unmounted = exited.then(() => undefined);
  return { hostPid, ...ends.parent, terminal: undefined, exited, unmounted };
}

function birthplace(parent: Process, { pidNamespace }: SpawnOptions): PidNamespace {
  if (pidNamespace === "inherit") return parent.pidNamespaceForChildren;
  const { credentials, namespaces } = parent;
  if (pidNamespace === "new") {
    const { userNamespace } = credentials;
    refuseIf(!isCapable(credentials, userNamespace, "CAP_SYS_ADMIN"), "EPERM");
    return newPidNamespace(parent, userNamespace);
  }
  const target = namespaces.pid.processes.get(pidNamespace) ?? refuse("ENOENT");
  const { pid } = target.namespaces;
  refuseIf(!isCapable(credentials, pid.owner, "CAP_SYS_ADMIN"), "EPERM");
  return pid;
}

type Streams = Pick<ProgramContext, "stdin" | "stdout" | "stderr">;

interface Ends {
  readonly parent: Pick<Child, "stdin" | "stdout" | "stderr">;
  readonly child: Streams;
}

function openEnds(process: Process, { stdio, stdin }: SpawnOptions): Ends {
  if (stdio !== "pipes") {
    const child = { stdin: emptySource(), stdout: emptySink(), stderr: emptySink() };
    return { parent: { stdin: undefined, stdout: undefined, stderr: undefined }, child };
  }
  const [into, out, err] = [stdin ? createPipe() : undefined, createPipe(), createPipe()];
  process.onEnd.push(() => {
    out.sink.end();
    err.sink.end();
  });
  return {
    parent: { stdin: into?.sink, stdout: out.source, stderr: err.source },
    child: { stdin: into?.source ?? emptySource(), stdout: out.sink, stderr: err.sink },
  };
}

/** What execve(2) finds behind a path, through interpreters. */
interface Loaded {
  readonly file: Place;
  readonly run: ModelProgram;
  readonly argv: readonly string[];
}

function load(process: Process, path: string, argv: readonly string[], depth: number): Loaded {
  refuseIf(depth > SCRIPTS_MAX, "ELOOP");
  const file = openProgram(process, path);
  const text = new TextDecoder().decode(file.dentry.fs.read(file.dentry, process));
  const [first = ""] = text.split("\n");
  if (first.startsWith("#!")) {
    const [, interpreter = "", argument] = /^#!\s*(\S+)\s*(.*?)\s*$/.exec(first) ?? [];
    refuseIf(interpreter === "", "ENOEXEC");
    const extra = argument === undefined || argument === "" ? [] : [argument];
    return load(process, interpreter, [interpreter, ...extra, path, ...argv.slice(1)], depth + 1);
  }
  const name = first.startsWith(PROGRAM_MARK) ? first.slice(PROGRAM_MARK.length) : undefined;
  const run = name === undefined ? undefined : process.world.programs.get(name);
  return { file, run: run ?? refuse("ENOEXEC"), argv };
}

function become(
  process: Process,
  program: Program,
  streams: Streams & Pick<ProgramContext, "kernel">,
): void {
  const { path, env } = program;
  const { file, run, argv } = call("execve", path, () => load(process, path, program.argv, 0));
  const { mount } = file;
  changeForExec(process, attributesOf(file), !mount.options.noSuid);
  process.executable = resolve(process, path, "follow");
  process.comm = (path.split("/").pop() ?? "").slice(0, COMM_MAX);
  process.argv = argv;
  const context: ProgramContext = {
    ...streams,
    argv,
    env,
    parentPid: () => process.parent?.pids.get(process.namespaces.pid) ?? 0,
    onSignal: (signal, handler) => void process.signalHandlers.set(signal, handler),
    useMemory: (bytes) => call("mmap", String(bytes), () => holdMemory(process, bytes, end)),
  };
  void live(process, run, context);
}

/** Runs a program when the present work is done, until it comes to an end by itself. */
async function live(process: Process, run: ModelProgram, context: ProgramContext): Promise<void> {
  await Promise.resolve();
  if (process.status !== undefined) return;
  try {
    const exitCode = await run(context);
    end(process, { exitCode: exitCode & 0xff });
  } catch {
    // What a program does not catch ends it, as abort(3) would.
    end(process, { signal: "SIGABRT", coreDumped: false });
  }
}
