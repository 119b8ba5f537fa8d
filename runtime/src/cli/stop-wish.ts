/**
 * Stop wish: how a container is to be ended, for stop and restart.
 *
 * Kernel interface: kill(2), by the daemon.
 * Specification: Docker Engine API v1.50, ContainerStop.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart, type Query } from "./api.ts";
import type { Context } from "./command.ts";
import type { Flag, Flags } from "./grammar.ts";

/** The flags of stop and restart. */
export const STOP_FLAGS: readonly Flag[] = [
  { name: "signal", short: "s", kind: "string", help: "Signal to send first" },
  {
    name: "timeout",
    short: "t",
    kind: "int",
    help: "Seconds to wait before SIGKILL; -1 to wait for ever",
  },
  { name: "time", kind: "int", aliasOf: "timeout", help: "" },
];

/**
 * Ends a container's process by a request, and says before why that will take long, if it will: on
 * standard error. Who asks when the signal has come sees what the process makes of it, and not
 * whether it would hear it.
 */
export async function stopBy(
  act: "stop" | "restart",
  { api, console }: Context,
  flags: Flags,
  name: string,
): Promise<void> {
  const [path, query] = [`/containers/${pathPart(name)}`, stopQuery(flags)];
  const call = { method: "GET", path: `/drydock${path}/stop-advice`, query } as const;
  // Another daemon knows no such path, and a container that is gone needs no advice.
  const advice = await api.json<Advice | null>(call).catch(() => null);
  if (advice !== null) console.err.write(`${advice.message}\n${advice.hint}\n`);
  await api.json<undefined>({ method: "POST", path: `${path}/${act}`, query });
}

interface Advice {
  readonly message: string;
  readonly hint: string;
}

/** What was asked for; what was not is left to the container's own settings. */
function stopQuery(flags: Flags): Query {
  return {
    ...(flags.changed("timeout") ? { t: flags.number("timeout") } : {}),
    ...(flags.changed("signal") ? { signal: flags.text("signal") } : {}),
  };
}
