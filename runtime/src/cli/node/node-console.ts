/**
 * Node console: this process's streams, terminal, signals and files.
 *
 * Kernel interface: read(2), write(2), tcsetattr(3), TIOCGWINSZ, sigaction(2).
 * Specification: Node 20, process, tty and fs.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import {
  createReadStream,
  createWriteStream,
  existsSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { isatty } from "node:tty";
import type { Console, Files, Output, TerminalSize, Undo } from "../index.ts";

/** The signals that a program may take and whose default would end or stop it, and SIGCONT. */
const SIGNALS = (
  "SIGHUP SIGINT SIGQUIT SIGUSR1 SIGUSR2 SIGALRM SIGTERM SIGCONT SIGTSTP SIGXCPU SIGXFSZ " +
  "SIGVTALRM SIGIO SIGPWR SIGSYS"
).split(" ") as NodeJS.Signals[];

/** 128 + SIGPIPE: what a shell sees of a program that writes to a closed pipe. */
const BROKEN_PIPE = 141;

/** Makes the console of this process. */
export function createNodeConsole(): Console {
  return {
    env: process.env,
    out: outputOf(() => process.stdout, 1),
    err: outputOf(() => process.stderr, 2),
    files: FILES,
    inputIsTerminal: isTerminal(0),
    // Leaving the loop must not close the terminal, whose mode is still to be restored.
    input: () => process.stdin.iterator({ destroyOnReturn: false }),
    enterRawMode: async () => (await import("./raw-terminal.ts")).enterRawMode(),
    size,
    onResize: (listener) => subscribe("SIGWINCH", listener),
    onSignal: (listener) => {
      const undos = SIGNALS.map((signal) => subscribe(signal, () => listener(signal)));
      return () => undos.forEach((undo) => undo());
    },
    nowMs: () => Date.now(),
    sleep: (ms) => new Promise((wake) => setTimeout(wake, ms)),
  };
}

function subscribe(signal: NodeJS.Signals, listener: () => void): Undo {
  process.on(signal, listener);
  return () => {
    process.off(signal, listener);
  };
}

function isTerminal(fd: number): boolean {
  return isatty(fd);
}

/** A stream is opened when it is first used: what is not needed costs nothing at the start. */
function outputOf(open: () => NodeJS.WriteStream, fd: number): Output {
  let stream: NodeJS.WriteStream | undefined;
  const opened = (): NodeJS.WriteStream => {
    if (stream !== undefined) return stream;
    stream = open();
    // A reader that has seen enough (`| head`) is no error of ours.
    stream.on("error", (cause: NodeJS.ErrnoException) => {
      process.exit(cause.code === "EPIPE" ? BROKEN_PIPE : 1);
    });
    return stream;
  };
  return {
    isTerminal: isTerminal(fd),
    write: (data) => {
      opened().write(data);
    },
    drained: async () => {
      const waited = stream;
      if (waited === undefined || waited.writableLength === 0) return;
      await new Promise<void>((resolve) => {
        waited.write("", () => resolve());
      });
    },
  };
}

function size(): TerminalSize | undefined {
  if (!isTerminal(1)) return undefined;
  const [columns, rows] = process.stdout.getWindowSize();
  return { rows, columns };
}

const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
};

/** A failure in the words of Go's programs. */
function told<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    throw new Error(`open ${path}: ${TEXTS[code] ?? code}`, { cause });
  }
}

const FILES: Files = {
  read: (path) => told(path, () => readFileSync(path, "utf8")),
  exists: (path) => existsSync(path),
  write: (path, text) => told(path, () => writeFileSync(path, text)),
  remove: (path) => rmSync(path, { force: true }),
  absolute: (path) => resolve(path),
  kindOf: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory(),
  stream: (path) => createReadStream(path),
  save: (path, bytes) => pipeline(bytes, createWriteStream(path)),
  pack: async function* (path, wish) {
    yield* (await import("./local-files.ts")).packLocal(path, wish);
  },
  unpack: async (archive, wish) => (await import("./local-files.ts")).unpackLocal(archive, wish),
};
