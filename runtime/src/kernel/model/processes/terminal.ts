/**
 * Terminal: a line discipline between keys and programs.
 *
 * ```
 * keys ─▶ master ─▶ [ICRNL, signals, editing, echo ─┐] ─▶ slave: read
 * screen ◀─ master ◀──────────────── [ONLCR] ◀──────┴──── slave: write
 * ```
 *
 * In its first mode a terminal keeps a line until it is complete, shows what is typed, and makes
 * Ctrl-C a signal. A program that wants every key takes these flags away.
 *
 * Kernel interface: pty(7), ioctl_tty(2), termios(3), credentials(7).
 * Invariants: none; `kernel/conformance.ts` says what every implementation must do.
 * Left out: flow control (Ctrl-S), SIGTTIN and SIGTTOU, stopping by Ctrl-Z, other characters than
 *   the usual ones, speeds.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { Terminal as Master } from "../../port.ts";
import { checkOpen } from "../files/open.ts";
import { READ, WRITE } from "../files/permission.ts";
import { resolve } from "../files/walk.ts";
import { refuseIf } from "../refusal.ts";
import type {
  Dentry,
  Process,
  ProgramTerminal,
  Sink,
  Source,
  Terminal,
  TerminalFlags,
  World,
} from "../state.ts";
import { createPipe, holders, holdStreams } from "./pipe.ts";
import { deliver } from "./process.ts";

/** How every terminal begins. */
const FIRST_FLAGS: TerminalFlags = {
  lines: true,
  echo: true,
  signals: true,
  enterIsNewline: true,
  newlineReturns: true,
};

const SLAVE_MAJOR = 136;
const KEYS = { interrupt: 3, quit: 28, endOfFile: 4, erase: 127, eraseLine: 21, eraseWord: 23 };
const [TAB, NEWLINE, RETURN, SPACE] = [9, 10, 13, 32] as const;
const RUBOUT = [8, SPACE, 8];
/** Standard input, output and error are taken. */
const FIRST_FREE_FD = 3;

/** `Self.openTerminal`: the slave becomes the three streams and the controlling terminal. */
export function openTerminal(
  process: Process,
  ptmxPath: string,
): { readonly slavePath: string; readonly masterFd: number } {
  const place = resolve(process, ptmxPath, "follow");
  checkOpen(process, place, READ | WRITE);
  const { fs } = place.dentry;
  const { rdevMajor, rdevMinor } = fs.attributes(place.dentry);
  refuseIf(fs.type !== "devpts" || rdevMajor !== 5 || rdevMinor !== 2, "ENXIO");
  const number = freeNumber(fs.root, process);
  const slave = createSlave(process, fs.root, number);
  const terminal = createTerminal(process.world, number, () => {
    if (!slave.gone) fs.unlink(slave);
  });
  process.world.openedAt.set(terminal.source.opened, { mount: place.mount, dentry: slave });
  process.world.terminals.add(terminal);
  const { source, sink } = terminal;
  holdStreams(process, { stdin: source, stdout: sink, stderr: sink });
  if (process.session === process.hostPid) {
    terminal.session = process.session;
    terminal.foreground = process.group;
  }
  const masterFd = FIRST_FREE_FD + process.masters.size;
  process.masters.set(masterFd, terminal);
  return { slavePath: pathOf(terminal), masterFd };
}

function pathOf({ number }: Terminal): string {
  return `/dev/pts/${number}`;
}

function freeNumber(directory: Dentry, process: Process): number {
  let number = 0;
  while (directory.fs.lookup(directory, String(number), process) !== undefined) number += 1;
  return number;
}

/** The node has the mode and the group that the mount says. */
function createSlave(process: Process, directory: Dentry, number: number): Dentry {
  const { options } = directory.fs;
  const mode = parseInt(/(?:^|,)mode=([0-7]+)/.exec(options)?.[1] ?? "600", 8);
  const { uid, gid } = process.credentials;
  const group = /(?:^|,)gid=(\d+)/.exec(options)?.[1];
  const device = { major: SLAVE_MAJOR, minor: number };
  const owner = { uid, gid: group === undefined ? gid : Number(group) };
  const node = { type: "char", mode, ...owner, device } as const;
  return directory.fs.create(directory, String(number), node, process);
}

/** @param removeSlave takes the node away */
function createTerminal(world: World, number: number, removeSlave: () => void): Terminal {
  const own = { kind: "terminal" } as const;
  const opened = {
    ...own,
    get terminal(): Terminal {
      return terminal;
    },
  };
  const [typed, shown] = [createPipe(opened), createPipe(opened)];
  // When nobody has the slave any more, the master comes to its end.
  const hold = holders(() => {
    shown.sink.end();
    world.terminals.delete(terminal);
    removeSlave();
  });
  const write = (bytes: Uint8Array): boolean => shown.sink.write(processed(terminal, bytes));
  const terminal: Terminal = {
    number,
    flags: FIRST_FLAGS,
    rows: 0,
    columns: 0,
    session: 0,
    foreground: 0,
    line: [],
    typed,
    shown,
    source: { ...typed.source, hold, isTerminal: true },
    sink: { ...shown.sink, write, end: () => undefined, hold, isTerminal: true },
  };
  return terminal;
}

/** ONLCR. */
function processed({ flags }: Terminal, bytes: Uint8Array): Uint8Array {
  if (!flags.newlineReturns || !bytes.includes(NEWLINE)) return bytes;
  return Uint8Array.from([...bytes].flatMap((b) => (b === NEWLINE ? [RETURN, NEWLINE] : [b])));
}

/** The master, as the parent has it. */
export function masterOf(world: World, terminal: Terminal): Master {
  const { typed, shown } = terminal;
  return {
    ...shown.source,
    write: (bytes) => {
      type(world, terminal, bytes);
      return true;
    },
    drained: () => Promise.resolve(),
    end: () => {
      if (!world.terminals.has(terminal)) return;
      typed.sink.end();
      shown.sink.end();
      signalGroup(world, terminal, "SIGHUP");
    },
    resize: (rows, columns) => {
      if (terminal.rows === rows && terminal.columns === columns) return;
      terminal.rows = rows;
      terminal.columns = columns;
      signalGroup(world, terminal, "SIGWINCH");
    },
  };
}

/** `ProgramContext.terminal`. */
export function terminalOf(process: Process, of: Source | Sink): ProgramTerminal | undefined {
  if (of.opened.kind !== "terminal") return undefined;
  const { terminal } = of.opened;
  return {
    path: pathOf(terminal),
    size: () => ({ rows: terminal.rows, columns: terminal.columns }),
    flags: () => terminal.flags,
    setFlags: (flags) => setFlags(terminal, flags),
    setForeground: (pid) => {
      const leader = process.namespaces.pid.processes.get(pid);
      if (leader !== undefined) terminal.foreground = leader.group;
    },
  };
}

/** What is typed, key by key. */
function type(world: World, terminal: Terminal, bytes: Uint8Array): void {
  const through: number[] = [];
  for (const byte of bytes) {
    const key = byte === RETURN && terminal.flags.enterIsNewline ? NEWLINE : byte;
    if (terminal.flags.signals && isSignal(world, terminal, key)) continue;
    if (terminal.flags.lines) edit(terminal, key);
    else {
      if (terminal.flags.echo) echo(terminal, key);
      through.push(key);
    }
  }
  if (through.length > 0) terminal.typed.sink.write(Uint8Array.from(through));
}

function isSignal(world: World, terminal: Terminal, key: number): boolean {
  const isInterrupt = key === KEYS.interrupt;
  if (!isInterrupt && key !== KEYS.quit) return false;
  terminal.line = [];
  if (terminal.flags.echo) echo(terminal, key);
  signalGroup(world, terminal, isInterrupt ? "SIGINT" : "SIGQUIT");
  return true;
}

function signalGroup(world: World, { session, foreground }: Terminal, signal: string): void {
  const members = [...world.processes.values()].filter(
    (process) => process.session === session && process.group === foreground,
  );
  for (const process of members) deliver("kernel", process, signal);
}

/** One key of a line: it ends the line, takes something back, or is added. */
function edit(terminal: Terminal, key: number): void {
  if (key === KEYS.endOfFile) return submit(terminal);
  if (key === KEYS.erase) return erase(terminal, 1);
  if (key === KEYS.eraseLine) return erase(terminal, terminal.line.length);
  if (key === KEYS.eraseWord) return erase(terminal, lastWord(terminal.line));
  terminal.line.push(key);
  if (terminal.flags.echo) echo(terminal, key);
  if (key === NEWLINE) submit(terminal);
}

/** Nothing submitted is an end of file. */
function submit(terminal: Terminal): void {
  if (terminal.line.length === 0) terminal.typed.endOnce();
  else terminal.typed.sink.write(Uint8Array.from(terminal.line));
  terminal.line = [];
}

/** Of a character of several bytes all are taken. */
function erase(terminal: Terminal, count: number): void {
  const { line, flags } = terminal;
  for (let left = count; left > 0 && line.length > 0; left -= 1) {
    let byte = line.pop() ?? 0;
    while ((byte & 0xc0) === 0x80 && line.length > 0) byte = line.pop() ?? 0;
    if (flags.echo) terminal.shown.sink.write(Uint8Array.from(RUBOUT));
  }
}

function lastWord(line: readonly number[]): number {
  let at = line.length;
  while (at > 0 && line[at - 1] === SPACE) at -= 1;
  while (at > 0 && line[at - 1] !== SPACE) at -= 1;
  // Bytes that go on with a character do not count.
  return line.slice(at).filter((byte) => (byte & 0xc0) !== 0x80).length;
}

/** Control characters are shown as `^C`. */
function echo(terminal: Terminal, key: number): void {
  const isPlain = key >= SPACE || key === NEWLINE || key === TAB;
  const shown = isPlain ? [key] : [0x5e, key + 0x40];
  terminal.shown.sink.write(processed(terminal, Uint8Array.from(shown)));
}

/** Changes flags; what was typed of a line is there at once when lines do not count any more. */
function setFlags(terminal: Terminal, flags: Partial<TerminalFlags>): void {
  terminal.flags = { ...terminal.flags, ...flags };
  if (!terminal.flags.lines && terminal.line.length > 0) submit(terminal);
}
