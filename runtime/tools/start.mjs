/**
 * Start: from a fresh clone to a container that has run, and the story of how.
 *
 * `npm start` installs what is missing, builds, starts the daemon if none answers, runs a first
 * container through our own CLI, and then tells from the daemon's journal what the kernel was
 * asked: which namespaces, which cgroup, which layers, which process, each with the line of source
 * that asked. The daemon goes on running; a second `npm start` finds it and takes a second.
 *
 * DRYDOCK_ROOT and DRYDOCK_HOST choose another directory and socket than the default ones.
 */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { build } from "./build.mjs";
import { house, installWhatIsMissing } from "./setup.mjs";
import { tell } from "./tell.mjs";

const root = process.env.DRYDOCK_ROOT ?? "/var/lib/drydock";
const host = process.env.DRYDOCK_HOST ?? "unix:///run/drydock.sock";
const launcher = join(house, "runtime", "bin", "drydock.js");
const container = "hello";

/** Runs the CLI as a user would; returns what it printed. */
function drydock(...args) {
  const ran = spawnSync(process.execPath, [launcher, "--host", host, ...args], {
    encoding: "utf8",
  });
  return { ok: ran.status === 0, out: ran.stdout.trimEnd(), err: ran.stderr.trimEnd() };
}

/** Like `drydock`, but a failure ends the story. */
function mustDrydock(...args) {
  const { ok, out, err } = drydock(...args);
  if (!ok) {
    console.error(`start: drydock ${args.join(" ")} failed:\n${err || out}`);
    process.exit(1);
  }
  return out;
}

/** Whether a daemon answers on the host. */
function daemonAnswers() {
  const at = new URL(host);
  const where =
    at.protocol === "unix:" ? { socketPath: at.pathname } : { host: at.hostname, port: at.port };
  return new Promise((resolve) => {
    const ping = request({ ...where, path: "/_ping", timeout: 2000 }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode === 200));
    });
    ping.on("error", () => resolve(false));
    ping.on("timeout", () => ping.destroy());
    ping.end();
  });
}

async function startDaemon() {
  mkdirSync(root, { recursive: true });
  const logFile = join(root, "daemon.log");
  const log = openSync(logFile, "a", 0o600);
  const args = [launcher, "daemon", "--root", root, "--host", host];
  const daemon = spawn(process.execPath, args, {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
  });
  closeSync(log);
  daemon.unref();
  let ended = false;
  daemon.on("exit", () => (ended = true));
  const until = Date.now() + 30_000;
  while (!(await daemonAnswers())) {
    if (ended || Date.now() > until) {
      const tail = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-10).join("\n");
      console.error(
        `start: the daemon ${ended ? "ended" : "does not answer"}; ${logFile} says:\n${tail}`,
      );
      process.exit(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  console.log(`start: daemon ${daemon.pid} serves ${host}; state in ${root}, log in ${logFile}`);
}

function requireLinuxRoot() {
  if (process.platform === "linux" && process.getuid() === 0) return;
  const why = process.platform === "linux" ? "root: try sudo npm start" : "Linux";
  console.error(`start: everything is built, but the daemon needs ${why}`);
  process.exit(1);
}

/** The command that a reader would type for our CLI. */
function command() {
  const prefix = host === "unix:///run/drydock.sock" ? "" : `DRYDOCK_HOST=${host} `;
  const linked = ["/usr/local/bin/drydock", "/usr/bin/drydock"].some(existsSync);
  return `${prefix}${linked ? "" : "npx "}drydock`;
}

installWhatIsMissing();
const written = Object.keys(await build());
console.log(written.length > 0 ? "start: built" : "start: nothing to build");
requireLinuxRoot();
if (await daemonAnswers()) console.log(`start: a daemon answers on ${host}`);
else await startDaemon();

drydock("rm", "-f", container);
const say = "echo hello from a container; echo I am process $$ on $(hostname)";
const words = ["busybox", "sh", "-c", say];
const at = performance.now();
const said = mustDrydock("run", "--name", container, ...words);
const took = Math.round(performance.now() - at);

console.log(`\n$ ${command()} run --name ${container} busybox sh -c '${say}'\n${said}\n`);
const journal = JSON.parse(mustDrydock("explain", container, "--json"));
const { steps } = JSON.parse(mustDrydock("run", "--plan", "--format", "json", ...words));
const [inspected] = JSON.parse(mustDrydock("inspect", container));
console.log(tell({ journal, plan: steps, inspected, took }));
console.log(`
Try next:
  ${command()} explain ${container}
      every kernel call of that run, in order, with its result, its time and its line of source
  ${command()} run --plan --memory 64m busybox true
      the same as a plan, before anything is done
  DOCKER_HOST=${host} docker run --rm -it busybox sh
      a shell in a container, by the docker command you know (or: ${command()} run --rm -it busybox sh)`);
