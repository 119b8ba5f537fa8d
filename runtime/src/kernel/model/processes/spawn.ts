/**
 * Spawn: a child that prepares itself and becomes a program.
 *
 * `main` runs to its end inside `spawn`, with a kernel that acts in the child's name. Then the
 * process becomes the program that it named (program.ts), which begins when whoever called has
 * finished.
 *
 * Kernel interface: vfork(2), execve(2), pid_namespaces(7).
 * Invariants: none; `kernel/conformance.ts` says what every implementation must do.
 * Left out: nothing; see `program.ts`.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Child, Inside, Processes, Program, SpawnOptions, WaitStatus } from "../../port.ts";
import { openProgram } from "../files/open.ts";
import { isCapable } from "../files/permission.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { PidNamespace, Process, Streams, Terminal } from "../state.ts";
import { createUserNamespace, holdRoot, newPidNamespace } from "./namespaces.ts";
import { createPipe, emptySink, emptySource, holdStreams } from "./pipe.ts";
import { bearChild, end, kill } from "./process.ts";
import { become, type KernelOf } from "./program.ts";
import { masterOf } from "./terminal.ts";

/** The process calls of the port, made by a process. */
export function modelProcesses(process: Process, kernelOf: KernelOf): Processes {
  return {
    spawn: (options, main) => spawn(process, { kernelOf, options, main }),
    kill: (pid, signal) => call("kill", String(pid), () => kill(process, pid, signal)),
    holdRoot: (pid) => call("open", `/proc/${pid}/root`, () => holdRoot(process, pid)),
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
  const ends = openEnds(options);
  holdStreams(process, ends.child);
  let terminal: Terminal | undefined;
  try {
    const handOver = (masterFd: number): void =>
      call("sendmsg", String(masterFd), () => {
        terminal = process.masters.get(masterFd) ?? refuse("EBADF");
        process.masters.delete(masterFd);
      });
    const program = main({ kernel, hostPid, handOver });
    if (program === undefined) end(process, { exitCode: 0 });
    else become(process, program, { kernelOf, streams: process.streams ?? ends.child });
  } catch (error) {
    // A child that never became a program is as if it had not been.
    end(process, { exitCode: 0 });
    throw error;
  }
  const master = terminal === undefined ? undefined : masterOf(parent.world, terminal);
  const unmounted = exited.then(() => undefined);
  return { hostPid, ...ends.parent, terminal: master, exited, unmounted };
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

interface Ends {
  readonly parent: Pick<Child, "stdin" | "stdout" | "stderr">;
  readonly child: Streams;
}

function openEnds({ stdio, stdin }: SpawnOptions): Ends {
  if (stdio !== "pipes") {
    const child = { stdin: emptySource(), stdout: emptySink(), stderr: emptySink() };
    return { parent: { stdin: undefined, stdout: undefined, stderr: undefined }, child };
  }
  const [into, out, err] = [stdin ? createPipe() : undefined, createPipe(), createPipe()];
  return {
    parent: { stdin: into?.sink, stdout: out.source, stderr: err.source },
    child: { stdin: into?.source ?? emptySource(), stdout: out.sink, stderr: err.sink },
  };
}
