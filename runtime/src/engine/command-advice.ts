/**
 * Command advice: a start that failed for its command's sake is told with what its files say.
 *
 * Kernel interface: mount(2) of a container that does not run, for a moment; see `tree.ts`.
 * Specification: none.
 * Invariants: see `program-advice.ts`.
 * Left out: nothing.
 * Docs: docs/concepts/errors.md
 *
 * @module
 */

import { planEnvironment } from "../container/index.ts";
import type { ContainerConfig } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { architectureOf } from "../images/index.ts";
import { createContainerView } from "./container-view.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import { PLAIN_EXEC, type CreateExec } from "./engine.ts";
import { adviceFor, type FailedCommand } from "./program-advice.ts";
import { openTreeInLock } from "./tree.ts";

const ABOUT_COMMANDS: readonly unknown[] = ["command-not-found", "command-not-executable"];

/**
 * The same failure, with advice in the place of its hint where the container's files tell why.
 *
 * @param container runs, or the caller has its lock
 * @param exec whose command it was; absent: the container's own
 */
export async function withAdvice(
  engine: EngineContext,
  container: Container,
  failure: unknown,
  exec?: CreateExec,
): Promise<unknown> {
  if (!(failure instanceof RuntimeError) || !ABOUT_COMMANDS.includes(failure.code)) return failure;
  try {
    await using tree = await openTreeInLock(engine, container, "with-mounts");
    const about = failedCommand(engine, container.definition.config, failure.subject, exec);
    const lines = adviceFor(createContainerView(tree.kernel, tree.root), about);
    if (lines.length === 0) return failure;
    const { code, class: kind, message, operation, subject, errno } = failure;
    const hint = lines.join("\n");
    const told = { code, class: kind, message, operation, subject, errno, hint };
    return new RuntimeError({ ...told, cause: failure });
  } catch {
    // Who cannot look has nothing to add; what failed is told all the same.
    return failure;
  }
}

function failedCommand(
  { machine }: EngineContext,
  config: ContainerConfig,
  command = "",
  exec: CreateExec = { ...PLAIN_EXEC, cmd: [] },
): FailedCommand {
  const env = [...planEnvironment(config, false), ...exec.env];
  const path = env.findLast((variable) => variable.startsWith("PATH=")) ?? "";
  return {
    command,
    path: path.slice("PATH=".length),
    workingDir: exec.workingDir || config.WorkingDir || "/",
    user: exec.user || config.User,
    architecture: architectureOf(machine.uname.machine),
  };
}
