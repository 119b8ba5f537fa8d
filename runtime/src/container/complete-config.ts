/**
 * Complete configuration: what a client left open, the image says.
 *
 * An image carries a configuration too: command, environment, user, working directory. A client may
 * override each. The rules are Docker's, and one of them surprises: naming an entrypoint drops the
 * image's command, because the command is the entrypoint's arguments.
 *
 * Kernel interface: none.
 * Specification: OCI image-spec v1.1, config.md; Docker's merge of container and image
 *   configuration.
 * Invariants: none; `complete-config.test.ts` lists the cases.
 * Left out: health checks.
 * Docs: docs/concepts/container.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { ContainerConfig, HostConfig } from "./config.ts";
import type { HealthConfig } from "./health.ts";

/** What an image says about the containers made from it. */
export interface ImageDefaults {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Cmd: readonly string[] | null;
  readonly Entrypoint: readonly string[] | null;
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly Volumes: Readonly<Record<string, object>>;
  readonly StopSignal: string;
  readonly Healthcheck?: HealthConfig | null;
}

/**
 * The client's wishes over the image's defaults.
 *
 * @throws RuntimeError command-missing when neither names a command
 * @example completeConfig({ ...config, Cmd: null }, { ...image, Cmd: ["sh"] }).Cmd // ["sh"]
 */
export function completeConfig(config: ContainerConfig, image: ImageDefaults): ContainerConfig {
  const complete: ContainerConfig = {
    ...config,
    ...completeCommand(config, image),
    User: config.User || image.User,
    WorkingDir: config.WorkingDir || image.WorkingDir,
    StopSignal: config.StopSignal || image.StopSignal,
    Env: completeEnv(image.Env, config.Env),
    Labels: { ...image.Labels, ...config.Labels },
    ExposedPorts: { ...image.ExposedPorts, ...config.ExposedPorts },
    Volumes: { ...image.Volumes, ...config.Volumes },
    Healthcheck: mergeHealth(config.Healthcheck ?? null, image.Healthcheck ?? null),
  };
  if (argvOf(complete).length > 0) return complete;
  throw new RuntimeError({
    code: "command-missing",
    class: "invalid",
    message: "no command specified",
    operation: "create container",
    subject: config.Image,
    hint: "The image names no command: give one after the image's name.",
  });
}

/** What the client left open of a check is the image's. */
function mergeHealth(given: HealthConfig | null, image: HealthConfig | null): HealthConfig | null {
  if (given === null || image === null) return given ?? image;
  return {
    Test: given.Test.length > 0 ? given.Test : image.Test,
    Interval: given.Interval || image.Interval,
    Timeout: given.Timeout || image.Timeout,
    StartPeriod: given.StartPeriod || image.StartPeriod,
    StartInterval: given.StartInterval || image.StartInterval,
    Retries: given.Retries || image.Retries,
  };
}

/**
 * An entrypoint of the client's, also an empty one (`--entrypoint ""` comes as [""]), drops the
 * image's command.
 */
function completeCommand(
  config: ContainerConfig,
  image: ImageDefaults,
): Pick<ContainerConfig, "Entrypoint" | "Cmd"> {
  const { Entrypoint, Cmd } = config;
  if (Entrypoint !== null && Entrypoint.length > 0) {
    const isReset = Entrypoint.length === 1 && Entrypoint[0] === "";
    return { Entrypoint: isReset ? null : Entrypoint, Cmd };
  }
  const hasCommand = Cmd !== null && Cmd.length > 0;
  return { Entrypoint: image.Entrypoint, Cmd: hasCommand ? Cmd : image.Cmd };
}

/** What will be executed: the entrypoint, then the command as its arguments. */
export function argvOf(config: Pick<ContainerConfig, "Entrypoint" | "Cmd">): readonly string[] {
  return [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
}

/** The client's variables first, then those of the image that it did not name. */
function completeEnv(image: readonly string[], given: readonly string[]): readonly string[] {
  const named = new Set(given.map(nameOf));
  const own = mergeEnv([], given);
  return [...own, ...image.filter((variable) => !named.has(nameOf(variable)))];
}

/**
 * Variables of `over` replace those of `base` in place; new ones follow.
 *
 * @param base `NAME=value`
 * @param over `NAME=value`; a bare `NAME` removes
 * @example mergeEnv(["A=1", "B=2"], ["A=3", "C=4"]) // ["A=3", "B=2", "C=4"]
 */
export function mergeEnv(base: readonly string[], over: readonly string[]): readonly string[] {
  const merged = new Map(base.map((variable) => [nameOf(variable), variable]));
  for (const variable of over) {
    if (variable.includes("=")) merged.set(nameOf(variable), variable);
    else merged.delete(variable);
  }
  return [...merged.values()];
}

function nameOf(variable: string): string {
  const equals = variable.indexOf("=");
  return equals === -1 ? variable : variable.slice(0, equals);
}

/** Docker's size of /dev/shm. */
const SHM_BYTES = 64 << 20;

/**
 * What a client left open about this machine, in Docker's words for the defaults: so `inspect`
 * shows what holds instead of an empty text.
 *
 * @param cgroupVersion on 2 a container gets a cgroup namespace of its own, on 1 it keeps the
 *   host's
 * @example completeHostConfig(hostConfig, 2).CgroupnsMode // "private"
 */
export function completeHostConfig(hostConfig: HostConfig, cgroupVersion: 1 | 2): HostConfig {
  return {
    ...hostConfig,
    IpcMode: hostConfig.IpcMode || "private",
    CgroupnsMode: hostConfig.CgroupnsMode || (cgroupVersion === 2 ? "private" : "host"),
    ShmSize: hostConfig.ShmSize || SHM_BYTES,
    // As much swap again as there is memory: what cgroups take it for, shown by inspect.
    MemorySwap: hostConfig.MemorySwap || hostConfig.Memory * 2,
    LogConfig: { ...hostConfig.LogConfig, Type: hostConfig.LogConfig.Type || "json-file" },
  };
}
