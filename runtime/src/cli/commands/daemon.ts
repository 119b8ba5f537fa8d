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
  { name: "insecure-tcp", kind: "bool", help: "Serve TCP although who reaches it is root here" },
  { name: "group", short: "G", kind: "string", help: "Group that owns the socket" },
  { name: "cgroup-parent", kind: "string", help: "Cgroup above the containers'" },
  { name: "pidfile", short: "p", kind: "string", help: "File for the daemon's process id" },
  { name: "debug", short: "D", kind: "bool", help: "Say more" },
  { name: "log-level", short: "l", kind: "string", help: "debug, info, warn, error or fatal" },
  { name: "storage-driver", short: "s", kind: "string", help: "overlay2, the only one" },
  { name: "exec-root", kind: "string", help: "Accepted; state of a run is below --root" },
  { name: "config-file", kind: "string", help: "Accepted" },
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
