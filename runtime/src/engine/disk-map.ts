/**
 * Disk map: whose is each byte below the root, and what is nobody's.
 *
 * `system df` adds up what images and containers say of themselves. Here the disk is asked: every
 * file below the root is taken to what it belongs to, and what belongs to nothing is an orphan. The
 * sum of the map is the sum of the files, so nothing can hide.
 *
 *   images/blobs/sha256/…   image: layers, configurations, manifests as they were fetched
 *   layers/…                layer: the same unpacked, as overlays use it
 *   containers/ID/diff      container: what it wrote
 *   containers/ID/ID-json…  log: what it printed
 *   the rest                record: definitions, journals, the engine's own files
 *
 * Kernel interface: getdents64(2), lstat(2).
 * Specification: none of its own.
 * Invariants:
 *   every-byte-has-an-owner   the map's sizes add up to those of the files below the root
 *   fsck-removes-only-orphans   after a repair nothing is an orphan, and every image and container
 *       works as before
 * Left out: blocks that a file takes beyond its length, and holes in it.
 * Docs: docs/concepts/images.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { familiarForm, listImages } from "../images/index.ts";
import type { Image } from "../images/index.ts";
import { getBlob, hasLayer, layerDiff, removeTree } from "../layers/index.ts";
import type { Digest } from "../layers/index.ts";
import { pause } from "./clean-up.ts";
import type { EngineContext } from "./context.ts";
import type { DiskEntry, DiskProblem } from "./engine.ts";
import { SWEEP } from "./image-changes.ts";
import { treeBytes } from "./listing.ts";
import { containersDirectory, filesOf } from "./state-store.ts";

/** Every file and directory that has an owner of its own, with its size. */
export function explainDisk(engine: EngineContext): readonly DiskEntry[] {
  const { kernel, root } = engine;
  const known = ["images", "layers", "l", "containers"];
  const others = kernel.readdir(root).filter((name) => !known.includes(name));
  return [
    ...blobEntries(engine),
    ...layerEntries(engine),
    ...kernel.readdir(containersDirectory(root)).flatMap((id) => containerEntries(engine, id)),
    ...others.map((name) => entry(engine, "record", "engine", `${root}/${name}`)),
  ];
}

function entry(
  { kernel }: EngineContext,
  Kind: DiskEntry["Kind"],
  Owner: string,
  Path: string,
): DiskEntry {
  return { Kind, Owner, Path, Size: treeBytes(kernel, Path) };
}

/** Whose a blob or a layer is, by its digest. */
type Owners = Map<string, string[]>;

function blobEntries(engine: EngineContext): readonly DiskEntry[] {
  const { kernel, images } = engine;
  const owners: Owners = new Map();
  for (const image of listImages(images)) {
    const { manifestDigest, manifest } = image;
    const blobs = [manifestDigest, manifest.config.digest, ...manifest.layers.map((l) => l.digest)];
    for (const digest of new Set(blobs)) own(owners, digest, image);
  }
  const rest = kernel.readdir(images.content.path).filter((name) => name !== "blobs");
  return [
    ...entriesByDigest(engine, "image", `${images.content.path}/blobs/sha256`, owners),
    ...rest.map((name) => {
      const isOurs = name === "index.json" || name === "oci-layout";
      const path = `${images.content.path}/${name}`;
      return entry(engine, isOurs ? "record" : "orphan", isOurs ? "engine" : "", path);
    }),
  ];
}

function own(owners: Owners, digest: Digest, image: Image): void {
  const name = image.references[0];
  const shown = name === undefined ? image.id.slice(7, 19) : familiarForm(name);
  owners.set(digest, [...(owners.get(digest) ?? []), shown]);
}

/** What is in a directory where the names are digests; what has no owner is an orphan. */
function entriesByDigest(
  engine: EngineContext,
  kind: "image" | "layer",
  directory: string,
  owners: Owners,
): readonly DiskEntry[] {
  return engine.kernel.readdir(directory).map((name) => {
    const names = owners.get(`sha256:${name}`);
    const path = `${directory}/${name}`;
    if (names === undefined) return entry(engine, "orphan", "", path);
    return entry(engine, kind, names.join(", "), path);
  });
}

function layerEntries(engine: EngineContext): readonly DiskEntry[] {
  const { layers, images, containers } = engine;
  const owners: Owners = new Map();
  for (const image of listImages(images)) {
    for (const chainId of image.chain) own(owners, chainId, image);
  }
  for (const { definition, name } of containers.all()) {
    // An image that was removed by force leaves its layers to the containers that have them.
    for (const chainId of definition.layers) {
      if (!owners.has(chainId)) owners.set(chainId, [name]);
    }
  }
  return entriesByDigest(engine, "layer", `${layers.path}/layers`, owners);
}

function containerEntries(engine: EngineContext, id: string): readonly DiskEntry[] {
  const container = engine.containers.get(id);
  const files = filesOf(engine.root, id);
  if (container === undefined) return [entry(engine, "orphan", "", files.directory)];
  const kindOf = (path: string): DiskEntry["Kind"] => {
    if (path === `${files.directory}/diff`) return "container";
    return path.startsWith(files.log) ? "log" : "record";
  };
  return engine.kernel.readdir(files.directory).map((name) => {
    const path = `${files.directory}/${name}`;
    return entry(engine, kindOf(path), container.name, path);
  });
}

/**
 * Looks for what is nobody's, and for what is not as it was stored.
 *
 * @param repair removes what is nobody's
 */
export async function checkDisk(
  engine: EngineContext,
  repair: boolean,
): Promise<readonly DiskProblem[]> {
  // What is being removed anyway is no news.
  await engine.locks.run(SWEEP, async () => undefined);
  const problems: DiskProblem[] = [];
  for (const { Kind, Path, Size } of explainDisk(engine)) {
    if (Kind !== "orphan") continue;
    if (repair) removeTree(engine.kernel, Path);
    problems.push({ Path, Problem: "belongs to nothing", Size, IsRepaired: repair });
  }
  for (const image of listImages(engine.images)) {
    for (const { digest } of [image.manifest.config, ...image.manifest.layers]) {
      const problem = damageOf(engine, digest);
      if (problem !== null) problems.push(problem);
      // Hashing keeps everybody waiting: let others have a turn between two blobs.
      await pause(engine.kernel, 0);
    }
  }
  return [...problems, ...missingLayers(engine)];
}

function damageOf(engine: EngineContext, digest: Digest): DiskProblem | null {
  const Path = `${engine.images.content.path}/blobs/sha256/${digest.slice(7)}`;
  try {
    getBlob(engine.kernel, engine.images.content, digest);
    return null;
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error;
    return { Path, Problem: error.message, Size: 0, IsRepaired: false };
  }
}

function missingLayers({ kernel, layers, containers }: EngineContext): readonly DiskProblem[] {
  return containers.all().flatMap(({ definition, name }) =>
    definition.layers
      .filter((chainId) => !hasLayer(kernel, layers, chainId))
      .map((chainId) => ({
        Path: layerDiff(layers, chainId),
        Problem: `is missing, and container ${name} needs it`,
        Size: 0,
        IsRepaired: false,
      })),
  );
}
