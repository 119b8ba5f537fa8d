/**
 * Commands: the shell blocks of the pages, run one after the other.
 *
 * Every block of the language `sh` is a promise: whoever types it sees what the page says. A block
 * that no test can type (it installs things, or needs two terminals) is marked `by-hand`. What a
 * block prints, both streams together, stands in a `text output` block right below it; there `…`
 * stands for what differs from run to run, and a line of nothing else for any number of lines.
 * A block without output below must succeed. A block of the language `playground` can be run in the
 * page as well; it is run here like the others, so what it prints is the same on both kernels.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One shell block of a page. */
export interface CommandBlock {
  /** From `docs/`. */
  readonly page: string;
  /** Of its first command, from 1. */
  readonly line: number;
  /** `playground` for commands that the page itself can run. */
  readonly language: "sh" | "playground";
  readonly commands: string;
  /** What the page says it prints; null when it says nothing. */
  readonly output: string | null;
  readonly byHand: boolean;
}

/** Every shell block of every page below a directory. */
export function commandBlocks(docs: string): readonly CommandBlock[] {
  return readdirSync(docs, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .toSorted()
    .flatMap((page) => blocksOf(page, readFileSync(join(docs, page), "utf8")));
}

/** The shell blocks of one page. */
export function blocksOf(page: string, markdown: string): readonly CommandBlock[] {
  const form =
    /^```(sh|playground)([^\n]*)\n([\s\S]*?)^```\n(?:\n?```text output\n([\s\S]*?)^```$)?/gm;
  return [...markdown.matchAll(form)].map((match) => {
    const [, word, marks = "", commands = "", output] = match;
    const language = word === "playground" ? word : "sh";
    const line = markdown.slice(0, match.index).split("\n").length + 1;
    const byHand = /\bby-hand\b/.test(marks);
    return { page, line, language, commands, output: output ?? null, byHand };
  });
}

/** Whether what was printed is what the page says. */
export function agrees(printed: string, said: string): boolean {
  const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const lines = said.trimEnd().split("\n");
  const forms = lines.map((line) =>
    line.trim() === "…" ? "(?:.*\\n)*?" : `${line.split("…").map(escaped).join(".*?")} *\\n`,
  );
  const tidy = `${printed.replaceAll("\r", "").trimEnd()}\n`;
  return new RegExp(`^${forms.join("")}$`).test(tidy);
}

/** How a block ended and what it printed, both streams as they came. */
export interface Printed {
  readonly code: number | null;
  readonly text: string;
}

/** How long a block may take, also on a machine that has other work. */
const TIMEOUT_MS = 100_000;

/**
 * Runs the commands of a block in a shell; with `untilFailure` the first failure ends it. What it
 * leaves running is ended with it.
 */
export function runBlock(
  commands: string,
  options: {
    readonly cwd: string;
    readonly env: NodeJS.ProcessEnv;
    readonly untilFailure: boolean;
  },
): Promise<Printed> {
  const { cwd, env, untilFailure } = options;
  const script = `exec 2>&1\n${untilFailure ? "set -e\n" : ""}${commands}`;
  // A process group of its own, so that what the block leaves behind can be ended with it.
  const child = spawn("sh", ["-c", script], {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const endGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
    } catch {
      // Nobody is left.
    }
  };
  const timer = setTimeout(endGroup, TIMEOUT_MS);
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
  child.stderr.setEncoding("utf8").on("data", (more: string) => (text += more));
  child.on("exit", endGroup);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ code, text });
    });
  });
}
