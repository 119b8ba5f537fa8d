/**
 * Keeper: who holds a container's process while the daemon comes and goes.
 *
 * Somebody must stay the parent of a container's first process, hold its pipes or terminal, write
 * its log and learn its exit status, also while the daemon is restarted or upgraded. That is the
 * keeper: one small process per engine. This file is the language that both sides speak;
 * `keeper-server.ts` is the keeper, `keeper-client.ts` is how the daemon reaches it. In the page
 * there is only one process, and the engine calls the server's functions directly.
 *
 *      daemon                          keeper                        container
 *        │  start {init plan, stdio}     │                               │
 *        │──────────────────────────────▶│ vfork, waits ────────────────▶│ init walks the plan
 *        │◀── started {pid} ─────────────│ goes on ◀──────────────────── │ execve
 *        │  attach ═══ bytes both ways ══│═══ pipes or terminal ════════▶│
 *        │◀── exit {status, times} ──────│◀── SIGCHLD, wait ─────────────▣
 *
 * Kernel interface: vfork(2), wait(2), pipe(2), pty(7), unix(7).
 * Specification: none; the frames are Docker's (wire/frames.ts).
 * Invariants: see `stdio-hub.ts` and `keeper-server.ts`.
 * Left out: handing a running keeper over to a newer version of itself.
 * Docs: docs/concepts/keeper.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";
import type { ErrorParts } from "../errors/index.ts";
import type { HostPid, IdMap, JournalEntry, WaitStatus } from "../kernel/index.ts";
import type { InitPlan } from "./init-plan.ts";
import type { LogRotation } from "./log-rotation.ts";

/** How the keeper connects a process. */
export interface StdioRequest {
  readonly terminal: boolean;
  /** Whether stdin can be written to; else it is /dev/null. */
  readonly openStdin: boolean;
  /**
   * Close stdin when the first attached client that had it has no more, or goes away: `docker run
   * -i`, and every exec. Never closes a terminal.
   */
  readonly stdinOnce: boolean;
  readonly rows: number;
  readonly columns: number;
}

/** What an exec is, for a daemon that knows nothing of it any more. */
export interface ExecNote {
  readonly containerId: string;
  /** The engine's own; the keeper hands it back as it was. */
  readonly memo: unknown;
  /** Whether somebody may ask how it ended; not so for checks, which would crowd others out. */
  readonly isEndKept: boolean;
}

/** What to start. `id` names it for every later call: a container id or an exec id. */
export interface StartRequest {
  readonly id: string;
  readonly kind: "container" | "exec";
  readonly plan: InitPlan;
  readonly pidNamespace: "inherit" | "new" | HostPid;
  /** Maps to write when the plan asks for them, after it entered a new user namespace. */
  readonly idMaps: { readonly uid: readonly IdMap[]; readonly gid: readonly IdMap[] } | null;
  readonly stdio: StdioRequest;
  /**
   * Announce its end before its mounts are taken apart. Not for a container that binds a path of
   * the host, which may have to be unmounted there next.
   */
  readonly outlivedByMounts: boolean;
  /** json-file log to append to, null for none (execs, `--log-driver none`). */
  readonly logPath: string | null;
  /** Limits of that log, and whether there can be one of an earlier run. Absent: none. */
  readonly logRotation?: LogRotation & { readonly continues: boolean };
  /**
   * File that receives the `ExitRecord` as JSON before the exit is announced; null for
   * execs.
   */
  readonly exitPath: string | null;
  /** Of an exec: what the keeper tells a daemon that comes back. */
  readonly note?: ExecNote;
  /** For tests: fail the n-th kernel call of init. */
  readonly fault: { readonly failAt: number; readonly errno: string } | null;
}

/**
 * A start that failed in init: why, and every kernel call up to there, the failing one last.
 *
 * `code`, `class` and `message` are those of the failure (command-not-found, user-not-found,
 * kernel-call-failed, …).
 */
export class StartError extends RuntimeError {
  /** What init did. */
  readonly journal: readonly JournalEntry[];

  /** @param parts of the failure @param journal of init */
  constructor(parts: ErrorParts, journal: readonly JournalEntry[]) {
    super(parts);
    this.journal = journal;
  }
}

/** A process that has reached its execve. */
export interface Started {
  readonly hostPid: HostPid;
  readonly startedAtMs: number;
}

/** How a kept process ended. */
export interface ExitRecord {
  readonly id: string;
  readonly hostPid: HostPid;
  readonly status: WaitStatus;
  readonly finishedAtMs: number;
  /** Whom it left behind holds these, as /proc/PID/fd shows them; clients were let go anyhow. */
  readonly heldPipes?: readonly string[];
}

/** Which streams an attached client wants. */
export interface AttachRequest {
  readonly id: string;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /**
   * When there is no such process: wait for its start (the default), or end at once, because the
   * caller knows that it ran and so it has ended meanwhile.
   */
  readonly ifAbsent?: "wait" | "end";
}

/**
 * An attached client's line. Output comes as Docker's multiplexed frames (8-byte header: stream 1
 * or 2, three zeros, length big-endian), or raw when the process has a terminal.
 */
export interface Attached {
  /** Output until the process has ended and everything was delivered, or until `detach`. */
  readonly output: ReadableStream<Uint8Array>;
  /** Resolves when the bytes were taken. Does nothing when stdin is not open. */
  write(bytes: Uint8Array): Promise<void>;
  /** The client has no more stdin; output goes on. */
  endInput(): void;
  /** Leave; the process goes on. */
  detach(): void;
}

/** A client's line, at once, and how the start went. */
export interface StartedLine {
  readonly line: Attached;
  /** As `Keeper.start`. */
  readonly started: Promise<Started>;
}

/** A log that is being read while it is written. */
export interface FollowedLog {
  /**
   * Length of the file when following began: read the file up to here, then `entries` go on without
   * gap or overlap.
   */
  readonly offsetBytes: number;
  /** Which file that is, see `LogPlace`. */
  readonly born: string;
  /**
   * Whole lines of the log file as they are appended; ends when the process has ended and its log
   * is complete.
   */
  readonly entries: ReadableStream<Uint8Array>;
}

/** A process that the keeper knows. */
export interface Kept {
  readonly id: string;
  readonly kind: "container" | "exec";
  readonly hostPid: HostPid;
  readonly startedAtMs: number;
  /** As its start said. */
  readonly note?: ExecNote | undefined;
  /** Only of an exec: it is over, while its container runs on. */
  readonly ended?: WaitStatus;
}

/** The keeper as the engine sees it. */
export interface Keeper {
  /**
   * Lets init walk the plan, resolves when it has become the program.
   *
   * @throws StartError from init, with the journal of what was done; RuntimeError keeper-failed
   *   when init died before
   */
  start(request: StartRequest): Promise<Started>;
  /**
   * `start` with a client that is there from the first byte on, in one request. When it cannot be
   * started the line's output ends.
   *
   * @param lastWords what the output says then, before it ends; asked once `started` is rejected
   */
  startAttached(
    request: StartRequest,
    streams: Pick<AttachRequest, "stdin" | "stdout" | "stderr">,
    lastWords: () => Promise<Uint8Array>,
  ): StartedLine;
  /**
   * Every kernel call of init in the starts of this id since it was last asked, in order. What
   * nobody asks for is forgotten, the oldest first.
   */
  takeJournal(id: string): Promise<readonly JournalEntry[]>;
  /**
   * Allowed before `start`: the stream then begins with the process. An attach to an unknown id
   * waits for its start. With a keeper that is gone the stream ends at once.
   */
  attach(request: AttachRequest): Promise<Attached>;
  /**
   * Goes on where the log file of a running process ends now; of an unknown one, ends at once
   * (offset: Infinity).
   */
  followLog(id: string): Promise<FollowedLog>;
  /** Sends a signal to the process; a process that has ended is not an error. */
  signal(id: string, signal: string): Promise<void>;
  resize(id: string, rows: number, columns: number): Promise<void>;
  /**
   * Running processes, for a daemon that comes back; and of each running container the execs that
   * have ended, the last hundred of them.
   */
  list(): Promise<readonly Kept[]>;
  /** Attached streams that wait for a start which will not come (container removed) are ended. */
  forget(id: string): Promise<void>;
  /**
   * Called for each end of a kept process, after the log is complete and the exit file is written.
   */
  onExit(listener: (record: ExitRecord) => void): void;
  /**
   * Called when the keeper is gone (its process died): every kept process was killed with it
   * (PR_SET_PDEATHSIG).
   */
  onLost(listener: () => void): void;
  /** Lets go of the keeper; kept processes and the keeper go on. */
  close(): void;
}
