/**
 * Command run: create a container, start it, stay with it.
 *
 * Kernel interface: none; the daemon acts.
 * Specification: docker run reference; Engine API v1.50.
 * Invariants: none.
 * Left out: content trust, proxies of ~/.docker/config.json.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { startAttached, startContainer } from "../container-session.ts";
import { startFailureCode } from "../exit-code.ts";
import { Failure } from "../failure.ts";
import type { Flag } from "../grammar.ts";
import { createContainer, translate } from "../new-container.ts";
import type { CreateBody } from "../options/create-body.ts";
import { CONTAINER_FLAGS } from "../options/flags.ts";
import { checkTerminal } from "../streams.ts";

const RUN_FLAGS: readonly Flag[] = [
  ...CONTAINER_FLAGS,
  {
    name: "detach",
    short: "d",
    kind: "bool",
    concept: "streams",
    help: "Leave it in the background and print its id",
  },
  {
    name: "detach-keys",
    kind: "string",
    concept: "streams",
    help: "Keys that leave a terminal without ending it",
  },
  {
    name: "sig-proxy",
    kind: "bool",
    initial: true,
    concept: "streams",
    help: "Send the signals that drydock gets to the process (kill)",
  },
];

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  flags: RUN_FLAGS,
  arity: [1, ANY],
  interspersed: false,
  about:
    "A container is a process with its own view of the machine (namespaces), a limit to what it may " +
    "use (cgroups), a root file system of its own (layers) and fewer rights (security). " +
    "`drydock run --plan …` prints the steps that make one, `--as-shell` a script that takes them, " +
    "`drydock explain NAME` those that were taken.",
  concepts: ["container", "namespaces", "cgroups", "layers", "capabilities", "seccomp"],
  completes: "images",
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const body = translate(context, { flags, args });
  if (flags.bool("plan") || flags.bool("as-shell")) {
    const { printPlan } = await import("../plan-report.ts");
    return printPlan(context, flags, body);
  }
  const detached = flags.bool("detach");
  if (detached) detach(body, flags.list("attach"));
  else checkTerminal(context.console, { stdin: body.AttachStdin, tty: body.Tty });
  try {
    const id = await createContainer(context, flags, body);
    return await start(context, { flags, args }, { id, body });
  } catch (thrown) {
    throw runFailure(thrown, `${context.commandLine} --help`);
  }
}

function detach(body: CreateBody, attached: readonly string[]): void {
  if (attached.length > 0) {
    throw new Failure({
      message: "conflicting options: cannot specify both --attach and --detach",
      exitCode: 1,
    });
  }
  body.AttachStdin = false;
  body.AttachStdout = false;
  body.AttachStderr = false;
  body.StdinOnce = false;
}

interface Created {
  readonly id: string;
  readonly body: CreateBody;
}

async function start(context: Context, { flags }: Input, { id, body }: Created): Promise<number> {
  const attaches = body.AttachStdin || body.AttachStdout || body.AttachStderr;
  const showsId = !body.AttachStdout && !body.AttachStderr;
  if (!attaches) {
    await startContainer(context.api, id);
    context.console.out.write(`${id}\n`);
    return 0;
  }
  if (showsId) context.console.out.write(`${id}\n`);
  const end = await startAttached(context, {
    id,
    tty: body.Tty,
    stdin: body.AttachStdin,
    stdout: body.AttachStdout,
    stderr: body.AttachStderr,
    detachKeys: flags.text("detach-keys"),
    forwardsSignals: flags.bool("sig-proxy"),
    autoRemove: body.HostConfig.AutoRemove,
  });
  return "detached" in end || showsId ? 0 : end.exitCode;
}

/** Docker's frame around an error of run, and the exit code that its words ask for. */
function runFailure(thrown: unknown, seeAlso: string): unknown {
  if (!(thrown instanceof Failure)) return thrown;
  const isFromDaemon = thrown.message.startsWith("Error response from daemon: ");
  return new Failure({
    message: `drydock: ${thrown.message}`,
    exitCode: isFromDaemon ? startFailureCode(thrown.message) : 125,
    hint: thrown.hint,
    seeAlso,
    cause: thrown,
  });
}
