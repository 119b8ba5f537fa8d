/**
 * Command exec: start another process inside a running container.
 *
 * Kernel interface: setns(2), execve(2), by the keeper.
 * Specification: docker exec reference; Engine API v1.50, ContainerExec, ExecStart.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { askNamed } from "../ambiguous.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { Failure } from "../failure.ts";
import type { Flag, Flags } from "../grammar.ts";
import { consoleSize } from "../console.ts";
import { checkEnv, readEnvironment } from "../options/key-values.ts";
import { checkTerminal, connectStreams, followSize } from "../streams.ts";

const FLAGS: readonly Flag[] = [
  { name: "detach", short: "d", kind: "bool", help: "Leave it in the background" },
  { name: "detach-keys", kind: "string", help: "Keys that leave a terminal without ending it" },
  {
    name: "env",
    short: "e",
    kind: "list",
    check: checkEnv,
    help: "Environment variable K=V, or K to copy",
  },
  { name: "env-file", kind: "list", help: "File of environment variables, one K=V a line" },
  { name: "interactive", short: "i", kind: "bool", help: "Keep standard input open" },
  { name: "privileged", kind: "bool", help: "All capabilities" },
  { name: "tty", short: "t", kind: "bool", help: "Give it a terminal" },
  { name: "user", short: "u", kind: "string", help: "Who it runs as: <name|uid>[:<group|gid>]" },
  { name: "workdir", short: "w", kind: "string", help: "Directory it starts in" },
];

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  flags: FLAGS,
  arity: [2, ANY],
  interspersed: false,
  about:
    "The process joins all namespaces of the container (setns) and its cgroup: it sees what the " +
    "container sees and counts against its limits. It is not PID 1, and the container outlives it.",
  concepts: ["container", "namespaces"],
  completes: "running-containers",
  run,
};

interface ExecBody {
  readonly Tty: boolean;
  readonly AttachStdin: boolean;
  readonly ConsoleSize?: readonly [number, number];
  readonly [field: string]: unknown;
}

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const { api, console } = context;
  const [name = "", ...words] = args;
  const body = bodyOf(context, flags, words);
  const container = `/containers/${pathPart(name)}`;
  // "No such container" comes before complaints about the terminal.
  await askNamed<unknown>(api, { method: "GET", path: `${container}/json` });
  if (!flags.bool("detach")) checkTerminal(console, { stdin: body.AttachStdin, tty: body.Tty });
  const { Id } = await api.json<{ readonly Id: string }>({
    method: "POST",
    path: `${container}/exec`,
    body,
  });
  if (!flags.bool("detach")) return runAttached(context, { id: Id, body });
  const start = { Detach: true, Tty: body.Tty };
  await api.json<undefined>({ method: "POST", path: `/exec/${pathPart(Id)}/start`, body: start });
  return 0;
}

function bodyOf(context: Context, flags: Flags, words: readonly string[]): ExecBody {
  const attached = !flags.bool("detach");
  return {
    User: flags.text("user"),
    Privileged: flags.bool("privileged"),
    Tty: flags.bool("tty"),
    AttachStdin: attached && flags.bool("interactive"),
    AttachStdout: attached,
    AttachStderr: attached,
    DetachKeys: flags.text("detach-keys"),
    Env: readEnvironment(context.console, flags.list("env-file"), flags.list("env")),
    WorkingDir: flags.text("workdir"),
    Cmd: words,
    ...(flags.bool("tty") ? { ConsoleSize: consoleSize(context.console) } : {}),
  };
}

interface Started {
  readonly id: string;
  readonly body: ExecBody;
}

async function runAttached({ api, console }: Context, { id, body }: Started): Promise<number> {
  const { connection } = await api.hijack({
    method: "POST",
    path: `/exec/${pathPart(id)}/start`,
    body: {
      Detach: false,
      Tty: body.Tty,
      ...(body.ConsoleSize === undefined ? {} : { ConsoleSize: body.ConsoleSize }),
    },
  });
  const streams = connectStreams(console, {
    connection,
    tty: body.Tty,
    stdin: body.AttachStdin,
    stdout: true,
    stderr: true,
    detachKeys: String(body["DetachKeys"]),
  });
  const stopResizing =
    body.Tty && console.inputIsTerminal
      ? followSize(console, api, { kind: "exec", id })
      : () => undefined;
  const end = await streams.finally(stopResizing);
  if (end === "detached") throw new Failure({ message: "read escape sequence", exitCode: 1 });
  const { ExitCode } = await api.json<{ readonly ExitCode: number }>({
    method: "GET",
    path: `/exec/${pathPart(id)}/json`,
  });
  return ExitCode;
}
