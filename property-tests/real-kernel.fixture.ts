/**
 * A real kernel for property tests, and children that do one thing on it.
 */
import type { Inside, Kernel, SpawnOptions } from "../runtime/src/kernel/index.ts";
import { createLinuxKernel } from "../runtime/src/kernel/linux/index.ts";

/** Why the real kernel cannot be used here, or null. */
export function whyNoRealKernel(): string | null {
  if (process.platform !== "linux") return "this is not Linux";
  if (process.getuid?.() !== 0) return "this needs root";
  return null;
}

/** Whether to skip the tests of the real kernel; says why, once. */
export function skipReal(what: string): boolean {
  const reason = whyNoRealKernel();
  if (reason !== null) console.log(`skipped: ${what}: ${reason}`);
  return reason !== null;
}

/** A child that has reported `ready` and waits. */
export interface Waiting {
  readonly hostPid: number;
  /** What it reported. */
  readonly line: string;
  /** Lets it go on, and waits for its end. */
  release(): Promise<void>;
}

const NO_STDIO = { stdio: "null", stdin: false } as const;

/** What the child reports when `act` throws, as one line that the parent makes an error of. */
const FAILED = "failed ";

function describe(error: unknown): string {
  return error instanceof Error && "errno" in error ? String(error.errno) : String(error);
}

/**
 * Spawns a child that acts, reports the result and waits until it is released.
 *
 * @throws Error with the errno when `act` threw
 */
export async function spawnWaiting(
  kernel: Kernel,
  pidNamespace: SpawnOptions["pidNamespace"],
  act: (inside: Inside) => string,
  whileAsked: (hostPid: number) => void = () => {},
): Promise<Waiting> {
  const child = kernel.spawn({ ...NO_STDIO, pidNamespace }, (inside) => {
    let line: string;
    try {
      line = act(inside);
    } catch (error) {
      line = FAILED + describe(error);
    }
    inside.ask(line);
    inside.kernel.execve("/bin/true", ["true"], []);
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.onReport(
      (text) => {
        if (text !== "maps?") return resolve(text);
        try {
          whileAsked(child.hostPid);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        child.answer("ok");
      },
      () => resolve(`${FAILED}it ended`),
    );
  });
  const release = async () => {
    child.answer("go");
    await child.exited;
  };
  if (line.startsWith(FAILED)) {
    await release();
    throw new Error(line.slice(FAILED.length));
  }
  return { hostPid: child.hostPid, line, release };
}

/** Runs `act` in a child and gives back what it returned, or the errno that it met. */
export async function runInChild(kernel: Kernel, act: (inside: Inside) => string): Promise<string> {
  try {
    const child = await spawnWaiting(kernel, "inherit", act);
    await child.release();
    return child.line;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Runs `prepare` in a child, becomes a program and gives back what that prints. */
export async function outputOf(
  kernel: Kernel,
  argv: readonly [string, ...string[]],
  prepare: (inside: Inside) => void,
): Promise<string> {
  const child = kernel.spawn(
    { pidNamespace: "inherit", stdio: "pipes", stdin: false },
    (inside) => {
      prepare(inside);
      inside.kernel.execve(argv[0], argv, []);
    },
  );
  const reports: string[] = [];
  child.onReport(
    (line) => reports.push(line),
    () => {},
  );
  const decoder = new TextDecoder();
  let output = "";
  child.stderr?.listen(
    () => {},
    () => {},
  );
  await new Promise<void>((resolve) => {
    child.stdout?.listen((bytes) => (output += decoder.decode(bytes, { stream: true })), resolve);
  });
  await child.exited;
  return [...reports, output].join("\n");
}

/** The kernel under test. */
export function openRealKernel(): Kernel {
  return createLinuxKernel();
}
