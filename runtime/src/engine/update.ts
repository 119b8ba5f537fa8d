/**
 * Update: other limits for a container that exists, also while it runs.
 *
 * A limit is a number in a file of the cgroup: writing another one is all. What is not asked for
 * stays. The definition is written after the kernel has agreed, so a limit that is shown is one
 * that holds.
 *
 * Kernel interface: cgroups(7).
 * Specification: Docker Engine API v1.50, ContainerUpdate.
 * Invariants: see `cgroups/apply.ts`, update-is-atomic.
 * Left out: devices, which Docker cannot change either.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { checkResources, updateCgroup } from "../cgroups/index.ts";
import { hasProcess } from "../container/index.ts";
import type { HostConfig } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { withContext } from "../kernel/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { UpdateContainer } from "./engine.ts";
import { cgroupParentOf } from "./plan-facts.ts";
import { writeDefinition } from "./state-store.ts";

/**
 * Changes limits and restart policy; when it fails, nothing has changed.
 *
 * @throws RuntimeError resource-invalid, request-invalid, cgroup-unavailable
 */
export async function updateContainer(
  engine: EngineContext,
  container: Container,
  request: UpdateContainer,
): Promise<{ readonly warnings: readonly string[] }> {
  return engine.locks.run(container.id, async () => {
    requireUpdatable(container, request);
    const { definition, cgroup, history } = container;
    const { limits, warnings } = checkResources(
      request.resources,
      engine.machine.cgroupParent.support,
      "update",
    );
    const hostConfig = updatedConfig(definition.hostConfig, request);
    checkResources(hostConfig, engine.machine.cgroupParent.support, "update");
    const kernel = withContext(container.journal.kernel, {
      concept: "cgroups",
      operation: "update container",
    });
    if (cgroup !== null && hasProcess(history.state)) {
      const parent = cgroupParentOf(engine, definition.hostConfig);
      sayWhose(definition.id, () => updateCgroup(kernel, parent, cgroup, limits));
    }
    const updated = { ...definition, hostConfig };
    writeDefinition(kernel, container.files, updated, "durable");
    container.definition = updated;
    engine.events.tellContainer(updated, "update");
    return { warnings };
  });
}

function sayWhose(id: string, update: () => void): void {
  try {
    update();
  } catch (cause) {
    if (!(cause instanceof RuntimeError)) throw cause;
    const { code, operation, subject, errno, hint } = cause;
    const message = `Cannot update container ${id}: ${cause.message}`;
    const parts = { code, class: cause.class, operation, subject, errno, hint };
    throw new RuntimeError({ ...parts, message, cause });
  }
}

/**
 * A host configuration with what was asked for changed. Pure.
 *
 * @example updatedConfig(config, { resources: { Memory: 2 ** 26 }, restartPolicy: null }).Memory
 */
export function updatedConfig(before: HostConfig, request: UpdateContainer): HostConfig {
  const { resources, restartPolicy } = request;
  const asked = Object.fromEntries(Object.entries(resources).filter(([, value]) => isAsked(value)));
  return {
    ...before,
    ...asked,
    ...(restartPolicy === null ? {} : { RestartPolicy: restartPolicy }),
  };
}

/** Go's empty values are "not said"; no process limit is said by 0 or -1, unlike the absence. */
function isAsked(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== 0 && value !== "" && value !== false;
}

function requireUpdatable({ definition, history }: Container, request: UpdateContainer): void {
  const { hostConfig, id } = definition;
  if (history.state.status === "removing" || history.state.status === "dead") {
    throw refuse(id, 'container is marked for removal and cannot be "update"');
  }
  const policy = request.restartPolicy?.Name ?? "no";
  if (hostConfig.AutoRemove && policy !== "no") {
    throw refuse(
      id,
      "Restart policy cannot be updated because AutoRemove is enabled for the container",
    );
  }
  const conflict = CONFLICTS.find(({ holds }) => holds(request.resources, hostConfig));
  if (conflict !== undefined) throw refuse(id, conflict.message);
}

type Asked = UpdateContainer["resources"];

const isSet = (value: number | undefined): value is number => value !== undefined && value > 0;

/** What cannot go together with what was set before, in Docker's words. */
const CONFLICTS: readonly {
  readonly holds: (asked: Asked, before: HostConfig) => boolean;
  readonly message: string;
}[] = [
  {
    holds: ({ CpuQuota, CpuPeriod }, before) =>
      (isSet(CpuQuota) || isSet(CpuPeriod)) && before.NanoCpus > 0,
    message: "Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set",
  },
  {
    holds: ({ NanoCpus }, before) => isSet(NanoCpus) && before.CpuPeriod > 0,
    message: "Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set",
  },
  {
    holds: ({ NanoCpus }, before) => isSet(NanoCpus) && before.CpuQuota > 0,
    message: "Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set",
  },
  {
    holds: ({ Memory, MemorySwap }, before) =>
      isSet(Memory) && !MemorySwap && before.MemorySwap > 0 && Memory > before.MemorySwap,
    message:
      "Memory limit should be smaller than already set memoryswap limit, " +
      "update the memoryswap at the same time",
  },
];

function refuse(id: string, why: string): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message: `Cannot update container ${id}: ${why}`,
    operation: "update container",
    hint: "See drydock inspect for what holds now.",
  });
}
