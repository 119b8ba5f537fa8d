/**
 * Contestants: our engine and those of others, each on a directory of its own.
 *
 * None touches what the machine's owner runs: dockerd gets its own network and mount namespace,
 * data root, socket and cgroup parent; podman its own stores; runc a bare bundle. Each is stopped
 * by pid and leaves nothing behind.
 */
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  rmdirSync,
} from "node:fs";
import { readdirSync, symlinkSync, copyFileSync, chmodSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EngineClient } from "./engine-client.mjs";
import { processesWith, runCommand, waitFor } from "./measure.mjs";

const launcher = fileURLToPath(new URL("../bin/drydock.js", import.meta.url));
const cgroupParent = "/drydock-bench";

/** The full path of a program, or null. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, name)).find(existsSync) ?? null;
}

/** The busybox that has no need of libraries. */
export const busybox = findProgram("busybox");

/** Makes the root file system that all contestants run: a static busybox and its names. */
export async function makeRootfs(directory) {
  for (const folder of ["bin", "dev", "etc", "proc", "sys", "tmp", "root"]) {
    mkdirSync(join(directory, folder), { recursive: true });
  }
  copyFileSync(busybox, join(directory, "bin/busybox"));
  chmodSync(join(directory, "bin/busybox"), 0o755);
  for (const applet of (await runCommand([busybox, "--list"])).split("\n")) {
    if (applet !== "busybox") symlinkSync("busybox", join(directory, "bin", applet));
  }
  writeFileSync(join(directory, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(directory, "etc/group"), "root:x:0:\n");
}

/**
 * A daemon that serves the Docker API: `start`, `stop`, a client, and the docker CLI pointed at it.
 */
class DockerDaemon {
  #process = null;

  constructor(directory) {
    this.directory = directory;
    this.socket = join(directory, "docker.sock");
    this.client = new EngineClient(this.socket);
    mkdirSync(directory, { recursive: true });
  }

  /** The environment in which the docker CLI talks to this daemon. */
  get env() {
    const config = join(this.directory, "config");
    return { ...process.env, DOCKER_HOST: `unix://${this.socket}`, DOCKER_CONFIG: config };
  }

  async start() {
    const [command, ...args] = this.command();
    const log = openSync(join(this.directory, "daemon.log"), "a");
    this.#process = spawn(command, args, { stdio: ["ignore", log, log] });
    closeSync(log);
    this.#process.on("exit", () => (this.#process = null));
    await waitFor(`${command} to answer`, () => {
      if (this.#process === null) throw new Error(`${command} ended:\n${this.logTail()}`);
      return this.client.answers();
    });
  }

  get pid() {
    return this.#process?.pid ?? null;
  }

  logTail() {
    return readFileSync(join(this.directory, "daemon.log"), "utf8")
      .split("\n")
      .slice(-15)
      .join("\n");
  }

  /** Ends the daemon and whatever of its own it left running. */
  async stop() {
    this.client.close();
    this.client = new EngineClient(this.socket);
    this.#process?.kill("SIGTERM");
    await waitFor("the daemon to end", () => this.#process === null);
    for (const { pid } of this.ownProcesses()) process.kill(pid, "SIGTERM");
    await waitFor("its processes to end", () => this.ownProcesses().length === 0);
  }

  /** Processes of the engine itself, without those of containers. */
  ownProcesses() {
    return processesWith(this.directory);
  }
}

/** Our daemon on a root of its own. */
export class Drydock extends DockerDaemon {
  name = "drydock";

  /** Above all cgroups of this engine, and of nobody else. */
  cgroupParent = `/${basename(dirname(this.directory))}`;

  command() {
    const root = ["--root", join(this.directory, "root"), "--host", `unix://${this.socket}`];
    return [process.execPath, launcher, "daemon", ...root, "--cgroup-parent", this.cgroupParent];
  }

  /** The engine keeps its empty parent cgroup for its next start; there is none. */
  async stop() {
    await super.stop();
    for (const path of cgroupsNamed(this.cgroupParent)) removeCgroupTree(path);
  }

  async importImage() {
    // The engine makes busybox itself when it starts.
  }
}

/** Docker's daemon with the containerd and runc of its package. */
export class Dockerd extends DockerDaemon {
  name = "docker";

  command() {
    const paths = ["data-root", "exec-root"].flatMap((flag) => [
      `--${flag}`,
      join(this.directory, flag),
    ]);
    const options = ["--pidfile", join(this.directory, "pid"), "--cgroup-parent", cgroupParent];
    const daemon = [findProgram("dockerd"), "-H", `unix://${this.socket}`, ...paths, ...options];
    // A /run of its own holds the sockets of the shims; lo is needed by nobody with --net none.
    const script = 'mount -t tmpfs tmpfs /run && exec "$@"';
    return [
      "unshare",
      "--mount",
      "--net",
      "--propagation",
      "private",
      "sh",
      "-c",
      script,
      "sh",
      ...daemon,
    ];
  }

  async importImage(tarball) {
    await runCommand([findProgram("docker"), "import", tarball, "busybox:latest"], this.env);
  }
}

/** Podman, which has no daemon, with stores of its own. */
export class Podman {
  name = "podman";

  constructor(directory) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** A podman command line on these stores. */
  command(...args) {
    const stores = [
      "--root",
      join(this.directory, "root"),
      "--runroot",
      join(this.directory, "run"),
    ];
    const [command, ...rest] = args;
    const parent = command === "run" ? ["--cgroup-parent", cgroupParent, ...limits] : [];
    const options = ["--cgroup-manager", "cgroupfs", "--events-backend", "none"];
    return [findProgram("podman"), ...stores, ...options, command, ...parent, ...rest];
  }

  async importImage(tarball) {
    await runCommand(this.command("import", "-q", tarball, "localhost/busybox:latest"));
  }

  /** Undoes the mounts that podman keeps on its own store. */
  async stop() {
    const points = readFileSync("/proc/self/mounts", "utf8").match(/(?<=^\S+ )\S+/gm) ?? [];
    const own = points.filter((point) => point.startsWith(`${this.directory}/`));
    for (const point of own.toReversed()) await runCommand(["umount", point]);
  }

  /** conmon watches over each container. */
  ownProcesses() {
    return processesWith(this.directory).filter(({ args }) => args[0]?.endsWith("conmon"));
  }
}

/**
 * Low limits, because by itself podman asks for some above the hard ones, which not every root may.
 */
const limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"];

/** runc alone, on a bare root file system without overlay. */
export class Runc {
  name = "runc";

  constructor(directory, rootfs) {
    this.directory = directory;
    this.rootfs = rootfs;
    mkdirSync(directory, { recursive: true });
  }

  async prepare() {
    await runCommand([findProgram("runc"), "spec", "--bundle", this.directory]);
    const file = join(this.directory, "config.json");
    const spec = JSON.parse(readFileSync(file, "utf8"));
    spec.process.terminal = false;
    spec.process.args = ["true"];
    spec.root = { path: this.rootfs, readonly: false };
    spec.linux.cgroupsPath = `${cgroupParent}/runc`;
    writeFileSync(file, JSON.stringify(spec));
  }

  command() {
    const state = ["--root", join(this.directory, "state")];
    return [findProgram("runc"), ...state, "run", "--bundle", this.directory, "drydock-bench"];
  }
}

/** Our parent for the others' cgroups, and those that podman and dockerd make beside it. */
const cgroupNames = [cgroupParent, "/libpod_parent", "/docker"];

/** Cgroups of these names that exist; those that were there before the benchmark are kept. */
export function listCgroups() {
  return cgroupNames.flatMap(cgroupsNamed);
}

/** The cgroups of one name, in whichever hierarchies there are. */
function cgroupsNamed(name) {
  const hierarchies = ["", ...readdirSync("/sys/fs/cgroup")];
  return hierarchies.map((hierarchy) => join("/sys/fs/cgroup", hierarchy, name)).filter(existsSync);
}

/** Removes what the benchmark added to the cgroup tree. */
export function removeCgroups(kept) {
  for (const path of listCgroups().filter((path) => !kept.includes(path))) removeCgroupTree(path);
}

function removeCgroupTree(path) {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroupTree(join(path, entry.name));
  }
  try {
    rmdirSync(path);
  } catch (error) {
    console.error(`bench: ${path} is still in use (${error.code})`);
  }
}

/**
 * Removes a contestant's directory; podman's and docker's stores have mounts' leftovers in them.
 */
export function removeDirectory(path) {
  rmSync(path, { recursive: true, force: true });
}
