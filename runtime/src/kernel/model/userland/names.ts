/**
 * Names: users, groups and modes, as people read them.
 *
 * The names are those of /etc/passwd and /etc/group in the root of the process.
 *
 * Kernel interface: passwd(5), group(5), inode(7).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: nothing.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { KernelError, type Files, type FileStat } from "../../port.ts";

type Ids = Readonly<Record<"user" | "group", (id: number) => string>>;

function linesOf(kernel: Files, path: string): readonly (readonly string[])[] {
  try {
    return kernel
      .readText(path)
      .split("\n")
      .map((line) => line.split(":"));
  } catch (error) {
    if (error instanceof KernelError && error.errno !== "ESRCH") return [];
    throw error;
  }
}

/** Names of ids; a number where there is no name. */
export function ownerNames(kernel: Files): Ids {
  const nameIn = (path: string) => {
    const byId = new Map(linesOf(kernel, path).map(([name = "", , id = ""]) => [id, name]));
    return (id: number): string => byId.get(String(id)) ?? String(id);
  };
  return { user: nameIn("/etc/passwd"), group: nameIn("/etc/group") };
}

/** The id of a name or a number. @returns undefined when nobody has that name */
export function idOf(kernel: Files, kind: "user" | "group", word: string): number | undefined {
  if (/^\d+$/.test(word)) return Number(word);
  const path = kind === "user" ? "/etc/passwd" : "/etc/group";
  const found = linesOf(kernel, path).find(([name]) => name === word)?.[2];
  return found === undefined ? undefined : Number(found);
}

const TYPES: Readonly<Record<FileStat["type"], string>> = {
  file: "-",
  directory: "d",
  symlink: "l",
  char: "c",
  block: "b",
  fifo: "p",
  socket: "s",
};

/** A mode as ls shows it: `drwxr-xr-x`. */
export function modeText({ type, mode }: FileStat): string {
  const special = [
    [0o4000, "s"],
    [0o2000, "s"],
    [0o1000, "t"],
  ] as const;
  const triples = special.map(([bit, letter], index) => {
    const bits = (mode >> (6 - 3 * index)) & 7;
    const last = (mode & bit) === 0 ? ((bits & 1) === 0 ? "-" : "x") : letter;
    const shown = (mode & bit) !== 0 && (bits & 1) === 0 ? last.toUpperCase() : last;
    return ((bits & 4) === 0 ? "-" : "r") + ((bits & 2) === 0 ? "-" : "w") + shown;
  });
  return TYPES[type] + triples.join("");
}

const WHO: Readonly<Record<string, number>> = { u: 0o4700, g: 0o2070, o: 0o1007, a: 0o7777 };
const WHAT: Readonly<Record<string, number>> = {
  r: 0o444,
  w: 0o222,
  x: 0o111,
  s: 0o6000,
  t: 0o1000,
};

/** The mode that `755` or `u+x,g-w` makes of another. @returns undefined when it is none */
export function changedMode(before: FileStat, wish: string, umask = 0): number | undefined {
  if (/^[0-7]{1,4}$/.test(wish)) return Number.parseInt(wish, 8);
  const clauses = wish.split(",");
  if (!clauses.every((each) => CLAUSE.test(each))) return undefined;
  return clauses.reduce((mode, each) => changedBy({ ...before, mode }, each, umask), before.mode);
}

const CLAUSE = /^([ugoa]*)((?:[-+=][rwxXst]*)+)$/;

function changedBy({ type, mode: before }: FileStat, clause: string, umask: number): number {
  const [, who = "", rest = ""] = CLAUSE.exec(clause) ?? [];
  const scope = [...(who === "" ? "a" : who)].reduce((sum, each) => sum | (WHO[each] ?? 0), 0);
  const mask = who === "" ? scope & ~umask : scope;
  let mode = before;
  for (const [, operator = "", letters = ""] of rest.matchAll(/([-+=])([rwxXst]*)/g)) {
    const bits = bitsOf(letters, type === "directory" || (mode & 0o111) !== 0) & mask;
    mode = applied(mode, operator, bits, scope);
  }
  return mode;
}

function bitsOf(letters: string, executes: boolean): number {
  const what: Readonly<Record<string, number>> = { ...WHAT, X: executes ? 0o111 : 0 };
  return [...letters].reduce((sum, each) => sum | (what[each] ?? 0), 0);
}

function applied(mode: number, operator: string, bits: number, scope: number): number {
  if (operator === "-") return mode & ~bits;
  return (operator === "=" ? mode & ~(scope & 0o777) : mode) | bits;
}
