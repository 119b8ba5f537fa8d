/**
 * State of programs: what a program is, and what it is given.
 *
 * A program is a function that comes to an exit code. Beside its kernel it has what a process has
 * by descriptors: streams that it shares with others, and fork(2) and execve(2), which make
 * processes out of a shell. The port has neither, since a runtime needs only `spawn`.
 *
 * Kernel interface: fork(2), execve(2), pipe(2), open(2), read(2), write(2), dup2(2),
 *   termios(3), setpgid(2), tcp(7).
 * Invariants: none.
 * Left out: descriptors beyond the three streams; a shell that wants more keeps them itself.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ByteSink, ByteSource, Kernel, Program, Self, WaitStatus } from "../port.ts";

/** What a terminal does with keys and with output: termios(3). */
export interface TerminalFlags {
  /** ICANON: a line is read when it is complete. */
  readonly lines: boolean;
  /** ECHO: keys are shown. */
  readonly echo: boolean;
  /** ISIG: Ctrl-C and Ctrl-\ are signals. */
  readonly signals: boolean;
  /** ICRNL: the key Enter is a newline. */
  readonly enterIsNewline: boolean;
  /** OPOST and ONLCR: a newline goes to the beginning of the next line. */
  readonly newlineReturns: boolean;
}

/** A terminal: a pair of master and slave. */
export interface Terminal {
  /** Of the slave in its devpts. */
  readonly number: number;
  flags: TerminalFlags;
  rows: number;
  columns: number;
  /** The session whose controlling terminal it is; 0 when it is nobody's. */
  session: number;
  /** The process group that gets the signals of keys. */
  foreground: number;
  /** The line that is being typed. */
  line: number[];
  /** What was typed, for the programs. */
  readonly typed: Pipe;
  /** What is to be shown. */
  readonly shown: Pipe;
  /** The slave, as a stream of programs. */
  readonly source: Source;
  readonly sink: Sink;
}

/** A terminal as its programs have it: ioctl_tty(2). */
export interface ProgramTerminal {
  /** As tty(1) prints it. */
  readonly path: string;
  size(): { readonly rows: number; readonly columns: number };
  flags(): TerminalFlags;
  setFlags(flags: Partial<TerminalFlags>): void;
  /** tcsetpgrp(3): whom Ctrl-C is for. @param pid the leader of a process group */
  setForeground(pid: number): void;
}

/** What a stream leads to; where that is stands in `World.openedAt`. */
export type Opened =
  | { readonly kind: "pipe" | "null" | "file" }
  | { readonly kind: "terminal"; readonly terminal: Terminal };

/** The two ends of a pipe. */
export interface Pipe {
  readonly source: Source;
  readonly sink: Sink;
  /** An end of file that is read once, after which more may come: Ctrl-D on a terminal. */
  readonly endOnce: () => void;
}

/** Whoever holds an end of something says so, and lets go by what `hold` gave. */
interface Held {
  /** Whether a terminal is behind it. */
  readonly isTerminal?: boolean;
  /** One more process has it. @returns lets go of it, once */
  hold(): () => void;
  readonly opened: Opened;
}

/** Where bytes come from: several processes may read it, each byte comes to one of them. */
export interface Source extends ByteSource, Held {
  /**
   * Up to so many bytes as soon as there are some; none at the end.
   *
   * @param isWanted whether the reader still lives: what comes is not given to a dead one
   */
  read(limitBytes: number, isWanted: () => boolean): Promise<Uint8Array>;
}

/** Where bytes go. */
export interface Sink extends ByteSink, Held {
  /** Whether all who could have read it are gone. */
  isBroken(): boolean;
}

/** The three streams of a process. */
export interface Streams {
  readonly stdin: Source;
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** One end of a TCP connection. */
export interface Connection {
  readonly source: Source;
  readonly sink: Sink;
}

/** A socket that waits for connections. */
export interface ListeningSocket {
  /** accept(2) */
  accept(): Promise<Connection>;
  /** Waits no more; who is connected stays so. */
  close(): void;
}

/** A child that `fork` made. */
export interface Forked {
  /** As its parent numbers it. */
  readonly pid: number;
  readonly exited: Promise<WaitStatus>;
}

/** What a program works with. */
export interface ProgramContext extends Streams {
  /** The kernel in the name of its process. */
  readonly kernel: Kernel & Self;
  readonly argv: readonly string[];
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** The number of the parent, or 0 when it is not in the process's PID namespace. */
  parentPid(): number;
  /**
   * What to do instead of ending when a signal comes; not for SIGKILL and SIGSTOP. What is ignored
   * is so for children too.
   */
  onSignal(signal: string, handler: (() => void) | "ignore" | "default"): void;
  /** Holds memory, or lets go of it: what the cgroups charge. @throws KernelError ENOMEM */
  useMemory(bytes: number): void;
  /** read(2): waits for up to so many bytes. @returns none at the end */
  read(from: Source, limitBytes: number): Promise<Uint8Array>;
  /** write(2): waits until there is room. @throws KernelError EPIPE, if SIGPIPE did not end it */
  write(to: Sink, bytes: Uint8Array): Promise<void>;
  /** pipe(2) */
  pipe(): { readonly source: Source; readonly sink: Sink };
  /** open(2) for reading. @throws KernelError */
  openSource(path: string): Source;
  /**
   * open(2) for writing.
   *
   * @param how `existing` neither makes nor cuts the file @throws KernelError
   */
  openSink(path: string, how: "create" | "append" | "exclusive" | "existing"): Sink;
  /** fork(2): a child with these streams runs `run`, later. @throws KernelError EAGAIN, ENOMEM */
  fork(streams: Streams, run: ModelProgram): Forked;
  /**
   * execve(2): this process becomes another program, and `exec` never returns.
   *
   * @throws KernelError
   */
  exec(program: Program, streams: Streams): Promise<never>;
  /** isatty(3), and what goes with it. @returns undefined for what is no terminal */
  terminal(of: Source | Sink): ProgramTerminal | undefined;
  /** setpgid(2): makes itself, or a child, the leader of a process group. @throws KernelError */
  setGroup(pid: number): void;
  /** chroot(2) CAP_SYS_CHROOT @throws KernelError */
  chroot(path: string): void;
  /**
   * socket(2), bind(2), listen(2): waits for TCP connections.
   *
   * @param address `0.0.0.0` for all @throws KernelError EADDRINUSE, EADDRNOTAVAIL, EACCES
   */
  listen(address: string, port: number): ListeningSocket;
  /** connect(2) @throws KernelError ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, ETIMEDOUT */
  connect(address: string, port: number): Connection;
}

/**
 * A program: a function that comes to an exit code. It waits by promises; between two of them it
 * runs alone, so nothing needs locks.
 */
export type ModelProgram = (context: ProgramContext) => number | Promise<number>;
