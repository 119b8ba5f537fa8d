/**
 * State store: where a container's record is, and what is durable when.
 *
 * Each container has one directory, <root>/containers/<id>, and in it two small documents:
 *
 *   container.json   what it is (the definition). Written once, at creation: temporary name,
 *                    fsync, rename. It is the container: a directory without it is rubbish of a
 *                    creation or a removal that did not finish, and the next start sweeps it away.
 *                    Removal begins by renaming it, which takes a tenth of the time of unlinking:
 *                    what frees blocks waits until the client has its answer.
 *   state.json       what became of it (the history). Replaced by rename, without fsync.
 *
 * Why no fsync for the second: `kill -9` of the daemon loses nothing that was written, since the
 * page cache is the kernel's; fsync only helps against the loss of the machine, and after that no
 * container runs, whatever the history says. The same holds for the keeper's exit record, which
 * tells a daemon that was away how a container ended. So create costs one fsync, and a start none.
 * A container that is to be removed when it ends (`--rm`) would be removed after a power cut too:
 * its definition is not fsynced either, and it has no exit record.
 *
 * Kernel interface: rename(2), fsync(2), unlink(2).
 * Invariants:
 *   store-is-whole   a store that was cut off at any kernel call loads, with the old record or the
 *       new one
 * Left out: fsync of the directory itself, so a power cut may take back a creation, a removal, or
 * the exit code of what ended in the last seconds.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import type { ExitRecord } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { ifThere, KernelError } from "../kernel/index.ts";
import type { Files, Lock } from "../kernel/index.ts";
import { NEW_HISTORY } from "./record.ts";
import type { Definition, History } from "./record.ts";

/** What is found in one container's directory. */
export type Stored =
  | { readonly kind: "whole"; readonly definition: Definition; readonly history: History }
  /** Something that never became a container, or no longer is one. */
  | { readonly kind: "rubbish"; readonly id: string }
  /** A definition that cannot be read: nothing of it is touched. */
  | { readonly kind: "unreadable"; readonly id: string; readonly reason: string };

/** The paths in one container's directory. */
export interface ContainerFiles {
  readonly directory: string;
  readonly definition: string;
  readonly history: string;
  readonly journal: string;
  readonly log: string;
  readonly exit: string;
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
  /** An empty directory: where init mounts the container's tree, in its own mount namespace. */
  readonly rootfs: string;
  /** Made only for a container whose /dev/shm others may join. */
  readonly sharedMemory: string;
}

/** Format of container.json; a higher number is a newer program's. */
const VERSION = 1;

/** @example containersDirectory("/var/lib/drydock") // "/var/lib/drydock/containers" */
export function containersDirectory(root: string): string {
  return `${root}/containers`;
}

/** Where everything of a container is. */
export function filesOf(root: string, id: string): ContainerFiles {
  const directory = `${containersDirectory(root)}/${id}`;
  return {
    directory,
    definition: `${directory}/container.json`,
    history: `${directory}/state.json`,
    journal: `${directory}/journal.jsonl`,
    log: `${directory}/${id}-json.log`,
    exit: `${directory}/exit.json`,
    hosts: `${directory}/hosts`,
    hostname: `${directory}/hostname`,
    resolvConf: `${directory}/resolv.conf`,
    rootfs: `${directory}/rootfs`,
    sharedMemory: `${directory}/shm`,
  };
}

/**
 * Writes a definition, atomically; its directory must exist.
 *
 * @param durability `durable`: on the disk when this returns, `lasting`: survives the daemon only
 */
export function writeDefinition(
  kernel: Files,
  files: ContainerFiles,
  definition: Definition,
  durability: "durable" | "lasting",
): void {
  replaceFile(kernel, files.definition, { version: VERSION, ...definition }, durability);
}

/** Ends a container: what its directory still holds is rubbish now. It may have ended before. */
export function removeDefinition(kernel: Files, files: ContainerFiles): void {
  ifThere(() => kernel.rename(files.definition, `${files.definition}.removed`));
}

/** Writes a history, atomically but for a loss of the machine. */
export function writeHistory(kernel: Files, files: ContainerFiles, history: History): void {
  replaceFile(kernel, files.history, history, "lasting");
}

/** The old document or the new one, whatever happens; a failure leaves no temporary file. */
function replaceFile(
  kernel: Files,
  path: string,
  document: object,
  durability: "durable" | "lasting",
): void {
  const temporary = `${path}.new`;
  try {
    kernel.writeFile(temporary, JSON.stringify(document), "create", 0o600);
    if (durability === "durable") kernel.fsync(temporary);
    kernel.rename(temporary, path);
  } catch (error) {
    unlinkIfThere(kernel, temporary);
    throw error;
  }
}

/** Reads every container's directory. */
export function readStore(kernel: Files, root: string): readonly Stored[] {
  return kernel.readdir(containersDirectory(root)).map((id) => readOne(kernel, root, id));
}

function readOne(kernel: Files, root: string, id: string): Stored {
  const files = filesOf(root, id);
  const text = ifThere(() => kernel.readText(files.definition));
  if (text === undefined) return { kind: "rubbish", id };
  // These documents are written by this file and the keeper only: their shapes are known.
  const definition = parseObject(text) as (Definition & { version: number }) | null;
  if (definition === null || definition.id !== id) {
    return { kind: "unreadable", id, reason: `${files.definition} is damaged` };
  }
  if (definition.version !== VERSION) {
    const reason = `${files.definition} has format ${definition.version}, not ${VERSION}`;
    return { kind: "unreadable", id, reason };
  }
  const { version: _, ...rest } = definition;
  // A torn history is one that the machine took with it: the container is as it was created.
  const history = readObject(kernel, files.history) as History | null;
  return { kind: "whole", definition: rest, history: history ?? NEW_HISTORY };
}

/**
 * What the keeper wrote when the container's process ended; null: it has not ended, or never ran.
 */
export function readExitRecord(kernel: Files, files: ContainerFiles): ExitRecord | null {
  return readObject(kernel, files.exit) as ExitRecord | null;
}

/** Removes a name; one that is gone is fine. */
export function unlinkIfThere(kernel: Files, path: string): void {
  ifThere(() => kernel.unlink(path));
}

function readObject(kernel: Files, path: string): object | null {
  return parseObject(ifThere(() => kernel.readText(path)) ?? "");
}

function parseObject(text: string): object | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/**
 * Takes the lock of a root, for as long as the returned handle lives.
 *
 * @throws RuntimeError engine-locked, naming the process that has it
 */
export function lockRoot(kernel: Files, root: string, ownPid: number): Lock {
  const path = `${root}/engine.lock`;
  const lock = takeLock(kernel, path, root);
  try {
    kernel.writeFile(path, `${ownPid}\n`, "create", 0o600);
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}

function takeLock(kernel: Files, path: string, root: string): Lock {
  try {
    return kernel.lockFile(path);
  } catch (cause) {
    if (!(cause instanceof KernelError) || !/^(EWOULDBLOCK|EAGAIN)$/u.test(cause.errno))
      throw cause;
    const owner = ifThere(() => kernel.readText(path))?.trim() ?? "";
    throw new RuntimeError({
      code: "engine-locked",
      class: "unavailable",
      message: `Cannot use ${root}: the engine with pid ${owner || "unknown"} has it`,
      operation: "lock root",
      subject: root,
      errno: cause.errno,
      hint: "Stop that daemon, or give this one another --root.",
      cause,
    });
  }
}
