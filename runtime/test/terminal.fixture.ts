/**
 * Terminal: a person at a keyboard, for tests, made by `script` from util-linux.
 *
 * `script` opens a real pseudo terminal, runs a program on it and copies bytes both ways, so a CLI
 * inside believes that somebody sits there.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";

/** Why there is no terminal here, or null. */
export function whyNoTerminal(): string | null {
  const { status, stdout } = spawnSync("script", ["--version"], { encoding: "utf8" });
  return status === 0 && stdout.includes("util-linux") ? null : "script from util-linux is missing";
}

/** A program on a terminal. */
export interface TypedProgram {
  /** Types characters. */
  type(text: string): void;
  /** Waits until the screen has shown something after what was waited for before. */
  see(expected: string | RegExp): Promise<void>;
  /** Everything that was shown. */
  readonly screen: () => string;
  /** The program's exit code, once it has ended. */
  readonly exited: Promise<number | null>;
}

/** Runs a shell command on a new terminal of 24 rows and 80 columns. */
export function onTerminal(command: string, env: NodeJS.ProcessEnv): TypedProgram {
  const child = spawn("script", ["-qefc", `stty rows 24 cols 80; ${command}`, "/dev/null"], {
    env: { ...env, SHELL: "/bin/sh", TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let shown = "";
  let seen = 0;
  child.stdout.on("data", (bytes: Uint8Array) => (shown += new TextDecoder().decode(bytes)));
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const see = async (expected: string | RegExp): Promise<void> => {
    const end = Date.now() + 30_000;
    for (;;) {
      const rest = shown.slice(seen);
      const found = match(rest, expected);
      if (found !== null) {
        seen += found;
        return;
      }
      if (Date.now() > end) {
        throw new Error(`waited in vain for ${String(expected)}; saw ${JSON.stringify(rest)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  return { type: (text) => void child.stdin.write(text), see, screen: () => shown, exited };
}

/** Where the first match ends, or null. */
function match(text: string, expected: string | RegExp): number | null {
  if (typeof expected === "string") {
    const index = text.indexOf(expected);
    return index < 0 ? null : index + expected.length;
  }
  const found = expected.exec(text);
  return found === null ? null : found.index + found[0].length;
}
