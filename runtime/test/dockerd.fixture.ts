/**
 * dockerd: Docker's own daemon, to hold our answers against.
 *
 * It gets a network and a mount namespace, a root, a socket and a cgroup parent of its own, and
 * the image busybox from ours. It is ended by pid with what it started.
 *
 * @module
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, until, whyNoDocker, type Ran, type TestDaemon } from "./daemon.ts";

const PROGRAM = "/usr/sbin/dockerd";
/** Of this run: there may be another one beside it. */
const CGROUP = `/drydock-dockerd-${process.pid}`;
const START_MS = 60_000;

/** Why it cannot run here, or null. */
export function whyNoDockerd(): string | null {
  const reason = whyNoDocker();
  if (reason !== null) return reason;
  return existsSync(PROGRAM) ? null : "dockerd is not installed (apt-get install docker.io)";
}

/** Docker's daemon: see the head of this file. */
export class Dockerd implements AsyncDisposable {
  readonly directory = join(tmpdir(), `drydock-dockerd-${process.pid}`);
  readonly #host = `unix://${this.directory}/d.sock`;
  #process: ChildProcess | null = null;

  /** Starts it. @param image where busybox comes from */
  async start(image: TestDaemon): Promise<void> {
    mkdirSync(this.directory);
    const words = ["-H", this.#host, "--cgroup-parent", CGROUP, "-p", `${this.directory}/pid`];
    const roots = [
      "--data-root",
      `${this.directory}/data`,
      "--exec-root",
      `${this.directory}/exec`,
    ];
    const script = 'mount -t tmpfs tmpfs /run && exec "$@"';
    const unshare = ["--mount", "--net", "--propagation", "private", "sh", "-c", script, "sh"];
    this.#process = spawn("unshare", [...unshare, PROGRAM, ...words, ...roots], {
      stdio: "ignore",
    });
    const answers = async (): Promise<boolean> => (await this.docker("version")).code === 0;
    await until("dockerd answers", answers, Boolean, START_MS);
    const change = `-c 'CMD ["sh"]' -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'`;
    await image.mustDocker("create", "--name", "source", "busybox");
    const tree = join(this.directory, "tree.tar");
    await image.mustDocker("export", "-o", tree, "source");
    await image.mustDocker("rm", "source");
    const env = this.#environment;
    const ran = await run("sh", ["-c", `docker import ${change} ${tree} busybox`], { env });
    if (ran.code !== 0) throw new Error(ran.stderr);
  }

  get #environment(): NodeJS.ProcessEnv {
    const { DOCKER_CONTEXT: _, ...env } = process.env;
    return { ...env, DOCKER_HOST: this.#host, DOCKER_CONFIG: join(this.directory, "config") };
  }

  /** Runs the docker CLI against it. */
  docker(...args: string[]): Promise<Ran> {
    return run("docker", args, { env: this.#environment });
  }

  /** Removes every container. */
  async removeContainers(): Promise<void> {
    const ids = (await this.docker("ps", "-aq")).stdout.split("\n").filter((id) => id !== "");
    if (ids.length > 0) await this.docker("rm", "-f", ...ids);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.removeContainers();
    const daemon = this.#process;
    if (daemon !== null) {
      const ended = new Promise((resolve) => daemon.once("exit", resolve));
      daemon.kill("SIGTERM");
      await ended;
    }
    await until(
      "its own are gone",
      () => processesOf(this.directory),
      (pids) => pids.length === 0,
    );
    rmSync(this.directory, { recursive: true, force: true });
    for (const hierarchy of readdirSync("/sys/fs/cgroup")) {
      const path = `/sys/fs/cgroup/${hierarchy}${CGROUP}`;
      if (existsSync(path)) rmdirSync(path);
    }
  }
}

function processesOf(directory: string): readonly string[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line.includes(directory) && !line.includes("ps -eo"));
}
