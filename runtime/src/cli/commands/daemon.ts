/**
 * Command daemon: run the engine.
 *
 * Kernel interface: socket(2), listen(2), by the daemon.
 * Specification: dockerd reference, for the names of options.
 * Invariants: none.
 * Left out: options of dockerd that need networks or registries.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { ANY } from "../command.ts";
import { Failure } from "../failure.ts";
import type { Flag } from "../grammar.ts";

/** The daemon reads its words itself; this table is for help and completion. */
const FLAGS: readonly Flag[] = [
  { name: "root", kind: "string", initial: "/var/lib/drydock", help: "Where state is kept" },
  { name: "data-root", kind: "string", help: "dockerd's name for --root" },
  {
    name: "host",
    short: "H",
    kind: "list",
    help: "Address to serve, unix:///PATH or tcp://ADDRESS:PORT (default unix:///run/drydock.sock)",
  },
  { name: "tlsverify", kind: "bool", help: "Let in over TCP who has a certificate" },
  { name: "tls", kind: "bool", help: "Encrypt TCP; --tls=false: do not, and let everybody in" },
  { name: "tlscacert", kind: "string", help: "Certificate of the authority (/etc/drydock/ca.pem)" },
  { name: "tlscert", kind: "string", help: "The daemon's certificate (/etc/drydock/cert.pem)" },
  { name: "tlskey", kind: "string", help: "Its key (/etc/drydock/key.pem)" },
  { name: "group", short: "G", kind: "string", help: "Group that owns the socket" },
  { name: "cgroup-parent", kind: "string", help: "Cgroup above the containers'" },
  { name: "pidfile", short: "p", kind: "string", help: "File for the daemon's process id" },
  { name: "debug", short: "D", kind: "bool", help: "Say more" },
  { name: "log-level", short: "l", kind: "string", help: "debug, info, warn, error or fatal" },
  { name: "log-format", kind: "string", help: "text or json" },
  { name: "label", kind: "list", help: "KEY=VALUE that info shows" },
  { name: "log-driver", kind: "string", help: "For containers that name none" },
  { name: "log-opt", kind: "map", help: "For containers with that driver" },
  { name: "validate", kind: "bool", help: "Check flags and file, and end" },
  { name: "storage-driver", short: "s", kind: "string", help: "overlay2, the only one" },
  { name: "exec-root", kind: "string", help: "Accepted; state of a run is below --root" },
  { name: "config-file", kind: "string", help: "Options as JSON (/etc/drydock/daemon.json)" },
  { name: "init", kind: "bool", help: "Accepted; ask for it with each container" },
  { name: "userns-remap", kind: "string", help: "Refused; ask for it with each container" },
];

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: FLAGS,
  arity: [0, ANY],
  interspersed: true,
  readsWords: true,
  about:
    "Serves the Docker Engine API. A second root and a second socket make a second engine, with " +
    "its own state, cgroups and names. Containers do not die with the daemon: its keeper holds them.",
  concepts: ["daemon"],
  run,
};

async function run({ program }: Context, { args }: Input): Promise<number> {
  if (program.runDaemon !== undefined) return program.runDaemon(args);
  throw new Failure({ message: "drydock: there is no engine in this program", exitCode: 1 });
}
