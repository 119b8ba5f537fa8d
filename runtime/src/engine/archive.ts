/**
 * Archive: files in and out of a container, its whole tree, and what it changed.
 *
 * Kernel interface: none of its own.
 * Specification: Docker Engine API v1.50, ContainerArchive, PutContainerArchive, ContainerExport,
 *   ContainerChanges.
 * Invariants: see `container/archive.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/archive.md
 *
 * @module
 */

import {
  archiveNameOf,
  cleanContainerPath,
  extractArchive,
  findPath,
  resolveInRoot,
} from "../container/index.ts";
import type { PathStat } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { ifThere } from "../kernel/index.ts";
import { layerDiff, readChanges, streamTree, writableLayerIn } from "../layers/index.ts";
import { resolveIdentity } from "../security/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { ApiObject, PutArchive } from "./engine.ts";
import { streamOf } from "./logs.ts";
import { openTree } from "./tree.ts";
import type { OpenTree } from "./tree.ts";

/** What `HEAD …/archive` tells of a path. @throws RuntimeError archive-path-not-found */
export async function statPath(
  engine: EngineContext,
  container: Container,
  path: string,
): Promise<PathStat> {
  await using tree = await openTree(engine, container, "with-mounts");
  return find(container, tree, path).stat;
}

/** A path as an archive. @throws RuntimeError archive-path-not-found */
export async function getArchive(
  engine: EngineContext,
  container: Container,
  path: string,
): Promise<{ readonly stat: PathStat; readonly stream: ReadableStream<Uint8Array> }> {
  const tree = await openTree(engine, container, "with-mounts");
  try {
    const found = find(container, tree, path);
    const name = archiveNameOf(cleanContainerPath(path));
    const hidden = kernelPlaces(container, tree, found.hostPath);
    const options = { path: found.hostPath, name, hidden };
    const stream = streamAndClose(tree, () => streamTree(tree.kernel, options));
    engine.events.tellContainer(container.definition, "archive-path");
    return { stat: found.stat, stream };
  } catch (error) {
    await tree[Symbol.asyncDispose]();
    throw error;
  }
}

const KERNEL_PLACES = ["/proc", "/sys", "/dev"];

/**
 * What the kernel shows of itself is nobody's file, and some of it cannot be read: from above it is
 * an empty directory. Who asks for it by name has it.
 */
function kernelPlaces({ mounts }: Container, tree: OpenTree, asked: string): ReadonlySet<string> {
  const isGiven = (path: string): boolean => mounts.some((each) => each.containerPath === path);
  const places = KERNEL_PLACES.filter((path) => !isGiven(path)).map((path) => tree.root + path);
  return new Set(places.filter((path) => tree.mounts.has(path) && path !== asked));
}

/** Puts an archive into a directory. @throws RuntimeError as `extractArchive`, rootfs-read-only */
export async function putArchive(
  engine: EngineContext,
  container: Container,
  request: PutArchive,
): Promise<void> {
  const containerPath = cleanContainerPath(request.path);
  await using tree = await openTree(engine, container, "with-mounts");
  requireWritable(container, containerPath);
  // As with Docker: who has no user of his own keeps what the archive says.
  const { User } = container.definition.config;
  const owner = request.copyOwner && User !== "" ? ownerOf(container, tree) : null;
  const { keepTypes } = request;
  const wish = { containerPath, keepTypes, owner };
  try {
    await extractArchive(tree.kernel, tree.root, request.archive, wish);
  } catch (error) {
    throw nameContainer(container, request.path, error);
  }
  engine.events.tellContainer(container.definition, "extract-to-dir");
}

/** The whole tree without what is mounted into it: `docker export`. */
export async function exportContainer(
  engine: EngineContext,
  container: Container,
): Promise<ReadableStream<Uint8Array>> {
  const tree = await openTree(engine, container, "layers-only");
  engine.events.tellContainer(container.definition, "export");
  // Docker's names: `tar x etc/passwd` must find it.
  const options = { path: tree.root, name: "", hidden: tree.mounts };
  return streamAndClose(tree, () => streamTree(tree.kernel, options));
}

const KINDS = { C: 0, A: 1, D: 2 } as const;

/** What differs from the image: `docker diff`. */
export function containerChanges(
  { kernel, layers }: EngineContext,
  { definition, files }: Container,
): readonly ApiObject[] {
  const lowers = definition.layers.map((chainId) => layerDiff(layers, chainId)).toReversed();
  const { upper } = writableLayerIn(files.directory);
  return readChanges(kernel, upper, lowers).map(({ kind, containerPath }) => ({
    Path: containerPath,
    Kind: KINDS[kind],
  }));
}

function find(container: Container, tree: OpenTree, path: string): ReturnType<typeof findPath> {
  try {
    return findPath(tree.kernel, tree.root, cleanContainerPath(path));
  } catch (error) {
    throw nameContainer(container, path, error);
  }
}

/** Whoever looks for the path does not know whose it is. */
function nameContainer(container: Container, path: string, cause: unknown): unknown {
  if (!(cause instanceof RuntimeError) || cause.code !== "archive-path-not-found") return cause;
  return new RuntimeError({
    code: "archive-path-not-found",
    class: "not-found",
    message: `Could not find the file ${path} in container ${container.name}`,
    operation: "copy files",
    subject: path,
    hint: cause.hint,
    cause,
  });
}

/** The tree is given back when the last byte is read, or the reader leaves. */
function streamAndClose(
  tree: OpenTree,
  pieces: () => Generator<Uint8Array>,
): ReadableStream<Uint8Array> {
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    await tree[Symbol.asyncDispose]();
  };
  const items = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces();
    } finally {
      await close();
    }
  };
  // A generator that was never started has no finally to run.
  return streamOf(items(), () => void close());
}

/** A read-only root can only be written where something writable is mounted. */
function requireWritable({ definition, mounts }: Container, containerPath: string): void {
  const isIn = (mount: string): boolean => `${containerPath}/`.startsWith(`${mount}/`);
  const mount = mounts
    .filter((each) => isIn(each.containerPath))
    .toSorted((a, b) => b.containerPath.length - a.containerPath.length)[0];
  const isReadOnly = mount === undefined ? definition.hostConfig.ReadonlyRootfs : mount.isReadOnly;
  if (!isReadOnly) return;
  throw new RuntimeError({
    code: "archive-refused",
    class: "denied",
    message:
      mount === undefined
        ? "container rootfs is marked read-only"
        : "mounted volume is marked read-only",
    operation: "copy files",
    subject: containerPath,
    hint: "Copy to a place that the container may write to.",
  });
}

function ownerOf({ definition }: Container, { kernel, root }: OpenTree) {
  const text = (path: string) => {
    const hostPath = resolveInRoot(kernel, root, path);
    return ifThere(() => kernel.readText(hostPath));
  };
  const files = { passwd: text("/etc/passwd"), group: text("/etc/group") };
  const { uid, gid } = resolveIdentity(definition.config.User, [], files);
  return { uid, gid };
}
