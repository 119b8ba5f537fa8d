/**
 * Command attach: connect the terminal to a running container.
 *
 * Kernel interface: none; the daemon acts.
 * Specification: docker attach reference; Engine API v1.50, ContainerAttach.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart, type Api } from "../api.ts";
import { withCandidates } from "../ambiguous.ts";
import type { Command, Context, Input } from "../command.ts";
import { openAttachment, waitForExit } from "../container-session.ts";
import { Failure } from "../failure.ts";
import { checkTerminal, connectStreams, followSize, forwardSignals } from "../streams.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  flags: [
    { name: "detach-keys", kind: "string", help: "Keys that leave a terminal without ending it" },
    { name: "no-stdin", kind: "bool", help: "Do not attach standard input" },
    {
      name: "sig-proxy",
      kind: "bool",
      initial: true,
      help: "Send the signals that drydock gets to the process",
    },
  ],
  arity: [1, 1],
  interspersed: true,
  about:
    "Joins the streams of the container's first process, beside anyone else who is attached. " +
    "Ctrl-P Ctrl-Q leaves a terminal without ending what runs in it.",
  concepts: ["container"],
  completes: "running-containers",
  run,
};

interface Inspected {
  readonly Id: string;
  readonly State: {
    readonly Running: boolean;
    readonly Paused: boolean;
    readonly Restarting: boolean;
  };
  readonly Config: { readonly Tty: boolean; readonly OpenStdin: boolean };
}

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const { api, console } = context;
  const name = args[0] ?? "";
  const found = await inspectRunning(api, name).catch(async (thrown: unknown) => {
    throw await withCandidates(api, thrown);
  });
  const tty = found.Config.Tty;
  checkTerminal(console, { stdin: !flags.bool("no-stdin") && found.Config.OpenStdin, tty });
  const session = {
    id: found.Id,
    tty,
    stdin: !flags.bool("no-stdin") && found.Config.OpenStdin,
    stdout: true,
    stderr: true,
    detachKeys: flags.text("detach-keys"),
    forwardsSignals: flags.bool("sig-proxy") && !tty,
    autoRemove: false,
  };
  const stopForwarding = session.forwardsSignals
    ? forwardSignals(console, api, found.Id)
    : () => undefined;
  try {
    const exit = await waitForExit(api, found.Id, "not-running");
    const connection = await openAttachment(api, session);
    // It may have ended in between, and then its streams would stay silent for ever.
    await inspectRunning(api, found.Id);
    const stopResizing = tty ? await redraw(context, found.Id) : () => undefined;
    const end = await connectStreams(console, { ...session, connection }).finally(stopResizing);
    if (end === "detached") throw new Failure({ message: "read escape sequence", exitCode: 1 });
    return await exit.code();
  } finally {
    stopForwarding();
  }
}

async function inspectRunning(api: Api, name: string): Promise<Inspected> {
  const path = `/containers/${pathPart(name)}/json`;
  const found = await api.json<Inspected>({ method: "GET", path });
  const fail = (message: string): Failure => new Failure({ message, exitCode: 1 });
  if (!found.State.Running) {
    throw fail("You cannot attach to a stopped container, start it first");
  }
  if (found.State.Paused) throw fail("You cannot attach to a paused container, unpause it first");
  if (found.State.Restarting) {
    throw fail("You cannot attach to a restarting container, wait until it is running");
  }
  return found;
}

/** A shell draws its prompt again when its terminal changes size: so change it, twice. */
async function redraw({ console, api }: Context, id: string): Promise<() => void> {
  const size = console.size();
  if (size === undefined) return () => undefined;
  const path = `/containers/${pathPart(id)}/resize`;
  const query = { h: size.rows + 1, w: size.columns + 1 };
  await api.json<undefined>({ method: "POST", path, query }).catch(() => undefined);
  return followSize(console, api, { kind: "containers", id });
}
