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
import type { Clock, Files, Machine, Mounts, Self } from "../port.ts";
import { modelFiles } from "./files/files.ts";
import { OVERFLOW_ID, idInside } from "./files/permission.ts";
import { modelMounts } from "./mounts/mounts.ts";
import { boot } from "./processes/boot.ts";
import { modelSurroundings } from "./processes/surroundings.ts";
import type { Process } from "./state.ts";

/** How to make a model. */
export interface ModelOptions {
  /** Time, chance and timers: of a page, of Node, or of a test. */
  readonly clock: Clock;
}

/** What the model offers of the port so far. */
export type ModelKernel = Files & Mounts & Clock & Machine & Pick<Self, "chdir" | "umask">;

/**
 * Boots a machine in memory.
 *
 * @example createModelKernel({ clock }).readdir("/"); // ["bin", "dev", "etc", …]
 */
export function createModelKernel({ clock }: ModelOptions): ModelKernel {
  const { runtime } = boot({ clock, hostname: "model" });
  return kernelOf(runtime);
}

function kernelOf(process: Process): ModelKernel {
  const { clock } = process.world;
  return {
    ...modelFiles(process),
    ...modelMounts(process),
    ...modelSurroundings(process),
    nowMs: () => clock.nowMs(),
    monotonicUs: () => clock.monotonicUs(),
    random: (count) => clock.random(count),
    after: (delayMs, callback) => clock.after(delayMs, callback),
    uname: () => ({
      sysname: "Linux",
      release: "6.18.0-model",
      version: "#1 in memory",
      machine: "x86_64",
      nodename: process.namespaces.uts.hostname,
    }),
    identity: () => ({
      hostPid: process.pids.get(process.namespaces.pid) ?? 0,
      effectiveUid:
        idInside(process.credentials.userNamespace, "uid", process.credentials.uid) ?? OVERFLOW_ID,
    }),
  };
}
