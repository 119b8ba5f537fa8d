/**
 * Runs one script twice: in the model's userland and in the busybox of this machine.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLinuxKernel } from "../../linux/index.ts";
import type { Child } from "../../port.ts";
import { createModelKernel, installUserland, USERLAND, type ModelKernel } from "../index.ts";

/** What a script did. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/** The busybox to compare with; undefined where there is none. */
export const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));

const ENV = { PATH: "/bin:/usr/bin:/sbin", HOME: "/root" };

/** Runs a script with the machine's busybox, in an empty directory of its own. */
export function runReal(script: string): Outcome {
  const directory = mkdtempSync(join(tmpdir(), "userland-"));
  try {
    const found = spawnSync(BUSYBOX ?? "", ["sh", "-c", `umask 022\n${script}`], {
      cwd: directory,
      env: ENV,
      input: "",
      timeout: 20_000,
    });
    return {
      stdout: found.stdout.toString("latin1"),
      stderr: found.stderr.toString("latin1"),
      exitCode: found.status ?? -1,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A machine with a userland. */
export function machine(): ModelKernel {
  const kernel = createModelKernel({ clock: createLinuxKernel(), programs: USERLAND });
  installUserland(kernel, "model");
  return kernel;
}

/** What a child prints, to its end. */
export async function outcomeOf(child: Child): Promise<Outcome> {
  const text = { stdout: "", stderr: "" };
  const ends = (["stdout", "stderr"] as const).map(
    (name) =>
      new Promise<void>((resolve) => {
        child[name]?.listen((bytes) => {
          text[name] += String.fromCharCode(...bytes);
        }, resolve);
      }),
  );
  const status = await child.exited;
  await Promise.all(ends);
  return { ...text, exitCode: "exitCode" in status ? status.exitCode : -1 };
}

/** Starts a shell in an empty directory of its own. */
export function startShell(kernel: ModelKernel, args: readonly string[]): Child {
  const options = { pidNamespace: "inherit", stdio: "pipes", stdin: true } as const;
  return kernel.spawn(options, ({ kernel: own, hostPid }) => {
    own.mkdir(`/tmp/${hostPid}`, 0o755);
    own.chdir(`/tmp/${hostPid}`);
    const env = Object.entries(ENV).map(([name, value]) => `${name}=${value}`);
    return own.execve("/bin/sh", ["sh", ...args], env);
  });
}

/** Runs a script in the model. */
export function runModel(script: string, kernel = machine()): Promise<Outcome> {
  const child = startShell(kernel, ["-c", `umask 022\n${script}`]);
  child.stdin?.end();
  return outcomeOf(child);
}
