/**
 * Jobs: commands in the background.
 *
 * Kernel interface: wait(2).
 * Specification: POSIX.1-2017, Utilities, "jobs", "wait".
 * Invariants: none.
 * Left out: stopping and continuing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { signalWords, waitFor } from "./processes.ts";
import type { Job, Shell } from "./shell.ts";
import { runTraps } from "./traps.ts";

/** `wait [PID]…`: until they ended, or a signal comes that has a trap. */
export async function wait(shell: Shell, args: readonly string[]): Promise<number> {
  const wanted = args.length === 0 ? shell.jobs : args.map((each) => jobOf(shell, each));
  let status = 0;
  for (const job of wanted) {
    if (job === undefined) {
      status = 127;
      continue;
    }
    const isWoken = await Promise.race([job.exited.then(() => false), woken(shell)]);
    if (isWoken) {
      await runTraps(shell);
      return 130;
    }
    const code = await waitFor(shell, job);
    if (args.length > 0) status = code;
  }
  const done = wanted.map((job) => job?.pid);
  shell.jobs = shell.jobs.filter(({ pid }) => !done.includes(pid));
  return status;
}

function woken(shell: Shell): Promise<boolean> {
  return new Promise((resolve) => {
    shell.wake = () => resolve(true);
    if (shell.arrived.length > 0) resolve(true);
  });
}

function jobOf({ jobs }: Shell, word: string): Job | undefined {
  const key = word.startsWith("%") ? "number" : "pid";
  return jobs.find((job) => job[key] === Number(word.replace("%", "")));
}

/** The lines of `jobs`. */
export function jobLines({ jobs }: Shell): readonly string[] {
  return jobs.map(({ number, status, text }, index) => {
    const mark = { [jobs.length - 1]: "+", [jobs.length - 2]: "-" }[index] ?? " ";
    return `[${number}]${mark}  ${stateOf(status).padEnd(26)} ${text}`;
  });
}

function stateOf(status: Job["status"]): string {
  if (status === undefined) return "Running";
  if ("signal" in status) return signalWords(status.signal);
  return status.exitCode === 0 ? "Done" : `Done(${status.exitCode})`;
}

/** `jobs` */
export async function jobs(shell: Shell): Promise<number> {
  const text = jobLines(shell).map((line) => `${line}\n`);
  await shell.context.write(shell.streams.stdout, new TextEncoder().encode(text.join("")));
  shell.jobs = shell.jobs.filter(({ status }) => status === undefined);
  return 0;
}
