/**
 * Process: birth, signals, end.
 *
 * A process has a number in its own PID namespace and in every one above. When the first process of
 * a namespace ends, all others of it end with it; the children of any other that ends become
 * children of the first.
 *
 * Kernel interface: fork(2), pid_namespaces(7), signal(7), kill(2), wait(2).
 * Invariants:
 *   signals-agree   who ends of a signal, and who does not, is as on Linux: from inside and outside
 *                   of a namespace, with a handler or without, from root and from others
 * Left out: zombies: who ends is reaped at once; stopping and continuing, core dumps, queued
 *   signals.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { WaitStatus } from "../../port.ts";
import { signalName, signalNumber } from "../../signals.ts";
import { chargeProcess, moveProcess } from "../cgroups/charge.ts";
import { isCapable } from "../files/permission.ts";
import { releaseNetwork } from "../net/devices.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type { PidNamespace, Process } from "../state.ts";
import { releaseMounts } from "./namespaces.ts";

/** What a new process must be told; the rest begins empty. */
type Essentials = Pick<
  Process,
  "world" | "hostPid" | "pids" | "parent" | "credentials" | "namespaces" | "root" | "cwd" | "comm"
>;

/** Makes a process and enters it where processes are counted. */
export function createProcess(essentials: Essentials): Process {
  const process: Process = {
    ...essentials,
    pidNamespaceForChildren: essentials.namespaces.pid,
    umask: 0o022,
    session: essentials.hostPid,
    group: essentials.hostPid,
    argv: [essentials.comm],
    env: [],
    executable: undefined,
    noNewPrivileges: false,
    parentDeathSignal: undefined,
    limits: new Map(),
    filters: [],
    cgroupHandles: new Map(),
    heldRoots: new Map(),
    cgroups: new Map(),
    children: new Set(),
    signalHandlers: new Map(),
    streams: undefined,
    masters: new Map(),
    releaseStreams: () => undefined,
    memoryBytes: 0,
    status: undefined,
    onEnd: [],
  };
  process.world.processes.set(process.hostPid, process);
  for (const [namespace, pid] of process.pids) {
    namespace.processes.set(pid, process);
    namespace.lastPid = Math.max(namespace.lastPid, pid);
  }
  process.parent?.children.add(process);
  return process;
}

/** What a child is born into. */
export interface Birth {
  readonly pidNamespace: PidNamespace;
  readonly comm?: string;
}

/** Makes a child: it has all that its parent has. @throws Refusal EAGAIN, ENOMEM */
export function bearChild(parent: Process, { pidNamespace, comm }: Birth): Process {
  refuseIf(pidNamespace.dead, "ENOMEM");
  chargeProcess(parent);
  const pids = new Map<PidNamespace, number>();
  for (let at: PidNamespace | undefined = pidNamespace; at !== undefined; at = at.parent) {
    pids.set(at, at.lastPid + 1);
  }
  const [hostPid = 0] = [...pids.values()].slice(-1);
  const namespaces = { ...parent.namespaces, pid: pidNamespace };
  const { world, credentials, root, cwd } = parent;
  const born = { world, hostPid, pids, parent, credentials, namespaces, root, cwd };
  const child = createProcess({ ...born, comm: comm ?? parent.comm });
  child.umask = parent.umask;
  child.session = parent.session;
  child.group = parent.group;
  child.argv = parent.argv;
  child.env = parent.env;
  child.executable = parent.executable;
  child.noNewPrivileges = parent.noNewPrivileges;
  child.filters = parent.filters;
  for (const [name, limit] of parent.limits) child.limits.set(name, limit);
  for (const [signal, does] of parent.signalHandlers) {
    if (does === IGNORE) child.signalHandlers.set(signal, IGNORE);
  }
  for (const cgroup of parent.cgroups.values()) moveProcess(child, cgroup);
  return child;
}

/** Ends a process: once, whatever comes later. */
export function end(process: Process, status: WaitStatus): void {
  if (process.status !== undefined) return;
  process.status = status;
  const { world, pids, namespaces } = process;
  world.processes.delete(process.hostPid);
  for (const [namespace, pid] of pids) namespace.processes.delete(pid);
  for (const cgroup of process.cgroups.values()) {
    cgroup.processes.delete(process);
    cgroup.memoryBytes -= process.memoryBytes;
  }
  process.memoryBytes = 0;
  process.parent?.children.delete(process);
  const { pid: pidNamespace } = namespaces;
  if (pids.get(pidNamespace) === 1) endNamespace(pidNamespace);
  leaveChildren(process);
  process.releaseStreams();
  releaseMounts(world, namespaces.mnt);
  for (const { mounts } of process.heldRoots.values()) releaseMounts(world, mounts);
  releaseNetwork(world, namespaces.net);
  for (const tell of process.onEnd) tell(status);
}

function endNamespace(namespace: PidNamespace): void {
  namespace.dead = true;
  for (const each of namespace.processes.values()) {
    end(each, { signal: "SIGKILL", coreDumped: false });
  }
}

function leaveChildren(process: Process): void {
  const first = process.namespaces.pid.processes.get(1) ?? process.world.processes.get(1);
  for (const child of process.children) {
    child.parent = first;
    first?.children.add(child);
    if (child.parentDeathSignal !== undefined) deliver(process, child, child.parentDeathSignal);
  }
  process.children.clear();
}

/** Signals whose default is to do nothing, and those that stop, which the model does not. */
const HARMLESS = new Set([
  "SIGCHLD",
  "SIGURG",
  "SIGWINCH",
  "SIGCONT",
  "SIGSTOP",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
]);

/** The handler of a signal that is ignored: it alone survives execve(2). */
export const IGNORE = (): void => undefined;

/**
 * What a signal does to a process that gets it, from another or from the kernel. The first process
 * of a namespace gets only what it asked for, whoever sends it; but who stands outside, and is no
 * process of that namespace, can always end it with SIGKILL.
 */
export function deliver(from: Process | "kernel", process: Process, signal: string): void {
  const { pid: namespace } = process.namespaces;
  const handler = process.signalHandlers.get(signal);
  if (handler !== undefined && signal !== "SIGKILL") return handler();
  const isFirst = process.pids.get(namespace) === 1;
  const isOutside = from === "kernel" || !from.pids.has(namespace);
  const isForced = signal === "SIGKILL" && isOutside;
  if (HARMLESS.has(signal) || (isFirst && !isForced)) return;
  end(process, { signal, coreDumped: false });
}

/** kill(2). */
export function kill(by: Process, pid: number, signal: string): void {
  const number = signalNumber(signal) ?? refuse("EINVAL");
  const process = by.namespaces.pid.processes.get(pid) ?? refuse("ESRCH");
  const { uid, userNamespace } = process.credentials;
  const isOwn = by.credentials.uid === uid;
  refuseIf(!isOwn && !isCapable(by.credentials, userNamespace, "CAP_KILL"), "EPERM");
  if (number === 0) return;
  deliver(by, process, signalName(number));
}
