/**
 * Attach: a client's line to the streams of a container's first process.
 *
 * Clients attach before they start a container, so that they miss nothing: the keeper holds the
 * line until the process is there. The log can be sent first; a line written at that very moment
 * comes once, since what was logged after the client attached is on the line.
 *
 * Kernel interface: none of its own.
 * Specification: Docker Engine API v1.50, ContainerAttach.
 * Invariants: none.
 * Left out: detach keys, which the API's route watches for.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { formatEntries, hasProcess, isWanted, readLog } from "../container/index.ts";
import type { Attached, AttachRequest } from "../container/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { ProcessLine } from "./engine.ts";
import { logFilesOf, streamOf } from "./logs.ts";

/** What to attach, and whether to send the log first, the streams, or both. */
export type AttachOptions = Omit<AttachRequest, "id"> & {
  readonly logs: boolean;
  readonly stream: boolean;
};

/** Attaches a client. */
export async function attachContainer(
  engine: EngineContext,
  container: Container,
  { logs, stream, ...wants }: AttachOptions,
): Promise<ProcessLine> {
  const raw = container.definition.config.Tty;
  await engine.keeper.ready;
  // A process that runs may end before the keeper hears of this client: it must not wait then.
  const ifAbsent = hasProcess(container.history.state) ? "end" : "wait";
  const live = stream
    ? await engine.keeper.current.attach({ id: container.id, ...wants, ifAbsent })
    : undefined;
  engine.events.tellContainer(container.definition, "attach");
  const attachedAtMs = engine.kernel.nowMs();
  const filter = { ...wants, sinceMs: 0, untilMs: attachedAtMs };
  const logged = async function* (): AsyncGenerator<Uint8Array> {
    for (const entries of readLog(logFilesOf(engine, container), null, null)) {
      const wanted = entries.filter((entry) => isWanted(entry, filter));
      yield formatEntries(wanted, { timestamps: false, raw });
    }
    if (live !== undefined) yield* live.output;
  };
  const line = live ?? NO_INPUT;
  return {
    ...line,
    detachByKeys: () => {
      engine.events.tellContainer(container.definition, "detach");
      line.detach();
    },
    output: logs || live === undefined ? streamOf(logged()) : live.output,
    raw,
  };
}

/** The line of a client that only wants to read what there is. */
export const NO_INPUT: Pick<Attached, "write" | "endInput" | "detach"> = {
  write: async () => undefined,
  endInput: () => undefined,
  detach: () => undefined,
};
