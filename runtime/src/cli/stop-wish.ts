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
import type { Query } from "./api.ts";
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

/** What was asked for; what was not is left to the container's own settings. */
export function stopQuery(flags: Flags): Query {
  return {
    ...(flags.changed("timeout") ? { t: flags.number("timeout") } : {}),
    ...(flags.changed("signal") ? { signal: flags.text("signal") } : {}),
  };
}
