/**
 * Line editor: a line, typed and changed key by key.
 *
 * The terminal's own editing knows the end of a line alone. So a shell takes it away while a line
 * is typed, reads every key, and shows by itself what becomes of the line:
 *
 *     keys ─▶ [cooked off] ─▶ key by key ─▶ the line, and how it is shown ─▶ [cooked on] ─▶ command
 *
 * Most keys stand at the end of the line, where a character is just shown. After any other the line
 * is drawn anew, from the row on which its prompt begins.
 *
 * Kernel interface: termios(3), console_codes(4).
 * Invariants: none.
 * Left out: searching the lines before (Ctrl-R), an Escape by itself, undo, letters of double
 *   width.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ProgramTerminal } from "../../state.ts";

/** What an editor needs of its shell. */
export interface Editing {
  /** The next byte that is typed; undefined at the end. */
  readonly nextByte: () => Promise<number | undefined>;
  readonly show: (text: string) => Promise<void>;
  readonly terminal: ProgramTerminal;
  readonly prompt: string;
  /** The lines before, oldest first. */
  readonly history: readonly string[];
  /** What may stand for the last word of a text. */
  readonly complete: (before: string) => Completion;
}

/** What Tab finds. */
export interface Completion {
  /** What is common to all that fits, to be added. */
  readonly added: string;
  /** What fits, to be shown when nothing can be added. */
  readonly choices: readonly string[];
}

/** A line, or why there is none: Ctrl-C, or Ctrl-D before anything was typed. */
export type EditedLine = { readonly text: string } | "interrupted" | "ended";

interface Line extends Editing {
  chars: string[];
  /** How many of them stand before the cursor. */
  at: number;
  /** Which of the lines before is shown; their number, if it is the new one. */
  shown: number;
  /** What was typed before others were looked at. */
  draft: string;
  /** On which row below the prompt's first one the cursor was left. */
  row: number;
}

/** Reads one line. */
export async function editLine(editing: Editing): Promise<EditedLine> {
  const { terminal, history, show } = editing;
  const before = terminal.flags();
  terminal.setFlags({ lines: false, echo: false, signals: false });
  const line: Line = { ...editing, chars: [], at: 0, shown: history.length, draft: "", row: 0 };
  try {
    await show(editing.prompt);
    return await readKeys(line);
  } finally {
    terminal.setFlags(before);
  }
}

async function readKeys(line: Line): Promise<EditedLine> {
  for (;;) {
    const key = await nextKey(line);
    if (key === undefined) return "ended";
    if (key === "\n" || key === "\r") return await finish(line, "\n");
    if (key === CTRL.c) {
      await finish(line, "^C\n");
      return "interrupted";
    }
    if (key === CTRL.d && line.chars.length === 0) return "ended";
    await press(line, key);
  }
}

/** Below all that is shown of the line. */
async function finish(line: Line, text: string): Promise<EditedLine> {
  if (line.at < line.chars.length) {
    line.at = line.chars.length;
    await draw(line);
  }
  await line.show(text);
  return { text: line.chars.join("") };
}

const ESCAPE = "\u001b";
const CTRL = { c: "\u0003", d: "\u0004", l: "\u000c" } as const;
const TAB = "\t";

/** A character, or a key with a name of several bytes. */
async function nextKey(line: Line): Promise<string | undefined> {
  const byte = await line.nextByte();
  if (byte === undefined) return undefined;
  const bytes = [byte];
  // In UTF-8 the ones that a first byte begins with say of how many bytes it is the first.
  const ones = Math.clz32(~(byte << 24));
  while (bytes.length < ones) bytes.push((await line.nextByte()) ?? 0);
  const key = new TextDecoder().decode(Uint8Array.from(bytes));
  return key === ESCAPE ? key + (await keyName(line)) : key;
}

/** What stands behind the Escape: `[A`, `[1;5C`, `OH`, `b`. */
async function keyName({ nextByte }: Line): Promise<string> {
  let name = String.fromCharCode((await nextByte()) ?? 0);
  const isLong = name === "[" || name === "O";
  while (isLong && !/[@A-Za-z~]$/.test(name.slice(1))) {
    name += String.fromCharCode((await nextByte()) ?? END_OF_NAME);
  }
  return name;
}

/** `~` */
const END_OF_NAME = 0x7e;

/** Where the cursor goes, by key. */
const MOVES: Readonly<Record<string, (line: Line) => number>> = {
  "\u0001": () => 0,
  "\u001b[H": () => 0,
  "\u001bOH": () => 0,
  "\u001b[1~": () => 0,
  "\u0005": ({ chars }) => chars.length,
  "\u001b[F": ({ chars }) => chars.length,
  "\u001bOF": ({ chars }) => chars.length,
  "\u001b[4~": ({ chars }) => chars.length,
  "\u0002": ({ at }) => at - 1,
  "\u001b[D": ({ at }) => at - 1,
  "\u001bOD": ({ at }) => at - 1,
  "\u0006": ({ at }) => at + 1,
  "\u001b[C": ({ at }) => at + 1,
  "\u001bOC": ({ at }) => at + 1,
  "\u001bb": wordStart,
  "\u001b[1;5D": wordStart,
  "\u001bf": wordEnd,
  "\u001b[1;5C": wordEnd,
};

/** From where to where is deleted, by key. */
const DELETIONS: Readonly<Record<string, (line: Line) => readonly [number, number]>> = {
  "\u007f": ({ at }) => [at - 1, at],
  "\b": ({ at }) => [at - 1, at],
  [CTRL.d]: ({ at }) => [at, at + 1],
  "\u001b[3~": ({ at }) => [at, at + 1],
  "\u000b": ({ at, chars }) => [at, chars.length],
  "\u0015": ({ at }) => [0, at],
  "\u0017": (line) => [wordStart(line), line.at],
};

/** Which of the lines before is shown next, by key. */
const STEPS: Readonly<Record<string, number>> = {
  "\u0010": -1,
  "\u001b[A": -1,
  "\u001bOA": -1,
  "\u000e": 1,
  "\u001b[B": 1,
  "\u001bOB": 1,
};

function wordStart({ chars, at }: Line): number {
  let start = at;
  while (start > 0 && chars[start - 1] === " ") start -= 1;
  while (start > 0 && chars[start - 1] !== " ") start -= 1;
  return start;
}

function wordEnd({ chars, at }: Line): number {
  let end = at;
  while (end < chars.length && chars[end] === " ") end += 1;
  while (end < chars.length && chars[end] !== " ") end += 1;
  return end;
}

async function press(line: Line, key: string): Promise<void> {
  const step = STEPS[key];
  if (key === TAB) return await complete(line);
  if (step !== undefined) return await recall(line, step);
  const move = MOVES[key];
  const deletion = DELETIONS[key];
  if (move !== undefined) line.at = Math.min(Math.max(move(line), 0), line.chars.length);
  else if (deletion !== undefined) remove(line, deletion(line));
  else if (key === CTRL.l) await clearScreen(line);
  else if (key >= " ") return await insert(line, key);
  else return;
  await draw(line);
}

function remove(line: Line, [from, to]: readonly [number, number]): void {
  const start = Math.max(from, 0);
  line.chars.splice(start, Math.max(to - start, 0));
  line.at = start;
}

async function insert(line: Line, text: string): Promise<void> {
  // Keys with names that nobody here knows are no text.
  if (text.startsWith(ESCAPE)) return;
  const isAtEnd = line.at === line.chars.length;
  const chars = [...text];
  line.chars.splice(line.at, 0, ...chars);
  line.at += chars.length;
  if (!isAtEnd) return await draw(line);
  await line.show(text);
  await settle(line);
}

async function recall(line: Line, step: number): Promise<void> {
  const next = line.shown + step;
  if (next < 0 || next > line.history.length) return;
  if (line.shown === line.history.length) line.draft = line.chars.join("");
  line.shown = next;
  line.chars = [...(line.history[next] ?? line.draft)];
  line.at = line.chars.length;
  await draw(line);
}

async function complete(line: Line): Promise<void> {
  const { added, choices } = line.complete(line.chars.slice(0, line.at).join(""));
  if (added !== "") return await insert(line, added);
  if (choices.length < 2) return;
  await line.show(`\n${choices.join("  ")}\n`);
  line.row = 0;
  await draw(line);
}

async function clearScreen(line: Line): Promise<void> {
  await line.show(`${ESCAPE}[H${ESCAPE}[2J`);
  line.row = 0;
}

const columnsOf = ({ terminal }: Line): number => terminal.size().columns || Infinity;

/** How many places a prompt takes. */
function widthOf(prompt: string): number {
  // eslint-disable-next-line no-control-regex
  return [...prompt.replaceAll(/\u001b\[[\d;]*[A-Za-z]/g, "")].length;
}

/** Shows prompt and line anew, and puts the cursor where it belongs. */
async function draw(line: Line): Promise<void> {
  const { prompt, chars, at } = line;
  const up = line.row > 0 ? `${ESCAPE}[${line.row}A` : "";
  await line.show(`${up}\r${ESCAPE}[J${prompt}${chars.join("")}`);
  await settle(line);
  if (at === chars.length) return;
  const columns = columnsOf(line);
  const place = widthOf(prompt) + at;
  const row = columns === Infinity ? 0 : Math.floor(place / columns);
  const right = columns === Infinity ? place : place % columns;
  const rows = line.row - row;
  const upThere = rows > 0 ? `${ESCAPE}[${rows}A` : "";
  await line.show(`${upThere}\r${right > 0 ? `${ESCAPE}[${right}C` : ""}`);
  line.row = row;
}

/** Notes on which row the end is; leaves a full row, as a terminal does at the next letter. */
async function settle(line: Line): Promise<void> {
  const columns = columnsOf(line);
  const end = widthOf(line.prompt) + line.chars.length;
  line.row = columns === Infinity ? 0 : Math.floor(end / columns);
  if (end % columns === 0 && line.chars.length > 0) await line.show(" \r");
}
