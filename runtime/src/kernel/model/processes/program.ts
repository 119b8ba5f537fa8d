/**
 * Program: what a process runs, and what it is given for that.
 *
 * A program of the model is a function, and its file holds its name. The file looks like a small
 * static ELF program, so that whoever looks into it finds what such a file promises: that it needs
 * no other. A program begins when the present work is done, and ends its process when it is done.
 *
 * Kernel interface: fork(2), execve(2), elf(5), signal(7).
 * Invariants: none; `kernel/conformance.ts` says what every implementation must do.
 * Left out: a program that was killed may run on until it next asks the kernel for something, which
 *   then throws.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError, type Kernel, type Program, type Self, type WaitStatus } from "../../port.ts";
import { holdMemory } from "../cgroups/charge.ts";
import { attributesOf, openDirectory, openProgram } from "../files/open.ts";
import { isCapable } from "../files/permission.ts";
import { resolve } from "../files/walk.ts";
import { socketCalls } from "../net/sockets.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { Forked, ModelProgram, Place, Process, ProgramContext, Streams } from "../state.ts";
import { changeForExec } from "./credentials.ts";
import { openSink, openSource } from "./open-file.ts";
import { createPipe, holdStreams } from "./pipe.ts";
import { bearChild, deliver, end, IGNORE } from "./process.ts";
import { terminalOf } from "./terminal.ts";

/** The header of a static program for 64 bits, little-endian, without any segment. */
const ELF_HEADER = "\x7fELF\x02\x01\x01".padEnd(64, "\0");
/** Where the name of the program stands. */
const PROGRAM_MARK = `${ELF_HEADER}MODEL `;
const SCRIPTS_MAX = 5;
const COMM_MAX = 15;

/** What to write into the file of a program. @param name as in `ModelOptions.programs` */
export function programFile(name: string): string {
  return `${PROGRAM_MARK}${name}\n`;
}

/** Makes the kernel of another process: given from outside, since kernels spawn. */
export type KernelOf = (process: Process) => Kernel & Self;

/** What a process is given for the program that it becomes. */
interface Given {
  readonly kernelOf: KernelOf;
  readonly streams: Streams;
}

/** execve(2): from now on the process is another program. @throws KernelError */
export function become(process: Process, program: Program, { kernelOf, streams }: Given): void {
  const { path, env } = program;
  const { file, run, argv } = call("execve", path, () => load(process, path, program.argv, 0));
  changeForExec(process, attributesOf(file), !file.mount.options.noSuid);
  process.executable = resolve(process, path, "follow");
  process.comm = (path.split("/").pop() ?? "").slice(0, COMM_MAX);
  process.argv = argv;
  process.env = env;
  for (const [signal, does] of process.signalHandlers) {
    if (does !== IGNORE) process.signalHandlers.delete(signal);
  }
  holdStreams(process, streams);
  start(process, run, contextOf(process, kernelOf, { streams, argv, env }));
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

type Call = Pick<ProgramContext, "argv" | "env"> & { readonly streams: Streams };

function contextOf(process: Process, kernelOf: KernelOf, given: Call): ProgramContext {
  const { argv, env, streams } = given;
  return {
    ...streams,
    kernel: kernelOf(process),
    argv,
    env,
    parentPid: () => process.parent?.pids.get(process.namespaces.pid) ?? 0,
    onSignal: (signal, does) => {
      if (does === "default") process.signalHandlers.delete(signal);
      else process.signalHandlers.set(signal, does === "ignore" ? IGNORE : does);
    },
    useMemory: (bytes) => call("mmap", String(bytes), () => holdMemory(process, bytes, end)),
    ...streamCalls(process),
    ...groupCalls(process),
    ...socketCalls(process),
    fork: (own, run) => fork(process, run, { kernelOf, call: { argv, env, streams: own } }),
    exec: (program, own) => {
      become(process, program, { kernelOf, streams: own });
      return new Promise(() => undefined);
    },
    chroot: (path) =>
      call("chroot", path, () => {
        const { credentials } = process;
        const place = openDirectory(process, path);
        refuseIf(!isCapable(credentials, credentials.userNamespace, "CAP_SYS_CHROOT"), "EPERM");
        process.root = place;
      }),
  };
}

type StreamCalls = Pick<ProgramContext, "read" | "write" | "pipe" | "openSource" | "openSink">;

function streamCalls(process: Process): StreamCalls {
  const isAlive = (): boolean => process.status === undefined;
  return {
    read: (from, limitBytes) => from.read(limitBytes, isAlive),
    write: async (to, bytes) => {
      if (to.isBroken()) deliver(process, process, "SIGPIPE");
      if (!isAlive()) throw new KernelError("write", "ESRCH", String(process.hostPid));
      if (to.isBroken()) throw new KernelError("write", "EPIPE", "pipe");
      if (!to.write(bytes)) await to.drained();
    },
    pipe: () => createPipe(),
    openSource: (path) => openSource(process, path),
    openSink: (path, how) => openSink(process, path, how),
  };
}

function groupCalls(process: Process): Pick<ProgramContext, "terminal" | "setGroup"> {
  return {
    terminal: (of) => terminalOf(process, of),
    setGroup: (pid) =>
      call("setpgid", String(pid), () => {
        const leader = process.namespaces.pid.processes.get(pid) ?? refuse("ESRCH");
        refuseIf(leader !== process && leader.parent !== process, "ESRCH");
        refuseIf(leader.session === leader.hostPid, "EPERM");
        leader.group = leader.hostPid;
      }),
  };
}

interface Forking {
  readonly kernelOf: KernelOf;
  readonly call: Call;
}

/** fork(2): the child runs a part of the same program. @throws KernelError EAGAIN, ENOMEM */
function fork(parent: Process, run: ModelProgram, { kernelOf, call: given }: Forking): Forked {
  const birth = { pidNamespace: parent.pidNamespaceForChildren };
  const child = call("fork", "", () => bearChild(parent, birth));
  const exited = new Promise<WaitStatus>((resolveEnd) => {
    child.onEnd.push(resolveEnd);
  });
  holdStreams(child, given.streams);
  start(child, run, contextOf(child, kernelOf, given));
  return { pid: child.pids.get(parent.namespaces.pid) ?? 0, exited };
}

/** Runs a program when the present work is done, until it comes to an end by itself. */
function start(process: Process, run: ModelProgram, context: ProgramContext): void {
  const live = async (): Promise<void> => {
    await Promise.resolve();
    if (process.status !== undefined) return;
    try {
      const exitCode = await run(context);
      end(process, { exitCode: exitCode & 0xff });
    } catch {
      // What a program does not catch ends it, as abort(3) would.
      end(process, { signal: "SIGABRT", coreDumped: false });
    }
  };
  void live();
}
