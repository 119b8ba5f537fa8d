/**
 * Launch: the keeper of a root, found or started.
 *
 * The daemon calls this at its start and whenever it lost its keeper. A keeper that answers is
 * used; otherwise one is started, in a session of its own, with an empty environment, `/` as its
 * directory and its messages in <root>/keeper.log, so that nothing ties it to the daemon.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { connectKeeper as connectTo } from "../container/index.ts";
import type { RemoteKeeper } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { socketPathOf } from "./keeper.ts";
import { connectSocket } from "./socket.ts";

/**
 * Flags of Node for the keeper. Threads of the engine's own would only cost it memory. Everything
 * is compiled to machine code when it first runs: a keeper does the same few things now and then,
 * never often enough in a row for the engine to find out by itself. The bytes of containers are
 * young garbage, which a young generation that does not grow gives back soon; where they pile up
 * all the same, the small heap is searched at once and not in steps.
 */
const KEEPER_FLAGS: readonly string[] = [
  "--single-threaded",
  "--always-sparkplug",
  "--semi-space-growth-factor=1",
  "--no-incremental-marking",
];

/** A client that was just served has its next request on the way. */
const LATER_MS = 5;

/** Which keeper. */
export interface KeeperOptions {
  /** Absolute path of the engine's directory; it must exist. */
  readonly root: string;
  /** The keeper's program; by default the bundle beside this one, or the one that was built. */
  readonly program?: string;
}

/**
 * Connects to the keeper of a root; starts one when none answers.
 *
 * @throws RuntimeError keeper-unavailable when it cannot be started, with the end of its log
 */
export async function connectKeeper(options: KeeperOptions): Promise<RemoteKeeper> {
  const connect = () => connectSocket(socketPathOf(options.root));
  const connectLater = async () => {
    await new Promise((resolve) => setTimeout(resolve, LATER_MS).unref());
    return connect();
  };
  try {
    return await connectTo(connect, connectLater);
  } catch (error) {
    // A keeper of another version answers, but not us.
    if (!(error instanceof RuntimeError) || error.errno === undefined) throw error;
  }
  await startKeeper(options);
  return connectTo(connect, connectLater);
}

/** Starts a keeper and waits until it listens. */
async function startKeeper({ root, program = builtProgram() }: KeeperOptions): Promise<void> {
  const logPath = `${root}/keeper.log`;
  const log = openSync(logPath, "a", 0o600);
  const child = spawn(process.execPath, [...KEEPER_FLAGS, program, "--root", root], {
    cwd: "/",
    env: {},
    detached: true,
    stdio: ["ignore", log, log, "pipe"],
  });
  closeSync(log);
  const failed = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  // The fourth descriptor was asked for as a pipe, so it is one that can be read.
  const line = child.stdio[3] as Readable;
  const ready = new Promise<undefined>((resolve) => {
    line.once("data", () => resolve(undefined));
  });
  const failure = await Promise.race([failed, ready]);
  line.destroy();
  child.removeAllListeners();
  child.unref();
  if (failure === undefined) return;
  throw new RuntimeError({
    code: "keeper-unavailable",
    class: "unavailable",
    message: `Cannot start the keeper: ${failure}`,
    operation: "start the keeper",
    subject: program,
    hint: `Its last words: ${lastWords(logPath)}`,
  });
}

/** The last line that names an error; of a stack it is the first. */
function lastWords(path: string): string {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? "";
}

/**
 * `keeper.js` in the directory of this program's bundle, or in the build when this is the source.
 */
function builtProgram(): string {
  const candidates = ["./keeper.js", "../../dist/keeper.js"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const program = candidates.find((path) => existsSync(path));
  if (program !== undefined) return program;
  throw new RuntimeError({
    code: "keeper-unavailable",
    class: "unavailable",
    message: "Cannot start the keeper: it has not been built",
    operation: "start the keeper",
    hint: "Run npm run build.",
  });
}
