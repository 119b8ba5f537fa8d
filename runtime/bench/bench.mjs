/**
 * Bench: the same work done by Drydock and by whatever else is installed, side by side.
 *
 * All take turns in one run on one machine, so that only the ratios matter; each number is a
 * median. What is not installed is named and left out. Everything lives in one temporary directory
 * and is gone afterwards. The table goes to the terminal, the numbers to
 * runtime/bench/results.json.
 *
 * Usage: npm run bench [-- --rounds N] [--only WORDS]… (needs root)
 */
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { byteMeasures, makeData } from "./bytes.mjs";
import * as contestants from "./contestants.mjs";
import { inParallel, median, pssOf, runCommand } from "./measure.mjs";
import { takeTurns, timeCommand, timeTask, waitFor } from "./measure.mjs";
import { printTable } from "./table.mjs";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    only: { type: "string", multiple: true, default: [""] },
  },
});
const lightRounds = Number(options.rounds);
/** What takes seconds is done less often: its median needs fewer. */
const heavyRounds = Math.ceil(lightRounds / 3);
const docker = contestants.findProgram("docker");
const busybox = contestants.findProgram("busybox");
const machine = `${cpus().length} x ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
/** A heap grows in steps: enough containers that a step is not mistaken for their price. */
const idleContainers = 50;
const burst = { containers: 50, atOnce: 8 };

/** The docker CLI against a daemon. */
const cli = (daemon, ...args) => timeCommand([docker, ...args], daemon.env);
const runTrue = ["run", "--rm", "--net", "none", "busybox", "true"];
const runIdle = ["run", "-d", "--net", "none", "busybox", "sleep", "1000"];
/** As PID 1 it only notices a signal that it has a handler for. */
const untilStopped = "trap 'exit 0' TERM; sleep 1000 & wait";
const runStoppable = ["run", "-d", "--net", "none", "busybox", "sh", "-c", untilStopped];

/** What is measured: a title, and for the contestants present a function that does it once. */
function measures({ ours, dockerd, podman, runc, data }) {
  const daemons = [ours, dockerd].filter(Boolean);
  const each = (task) => Object.fromEntries(daemons.map((daemon) => [daemon.name, task(daemon)]));
  return [
    {
      title: "docker run --rm --net none busybox true",
      goal: "<= 0.15 x docker",
      unit: "ms",
      contestants: {
        ...each((daemon) => () => cli(daemon, ...runTrue)),
        ...(podman && { podman: () => timeCommand(podman.command(...runTrue)) }),
      },
    },
    {
      title: "engine alone: create, start, wait, remove",
      goal: "<= 0.6 x runc run of a bare rootfs",
      unit: "ms",
      contestants: {
        ...each((daemon) => () => timeTask(() => daemon.client.runOnce("busybox", ["true"]))),
        ...(runc && { runc: () => timeCommand(runc.command()) }),
        ...(busybox && { process: () => timeCommand([busybox, "true"]) }),
      },
    },
    {
      title: "docker exec CONTAINER true",
      goal: "<= 0.4 x docker",
      unit: "ms",
      before: (daemon) => runCommand([docker, ...runIdle], daemon.env),
      contestants: each((daemon) => () => cli(daemon, "exec", daemon.prepared, "true")),
      after: (daemon) => runCommand([docker, "rm", "-f", daemon.prepared], daemon.env),
    },
    {
      title: "cold start: daemon boot and first container",
      goal: "reported",
      unit: "ms",
      contestants: each((daemon) => () => timeColdStart(daemon)),
    },
    {
      title: `docker stop of ${burst.containers} that end on SIGTERM`,
      goal: "<= 0.3 x docker",
      unit: "ms",
      isHeavy: true,
      contestants: each((daemon) => () => timeStop(daemon)),
    },
    ...byteMeasures({ docker, each, data }),
  ];
}

/** Starts containers, at most a few at a time. @returns their ids */
async function startMany(daemon, run) {
  const ids = [];
  await inParallel(burst.containers, burst.atOnce, async () => {
    ids.push(await runCommand([docker, ...run], daemon.env));
  });
  return ids;
}

async function timeStop(daemon) {
  const ids = await startMany(daemon, runStoppable);
  const time = await cli(daemon, "stop", ...ids);
  await runCommand([docker, "rm", ...ids], daemon.env);
  return time;
}

/**
 * Fifty containers are started at eight a time, then removed by one command: two measures in one.
 */
async function measureBursts(daemons) {
  const removals = Object.fromEntries(daemons.map(({ name }) => [name, []]));
  const timeBurst = async (daemon) => {
    let ids = [];
    const started = await timeTask(async () => (ids = await startMany(daemon, runIdle)));
    removals[daemon.name].push(await cli(daemon, "rm", "-f", ...ids));
    return started;
  };
  const title = `${burst.containers} x docker run -d, ${burst.atOnce} at a time`;
  process.stderr.write(`bench: ${title}, and their removal\n`);
  const who = Object.fromEntries(daemons.map((daemon) => [daemon.name, () => timeBurst(daemon)]));
  const times = await takeTurns(who, heavyRounds);
  const removal = `docker rm -f of ${burst.containers} running`;
  const row = { unit: "ms", rounds: heavyRounds };
  return [
    { ...row, title, goal: "<= 0.2 x docker", times },
    { ...row, title: removal, goal: "<= 0.1 x docker", times: counted(removals) },
  ];
}

/** Without the round that is not counted, and sorted. */
function counted(times) {
  const sorted = (values) => values.slice(1).toSorted((a, b) => a - b);
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, sorted(all)]));
}

async function timeColdStart(daemon) {
  await daemon.stop();
  return timeTask(async () => {
    await daemon.start();
    await cli(daemon, ...runTrue);
  });
}

/** Growth of an engine's own processes for one more idle container, in bytes. */
async function memoryPerContainer(engine, run, remove) {
  const own = () => pssOf(engine.ownProcesses().map(({ pid }) => pid));
  const startAll = async () => {
    const ids = [];
    for (let i = 0; i < idleContainers; i += 1) ids.push(await runCommand(run, engine.env));
    return ids;
  };
  const settle = () => new Promise((resolve) => setTimeout(resolve, 2000));
  await runCommand([...remove, ...(await startAll())], engine.env); // what the first ones cost once
  await settle();
  const before = own();
  const ids = await startAll();
  await settle();
  const after = own();
  await runCommand([...remove, ...ids], engine.env);
  return (after - before) / idleContainers;
}

async function measureMemory({ ours, dockerd, podman }) {
  const results = {};
  for (const daemon of [ours, dockerd].filter(Boolean)) {
    const run = [docker, ...runIdle];
    results[daemon.name] = await memoryPerContainer(daemon, run, [docker, "rm", "-f"]);
  }
  if (podman) {
    const run = podman.command(...runIdle);
    results.podman = await memoryPerContainer(podman, run, podman.command("rm", "-f", "-t", "0"));
  }
  return { title: "memory of one more idle container", goal: "<= 1.5 MB", unit: "MB", results };
}

async function measure({ title, goal, unit, contestants: who, ...around }, daemons) {
  const { before, after, isHeavy = false } = around;
  const rounds = isHeavy ? heavyRounds : lightRounds;
  process.stderr.write(`bench: ${title}\n`);
  for (const daemon of daemons) daemon.prepared = await before?.(daemon);
  const times = await takeTurns(who, rounds);
  for (const daemon of daemons) await after?.(daemon);
  return { title, goal, unit, times, rounds };
}

/** Prepares everybody who is installed; says who is not. */
async function prepare(directory) {
  const rootfs = join(directory, "rootfs");
  const tarball = join(directory, "rootfs.tar");
  await contestants.makeRootfs(rootfs);
  await runCommand(["tar", "-C", rootfs, "-cf", tarball, "."]);
  const present = (...names) => names.every((name) => contestants.findProgram(name) !== null);
  const skip = (name) => console.log(`bench: skipping ${name}: not installed`);

  const data = makeData(join(directory, "data"));
  const all = { data, ours: new contestants.Drydock(join(directory, "drydock")) };
  await all.ours.start();
  if (present("dockerd", "containerd", "runc", "unshare")) {
    all.dockerd = new contestants.Dockerd(join(directory, "docker"));
    await all.dockerd.start();
    await all.dockerd.importImage(tarball);
  } else skip("docker (docker.io)");
  if (present("podman")) {
    all.podman = new contestants.Podman(join(directory, "podman"));
    await all.podman.importImage(tarball);
  } else skip("podman");
  if (present("runc")) {
    all.runc = new contestants.Runc(join(directory, "runc"), rootfs);
    await all.runc.prepare();
  } else skip("runc");
  return all;
}

async function bench(directory) {
  const all = await prepare(directory);
  const daemons = [all.ours, all.dockerd].filter(Boolean);
  try {
    const wanted = ({ title }) => options.only.some((word) => title.includes(word));
    const rows = [];
    for (const one of measures(all).filter(wanted)) rows.push(await measure(one, daemons));
    if (wanted({ title: "bursts" })) rows.push(...(await measureBursts(daemons)));
    if (wanted({ title: "memory" })) rows.push(await measureMemory(all));
    return rows;
  } finally {
    for (const one of [...daemons, all.podman].filter(Boolean)) {
      await one.stop().catch((error) => console.error(`bench: ${error.message}`));
    }
  }
}

function summarize({ title, goal, unit, times, results, rounds = 1 }) {
  const medians =
    results ?? Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
  return { title, goal, unit, rounds, date: new Date().toISOString(), medians, all: times };
}

/** What was measured takes the place of what is known of the same work. */
function keepResults(file, rows) {
  const known = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).rows : [];
  const others = known.filter(({ title }) => rows.every((row) => row.title !== title));
  const taken = { machine, kernel: release(), rows: [...rows, ...others] };
  writeFileSync(file, `${JSON.stringify(taken, null, 2)}\n`);
}

if (process.getuid?.() !== 0 || docker === null || contestants.busybox === null) {
  console.error("bench: needs root, the docker CLI and a static busybox; nothing was measured");
  process.exit(1);
}
const directory = mkdtempSync(join(tmpdir(), "drydock-bench-"));
const cgroupsBefore = contestants.listCgroups();
try {
  const rows = (await bench(directory)).map(summarize);
  const file = fileURLToPath(new URL("results.json", import.meta.url));
  keepResults(file, rows);
  printTable(rows);
  const howMany = `medians of ${lightRounds}, of ${heavyRounds} where one takes seconds`;
  console.log(`\n${machine}, Linux ${release()}, ${howMany}; all numbers: ${file}`);
} finally {
  await waitFor("cgroups to empty", () => {
    contestants.removeCgroups(cgroupsBefore);
    return contestants.listCgroups().every((path) => cgroupsBefore.includes(path));
  }).catch((error) => console.error(`bench: ${error.message}`));
  contestants.removeDirectory(directory);
}
