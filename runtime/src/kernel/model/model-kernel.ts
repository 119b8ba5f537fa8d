/**
 * Model kernel: the port in memory.
 *
 * Every method of `Kernel`, made in the name of one process, on a state of plain objects. It needs
 * nothing but a clock, so it runs wherever the language does: in a reader's page, in a test that
 * tries ten thousand programs. It is believed as far as it was compared: the same conformance suite
 * runs on it and on Linux, and random programs run on both.
 *
 * Kernel interface: syscalls(2).
 * Invariants: none; `kernel/conformance.ts` says what every implementation must do.
 * Left out: each file of this folder says where it lies.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { parseAddress } from "../ip-address.ts";
import { KernelError, type Clock, type Kernel, type Machine, type Self } from "../port.ts";
import { modelFiles } from "./files/files.ts";
import { idInside, OVERFLOW_ID } from "./files/permission.ts";
import { modelMounts } from "./mounts/mounts.ts";
import { wayTo, type Way } from "./net/reach.ts";
import { modelNetwork } from "./net/network.ts";
import { boot, type CgroupMode } from "./processes/boot.ts";
import { modelCredentials } from "./processes/credentials.ts";
import { modelNamespaces } from "./processes/namespaces.ts";
import { bearChild, end } from "./processes/process.ts";
import { filterCall } from "./processes/seccomp.ts";
import { execve, modelProcesses } from "./processes/spawn.ts";
import { modelRestrictions, modelSurroundings } from "./processes/surroundings.ts";
import { call, refuse } from "./refusal.ts";
import { createCamera, type Snapshot } from "./snapshot.ts";
import type { ModelProgram, Process } from "./state.ts";

/** How to make a model. */
export interface ModelOptions {
  /** Time, chance and timers: of a page, of Node, or of a test. */
  readonly clock: Clock;
  /** What programs do, by name; `programFile(name)` is what to write into a program's file. */
  readonly programs?: Readonly<Record<string, ModelProgram>>;
  /** How the machine mounts its cgroups; `v2` by default. */
  readonly cgroups?: CgroupMode;
  /** Its name; `model` by default. */
  readonly hostname?: string;
}

/** The port in memory, and what its first process may do to itself. */
export type ModelKernel = Kernel & Self;

/** A machine in memory. */
export interface Model {
  readonly kernel: ModelKernel;
  /** One more process of the host, beside the runtime's own, and its kernel. */
  readonly startProcess: (comm: string) => ModelKernel;
  /** Where a connection of a process comes to, and by which way; nothing changes. */
  readonly reach: (hostPid: number, address: string, port: number) => Way;
  /** The state as plain data; what did not change since the last one is the same object. */
  readonly snapshot: () => Snapshot;
}

/**
 * Boots a machine in memory.
 *
 * @example createModel({ clock }).kernel.readdir("/"); // ["bin", "dev", "etc", …]
 */
export function createModel(options: ModelOptions): Model {
  const { clock, programs = {}, cgroups = "v2", hostname = "model" } = options;
  const { world, init, runtime } = boot({ clock, programs, cgroups, hostname });
  return {
    kernel: kernelOf(runtime),
    startProcess: (comm) => {
      const process = bearChild(init, { pidNamespace: init.namespaces.pid, comm });
      process.executable = runtime.executable;
      process.argv = [comm];
      return kernelOf(process);
    },
    reach: (hostPid, address, port) =>
      call("connect", `${address}:${port}`, () => {
        const process = world.processes.get(hostPid) ?? refuse("ESRCH");
        const to = parseAddress(address) ?? refuse("EINVAL");
        return wayTo(process.namespaces.net, { address: to, port });
      }),
    snapshot: createCamera(world, runtime),
  };
}

/** Boots a machine and gives its kernel alone. */
export function createModelKernel(options: ModelOptions): ModelKernel {
  return createModel(options).kernel;
}

function kernelOf(process: Process): ModelKernel {
  const kernel: ModelKernel = {
    ...modelFiles(process),
    ...modelMounts(process),
    ...modelNetwork(process),
    ...modelProcesses(process, kernelOf),
    ...modelNamespaces(process),
    ...modelCredentials(process),
    ...modelSurroundings(process),
    ...modelRestrictions(process),
    ...clockOf(process),
    ...machineOf(process),
    execve: (path, argv, env) => execve(process, { path, argv, env }),
  };
  return guarded(process, kernel);
}

function clockOf({ world }: Process): Clock {
  const { clock } = world;
  return {
    nowMs: () => clock.nowMs(),
    monotonicUs: () => clock.monotonicUs(),
    random: (count) => clock.random(count),
    after: (delayMs, callback) => clock.after(delayMs, callback),
  };
}

function machineOf(process: Process): Machine {
  return {
    uname: () => ({
      sysname: "Linux",
      release: "6.18.0-model",
      version: "#1 in memory",
      machine: "x86_64",
      nodename: process.namespaces.uts.hostname,
    }),
    identity: () => {
      const { userNamespace, uid } = process.credentials;
      return {
        hostPid: process.pids.get(process.namespaces.pid) ?? 0,
        effectiveUid: idInside(userNamespace, "uid", uid) ?? OVERFLOW_ID,
      };
    },
  };
}

/** Each call asks first: does the process still live, and do its filters let the call through? */
function guarded(process: Process, kernel: ModelKernel): ModelKernel {
  const wrap = (method: string, body: (...given: unknown[]) => unknown) => {
    return (...given: unknown[]): unknown => {
      const dead = (): never => {
        throw new KernelError(method, "ESRCH", String(process.hostPid));
      };
      if (process.status !== undefined) dead();
      if (process.filters.length > 0) {
        call(method, "seccomp", () =>
          filterCall(process.filters, method, () => {
            end(process, { signal: "SIGSYS", coreDumped: false });
            return dead();
          }),
        );
      }
      return body(...given);
    };
  };
  const entries = Object.entries(kernel).map(([method, body]) => [
    method,
    // Every member of the port is a method; the wrapper takes and gives what it does.
    wrap(method, body as (...given: unknown[]) => unknown),
  ]);
  return Object.fromEntries(entries) as ModelKernel;
}
