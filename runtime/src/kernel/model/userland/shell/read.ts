/**
 * Read: one line into variables.
 *
 * It takes byte after byte, so that what comes behind the line is left for others.
 *
 * Kernel interface: read(2).
 * Specification: POSIX.1-2017, Utilities, "read".
 * Invariants: none.
 * Left out: time limits.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { readOptions } from "../options.ts";
import type { Source } from "../../state.ts";
import { assign, valueOf, type Shell } from "./shell.ts";

const NEWLINE = 10;

/** One line with its newline, or what there is before the end. */
export async function readLine(shell: Shell, from: Source): Promise<string> {
  const bytes: number[] = [];
  while (bytes.at(-1) !== NEWLINE) {
    const [byte] = await shell.context.read(from, 1);
    if (byte === undefined) break;
    bytes.push(byte);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}

/** `read [-r] [-p PROMPT] NAME…` */
export async function read(shell: Shell, args: readonly string[]): Promise<number> {
  const options = readOptions({ args }, "+rp:s");
  const prompt = options.value("p");
  const { stdin, stderr } = shell.streams;
  if (prompt !== undefined) await shell.context.write(stderr, new TextEncoder().encode(prompt));
  let line = await readLine(shell, stdin);
  while (!options.has("r") && /(^|[^\\])(\\\\)*\\\n$/.test(line)) {
    line = line.slice(0, -2) + (await readLine(shell, stdin));
  }
  const names = options.operands.length === 0 ? ["REPLY"] : options.operands;
  const text = line.replace(/\n$/, "");
  const values = distribute(text, names.length, {
    ifs: valueOf(shell, "IFS") ?? " \t\n",
    isRaw: options.has("r"),
  });
  for (const [index, name] of names.entries()) assign(shell, name, values[index] ?? "");
  return line.endsWith("\n") ? 0 : 1;
}

/** Splits a line into so many parts; the last takes the rest. */
function distribute(
  text: string,
  count: number,
  { ifs, isRaw }: { readonly ifs: string; readonly isRaw: boolean },
): readonly string[] {
  const marks = [...(isRaw ? text : text.replace(/\\(.)/gs, "\u0000$1"))];
  // A character behind a mark was quoted by a backslash, and separates nothing.
  const isSeparator = (at: number): boolean =>
    ifs.includes(marks[at] ?? "x") && marks[at - 1] !== "\u0000";
  const isSpace = (at: number): boolean => isSeparator(at) && " \t\n".includes(marks[at] ?? "");
  const done: string[] = [];
  let at = 0;
  const skipSpace = (): void => {
    while (at < marks.length && isSpace(at)) at += 1;
  };
  skipSpace();
  while (done.length < count - 1 && at < marks.length) {
    const start = at;
    while (at < marks.length && !isSeparator(at)) at += 1;
    done.push(marks.slice(start, at).join(""));
    skipSpace();
    if (at < marks.length && isSeparator(at)) at += 1;
    skipSpace();
  }
  let end = marks.length;
  while (end > at && isSpace(end - 1)) end -= 1;
  done.push(marks.slice(at, end).join(""));
  return done.map((each) => each.replaceAll("\u0000", ""));
}
