/**
 * Layers: what an overlay shows, and from which of its layers.
 *
 * The merged tree says of each file which layer it comes from. What lies in the other layers under
 * the same path is looked up in their own trees: hidden below, or a whiteout that hides.
 */
import type {
  FileSnapshot,
  MountSnapshot,
  Snapshot,
} from "../../../../runtime/src/kernel/model/index.ts";
import type { Change } from "./changes.ts";
import { hostnameOf } from "./processes.ts";

/** An overlay that is mounted somewhere. */
export interface Overlay {
  readonly fileSystem: string;
  readonly path: string;
  /** The machine name that its users see. */
  readonly hostname: string;
  readonly layers: readonly Layer[];
}

/** One directory of the stack; the topmost is the first. */
export interface Layer {
  readonly kind: "upper" | "lower";
  /** `container` for the upper one, then `image layer 2`, `image layer 1`: the lowest is the first. */
  readonly name: string;
  /** Where it lies on the machine. */
  readonly path: string;
  readonly tree: FileSnapshot | undefined;
}

/** The overlays of a snapshot, each once, however often it is mounted. */
export function overlays(snapshot: Snapshot): readonly Overlay[] {
  const found = new Map<string, Overlay>();
  for (const [namespace, mounts] of Object.entries(snapshot.mounts)) {
    const user = Object.values(snapshot.processes).find(
      ({ namespaces }) => String(namespaces["mnt"]) === namespace,
    );
    for (const mount of mounts) {
      if (mount.layers === undefined || user === undefined) continue;
      const { fileSystem, path = "" } = mount;
      const known = found.get(fileSystem);
      if (known !== undefined && path !== "/") continue;
      const hostname = hostnameOf(user.namespaces, snapshot);
      found.set(fileSystem, { fileSystem, path, hostname, layers: layersOf(mount, snapshot) });
    }
  }
  return [...found.values()];
}

function layersOf({ layers = [] }: MountSnapshot, snapshot: Snapshot): readonly Layer[] {
  const lowers = layers.filter(({ kind }) => kind === "lower").length;
  const first = layers.length - lowers;
  return layers.map(({ kind, fileSystem, path }, at) => ({
    kind,
    name: kind === "upper" ? "container" : `image layer ${lowers - (at - first)}`,
    path,
    tree: findFile(snapshot.files[fileSystem], path),
  }));
}

/** The file at a path of a tree. */
export function findFile(tree: FileSnapshot | undefined, path: string): FileSnapshot | undefined {
  const names = path.split("/").filter((name) => name !== "");
  return names.reduce<FileSnapshot | undefined>((at, name) => childOf(at, name), tree);
}

function childOf(tree: FileSnapshot | undefined, name: string): FileSnapshot | undefined {
  const { children } = tree ?? {};
  return children !== undefined && Object.hasOwn(children, name) ? children[name] : undefined;
}

/** What a layer does to a path. */
export type Part = "shown" | "merged" | "hidden" | "whiteout" | "absent";

/** What each layer of an overlay does to a path, the topmost first. */
export function partsOf(path: string, layers: readonly Layer[]): readonly Part[] {
  let isCovered = false;
  return layers.map(({ tree }) => {
    const file = findFile(tree, path);
    const isDeletedAbove = isCovered && file !== undefined;
    if (file === undefined) {
      if (hasWhiteoutAbove(tree, path)) isCovered = true;
      return "absent";
    }
    if (isDeletedAbove) return "hidden";
    if (file.type === "directory") return "merged";
    isCovered = true;
    return isWhiteout(file) ? "whiteout" : "shown";
  });
}

/** overlayfs(5): a character device with the number 0/0; containers make no other in a layer. */
function isWhiteout({ type }: FileSnapshot): boolean {
  return type === "char";
}

/** Whether a directory on the way is not one in this layer: then nothing below it is seen. */
function hasWhiteoutAbove(tree: FileSnapshot | undefined, path: string): boolean {
  const names = path.split("/").filter((name) => name !== "");
  const ways = names.map((_, at) => findFile(tree, names.slice(0, at).join("/")));
  return ways.some((way) => way !== undefined && way.type !== "directory");
}

/** A name in the merged tree. */
export interface FileRow {
  readonly path: string;
  readonly name: string;
  readonly type: FileSnapshot["type"];
  /** From which layer: its place in `Overlay.layers`; undefined for a name that was deleted. */
  readonly layer: number | undefined;
  readonly sizeBytes: number;
  readonly change: Change;
}

/**
 * What a directory of an overlay holds, with the names that a whiteout took away.
 *
 * @param before the snapshot to compare with
 */
export function fileRows(
  overlay: Overlay,
  directory: string,
  after: Snapshot,
  before?: Snapshot,
): readonly FileRow[] {
  const trees = [after, before].map((each) => each?.files[overlay.fileSystem]);
  const [now, then] = trees.map((tree) => findFile(tree, directory)?.children ?? {});
  const deleted = overlay.layers.flatMap(({ tree }) =>
    Object.entries(findFile(tree, directory)?.children ?? {}).filter(
      ([name, file]) => isWhiteout(file) && !Object.hasOwn(now ?? {}, name),
    ),
  );
  const names = Object.entries({ ...Object.fromEntries(deleted), ...now });
  return names
    .map(([name, file]): FileRow => {
      const path = `${directory === "/" ? "" : directory}/${name}`;
      const isThere = Object.hasOwn(now ?? {}, name);
      const old = then !== undefined && Object.hasOwn(then, name) ? then[name] : undefined;
      const layer = isThere ? placeOf(file.layer, overlay) : undefined;
      const change = before === undefined ? "same" : changeOf(old, isThere ? file : undefined);
      return { path, name, type: file.type, layer, sizeBytes: file.sizeBytes, change };
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function placeOf(layer: FileSnapshot["layer"], { layers }: Overlay): number | undefined {
  if (layer === undefined) return undefined;
  if (layer === "upper") return 0;
  return layer + layers.filter(({ kind }) => kind === "upper").length;
}

function changeOf(before: FileSnapshot | undefined, after: FileSnapshot | undefined): Change {
  if (before === after) return "same";
  if (before === undefined) return "new";
  return after === undefined ? "gone" : "changed";
}
