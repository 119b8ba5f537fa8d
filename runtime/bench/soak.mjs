/**
 * Soak: run and remove a thousand containers, then look for anything that is left.
 *
 * The engine's mounts, cgroups, namespaces, processes, files and descriptors must be what they were
 * after the first few, and the memory of daemon and keeper must not have grown by more than its
 * noise. The exit code says so.
 *
 * Usage: npm run soak [-- --containers N] (needs root)
 */
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Drydock, removeDirectory } from "./contestants.mjs";
import { median, pssOf } from "./measure.mjs";

const { values: options } = parseArgs({
  options: { containers: { type: "string", default: "1000" } },
});
const containers = Number(options.containers);
const warmUp = 250;
/**
 * Garbage is collected when the collector likes, and its young space grows in steps of 16 MB. The
 * daemon has settled after the first few hundred containers, the keeper after some 1,500.
 */
const memoryNoiseBytes = { daemon: 8e6, keeper: 36e6 };

const countOf = (items) => new Map([...items].map((item) => [item, true]));

/** Everything that a container of this engine could leave behind, as names that can be compared. */
function snapshot(engine) {
  const own = engine.ownProcesses().map(({ pid }) => pid);
  const isOurs = (text) => text.includes(engine.directory) || text.includes(engine.cgroupParent);
  return {
    mounts: countOf(own.flatMap((pid) => linesOf(`/proc/${pid}/mountinfo`)).filter(isOurs)),
    cgroups: countOf(directoriesUnder("/sys/fs/cgroup").filter(isOurs)),
    namespaces: countOf(own.concat(childrenOf(own)).flatMap(namespacesOf)),
    processes: countOf([...own, ...childrenOf(own)].map(String)),
    descriptors: new Map(own.map((pid) => [`of ${pid}`, readdirSync(`/proc/${pid}/fd`).length])),
    files: countOf(filesUnder(join(engine.directory, "root"))),
  };
}

function linesOf(path) {
  return readFileSync(path, "utf8").trimEnd().split("\n");
}

/** Other engines make and remove cgroups while we look. */
function directoriesUnder(path) {
  const entries = existsSync(path) ? readdirSync(path, { withFileTypes: true }) : [];
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name));
  return below.flatMap((directory) => [directory, ...directoriesUnder(directory)]);
}

/**
 * Paths of state, but not of logs and locks whose number is constant and whose size is not ours.
 */
function filesUnder(path) {
  return readdirSync(path, { recursive: true }).filter((name) => {
    try {
      return statSync(join(path, name)).isFile() || statSync(join(path, name)).isDirectory();
    } catch {
      return false;
    }
  });
}

function childrenOf(pids) {
  return pids.flatMap((pid) =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
}

function namespacesOf(pid) {
  return readdirSync(`/proc/${pid}/ns`).map((name) => readlinkSync(`/proc/${pid}/ns/${name}`));
}

function differences(before, after) {
  return Object.keys(before).flatMap((kind) => {
    const [old, now] = [before[kind], after[kind]];
    const added = [...now].filter(([name, value]) => old.get(name) !== value);
    const lost = [...old].filter(([name]) => !now.has(name));
    return [
      ...added.map(([name, value]) => `${kind}: + ${name}${value === true ? "" : ` ${value}`}`),
      ...lost.map(([name]) => `${kind}: - ${name}`),
    ];
  });
}

async function soak(engine) {
  const run = () => engine.client.runOnce("busybox", ["true"]);
  for (let i = 0; i < warmUp; i += 1) await run();
  const before = snapshot(engine);
  const memory = { daemon: [], keeper: [] };
  const at = performance.now();
  for (let i = 0; i < containers; i += 1) {
    const code = await run();
    if (code !== 0) throw new Error(`container ${i} ended with ${code}`);
    if (i % 10 === 0) {
      memory.daemon.push(pssOf([engine.pid]));
      memory.keeper.push(pssOf(keepersOf(engine)));
    }
  }
  const each = (performance.now() - at) / containers;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const faults = differences(before, snapshot(engine));
  return { faults, memory, each };
}

function keepersOf(engine) {
  return engine.ownProcesses().flatMap(({ pid }) => (pid === engine.pid ? [] : [pid]));
}

function memoryGrowth(memory) {
  const fifth = Math.max(1, Math.floor(memory.length / 5));
  const middle = (part) => median(part.toSorted((a, b) => a - b));
  return middle(memory.slice(-fifth)) - middle(memory.slice(fifth, 2 * fifth));
}

if (process.getuid?.() !== 0) {
  console.error("soak: needs root; nothing was run");
  process.exit(1);
}
const directory = mkdtempSync(join(tmpdir(), "drydock-soak-"));
const engine = new Drydock(join(directory, "drydock"));
await engine.start();
try {
  const { faults, memory, each } = await soak(engine);
  const mb = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
  console.log(`soak: ${containers} containers, ${each.toFixed(1)} ms each`);
  for (const [who, noise] of Object.entries(memoryNoiseBytes)) {
    const growth = memoryGrowth(memory[who]);
    console.log(
      `soak: ${who} ${mb(memory[who].at(-1))}, growth ${mb(growth)} (noise: ${mb(noise)})`,
    );
    if (growth > noise) faults.push(`memory of the ${who}: + ${mb(growth)}`);
  }
  for (const fault of faults) console.error(`soak: left behind: ${fault}`);
  console.log(
    faults.length === 0 ? "soak: nothing is left behind" : `soak: ${faults.length} faults`,
  );
  process.exitCode = faults.length === 0 ? 0 : 1;
} finally {
  await engine.stop();
  removeDirectory(directory);
}
