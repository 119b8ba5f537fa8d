/**
 * Tree: a container's files as a directory of the host, for as long as somebody needs it.
 *
 * While it runs, its root with everything that is mounted there is held: who reads it is not
 * disturbed when the container ends meanwhile. Otherwise the overlay is mounted for a moment, with
 * the container's binds on it, and taken down again; the container's lock is held meanwhile, so
 * nobody starts it on the same writable layer.
 *
 * Kernel interface: proc_pid_root(5), proc_pid_ns(5), mount(2), umount2(2) with MNT_DETACH,
 *   overlayfs.
 * Specification: Docker Engine API v1.50, ContainerArchive, ContainerExport.
 * Invariants:
 *   tree-leaves-no-mount   whatever fails while a tree is in use, its mounts are gone after it
 * Left out: ids of a container with a user namespace of its own are the host's in archives; an
 *   image of so many layers that their whole paths do not fit into one page cannot be mounted here;
 *   who still reads the tree of a run that has ended sees what the next run writes, or does not.
 * Docs: docs/concepts/archive.md
 *
 * @module
 */

import { hasProcess, makeMountPoint, resolveInRoot } from "../container/index.ts";
import { KernelError, withContext } from "../kernel/index.ts";
import type { HostPid, Kernel } from "../kernel/index.ts";
import { layerLink, planOverlay, writableLayerIn } from "../layers/index.ts";
import { UndoStack } from "../undo/index.ts";
import { reachSources } from "../volumes/index.ts";
import { waitFor } from "./clean-up.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";

/** A container's tree in use. */
export interface OpenTree extends AsyncDisposable {
  readonly kernel: Kernel;
  /** Host path, itself without links that matter: `resolveInRoot` begins here. */
  readonly root: string;
  /** Host paths at which other file systems are mounted. */
  readonly mounts: ReadonlySet<string>;
}

/** What is to be mounted: with the container's own mounts, or its layers alone. */
export type TreeView = "with-mounts" | "layers-only";

/**
 * Opens the tree; dispose of it soon: a container that does not run cannot start meanwhile.
 *
 * @throws RuntimeError volume-unreachable
 */
export async function openTree(
  engine: EngineContext,
  container: Container,
  view: TreeView,
): Promise<OpenTree> {
  const kernel = treeKernel(container);
  if (view === "with-mounts") await reachSources(engine.kernel, container.mounts);
  const running = await runningTree(engine, container);
  if (running !== null) return running;
  const { taken, release } = holdLock(engine, container);
  await taken;
  try {
    // It may have been started while we waited.
    const started = await runningTree(engine, container);
    if (started === null) return await mountTree(engine, { kernel, container, view }, release);
    release();
    return started;
  } catch (error) {
    release();
    throw error;
  }
}

/** The same for a caller that has the container's lock. */
export async function openTreeInLock(
  engine: EngineContext,
  container: Container,
  view: TreeView,
): Promise<OpenTree> {
  const running = await runningTree(engine, container);
  if (running !== null) return running;
  const kernel = treeKernel(container);
  return mountTree(engine, { kernel, container, view }, () => undefined);
}

function treeKernel({ journal }: Container): Kernel {
  return withContext(journal.kernel, { concept: "layers", operation: "use the files" });
}

/** Takes the container's lock until it is released. */
function holdLock(engine: EngineContext, { id }: Container) {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const taken = new Promise<void>((resolve) => {
    void engine.locks.run(id, async () => {
      resolve();
      await released;
    });
  });
  return { taken, release };
}

/** null: it does not run, or has just ended; in that case the engine knows it too, afterwards. */
async function runningTree(engine: EngineContext, container: Container): Promise<OpenTree | null> {
  const { state } = container.history;
  if (!hasProcess(state)) return null;
  const tree = ifAlive(() => holdTree(engine.kernel, state.hostPid));
  if (tree !== undefined) return noteReader(container, tree);
  await waitFor(container, "next-exit");
  return null;
}

/** Nobody can begin to read a container that is removed; who has begun is waited for. */
function noteReader({ readers }: Container, tree: OpenTree): OpenTree {
  let leave = (): void => undefined;
  const left = new Promise<void>((resolve) => (leave = resolve));
  readers.add(left);
  return {
    ...tree,
    [Symbol.asyncDispose]: async () => {
      await tree[Symbol.asyncDispose]();
      readers.delete(left);
      leave();
    },
  };
}

/** undefined: the process has ended. What is left of it has no root and no mounts (EINVAL). */
function ifAlive(hold: () => OpenTree): OpenTree | undefined {
  try {
    return hold();
  } catch (error) {
    const isGone = error instanceof KernelError && /^(?:ENOENT|ESRCH|EINVAL)$/.test(error.errno);
    if (isGone) return undefined;
    throw error;
  }
}

function holdTree(kernel: Kernel, hostPid: HostPid): OpenTree {
  const held = kernel.holdRoot(hostPid);
  try {
    // Itself a link: with the dot it is the directory that it leads to.
    const root = `${held.path}/.`;
    const mounts = mountPointsIn(kernel.readText(`/proc/${hostPid}/mountinfo`));
    return {
      kernel,
      root,
      mounts: new Set(mounts.filter((path) => path !== "/").map((path) => `${root}${path}`)),
      [Symbol.asyncDispose]: async () => held[Symbol.dispose](),
    };
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

interface Mounting {
  readonly kernel: Kernel;
  readonly container: Container;
  readonly view: TreeView;
}

async function mountTree(
  engine: EngineContext,
  { kernel, container, view }: Mounting,
  release: () => void,
): Promise<OpenTree> {
  const { files, definition } = container;
  const undo = new UndoStack();
  const mounts = new Set<string>();
  const root = files.rootfs;
  try {
    const { linkDirectory } = engine.layers;
    const lowers = definition.layers.map((id) => `${linkDirectory}/${layerLink(id)}`).toReversed();
    const layer = writableLayerIn(files.directory);
    const { mount } = planOverlay({ directory: linkDirectory, lowers, target: root, ...layer });
    kernel.mount(mount);
    undo.push(`unmount ${root}`, () => unmount(kernel, root));
    if (view === "with-mounts") mountBinds(kernel, container, mounts, undo);
  } catch (error) {
    await undo[Symbol.asyncDispose]();
    throw error;
  }
  return {
    // Bytes that are copied are no story: only the mounts are journaled.
    kernel: engine.kernel,
    root,
    mounts,
    [Symbol.asyncDispose]: async () => {
      try {
        await undo[Symbol.asyncDispose]();
      } finally {
        release();
      }
    },
  };
}

function mountBinds(
  kernel: Kernel,
  { files, mounts: specs }: Container,
  mounts: Set<string>,
  undo: UndoStack,
): void {
  for (const spec of specs) {
    if (spec.type !== "bind") continue;
    const target = resolveInRoot(kernel, files.rootfs, spec.containerPath);
    const type = typeAt(kernel, spec.hostPath);
    if (type === undefined) continue;
    makeMountPoint(kernel, target, type);
    const common = { source: spec.hostPath, target, fstype: "", data: "" };
    kernel.mount({ ...common, flags: ["MS_BIND", "MS_REC"] });
    undo.push(`unmount ${target}`, () => unmount(kernel, target));
    // What happens below stays here, and what is taken down here stays there.
    kernel.mount({ ...common, flags: ["MS_PRIVATE", "MS_REC"] });
    if (spec.isReadOnly) kernel.mount({ ...common, flags: ["MS_BIND", "MS_REMOUNT", "MS_RDONLY"] });
    mounts.add(target);
  }
}

/** A mount that stays would be in the way of everything: it is asked for twice. */
function unmount(kernel: Kernel, path: string): void {
  try {
    kernel.umount(path, "detach");
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    kernel.umount(path, "detach");
  }
}

/** What a start would mount; undefined: it is not there. */
function typeAt(kernel: Kernel, hostPath: string): "directory" | "file" | undefined {
  const stat = kernel.statIfPresent(hostPath);
  if (stat === undefined) return undefined;
  return stat.type === "directory" ? "directory" : "file";
}

/**
 * The mount points that mountinfo lists, with its escapes undone. Pure.
 *
 * @example mountPointsIn("22 1 0:20 / /a\\040b rw - tmpfs tmpfs rw\n") // ["/a b"]
 */
export function mountPointsIn(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const path = line.split(" ")[4];
    if (path === undefined) return [];
    return [
      path.replace(/\\([0-7]{3})/gu, (_, code: string) =>
        String.fromCodePoint(Number.parseInt(code, 8)),
      ),
    ];
  });
}

/**
 * Takes down what an engine that was killed left mounted. Containers mount nothing in our own mount
 * namespace: whatever is below their directories was for such a moment.
 *
 * Called before anything is removed: removing a tree would go through a mount into the host's.
 */
export function unmountLeftovers({ kernel, root }: EngineContext): void {
  const begin = `${root}/containers/`;
  const left = mountPointsIn(kernel.readText("/proc/self/mountinfo")).filter((path) =>
    path.startsWith(begin),
  );
  for (const path of left.toReversed()) kernel.umount(path, "detach");
}
