/**
 * Rename: another name for the same container.
 *
 * Kernel interface: rename(2).
 * Specification: Docker Engine API v1.50, ContainerRename.
 * Invariants: see `names.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import { withContext } from "../kernel/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { checkName } from "./names.ts";
import { writeDefinition } from "./state-store.ts";

/**
 * Renames a container, also while it runs.
 *
 * @param wanted with or without a leading slash
 * @throws RuntimeError container-name-invalid, container-name-taken
 */
export async function renameContainer(
  engine: EngineContext,
  container: Container,
  wanted: string,
): Promise<void> {
  const name = wanted.replace(/^\//u, "");
  if (name === "") throw invalid("Neither old nor new names may be empty");
  checkName(name);
  if (name === container.name) {
    throw invalid("Renaming a container with the same name as its current name");
  }
  await engine.locks.run(container.id, async () => {
    engine.containers.requireThere(container);
    engine.containers.requireFree(name);
    const definition = { ...container.definition, name };
    const kernel = withContext(container.journal.kernel, {
      concept: "engine",
      operation: "rename container",
    });
    writeDefinition(kernel, container.files, definition, "durable");
    const oldName = `/${container.name}`;
    container.definition = definition;
    engine.events.tellContainer(definition, "rename", { oldName });
  });
}

function invalid(message: string): RuntimeError {
  return new RuntimeError({
    code: "container-name-invalid",
    class: "invalid",
    message,
    operation: "rename container",
    hint: "Give a name that no container has.",
  });
}
