/**
 * Volumes: what a user asked to see where.
 *
 * `-v /srv/data:/data:ro` means: what is at /srv/data on the host shall be at /data in the
 * container, and the container shall not write to it. Docker takes the same wish in two forms, a
 * string with colons (`Binds`) and a structure (`Mounts`), and refuses mistakes in wordings that
 * people search for. Both end up as one `MountSpec`. What another container mounts
 * (`VolumesFrom`) comes as specs already; a wish of one's own with the same target covers it.
 *
 * Kernel interface: none; this file is pure.
 * Specification: Docker Engine API v1.50, HostConfig.Binds, HostConfig.Tmpfs, Mount.
 * Invariants:
 *   mount-order-by-depth   mounts are ordered by path depth, so nested ones give the same tree
 *                          however the flags are ordered
 *   mounts-total           every wish gives exactly one mount or an error, and no two mounts have
 *                          one target
 * Left out: named and anonymous volumes, volume drivers, SELinux labels (z and Z are accepted and
 *   do nothing).
 * Docs: docs/concepts/volumes.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import { cleanPath } from "../kernel/index.ts";
import { parseTmpfsOptions, type TmpfsOptions } from "./tmpfs-options.ts";

/** How mounts made later on one side appear on the other: mount_namespaces(7). */
export type Propagation = "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";

/** One thing to mount, checked. */
export type MountSpec =
  | {
      readonly type: "bind";
      readonly hostPath: string;
      readonly containerPath: string;
      readonly isReadOnly: boolean;
      readonly isRecursive: boolean;
      readonly propagation: Propagation;
      /**
       * `create`: make a missing directory on the host (`-v`); `refuse`: it must exist (`--mount`).
       */
      readonly whenMissing: "create" | "refuse";
      /** The third part of `-v`, as given: `inspect` shows it. */
      readonly mode: string;
    }
  | {
      readonly type: "tmpfs";
      readonly containerPath: string;
      readonly isReadOnly: boolean;
      readonly options: TmpfsOptions;
      /** `inspect` lists those of `--mount` under Mounts, those of `--tmpfs` not. */
      readonly isListed: boolean;
    };

/** One entry of Docker's `Mounts`, in Docker's spelling. */
export interface MountRequest {
  readonly Type: string;
  readonly Source?: string | undefined;
  readonly Target: string;
  readonly ReadOnly?: boolean | undefined;
  readonly BindOptions?:
    | {
        readonly Propagation?: string | undefined;
        readonly NonRecursive?: boolean | undefined;
        readonly CreateMountpoint?: boolean | undefined;
      }
    | null
    | undefined;
  readonly TmpfsOptions?:
    | { readonly SizeBytes?: number | undefined; readonly Mode?: number | undefined }
    | null
    | undefined;
}

/** The parts of Docker's `HostConfig` that volumes answer for. */
export interface VolumesRequest {
  readonly Binds?: readonly string[] | null | undefined;
  readonly Mounts?: readonly MountRequest[] | null | undefined;
  readonly Tmpfs?: Readonly<Record<string, string>> | null | undefined;
}

/**
 * Checks all wishes and orders them: a mount on /a must come before one on /a/b, or it would cover
 * it.
 *
 * @throws RuntimeError `volume-invalid` in Docker's words; `feature-unsupported` for named and
 *   anonymous volumes
 * @param inherited from other containers: `inheritMounts`
 * @example parseMountSpecs({ Binds: ["/srv/b:/data/b", "/srv/a:/data"] }).map((spec) =>
 *   spec.containerPath); // ["/data", "/data/b"]
 */
export function parseMountSpecs(
  request: VolumesRequest,
  inherited: readonly MountSpec[] = [],
): readonly MountSpec[] {
  const specs = [
    ...(request.Binds ?? []).map((text) => parseBind(text)),
    ...(request.Mounts ?? []).map((mount) => parseMount(mount)),
    ...Object.entries(request.Tmpfs ?? {}).map(([target, options]) => parseTmpfs(target, options)),
  ];
  const targets = new Set<string>();
  for (const { containerPath } of specs) {
    if (targets.has(containerPath))
      refuse(containerPath, `Duplicate mount point: ${containerPath}`);
    targets.add(containerPath);
  }
  const others = inherited.filter(({ containerPath }) => !targets.has(containerPath));
  return [...others, ...specs].toSorted(byDepth);
}

/** Fewer parts first; among equals by name, so that the order does not depend on the request's. */
function byDepth(a: MountSpec, b: MountSpec): number {
  const depth = (spec: MountSpec) => spec.containerPath.split("/").length;
  return depth(a) - depth(b) || (a.containerPath < b.containerPath ? -1 : 1);
}

/**
 * Parses one `-v HOST:CONTAINER[:MODE]`.
 *
 * @throws RuntimeError `volume-invalid`, `feature-unsupported`
 * @example parseBind("/srv:/data:ro").isReadOnly // true
 */
export function parseBind(text: string): MountSpec {
  const [source, target, mode] = splitBind(text);
  if (!source.startsWith("/")) refuseVolume(source);
  const words = mode.split(",");
  return {
    type: "bind",
    hostPath: cleanPath(source),
    containerPath: parseBindTarget(text, target),
    isReadOnly: words.includes("ro"),
    isRecursive: true,
    propagation: words.find((word) => isPropagation(word)) ?? "rprivate",
    whenMissing: "create",
    mode,
  };
}

function splitBind(text: string): readonly [source: string, target: string, mode: string] {
  const parts = text.split(":");
  const [source = "", target = "", mode = ""] = parts;
  // `/data:ro` is a volume without a name, and those take no mode.
  const isTargetAMode = parts.length === 2 && isMode(target);
  if (parts.length > 3 || source === "" || isTargetAMode) {
    refuse(text, `invalid volume specification: '${text}'`);
  }
  if (!isMode(mode)) refuse(text, `invalid mode: ${mode}`);
  if (parts.length === 1) refuseVolume(text);
  return [source, target, mode];
}

/** What is wrong with the target of a bind is said twice: about the string and about its part. */
function parseBindTarget(text: string, target: string): string {
  try {
    return parseTarget("bind", target);
  } catch (error) {
    const problem = error instanceof RuntimeError ? error.message : String(error);
    return refuse(text, `invalid volume specification: '${text}': ${problem}`, { cause: error });
  }
}

const PROPAGATIONS = ["private", "rprivate", "shared", "rshared", "slave", "rslave"] as const;

function isPropagation(word: string): word is Propagation {
  return (PROPAGATIONS as readonly string[]).includes(word);
}

/** Words of which a mode may hold one of each kind. */
const MODE_WORDS: readonly (readonly string[])[] = [
  ["ro", "rw"],
  ["z", "Z"],
  PROPAGATIONS,
  ["nocopy"],
  ["consistent", "cached", "delegated"],
];

/** Whether a text is a list of mode words, at most one of each kind. The empty text is one. */
export function isMode(text: string): boolean {
  if (text === "") return true;
  const kinds = text.split(",").map((word) => MODE_WORDS.findIndex((kind) => kind.includes(word)));
  return !kinds.includes(-1) && new Set(kinds).size === kinds.length;
}

/**
 * Checks one entry of `Mounts`.
 *
 * @throws RuntimeError `volume-invalid`, `feature-unsupported`
 */
export function parseMount(mount: MountRequest): MountSpec {
  if (mount.Type === "bind") return parseBindMount(mount);
  if (mount.Type === "tmpfs") return parseTmpfsMount(mount);
  if (mount.Type === "volume") refuseVolume(mount.Source || mount.Target);
  return refuseConfig(mount.Type, mount.Target, "mount type unknown");
}

function parseBindMount(mount: MountRequest): MountSpec {
  const { Source: source = "", BindOptions: options } = mount;
  const propagation = options?.Propagation || "rprivate";
  const containerPath = parseTarget("bind", mount.Target);
  if (source === "") refuseConfig("bind", mount.Target, "field Source must not be empty");
  if (!isPropagation(propagation)) {
    return refuseConfig("bind", mount.Target, `invalid propagation mode: ${propagation}`);
  }
  if (!source.startsWith("/")) {
    refuseConfig("bind", source, `invalid mount path: '${source}' mount path must be absolute`);
  }
  return {
    type: "bind",
    hostPath: cleanPath(source),
    containerPath,
    isReadOnly: mount.ReadOnly === true,
    isRecursive: options?.NonRecursive !== true,
    propagation,
    whenMissing: options?.CreateMountpoint === true ? "create" : "refuse",
    mode: "",
  };
}

function parseTmpfsMount(mount: MountRequest): MountSpec {
  if (mount.Source) refuseConfig("tmpfs", mount.Target, "field Source must not be specified");
  const { SizeBytes: size = 0, Mode: permissions = 0 } = mount.TmpfsOptions ?? {};
  const words = [
    ...(size > 0 ? [`size=${size}`] : []),
    ...(permissions > 0 ? [`mode=${permissions.toString(8)}`] : []),
  ];
  return {
    type: "tmpfs",
    containerPath: parseTarget("tmpfs", mount.Target),
    isReadOnly: mount.ReadOnly === true,
    options: parseTmpfsOptions(words.join(",")),
    isListed: true,
  };
}

function parseTmpfs(target: string, text: string): MountSpec {
  const options = parseTmpfsOptions(text);
  const containerPath = parseTarget("tmpfs", target);
  const isReadOnly = options.flags.includes("MS_RDONLY");
  return { type: "tmpfs", containerPath, isReadOnly, options, isListed: false };
}

function parseTarget(type: string, target: string): string {
  if (target === "") refuseConfig(type, target, "field Target must not be empty");
  if (!target.startsWith("/")) {
    refuseConfig(type, target, `invalid mount path: '${target}' mount path must be absolute`);
  }
  const clean = cleanPath(target);
  if (clean === "/") refuseConfig(type, target, "invalid specification: destination can't be '/'");
  return clean;
}

/** Refuses in Docker's words. */
export function refuse(
  subject: string,
  message: string,
  more: { readonly hint?: string; readonly cause?: unknown } = {},
): never {
  throw new RuntimeError({
    code: "volume-invalid",
    class: "invalid",
    operation: "check volumes",
    subject,
    message,
    hint: "Write -v /path/on/host:/path/in/container, with :ro at the end for read-only.",
    ...more,
  });
}

function refuseConfig(type: string, subject: string, problem: string): never {
  refuse(subject, `invalid mount config for type "${type}": ${problem}`);
}

function refuseVolume(subject: string): never {
  throw new RuntimeError({
    code: "feature-unsupported",
    class: "not-implemented",
    operation: "check volumes",
    subject,
    message: `named and anonymous volumes are not implemented in this version: "${subject}"`,
    hint: "Give a directory of the host instead: -v /path/on/host:/path/in/container",
  });
}
