/**
 * Global flags: what may stand before a command's name.
 *
 * Kernel interface: none.
 * Specification: docker CLI reference.
 * Invariants: none.
 * Left out: contexts, TLS.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Flag } from "./grammar.ts";
import { DEFAULT_HOST } from "./program.ts";

/** The flags before the command's name. */
export const GLOBAL_FLAGS: readonly Flag[] = [
  {
    name: "host",
    short: "H",
    kind: "string",
    help:
      "Address of the daemon (unix:///path or tcp://host:port); " +
      `else $DRYDOCK_HOST, else $DOCKER_HOST, else ${DEFAULT_HOST}`,
  },
  { name: "debug", short: "D", kind: "bool", help: "Print where an unexpected error came from" },
  { name: "version", short: "v", kind: "bool", help: "Print version information and quit" },
  { name: "help", kind: "bool", help: "Print help" },
];
