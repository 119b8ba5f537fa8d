/**
 * Daemon: starts a private one for a test file, and leaves nothing behind.
 *
 * Everything it has is its own: root directory, socket, keeper, cgroup parent. So these tests run
 * beside a daemon that somebody uses, and beside each other.
 *
 * @module
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../tools/build.mjs";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
/** What a shell would run as `drydock`. */
export const launcher = fileURLToPath(new URL("../bin/drydock.js", import.meta.url));
const decoder = new TextDecoder();

/** How a program ended and what it printed. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An answer of the API. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON, which the test says the form of; throws when it is none. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  json<T = Record<string, unknown>>(): T;
}

/** Why no container can be run here, or null. Printed by the tests that are skipped for it. */
export function whyNoContainers(): string | null {
  if (process.platform !== "linux") return "not Linux";
  if (process.geteuid?.() !== 0) return "not root";
  const effective = /^CapEff:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const CAP_SYS_ADMIN = 21n;
  const isAdmin = (BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) % 2n === 1n;
  return isAdmin ? null : "root without CAP_SYS_ADMIN";
}

/** Why the docker CLI cannot be used, or null. */
export function whyNoDocker(): string | null {
  const reason = whyNoContainers();
  if (reason !== null) return reason;
  return spawnSync("docker", ["--version"]).status === 0 ? null : "the docker CLI is not installed";
}

/** Prints why tests are skipped; returns whether they are. */
export function skipped(what: string, reason: string | null): boolean {
  if (reason !== null) process.stdout.write(`skipped: ${what}: ${reason}\n`);
  return reason !== null;
}

/** A private daemon. */
export class TestDaemon implements AsyncDisposable {
  static #built: Promise<unknown> | undefined;
  readonly directory = mkdtempSync(join(tmpdir(), "drydock-it-"));
  readonly root = join(this.directory, "root");
  readonly socketPath = join(this.directory, "d.sock");
  readonly host = `unix://${this.socketPath}`;
  #process: ChildProcess | null = null;
  #log = "";

  /** What the daemon printed so far, over all its lives. */
  get log(): string {
    return this.#log;
  }

  /** Its process id. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Starts it, and waits until it listens. @throws Error with its log when it does not */
  async start(...args: string[]): Promise<this> {
    TestDaemon.#built ??= build();
    await TestDaemon.#built;
    const all = ["--root", this.root, "--host", this.host, ...args];
    const daemon = spawn(process.execPath, [join(dist, "daemon.js"), ...all], {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: "/",
    });
    this.#process = daemon;
    const listening = new Promise<void>((resolve, reject) => {
      const onOutput = (bytes: Uint8Array): void => {
        this.#log += decoder.decode(bytes);
        if (/listening on /.test(this.#log.slice(from))) resolve();
      };
      const from = this.#log.length;
      daemon.stdout.on("data", onOutput);
      daemon.stderr.on("data", onOutput);
      daemon.once("exit", (code) => reject(new Error(`daemon ended with ${code}:\n${this.#log}`)));
    });
    await listening;
    return this;
  }

  /** Sends a signal to the daemon and waits for its end; null when the signal ended it. */
  async kill(signal: NodeJS.Signals): Promise<number | null> {
    const daemon = this.#process;
    if (daemon === null) return null;
    this.#process = null;
    const ended = new Promise<number | null>((resolve) => daemon.once("exit", resolve));
    daemon.kill(signal);
    return ended;
  }

  /** Runs the docker CLI against it. */
  docker(...args: string[]): Promise<Ran> {
    return run("docker", args, { env: this.environment });
  }

  /** The docker CLI, which must succeed; returns what it printed, without the last newline. */
  async mustDocker(...args: string[]): Promise<string> {
    return printedBy(`docker ${args.join(" ")}`, await this.docker(...args));
  }

  /** Runs our CLI against it. */
  drydock(...args: string[]): Promise<Ran> {
    return run(process.execPath, [launcher, ...args], { env: this.environment });
  }

  /** Our CLI, which must succeed; returns what it printed, without the last newline. */
  async mustDrydock(...args: string[]): Promise<string> {
    return printedBy(`drydock ${args.join(" ")}`, await this.drydock(...args));
  }

  /** The environment in which clients find it. */
  get environment(): NodeJS.ProcessEnv {
    const { DOCKER_CONTEXT: _, DRYDOCK_HOST: __, ...env } = process.env;
    return { ...env, DOCKER_HOST: this.host, DOCKER_CONFIG: join(this.directory, "docker") };
  }

  /** One request to its API. */
  api(method: string, path: string, body?: unknown): Promise<Answer> {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    return new Promise((resolve, reject) => {
      const call = request({ socketPath: this.socketPath, method, path, headers }, (response) => {
        const chunks: Uint8Array[] = [];
        response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          const status = response.statusCode ?? 0;
          resolve({ status, headers: response.headers, text, json: () => JSON.parse(text) });
        });
      });
      call.on("error", reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** Removes every container. */
  async removeContainers(): Promise<void> {
    const list = (await this.api("GET", "/containers/json?all=1")).json<{ Id: string }[]>();
    await Promise.all(list.map(({ Id }) => this.api("DELETE", `/containers/${Id}?force=1&v=1`)));
  }

  /** The processes whose command line names this root: the daemon's, the keeper's. */
  processes(): readonly number[] {
    return listProcesses()
      .filter(({ command }) => command.includes(this.directory))
      .map(({ pid }) => pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process !== null) {
      await this.removeContainers().catch((error: unknown) => {
        process.stderr.write(`clean-up failed: ${String(error)}\n`);
      });
      await this.kill("SIGTERM");
    }
    for (const pid of this.processes()) process.kill(pid, "SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
    // The daemon prints a stack only for a bug, whatever its clients did.
    if (/(?:\n|\\n) {4}at /.test(this.#log)) throw new Error(`the daemon met a bug:\n${this.#log}`);
  }
}

function printedBy(line: string, { code, stdout, stderr }: Ran): string {
  if (code !== 0) throw new Error(`${line}: exit ${code}\n${stderr}${stdout}`);
  return stdout.trimEnd();
}

function listProcesses(): readonly { readonly pid: number; readonly command: string }[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" });
  return stdout.split("\n").flatMap((line) => {
    const [, pid, command = ""] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
    return pid === undefined || command.startsWith("ps ") ? [] : [{ pid: Number(pid), command }];
  });
}

/** How to run a program. */
export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array;
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const child = spawn(program, args, { env: options.env ?? process.env, stdio: "pipe" });
  const output = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  child.stdout.on("data", (bytes: Uint8Array) => output.stdout.push(bytes));
  child.stderr.on("data", (bytes: Uint8Array) => output.stderr.push(bytes));
  child.stdin.on("error", () => {
    // It ended without reading its input.
  });
  child.stdin.end(options.input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const text = (chunks: Uint8Array[]): string => Buffer.concat(chunks).toString();
      resolve({ code, stdout: text(output.stdout), stderr: text(output.stderr) });
    });
  });
}

/** What one look counts for at most: a machine that stood still meanwhile was not slow. */
const MOST_MS = 500;

/** Waits until a check holds. @throws Error with what it saw last */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  holds: (seen: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> {
  let waitedMs = 0;
  for (;;) {
    const began = performance.now();
    const seen = await look();
    if (holds(seen)) return seen;
    if (waitedMs > timeoutMs)
      throw new Error(`waited in vain until ${what}; saw ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    waitedMs += Math.min(performance.now() - began, MOST_MS);
  }
}
