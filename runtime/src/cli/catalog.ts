/**
 * Catalog: every command, and where its code is.
 *
 * A command's code is loaded when that command runs, and only then: a `ps` should not pay for
 * `run`.
 *
 * Kernel interface: none.
 * Specification: docker CLI reference, "Subcommands".
 * Invariants: none.
 * Left out: what the engine cannot do yet: build, networks, volumes, swarm.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { CatalogEntry, Command } from "./command.ts";

type Load = () => Promise<{ readonly command: Command }>;

function entry(names: string, summary: string, load: Load): CatalogEntry {
  return {
    names: names.split(", ").map((name) => name.split(" ")),
    summary,
    load: async () => (await load()).command,
  };
}

/** All commands; the first name is the short one that help shows. */
export const CATALOG: readonly CatalogEntry[] = [
  entry(
    "run, container run",
    "Create a container from an image and start it",
    () => import("./commands/run.ts"),
  ),
  entry(
    "exec, container exec",
    "Start another process inside a running container",
    () => import("./commands/exec.ts"),
  ),
  entry(
    "ps, container ls, container list, container ps",
    "List containers",
    () => import("./commands/ps.ts"),
  ),
  entry("images, image ls, image list", "List images", () => import("./commands/images.ts")),
  entry(
    "explain, container explain",
    "Tell every step that was taken for a container",
    () => import("./commands/explain.ts"),
  ),
  entry(
    "why, container why",
    "Tell why a container ended, restarts or is unhealthy",
    () => import("./commands/why.ts"),
  ),
  entry(
    "compare, container compare",
    "Lay two containers side by side, or one beside the host",
    () => import("./commands/compare.ts"),
  ),
  entry(
    "create, container create",
    "Create a container without starting it",
    () => import("./commands/create.ts"),
  ),
  entry("start, container start", "Start containers", () => import("./commands/start.ts")),
  entry(
    "stop, container stop",
    "Ask containers to end, and kill them if they do not",
    () => import("./commands/stop.ts"),
  ),
  entry("kill, container kill", "Send containers a signal", () => import("./commands/kill.ts")),
  entry(
    "restart, container restart",
    "Stop and start containers",
    () => import("./commands/restart.ts"),
  ),
  entry(
    "pause, container pause",
    "Freeze every process of containers",
    () => import("./commands/pause.ts"),
  ),
  entry(
    "unpause, container unpause",
    "Let frozen containers go on",
    () => import("./commands/unpause.ts"),
  ),
  entry(
    "rename, container rename",
    "Give a container another name",
    () => import("./commands/rename.ts"),
  ),
  entry("rm, container rm", "Remove containers", () => import("./commands/rm.ts")),
  entry(
    "logs, container logs",
    "Show what a container has printed",
    () => import("./commands/logs.ts"),
  ),
  entry(
    "attach, container attach",
    "Connect the terminal to a running container",
    () => import("./commands/attach.ts"),
  ),
  entry(
    "top, container top",
    "List the processes in a container",
    () => import("./commands/top.ts"),
  ),
  entry(
    "stats, container stats",
    "Show what containers use, every second",
    () => import("./commands/stats.ts"),
  ),
  entry(
    "update, container update",
    "Give containers other limits",
    () => import("./commands/update.ts"),
  ),
  entry(
    "port, container port",
    "Show where a container's ports are published",
    () => import("./commands/port.ts"),
  ),
  entry(
    "container prune",
    "Remove all containers that do not run",
    () => import("./commands/container-prune.ts"),
  ),
  entry("system df", "Show how much of the disk is used", () => import("./commands/system-df.ts")),
  entry(
    "system fsck",
    "Find what is nobody's on the disk, and what is damaged",
    () => import("./commands/system-fsck.ts"),
  ),
  entry(
    "system dial-stdio",
    "Join standard input and output to the daemon, for ssh",
    () => import("./commands/system-dial-stdio.ts"),
  ),
  entry("system prune", "Remove what nobody uses", () => import("./commands/system-prune.ts")),
  entry(
    "cp, container cp",
    "Copy files between a container and this machine",
    () => import("./commands/cp.ts"),
  ),
  entry(
    "diff, container diff",
    "Show what a container changed in its files",
    () => import("./commands/diff.ts"),
  ),
  entry(
    "export, container export",
    "Save all files of a container as a tar archive",
    () => import("./commands/export.ts"),
  ),
  entry(
    "commit, container commit",
    "Make an image of what a container changed",
    () => import("./commands/commit.ts"),
  ),
  entry(
    "events, system events",
    "Tell what happens in the engine, as it happens",
    () => import("./commands/events.ts"),
  ),
  entry(
    "wait, container wait",
    "Wait for containers to end and print their exit codes",
    () => import("./commands/wait.ts"),
  ),
  entry(
    "inspect",
    "Show all that is known of containers or images",
    () => import("./commands/inspect.ts"),
  ),
  entry(
    "container inspect",
    "Show all that is known of containers",
    () => import("./commands/container-inspect.ts"),
  ),
  entry(
    "image inspect",
    "Show all that is known of images",
    () => import("./commands/image-inspect.ts"),
  ),
  entry("rmi, image rm, image remove", "Remove images", () => import("./commands/rmi.ts")),
  entry("tag, image tag", "Give an image one more name", () => import("./commands/tag.ts")),
  entry(
    "history, image history",
    "Show the steps by which an image was made",
    () => import("./commands/history.ts"),
  ),
  entry(
    "import, image import",
    "Make an image of a tar archive",
    () => import("./commands/import.ts"),
  ),
  entry("image prune", "Remove images that nobody uses", () => import("./commands/image-prune.ts")),
  entry(
    "info, system info",
    "Describe the engine and its machine",
    () => import("./commands/info.ts"),
  ),
  entry("version", "Show the versions of client and daemon", () => import("./commands/version.ts")),
  entry("context ls, context list", "List contexts", () => import("./commands/context-ls.ts")),
  entry(
    "context create",
    "Give a daemon a name, with its address and certificates",
    () => import("./commands/context-create.ts"),
  ),
  entry(
    "context use",
    "Choose the daemon that commands speak to",
    () => import("./commands/context-use.ts"),
  ),
  entry(
    "context show",
    "Print the name of the context in use",
    () => import("./commands/context-show.ts"),
  ),
  entry(
    "context inspect",
    "Show all that is known of contexts",
    () => import("./commands/context-inspect.ts"),
  ),
  entry(
    "context update",
    "Change the address or certificates of a context",
    () => import("./commands/context-update.ts"),
  ),
  entry(
    "context export",
    "Write a context with its keys to a file",
    () => import("./commands/context-export.ts"),
  ),
  entry(
    "context import",
    "Read a context from a file",
    () => import("./commands/context-import.ts"),
  ),
  entry("context rm, context remove", "Forget contexts", () => import("./commands/context-rm.ts")),
  entry(
    "daemon",
    "Run the engine: serve the Docker Engine API",
    () => import("./commands/daemon.ts"),
  ),
  entry(
    "completion",
    "Print a completion script for a shell",
    () => import("./commands/completion.ts"),
  ),
  entry("help", "Explain a command", () => import("./commands/help.ts")),
];
