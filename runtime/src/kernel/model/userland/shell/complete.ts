/**
 * Complete: what Tab may put for the word that is being typed.
 *
 * The first word of a command is a command: a builtin, a function, a program in PATH. Every other
 * word, and every word with a slash, is a path.
 *
 * Kernel interface: getdents(2), stat(2), environ(7).
 * Invariants: none.
 * Left out: variables, users' homes but the own one, quotes, and what a command knows of its words.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError } from "../../../port.ts";
import { namesIn, programNames } from "../programs.ts";
import { BUILTINS } from "./builtins.ts";
import type { Completion } from "./line-editor.ts";
import { valueOf, type Shell } from "./shell.ts";

/** Completes the last word of a text. */
export function completeWord(shell: Shell, before: string): Completion {
  const [word] = /(?:\\.|[^\s;|&<>()=\\])*$/.exec(before) ?? [""];
  const ahead = before.slice(0, before.length - word.length);
  const isCommand = /(?:^|[;|&(]|\b(?:do|then|else|sudo|exec|time))\s*$/.test(ahead);
  const typed = word.replaceAll(/\\(.)/g, "$1");
  const [directory = ""] = /^.*\//.exec(typed) ?? [];
  const start = typed.slice(directory.length);
  const names = isCommand && directory === "" ? commands(shell) : paths(shell, directory, start);
  const fitting = [...new Set(names)].filter((name) => name.startsWith(start)).toSorted();
  const [only = ""] = fitting;
  if (fitting.length === 1) {
    const end = only.endsWith("/") ? "" : " ";
    return { added: escaped(only.slice(start.length)) + end, choices: fitting };
  }
  return { added: escaped(common(fitting).slice(start.length)), choices: fitting };
}

function escaped(text: string): string {
  return text.replaceAll(/[\s"'\\$`;|&<>()*?[\]]/g, String.raw`\$&`);
}

/** The beginning that all have. */
function common(names: readonly string[]): string {
  const [first = "", ...others] = names;
  let length = first.length;
  while (!others.every((name) => name.startsWith(first.slice(0, length)))) length -= 1;
  return first.slice(0, length);
}

function commands(shell: Shell): readonly string[] {
  const programs = programNames(shell.context.kernel, valueOf(shell, "PATH"));
  return [...Object.keys(BUILTINS), ...shell.functions.keys(), ...programs];
}

/** Names with a slash behind those of directories. Hidden ones only for who types the dot. */
function paths(shell: Shell, typed: string, start: string): readonly string[] {
  const directory = typed.replace(/^~(?=\/)/, valueOf(shell, "HOME") ?? "~");
  const names = namesIn(shell.context.kernel, directory || ".");
  const shown = names.filter((name) => start.startsWith(".") || !name.startsWith("."));
  return shown.map((name) => (isDirectory(shell, `${directory}${name}`) ? `${name}/` : name));
}

function isDirectory({ context }: Shell, path: string): boolean {
  try {
    return context.kernel.stat(path).type === "directory";
  } catch (error) {
    if (error instanceof KernelError && error.errno !== "ESRCH") return false;
    throw error;
  }
}
