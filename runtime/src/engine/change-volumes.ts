/**
 * Change volumes: other directories of the host for a container that exists.
 *
 * What is mounted is decided when a process starts, in the mount namespace that is made for it. So
 * a container that runs is stopped and started again. All else is its own and stays: its id and
 * name, its writable layer, its log. When it does not start with the new mounts, it gets back the
 * old ones, and is started with those.
 *
 * Kernel interface: mount_namespaces(7).
 * Specification: none; Docker has no such request.
 * Invariants: none.
 * Left out: taking a mount away; a start of the old definition that fails too is told by the state.
 * Docs: docs/concepts/volumes.md
 *
 * @module
 */

import { hasProcess } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { withContext } from "../kernel/index.ts";
import { checkSources, parseMountSpecs, reachSources } from "../volumes/index.ts";
import type { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import type { Definition } from "./record.ts";
import { forgetRestarts } from "./restart.ts";
import { startUnderLock } from "./start.ts";
import { writeDefinition } from "./state-store.ts";
import { stopProcess } from "./stop.ts";

/** The container's own ways to stop. */
const AS_IT_WANTS = { signal: null, timeoutSeconds: null };

/**
 * Mounts more, or others where something of the same place was mounted.
 *
 * @param binds as `HostConfig.Binds` has them
 * @returns whether it was stopped and started for that
 * @throws RuntimeError volume-invalid, volume-unreachable, request-invalid, and whatever the start
 *   failed with
 */
export async function changeVolumes(
  engine: EngineContext,
  container: Container,
  binds: readonly string[],
): Promise<{ readonly restarted: boolean }> {
  // A server that is gone holds up who asked, and nobody else.
  await reachSources(engine.kernel, parseMountSpecs({ Binds: binds }));
  return engine.locks.run(container.id, async () => {
    requireChangeable(container);
    const before = container.definition;
    const after = withBinds(before, binds);
    checkSources(engine.kernel, mountsOf(after));
    const restarted = hasProcess(container.history.state);
    container.isKeptAfterExit = true;
    try {
      if (restarted) {
        await stopProcess(engine, container, AS_IT_WANTS);
        engine.events.tellContainer(before, "stop");
      }
      install(container, after);
      if (restarted) await startAgain(engine, container, before);
    } finally {
      container.isKeptAfterExit = false;
    }
    engine.events.tellContainer(after, "update");
    return { restarted };
  });
}

async function startAgain(
  engine: EngineContext,
  container: Container,
  before: Definition,
): Promise<void> {
  forgetRestarts(container);
  try {
    await startUnderLock(engine, container);
  } catch (error) {
    install(container, before);
    await startUnderLock(engine, container).catch((failure: unknown) =>
      notice(engine, `Cannot start ${container.id} as it was before`, failure),
    );
    throw error;
  }
  engine.events.tellContainer(container.definition, "restart");
}

function install(container: Container, definition: Definition): void {
  const context = { concept: "volumes", operation: "change volumes" } as const;
  const kernel = withContext(container.journal.kernel, context);
  writeDefinition(kernel, container.files, definition, "durable");
  container.definition = definition;
  container.mounts = mountsOf(definition);
}

function mountsOf({ hostConfig, inheritedMounts }: Definition): Container["mounts"] {
  return parseMountSpecs(hostConfig, inheritedMounts);
}

/** What is bound to the same place gives way. Pure. */
function withBinds(definition: Definition, binds: readonly string[]): Definition {
  const target = (text: string) => parseMountSpecs({ Binds: [text] })[0]?.containerPath;
  const taken = new Set(binds.map(target));
  const { hostConfig } = definition;
  const others = hostConfig.Binds.filter((text) => !taken.has(target(text)));
  return { ...definition, hostConfig: { ...hostConfig, Binds: [...others, ...binds] } };
}

function requireChangeable({ id, history }: Container): void {
  const { status } = history.state;
  if (status !== "removing" && status !== "dead") return;
  throw new RuntimeError({
    code: "request-invalid",
    class: "conflict",
    message: `Cannot update container ${id}: it is marked for removal`,
    operation: "change volumes",
    subject: id,
  });
}
