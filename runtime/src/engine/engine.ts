/**
 * Engine: the one façade that the API calls.
 *
 * Nouns of the Docker Engine API as methods over plain data. Whoever implements a route needs only
 * this interface; whoever changes how containers work keeps it. All failures are `RuntimeError`s,
 * whose class is the HTTP status.
 *
 * Kernel interface: none of its own.
 * Specification: Docker Engine API v1.50.
 * Invariants: see `containers.ts`.
 * Left out: networks, named volumes, build, registries (later chapters).
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import type {
  Attached,
  AttachRequest,
  ContainerConfig,
  HostConfig,
  PathStat,
  ResourcesConfig,
} from "../container/index.ts";
import type { ExplainedCall, PlannedScript, PlannedStep, ProcessView } from "./told.ts";

/** Filters of a list call: name → values, from either of Docker's two encodings. */
export type Filters = Readonly<Record<string, readonly string[]>>;

/** What `POST /containers/create` carries. */
export interface CreateContainer {
  /** Without a leading slash; empty: generate one. */
  readonly name: string;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** As sent: endpoints by network name, kept for inspect. */
  readonly networkingConfig: Readonly<Record<string, unknown>>;
}

/** Options of `GET /containers/json`. */
export interface ListContainers {
  readonly all: boolean;
  /** 0: no limit. */
  readonly limit: number;
  readonly size: boolean;
  readonly filters: Filters;
}

/** Options of `GET /containers/{id}/logs`. Times in milliseconds since the epoch. */
export interface LogsRequest {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly sinceMs: number;
  /** Infinity: no end. */
  readonly untilMs: number;
  readonly timestamps: boolean;
  /** Last lines to show; Infinity: all. */
  readonly tail: number;
  readonly details: boolean;
}

/** Bytes for the client with how they are framed. */
export interface FramedStream {
  /** true: raw bytes of a terminal; false: Docker's 8-byte frames. */
  readonly raw: boolean;
  readonly stream: ReadableStream<Uint8Array>;
}

/** What `POST /containers/{id}/exec` carries. */
export interface CreateExec {
  readonly cmd: readonly string[];
  readonly env: readonly string[];
  readonly user: string;
  readonly workingDir: string;
  readonly tty: boolean;
  readonly privileged: boolean;
  readonly attachStdin: boolean;
  readonly attachStdout: boolean;
  readonly attachStderr: boolean;
  readonly detachKeys: string;
  readonly consoleSize: readonly [number, number];
}

/** As the container's user, where it says, with nobody who types and somebody who reads. */
export const PLAIN_EXEC: Omit<CreateExec, "cmd"> = {
  env: [],
  user: "",
  workingDir: "",
  tty: false,
  privileged: false,
  attachStdin: false,
  attachStdout: true,
  attachStderr: true,
  detachKeys: "",
  consoleSize: [0, 0],
};

/** How to stop a container; null: as the container says. */
export interface StopOptions {
  readonly signal: string | null;
  /** 0: kill at once; negative: wait for ever. */
  readonly timeoutSeconds: number | null;
}

/** Why a process will not hear that it is to stop. */
export interface StopAdvice {
  readonly signal: string;
  /** The name of the program. */
  readonly program: string;
  readonly fate: "ignored" | "dropped";
  /** For people: what is, and what to do about it. */
  readonly message: string;
  readonly hint: string;
}

/** Options of `GET /containers/{id}/stats`. */
export interface StatsRequest {
  /** One object a second, until nobody listens. */
  readonly stream: boolean;
  /** One object at once, without the sample that a rate would need. */
  readonly oneShot: boolean;
}

/** What `POST /containers/{id}/update` carries; zero and absent leave things as they are. */
export interface UpdateContainer {
  readonly resources: Partial<ResourcesConfig>;
  /** null: as it is. */
  readonly restartPolicy: HostConfig["RestartPolicy"] | null;
}

/** `GET /containers/{id}/wait`: when to answer. */
export type WaitCondition = "not-running" | "next-exit" | "removed";

/** Options of `GET /events`. Times in milliseconds since the epoch. */
export interface EventsRequest {
  /** null: only what comes from now on. */
  readonly sinceMs: number | null;
  /** Infinity: no end. */
  readonly untilMs: number;
  readonly filters: Filters;
}

/** A client's line to a process. */
export interface ProcessLine extends Attached {
  /** true: bytes of a terminal; false: Docker's frames. */
  readonly raw: boolean;
  /** The client typed the keys that detach it: leaves, and tells of it. */
  readonly detachByKeys: () => void;
}

/** The answer of `GET /containers/{id}/top`. */
export interface ProcessTable {
  readonly Titles: readonly string[];
  readonly Processes: readonly (readonly string[])[];
}

/** What `GET /system/df` can tell of. */
export type DiskUsageType = "container" | "image" | "volume" | "build-cache";

/** What `PUT /containers/{id}/archive` carries. */
export interface PutArchive {
  /** A directory of the container. */
  readonly path: string;
  /** Refuse to replace a directory by something else, and the other way round. */
  readonly keepTypes: boolean;
  /** Give everything to the container's user. */
  readonly copyOwner: boolean;
  /** A plain tar. */
  readonly archive: AsyncIterable<Uint8Array>;
}

/** What `POST /commit` carries. */
export interface CommitContainer {
  /** Name and tag; empty: no name. */
  readonly reference: string;
  readonly comment: string;
  readonly author: string;
  /** Lets the container stand still meanwhile. */
  readonly pause: boolean;
  /** Lines of a Dockerfile that change the configuration. */
  readonly changes: readonly string[];
  /** What is not empty in it is used instead of the container's. */
  readonly config: Partial<ContainerConfig> | null;
}

/** What `POST /images/create` with a source carries. */
export interface ImportImage {
  /** A plain tar. */
  readonly archive: Uint8Array;
  /** Name and tag; empty: no name. */
  readonly reference: string;
  readonly message: string;
  /** Lines of a Dockerfile that make the configuration. */
  readonly changes: readonly string[];
  /** `os[/architecture[/variant]]` for which the files are; empty: this machine's. */
  readonly platform: string;
}

/** What a prune would remove. */
export interface PrunePlan {
  readonly Containers: readonly {
    readonly Id: string;
    readonly Name: string;
    readonly Size: number;
  }[];
  readonly Images: readonly {
    readonly Id: string;
    readonly Names: readonly string[];
    readonly Size: number;
  }[];
  /** Layers that several images share count once. */
  readonly SpaceReclaimed: number;
}

/** A part of the disk and whose it is. */
export interface DiskEntry {
  readonly Kind: "image" | "layer" | "container" | "log" | "record" | "orphan";
  /** Names of images or of a container; empty for an orphan. */
  readonly Owner: string;
  readonly Path: string;
  /** Bytes in its files. */
  readonly Size: number;
}

/** Something on the disk that should not be so. */
export interface DiskProblem {
  readonly Path: string;
  readonly Problem: string;
  readonly Size: number;
  readonly IsRepaired: boolean;
}

/** A JSON object in the shape that the Docker Engine API gives it. */
export type ApiObject = Readonly<Record<string, unknown>>;

/** The engine as the API sees it. Container references are ids, unique id prefixes or names. */
export interface Engine {
  version(): ApiObject;
  info(): ApiObject;
  /** One JSON object a line. @throws RuntimeError filter-invalid */
  events(request: EventsRequest): ReadableStream<Uint8Array>;

  createContainer(
    request: CreateContainer,
  ): Promise<{ readonly id: string; readonly warnings: readonly string[] }>;
  planContainer(
    request: CreateContainer,
  ): Promise<{ readonly steps: readonly PlannedStep[]; readonly warnings: readonly string[] }>;
  /** The same as a script for a shell. @throws RuntimeError also feature-unsupported */
  scriptContainer(request: CreateContainer): Promise<PlannedScript>;
  /** @throws RuntimeError class not-modified when it runs already */
  startContainer(reference: string): Promise<void>;
  /** Class not-modified when it is stopped. */
  stopContainer(reference: string, options: StopOptions): Promise<void>;
  /** Why such a stop would take all of its time; null when nothing speaks for that. No effects. */
  stopAdvice(reference: string, options: StopOptions): Promise<StopAdvice | null>;
  restartContainer(reference: string, options: StopOptions): Promise<void>;
  killContainer(reference: string, signal: string): Promise<void>;
  /** Freezes every process. @throws RuntimeError container-paused, container-not-running */
  pauseContainer(reference: string): Promise<void>;
  /** @throws RuntimeError container-not-paused, container-not-running */
  unpauseContainer(reference: string): Promise<void>;
  removeContainer(
    reference: string,
    options: { readonly force: boolean; readonly volumes: boolean },
  ): Promise<void>;
  renameContainer(reference: string, name: string): Promise<void>;
  /**
   * Resolved at once; `done` follows when the condition holds, so the route can flush its headers
   * first.
   */
  waitContainer(
    reference: string,
    condition: WaitCondition,
  ): { readonly done: Promise<{ readonly exitCode: number; readonly error: string | null }> };
  listContainers(options: ListContainers): Promise<readonly ApiObject[]>;
  inspectContainer(reference: string, options: { readonly size: boolean }): Promise<ApiObject>;
  containerLogs(reference: string, request: LogsRequest): Promise<FramedStream>;
  /** `logs` replays the log first. */
  attachContainer(
    reference: string,
    request: Omit<AttachRequest, "id"> & { readonly logs: boolean; readonly stream: boolean },
  ): Promise<ProcessLine>;
  resizeContainer(reference: string, rows: number, columns: number): Promise<void>;
  /** Options are those of ps: `-ef`, `aux`, `-o pid,comm`. Needs a container that runs. */
  containerTop(reference: string, options: string): Promise<ProcessTable>;
  /** One JSON object a line. */
  containerStats(reference: string, request: StatsRequest): Promise<ReadableStream<Uint8Array>>;
  /** @throws RuntimeError resource-invalid, request-invalid; then nothing has changed */
  updateContainer(
    reference: string,
    request: UpdateContainer,
  ): Promise<{ readonly warnings: readonly string[] }>;
  /** Mounts more of the host; what runs is stopped for that and started again. */
  changeVolumes(
    reference: string,
    binds: readonly string[],
  ): Promise<{ readonly restarted: boolean }>;
  /** Removes what does not run. @throws RuntimeError filter-invalid */
  pruneContainers(filters: Filters): Promise<ApiObject>;
  /** Removes what no container was made from. @throws RuntimeError filter-invalid */
  pruneImages(filters: Filters): Promise<ApiObject>;
  /** What both would remove; null: nothing of this kind. @throws RuntimeError filter-invalid */
  planPrune(wish: {
    readonly containers: Filters | null;
    readonly images: Filters | null;
  }): Promise<PrunePlan>;
  diskUsage(types: readonly DiskUsageType[]): Promise<ApiObject>;
  /** Everything below the root, with its owner. */
  explainDisk(): Promise<readonly DiskEntry[]>;
  /** `repair` removes what is nobody's. */
  checkDisk(options: { readonly repair: boolean }): Promise<readonly DiskProblem[]>;
  /** @throws RuntimeError archive-path-not-found */
  statPath(reference: string, path: string): Promise<PathStat>;
  /** A path as a tar. @throws RuntimeError archive-path-not-found */
  getArchive(
    reference: string,
    path: string,
  ): Promise<{ readonly stat: PathStat; readonly stream: ReadableStream<Uint8Array> }>;
  /** @throws RuntimeError archive-path-not-found, archive-refused, layer-invalid */
  putArchive(reference: string, request: PutArchive): Promise<void>;
  /** The whole tree as a tar, without what is mounted into it. */
  exportContainer(reference: string): Promise<ReadableStream<Uint8Array>>;
  /** What differs from the image. */
  containerChanges(reference: string): Promise<readonly ApiObject[]>;
  /** Makes an image of what the container changed. */
  commitContainer(reference: string, request: CommitContainer): Promise<{ readonly id: string }>;
  journalOf(reference: string): Promise<readonly ExplainedCall[]>;
  /** What its first process sees and may do; null: the host. @throws container-not-running */
  viewProcess(reference: string | null): Promise<ProcessView>;
  /** What is known of how it came to be as it is; see `why.ts`. */
  whyContainer(reference: string): Promise<ApiObject>;

  createExec(reference: string, request: CreateExec): Promise<{ readonly id: string }>;
  startExec(
    execId: string,
    options: {
      readonly detach: boolean;
      readonly tty: boolean;
      readonly consoleSize: readonly [number, number];
    },
  ): Promise<ProcessLine | null>;
  resizeExec(execId: string, rows: number, columns: number): Promise<void>;
  inspectExec(execId: string): ApiObject;

  listImages(options: {
    readonly all: boolean;
    /** Also who uses each and what lies on the disk for it, which takes a walk over its layers. */
    readonly manifests: boolean;
    readonly filters: Filters;
  }): Promise<readonly ApiObject[]>;
  inspectImage(reference: string): Promise<ApiObject>;
  imageHistory(reference: string): Promise<readonly ApiObject[]>;
  /** @throws RuntimeError image-not-found, reference-invalid */
  tagImage(reference: string, name: string): Promise<void>;
  /** @returns what went: names and layers. @throws RuntimeError image-not-found, image-in-use */
  removeImage(
    reference: string,
    options: { readonly force: boolean },
  ): Promise<readonly ApiObject[]>;
  /** @throws RuntimeError reference-invalid, request-invalid, layer-invalid */
  importImage(request: ImportImage): Promise<{ readonly id: string }>;
  /**
   * There is no registry client yet; the embedded image is made again where it was removed.
   *
   * @throws RuntimeError image-pull-failed, unless the image is already here.
   */
  pullImage(reference: string): Promise<void>;
}
