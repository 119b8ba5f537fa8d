/**
 * Global flags: what may stand before a command's name.
 *
 * Kernel interface: none.
 * Specification: docker CLI reference.
 * Invariants: none.
 * Left out: nothing.
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
  {
    name: "context",
    short: "c",
    kind: "string",
    help: "Context to use, as `context ls` shows them",
  },
  { name: "config", kind: "string", help: "Directory of contexts and certificates" },
  { name: "tls", kind: "bool", help: "Encrypt; implied by --tlsverify" },
  { name: "tlsverify", kind: "bool", help: "Encrypt, and check who the daemon is" },
  { name: "tlscacert", kind: "string", help: "Certificate of the authority to trust" },
  { name: "tlscert", kind: "string", help: "Certificate to show to the daemon" },
  { name: "tlskey", kind: "string", help: "Its key" },
  { name: "log-level", short: "l", kind: "string", help: "Accepted; there is no log to fill" },
  { name: "debug", short: "D", kind: "bool", help: "Print where an unexpected error came from" },
  { name: "version", short: "v", kind: "bool", help: "Print version information and quit" },
  { name: "help", kind: "bool", help: "Print help" },
];
