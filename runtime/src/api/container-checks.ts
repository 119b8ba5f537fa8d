/**
 * Container checks: values of the right kind that still cannot be meant.
 *
 * The schema knows kinds (a number, a list of texts); here is what a number or a text may say. What
 * depends on this machine (how many CPUs there are, which capabilities exist) is the engine's to
 * judge. Wordings are Docker's where it has one.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, HostConfig; path_resolution(7).
 * Invariants: none.
 * Left out: the addresses of --dns, which the container's own resolver refuses.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import type { ContainerConfig, HostConfig } from "../container/index.ts";
import { invalidRequest, notImplemented } from "./failure.ts";

/** HOST_NAME_MAX of Linux, which sethostname(2) and setdomainname(2) go by. */
const NAME_LIMIT_BYTES = 64;
const OOM_SCORE_LIMIT = 1000;
/** The last one is ours. */
const RESTART_POLICIES = ["no", "always", "on-failure", "unless-stopped", "on-unhealthy"];
const COUNTING_POLICIES = ["on-failure", "on-unhealthy"];
const RUNTIMES = ["", "drydock", "runc", "io.containerd.runc.v2"];

/**
 * Checks a complete configuration.
 *
 * @throws RuntimeError request-invalid with what is wrong, feature-unsupported
 */
export function checkContainer(config: ContainerConfig, hostConfig: HostConfig): void {
  checkNames(config);
  if (hostConfig.UTSMode === "host" && config.Hostname !== "") {
    throw invalidRequest("conflicting options: hostname and the UTS mode");
  }
  if (config.Healthcheck) checkHealth(config.Healthcheck);
  checkRestartPolicy(hostConfig.RestartPolicy);
  checkExtraHosts(hostConfig.ExtraHosts);
  if (hostConfig.ShmSize < 0) throw invalidRequest("SHM size can not be less than 0");
  if (Math.abs(hostConfig.OomScoreAdj) > OOM_SCORE_LIMIT) {
    throw invalidRequest(
      `Invalid value ${hostConfig.OomScoreAdj}, range for oom score adj is [-1000, 1000]`,
    );
  }
}

const DEFAULT_NETWORKS = ["default", "bridge", "none", "host"];

/**
 * Addresses of a client's own choice need a network of a user's own, whose subnet is known.
 *
 * @throws RuntimeError request-invalid
 */
export function checkEndpoints(endpoints: Readonly<Record<string, unknown>>): void {
  for (const [network, endpoint] of Object.entries(endpoints)) {
    const { IPAMConfig = null } = (endpoint ?? {}) as { readonly IPAMConfig?: object | null };
    const { IPv4Address = "", IPv6Address = "" } = (IPAMConfig ?? {}) as Record<string, unknown>;
    const isAsked = IPv4Address !== "" || IPv6Address !== "";
    if (!isAsked || !DEFAULT_NETWORKS.includes(network)) continue;
    throw invalidRequest(
      `invalid config for network ${network}: invalid endpoint settings:\n` +
        "user specified IP address is supported on user defined networks only",
    );
  }
}

function checkNames({ Hostname, Domainname, WorkingDir }: ContainerConfig): void {
  for (const name of [Hostname, Domainname]) {
    if (new TextEncoder().encode(name).length <= NAME_LIMIT_BYTES) continue;
    throw invalidRequest(
      `invalid host or domain name: ${name.slice(0, NAME_LIMIT_BYTES)}... is too long`,
      `Linux takes up to ${NAME_LIMIT_BYTES} bytes.`,
    );
  }
  if (WorkingDir !== "" && !WorkingDir.startsWith("/")) {
    throw invalidRequest(
      `the working directory '${WorkingDir}' is invalid, it needs to be an absolute path`,
    );
  }
}

const SHORTEST_NS = 1_000_000;

/** Zero says nothing: then it is the image's, or the default. */
function checkHealth(health: NonNullable<ContainerConfig["Healthcheck"]>): void {
  for (const field of ["Interval", "Timeout", "StartPeriod", "StartInterval"] as const) {
    if (health[field] === 0 || health[field] >= SHORTEST_NS) continue;
    throw invalidRequest(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if (health.Retries < 0) throw invalidRequest("Retries in Healthcheck cannot be negative");
}

/** @throws RuntimeError request-invalid */
export function checkRestartPolicy({ Name, MaximumRetryCount }: HostConfig["RestartPolicy"]): void {
  if (!RESTART_POLICIES.includes(Name)) {
    throw invalidRequest(
      `invalid restart policy: unknown policy '${Name}'; use one of 'no', 'always', ` +
        "'on-failure', or 'unless-stopped'",
      "Drydock has one more: 'on-unhealthy'.",
    );
  }
  if (MaximumRetryCount < 0) {
    throw invalidRequest("invalid restart policy: maximum retry count cannot be negative");
  }
  if (MaximumRetryCount > 0 && !COUNTING_POLICIES.includes(Name)) {
    throw invalidRequest(
      "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    );
  }
}

function checkExtraHosts(hosts: readonly string[]): void {
  for (const host of hosts) {
    const [, address] = /^[^:\s]+:(\S+)$/.exec(host) ?? [];
    if (address === "host-gateway") {
      throw notImplemented(
        `Drydock cannot do this yet: ${host} needs a bridge, whose address it would be`,
        "Leave --add-host out, or give an address.",
      );
    }
    if (address === undefined || !/^[\d.]+$|^\[?[\da-f:.]*:[\da-f:.]*\]?$/i.test(address)) {
      throw invalidRequest(`bad format for add-host: "${host}"`, "Write NAME:ADDRESS.");
    }
  }
}

/** @throws RuntimeError request-invalid when another program should run the container */
export function checkRuntime(name: string): void {
  if (RUNTIMES.includes(name)) return;
  throw invalidRequest(
    `unknown or invalid runtime name: ${name}`,
    "Drydock runs containers itself; leave --runtime out.",
  );
}
