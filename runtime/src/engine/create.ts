/**
 * Create: from a request to a container that could be started.
 *
 * Everything that can be known to be wrong is refused here, before anything exists. Then the
 * container's directory is made: its writable layer, the files that name hosts, and as the last
 * step the definition, whose rename is the instant at which the container exists.
 *
 * Kernel interface: mkdir(2), rename(2), getrandom(2).
 * Specification: Docker Engine API v1.50, ContainerCreate.
 * Invariants: see `state-store.ts` and `engine.ts`.
 * Left out: volumes that an image declares; the client is warned.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { checkResources, checkSettings, readUnweighable } from "../cgroups/index.ts";
import {
  completeConfig,
  completeHostConfig,
  parseSignal,
  planHealth,
  rotationOf,
} from "../container/index.ts";
import type { ContainerConfig, HealthConfig, HostConfig } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { ensureUnpacked, findImage } from "../images/index.ts";
import type { Image, ImageRunConfig } from "../images/index.ts";
import { KernelError, withContext } from "../kernel/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { layerDiff, makeWritableLayer } from "../layers/index.ts";
import { normalizeCapabilities, parseSecurityOptions } from "../security/index.ts";
import { originalErrorOf, UndoStack } from "../undo/index.ts";
import { checkSources, inheritMounts, parseMountSpecs, reachSources } from "../volumes/index.ts";
import type { MountSpec } from "../volumes/index.ts";
import { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import type { CreateContainer } from "./engine.ts";
import { openJournal } from "./journal.ts";
import { textOr } from "./look.ts";
import { prepareSoon } from "./prepare.ts";
import { checkName, generateName } from "./names.ts";
import { hostsFile, networkWarnings, resolvConf, sharesNetwork } from "./networks.ts";
import { cgroupVersion, namespaceModes } from "./plan-facts.ts";
import { NEW_HISTORY } from "./record.ts";
import type { Definition } from "./record.ts";
import { filesOf, writeDefinition } from "./state-store.ts";
import type { ContainerFiles } from "./state-store.ts";

const ID_BYTES = 32;
const SHORT_ID = 12;
/** Three bytes for each try at a name. */
const NAME_BYTES = 24;
/** `local` is Docker's newer format for the same; its files are json-file's here. */
const LOG_DRIVERS = ["", "json-file", "local", "none"];

/** A request that was found to be possible. */
export interface Accepted {
  readonly definition: Definition;
  readonly image: Image;
  readonly mounts: readonly MountSpec[];
  readonly warnings: readonly string[];
}

/**
 * Makes a container.
 *
 * @throws RuntimeError as `acceptRequest` does; whatever fails, nothing is left
 */
export async function createContainer(
  engine: EngineContext,
  request: CreateContainer,
): Promise<{ readonly id: string; readonly warnings: readonly string[] }> {
  const accepted = acceptRequest(engine, await reached(engine, request));
  try {
    await make(engine, accepted);
  } catch (error) {
    throw creationFailed(engine, accepted.definition, error);
  }
  return { id: accepted.definition.id, warnings: accepted.warnings };
}

/**
 * A request whose bind sources can be asked for without being held up.
 *
 * @throws RuntimeError volume-unreachable
 */
export async function reached(
  { kernel }: EngineContext,
  request: CreateContainer,
): Promise<CreateContainer> {
  const { Binds, Mounts } = request.hostConfig;
  if (Binds.length + Mounts.length > 0) await reachSources(kernel, specsOrNone(request));
  return request;
}

/** What is wrong with them is said in its turn. */
function specsOrNone({ hostConfig }: CreateContainer): readonly MountSpec[] {
  try {
    return parseMountSpecs(hostConfig);
  } catch {
    return [];
  }
}

async function make(engine: EngineContext, accepted: Accepted): Promise<void> {
  const { definition, image, mounts } = accepted;
  const files = filesOf(engine.root, definition.id);
  const journal = openJournal(engine, files.journal, definition.id);
  await using undo = new UndoStack();
  undo.push("close journal", () => journal.close());
  const kernel = withContext(journal.kernel, { operation: "create container" });
  ensureUnpacked({ ...engine.images, kernel }, engine.layers, image);
  makeFiles(engine, withContext(kernel, { concept: "layers" }), { definition, files }, undo);
  const durability = definition.hostConfig.AutoRemove ? "lasting" : "durable";
  writeDefinition(withContext(kernel, { concept: "engine" }), files, definition, durability);
  const container = new Container({ definition, history: NEW_HISTORY, files, journal, mounts });
  engine.containers.add(container);
  undo.commit();
  prepareSoon(engine, container);
  engine.events.tellContainer(definition, "create");
}

/**
 * Checks a request and completes it. Has no effects.
 *
 * @param image to make it from; by default the one that the request names
 * @throws RuntimeError image-not-found, command-missing, container-name-taken, resource-invalid and
 * what else can be wrong with a request, in Docker's words
 */
export function acceptRequest(
  engine: EngineContext,
  request: CreateContainer,
  image = findImage(engine.images, request.config.Image),
): Accepted {
  const { containers, kernel, machine } = engine;
  const { hostConfig, dropped } = withoutVainWeights(engine, request.hostConfig);
  if (request.name !== "") {
    checkName(request.name);
    containers.requireFree(request.name);
  }
  const warnings = checkHostConfig(engine, hostConfig);
  const config = completeConfig(request.config, imageDefaults(image.config.config));
  if (config.StopSignal !== "") parseSignal(config.StopSignal);
  requireDonors(engine, hostConfig);
  const inheritedMounts = inheritMounts(
    hostConfig.VolumesFrom ?? [],
    (name) => findNamed(engine, name, "--volumes-from").mounts,
  );
  const mounts = parseMountSpecs(hostConfig, inheritedMounts);
  checkSources(kernel, mounts);
  checkSettings(machine.cgroupParent, hostConfig.CgroupConf ?? {});
  const limits = checkResources(hostConfig, machine.cgroupParent.support, "create");
  const id = newId(kernel, (taken) => containers.get(taken) !== undefined);
  const name =
    request.name === ""
      ? generateName(kernel.random(NAME_BYTES), (taken) => containers.hasName(taken))
      : request.name;
  const definition: Definition = {
    id,
    name,
    createdAtMs: kernel.nowMs(),
    imageId: image.id,
    config: { ...config, Hostname: hostnameOf(engine, config, hostConfig, id) },
    hostConfig: completeHostConfig(hostConfig, cgroupVersion(engine)),
    ...(inheritedMounts.length === 0 ? {} : { inheritedMounts }),
    networkingConfig: request.networkingConfig,
    layers: image.chain,
  };
  return {
    definition,
    image,
    mounts,
    warnings: [
      ...warnings,
      ...limits.warnings,
      ...dropped,
      ...volumeWarnings(config, mounts),
      ...policyWarnings(config, hostConfig),
    ],
  };
}

/** A weight counts only on a disk whose scheduler knows it: others are dropped with a warning. */
function withoutVainWeights(
  { kernel, machine }: EngineContext,
  hostConfig: HostConfig,
): { readonly hostConfig: HostConfig; readonly dropped: readonly string[] } {
  const { BlkioWeightDevice: wanted } = hostConfig;
  const paths = wanted.map(({ Path }) => Path);
  const vain = readUnweighable(kernel, machine.cgroupParent, paths);
  if (vain.length === 0) return { hostConfig, dropped: [] };
  return {
    hostConfig: {
      ...hostConfig,
      BlkioWeightDevice: wanted.filter(({ Path }) => !vain.includes(Path)),
    },
    dropped: vain.map(
      (path) =>
        `The scheduler of ${path} does not support Block I/O weight. Weight-device discarded.`,
    ),
  };
}

/** That one is missing is no 404 of create: clients take that for a missing image. */
/** Docker looks at two kinds of donors now, and at all three when the container starts. */
function requireDonors(engine: EngineContext, { IpcMode, PidMode }: HostConfig): void {
  const modes = { "--ipc": IpcMode, "--pid": PidMode };
  for (const [flag, mode] of Object.entries(modes)) {
    const [, name] = /^container:(.+)$/u.exec(mode) ?? [];
    if (name !== undefined) findNamed(engine, name, flag);
  }
}

/** Another container that a request names: without it, the request is wrong. */
function findNamed({ containers }: EngineContext, name: string, flag: string): Container {
  try {
    return containers.find(name);
  } catch (cause) {
    if (!(cause instanceof RuntimeError) || cause.class !== "not-found") throw cause;
    throw refuse(cause.message, `${flag} names a container that must exist: see drydock ps -a.`);
  }
}

/** @returns warnings: what was asked for and is not acted on */
function checkHostConfig(engine: EngineContext, hostConfig: HostConfig): readonly string[] {
  const restart = hostConfig.RestartPolicy.Name;
  const restarts = restart !== "" && restart !== "no";
  if (hostConfig.AutoRemove && restarts) {
    throw refuse(
      "can't create 'AutoRemove' container with restart policy",
      "A container either is removed when it ends or runs again: drop --rm or --restart.",
    );
  }
  if (!LOG_DRIVERS.includes(hostConfig.LogConfig.Type)) {
    const driver = hostConfig.LogConfig.Type;
    throw refuse(
      `logger: no log driver named '${driver}' is registered`,
      "Use json-file, local or none.",
    );
  }
  rotationOf(hostConfig.LogConfig);
  checkModes(engine, hostConfig);
  normalizeCapabilities(hostConfig.CapAdd, "CapAdd");
  normalizeCapabilities(hostConfig.CapDrop, "CapDrop");
  return [...parseSecurityOptions(hostConfig.SecurityOpt).warnings, ...networkWarnings(hostConfig)];
}

/**
 * A network, or a container to join, need not exist before the start: so it is with Docker, whose
 * CLI takes a "not found" of create for a missing image.
 */
function checkModes(engine: EngineContext, hostConfig: HostConfig): void {
  try {
    namespaceModes(engine, hostConfig);
  } catch (error) {
    if (!(error instanceof RuntimeError) || error.class !== "not-found") throw error;
  }
}

function volumeWarnings(config: ContainerConfig, mounts: readonly MountSpec[]): readonly string[] {
  const mounted = new Set(mounts.map(({ containerPath }) => containerPath));
  return Object.keys(config.Volumes)
    .filter((path) => !mounted.has(path))
    .map(
      (path) =>
        `The anonymous volume ${path} is not made yet: what is written there goes to the ` +
        "container's own layer and is removed with it.",
    );
}

function policyWarnings(config: ContainerConfig, hostConfig: HostConfig): readonly string[] {
  const { Name } = hostConfig.RestartPolicy;
  if (Name !== "on-unhealthy" || planHealth(config.Healthcheck ?? null) !== null) return [];
  return ["Restart policy on-unhealthy without a health check: it restarts only what fails."];
}

function refuse(message: string, hint: string): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message,
    operation: "create container",
    hint,
  });
}

/** The kernel refused, or a layer could not be unpacked; what could not be undone is told apart. */
function creationFailed(engine: EngineContext, { id }: Definition, failure: unknown): unknown {
  const error = originalErrorOf(failure);
  if (error !== failure)
    notice(engine, `Container ${id} was not created, but left traces`, failure);
  if (!(error instanceof KernelError)) return error;
  return new RuntimeError({
    code: "kernel-call-failed",
    class: "internal",
    message: `Cannot create container: ${error.message}`,
    operation: "create container",
    subject: error.subject,
    errno: error.errno,
    hint: "ENOSPC: df shows which disk is full. EROFS, EACCES: look at the engine's root.",
    cause: error,
  });
}

function newId(kernel: Kernel, isTaken: (id: string) => boolean): string {
  for (;;) {
    const bytes = kernel.random(ID_BYTES);
    const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    // Docker avoids short ids that are all digits: programs take those for numbers.
    if (!isTaken(id) && !/^\d+$/u.test(id.slice(0, SHORT_ID))) return id;
  }
}

function hostnameOf(
  engine: EngineContext,
  config: ContainerConfig,
  hostConfig: HostConfig,
  id: string,
): string {
  if (config.Hostname !== "") return config.Hostname;
  const isHost = hostConfig.NetworkMode === "host" || hostConfig.UTSMode === "host";
  return isHost ? engine.machine.uname.nodename : id.slice(0, SHORT_ID);
}

/** An image may leave any field out. */
function completeHealth(given: Partial<HealthConfig> | undefined): HealthConfig | null {
  return given === undefined ? null : { ...NO_HEALTH, ...given };
}

const NO_HEALTH: HealthConfig = {
  Test: [],
  Interval: 0,
  Timeout: 0,
  StartPeriod: 0,
  StartInterval: 0,
  Retries: 0,
};

function imageDefaults(config: ImageRunConfig): Parameters<typeof completeConfig>[1] {
  return {
    User: config.User ?? "",
    Env: config.Env ?? [],
    Cmd: config.Cmd ?? null,
    Entrypoint: config.Entrypoint ?? null,
    WorkingDir: config.WorkingDir ?? "",
    Labels: config.Labels ?? {},
    ExposedPorts: config.ExposedPorts ?? {},
    Volumes: config.Volumes ?? {},
    StopSignal: config.StopSignal ?? "",
    Healthcheck: completeHealth(config.Healthcheck),
  };
}

function makeFiles(
  engine: EngineContext,
  kernel: Kernel,
  made: { readonly definition: Definition; readonly files: ContainerFiles },
  undo: UndoStack,
): void {
  const { definition, files } = made;
  const { hostConfig, layers } = definition;
  const top = layers.at(-1);
  if (top === undefined) throw new Error("bug: an image without layers was accepted");
  makeWritableLayer(kernel, files.directory, layerDiff(engine.layers, top), undo);
  kernel.mkdir(files.rootfs, 0o755);
  if (hostConfig.IpcMode === "shareable") kernel.mkdir(files.sharedMemory, 0o1777);
  for (const { path, text } of nameTexts(kernel, definition, files)) {
    kernel.writeFile(path, text, "create");
  }
}

/** The files that name hosts and servers to a container; none where it has those of another. */
export function nameTexts(
  kernel: Kernel,
  { config, hostConfig }: Definition,
  files: ContainerFiles,
): readonly { readonly path: string; readonly text: string }[] {
  if (sharesNetwork(hostConfig)) return [];
  // With the host's network a container has the host's names too.
  const hosts = hostConfig.NetworkMode === "host" ? textOr(kernel, "/etc/hosts") : "";
  const servers = textOr(kernel, "/etc/resolv.conf");
  return [
    { path: files.hostname, text: `${config.Hostname}\n` },
    { path: files.hosts, text: hostsFile(config.Hostname, hostConfig, hosts) },
    { path: files.resolvConf, text: resolvConf(servers, hostConfig) },
  ];
}
