/**
 * Calls: a journal entry as a line of text that a reader of man pages knows.
 */
import type { JournalEntry, JournalValue } from "../../../../runtime/src/kernel/index.ts";

/** Longer text is cut in lines; the whole stands where one call is shown. */
const LINE_MAX = 90;

/** `mkdir("/tmp/a", 0755)`. */
export function callText({ call, args }: Pick<JournalEntry, "call" | "args">): string {
  return `${call}(${args.map((arg, at) => argumentText(call, arg, at)).join(", ")})`;
}

/** The same, cut to a line. */
export function callLine(entry: Pick<JournalEntry, "call" | "args">): string {
  const text = shortIds(callText(entry));
  return text.length > LINE_MAX ? `${text.slice(0, LINE_MAX - 1)}…` : text;
}

/** Ids of containers, which are 64 digits long, as people know them: by their first twelve. */
export function shortIds(text: string): string {
  return text.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, "$1…");
}

/** Permissions are read as octal numbers, everything else as it is. */
const MODES: Readonly<Record<string, number>> = { mkdir: 1, chmod: 1, writeFile: 3, umask: 0 };

/** `CLONE_NEWNS` */
const FLAG = /^[A-Z]+_[A-Z0-9_]+$/;

function argumentText(call: string, value: JournalValue, at: number): string {
  if (typeof value === "number" && MODES[call] === at) return `0${value.toString(8)}`;
  return valueText(value);
}

function valueText(value: JournalValue): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value !== "object") return String(value);
  if (isList(value)) {
    const flags = value.filter(
      (each): each is string => typeof each === "string" && FLAG.test(each),
    );
    const isFlags = value.length > 0 && flags.length === value.length;
    return isFlags ? flags.join(" | ") : `[${value.map(valueText).join(", ")}]`;
  }
  const keys = Object.keys(value);
  if (keys.length === 1 && keys[0] === "bytes") return `${valueText(value["bytes"] ?? null)} bytes`;
  return `{${keys.map((key) => `${key}: ${valueText(value[key] ?? null)}`).join(", ")}}`;
}

function isList(value: JournalValue): value is readonly JournalValue[] {
  return Array.isArray(value);
}

/** How it ended: `ok`, what it gave, or an errno. */
export function resultText({ result, errno }: Pick<JournalEntry, "result" | "errno">): string {
  if (errno !== undefined) return errno;
  return result === undefined ? "ok" : valueText(result);
}
