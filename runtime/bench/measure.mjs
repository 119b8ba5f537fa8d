/** Measure: time what is told, take turns, report medians. Nothing here knows a container. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, readdirSync } from "node:fs";

/**
 * Runs a command and returns how long it took in milliseconds, from fork to the end of its output.
 * A command that fails is an error: the time of a failure says nothing.
 */
export async function timeCommand([command, ...args], env = process.env, streams = {}) {
  const at = performance.now();
  await runCommand([command, ...args], env, streams);
  return performance.now() - at;
}

/**
 * Runs a command to its end; resolves to what it printed, throws when it failed.
 *
 * @param streams `stdin`: a file to read; `dropOutput`: what it prints is not wanted, and not timed
 */
export function runCommand([command, ...args], env = process.env, streams = {}) {
  const { stdin, dropOutput = false } = streams;
  const input = stdin === undefined ? "ignore" : openSync(stdin, "r");
  return new Promise((resolve, reject) => {
    const stdio = [input, dropOutput ? "ignore" : "pipe", "pipe"];
    const child = spawn(command, args, { env, stdio });
    if (stdin !== undefined) closeSync(input);
    let [out, err] = ["", ""];
    child.stdout?.on("data", (bytes) => (out += bytes));
    child.stderr.on("data", (bytes) => (err += bytes));
    child.on("error", reject);
    child.on("close", (code) =>
      code === 0
        ? resolve(out.trim())
        : reject(new Error(`${command} ${args.join(" ")}: exit ${code}\n${err || out}`)),
    );
  });
}

/** Times a task. */
export async function timeTask(task) {
  const at = performance.now();
  await task();
  return performance.now() - at;
}

/**
 * Measures the same work done by several contestants, who take turns, so that a slow minute of the
 * machine is shared. One round that is not counted comes first.
 *
 * @param contestants name to a function that does the work once and returns its milliseconds
 * @param rounds how often each is counted
 * @returns name to sorted milliseconds
 */
export async function takeTurns(contestants, rounds) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = -1; round < rounds; round += 1) {
    for (const [name, once] of Object.entries(contestants)) {
      const milliseconds = await once();
      if (round >= 0) times[name].push(milliseconds);
    }
  }
  for (const values of Object.values(times)) values.sort((a, b) => a - b);
  return times;
}

/** The middle of sorted numbers. */
export function median(sorted) {
  const half = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Does `count` tasks, at most `atOnce` at a time. */
export async function inParallel(count, atOnce, task) {
  let next = 0;
  const worker = async () => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Processes whose command line matches, with their pid and arguments. */
export function processesWith(text) {
  const found = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const args = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0");
      if (args.some((arg) => arg.includes(text))) found.push({ pid: Number(name), args });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** Proportional set size of processes, in bytes: shared pages are divided among their users. */
export function pssOf(pids) {
  let bytes = 0;
  for (const pid of pids) {
    const [, kibibytes] = /^Pss:\s+(\d+) kB/m.exec(
      readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"),
    );
    bytes += Number(kibibytes) * 1024;
  }
  return bytes;
}

/** Waits until a condition gives something; throws when it does not within the time. */
export async function waitFor(what, condition, timeoutMs = 20_000) {
  const until = performance.now() + timeoutMs;
  while (performance.now() < until) {
    const value = await condition();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`Waited ${timeoutMs} ms in vain for ${what}`);
}
