/**
 * Program console: the CLI's port to its user, for a program of the model.
 *
 * Docs: docs/concepts/playground.md
 *
 * @module
 */
import type { Console, Files, Output, Undo } from "../cli/index.ts";
import { packTreeAt, unpackTreeAt } from "../container/index.ts";
import { cleanPath, KernelError, type Kernel } from "../kernel/index.ts";
import type { ProgramContext, Sink } from "../kernel/model/index.ts";

const encoder = new TextEncoder();
const READ_BYTES = 65_536;
/** The signals that a user or a shell sends to a program. */
const SIGNALS = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"];

/** The console of a program. */
export function consoleOf(context: ProgramContext): Console {
  const { kernel, stdin, stdout, stderr } = context;
  const terminal = context.terminal(stdin);
  return {
    env: Object.fromEntries(context.env.map(variable)),
    out: outputOf(context, stdout),
    err: outputOf(context, stderr),
    files: filesOf(kernel),
    inputIsTerminal: terminal !== undefined,
    input: () => piecesOf(context),
    enterRawMode: async () => enterRawMode(context),
    size: () => context.terminal(stdout)?.size(),
    onResize: (listener) => subscribe(context, "SIGWINCH", listener),
    onSignal: (listener) => {
      const undos = SIGNALS.map((signal) => subscribe(context, signal, () => listener(signal)));
      return () => undos.forEach((undo) => undo());
    },
    nowMs: () => kernel.nowMs(),
    sleep: (ms) =>
      new Promise((wake) => {
        kernel.after(ms, wake);
      }),
  };
}

function variable(entry: string): readonly [string, string] {
  const at = entry.indexOf("=");
  return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
}

function outputOf(context: ProgramContext, sink: Sink): Output {
  let last = Promise.resolve();
  return {
    isTerminal: context.terminal(sink) !== undefined,
    write: (data) => {
      const bytes = typeof data === "string" ? encoder.encode(data) : data;
      // Of a process that has ended nothing is heard any more, though its function goes on.
      last = context.write(sink, bytes).catch((error: unknown) => {
        if (!(error instanceof KernelError)) throw error;
      });
    },
    drained: () => last,
  };
}

async function* piecesOf(context: ProgramContext): AsyncGenerator<Uint8Array> {
  for (;;) {
    const bytes = await context.read(context.stdin, READ_BYTES);
    if (bytes.length === 0) return;
    yield bytes;
  }
}

function enterRawMode(context: ProgramContext): Undo {
  const terminal = context.terminal(context.stdin);
  const before = terminal?.flags();
  terminal?.setFlags({
    lines: false,
    echo: false,
    signals: false,
    enterIsNewline: false,
    newlineReturns: false,
  });
  return () => {
    if (before !== undefined) terminal?.setFlags(before);
  };
}

function subscribe(context: ProgramContext, signal: string, listener: () => void): Undo {
  context.onSignal(signal, listener);
  return () => context.onSignal(signal, "default");
}

const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
};

function filesOf(kernel: Kernel): Files {
  return {
    read: (path) => {
      try {
        return kernel.readText(path);
      } catch (cause) {
        if (!(cause instanceof KernelError)) throw cause;
        throw new Error(`open ${path}: ${TEXTS[cause.errno] ?? cause.errno}`, { cause });
      }
    },
    exists: (path) => succeeds(() => kernel.stat(path)),
    write: (path, text) => kernel.writeFile(path, text, "create"),
    remove: (path) => void succeeds(() => kernel.unlink(path)),
    absolute: (path) =>
      cleanPath(path.startsWith("/") ? path : `${kernel.readlink("/proc/self/cwd")}/${path}`),
    kindOf: (path) =>
      succeeds(() => kernel.stat(path)) ? kernel.stat(path).type === "directory" : undefined,
    stream: async function* (path) {
      yield kernel.readFile(path);
    },
    save: async (path, bytes) => {
      kernel.writeFile(path, "", "create");
      for await (const piece of bytes) kernel.writeFile(path, piece, "append");
    },
    pack: (path, wish) => packTreeAt(kernel, path, wish),
    unpack: (archive, { directory, name, keepOwner }) => {
      const { effectiveUid: uid } = kernel.identity();
      const owner = keepOwner ? null : { uid, gid: uid };
      return unpackTreeAt(kernel, archive, { directory, name, owner });
    },
  };
}

function succeeds(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (error instanceof KernelError) return false;
    throw error;
  }
}
