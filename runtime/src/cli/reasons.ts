/**
 * Reasons: why a container is as it is, in sentences.
 *
 * An exit code is one small number into which a shell, Docker and the kernel fold different things.
 * The daemon knows more: which signal it was, who asked for it, how much memory there was. Here
 * that becomes what a person would say, the most important first, each with what to do about it.
 *
 * Kernel interface: wait(2), signal(7), as the daemon tells of it.
 * Specification: docker run reference, "Exit status"; GET /drydock/containers/NAME/why.
 * Invariants:
 *   every-end-has-a-reason   for every exit code, signal and history there is a first sentence, and
 *       it names the code or the signal
 * Left out: reading the program's own messages.
 * Docs: docs/concepts/why.md
 *
 * @module
 */
import { binarySize, humanDuration } from "./human.ts";

/** What `GET /drydock/containers/NAME/why` answers. */
export interface Facts {
  readonly name: string;
  readonly command: readonly string[];
  readonly terminal: boolean;
  readonly init: boolean;
  readonly status: string;
  readonly error: string;
  readonly startedAtMs: number | null;
  readonly end: End | null;
  readonly restart: {
    readonly policy: string;
    readonly maximum: number;
    readonly count: number;
    readonly delayMs: number;
    readonly isStopped: boolean;
  };
  readonly health: {
    readonly status: string;
    readonly failingStreak: number;
    readonly retries: number;
    readonly command: readonly string[];
    readonly log: readonly Check[];
  } | null;
  readonly zombies: readonly Zombie[];
  readonly held: readonly HeldOutput[];
}

/** How a run ended. */
export interface End {
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  readonly startedAtMs?: number;
  readonly finishedAtMs: number;
  /** null: it ended by itself. */
  readonly signal: string | null;
  /** null: nobody was there to know. */
  readonly requests: readonly Request[] | null;
  readonly memory: { readonly peakBytes: number; readonly limitBytes: number | null } | null;
  /** The container has been started again since. */
  readonly isPrevious: boolean;
}

interface Request {
  readonly by: keyof typeof ASKED;
  readonly signal: string;
  readonly atMs: number;
  readonly patienceSeconds?: number;
}

interface Check {
  readonly startMs: number;
  readonly exitCode: number;
  readonly output: string;
}

interface HeldOutput {
  /** null: the container's own. */
  readonly exec: string | null;
  readonly holders: readonly string[];
}

interface Zombie {
  readonly pid: number;
  readonly name: string;
  readonly parentPid: number;
  readonly parentName: string;
}

/** A sentence, and what to do about it. */
export interface Reason {
  readonly what: string;
  readonly advice?: string;
}

/**
 * The reasons, the most important first. Pure.
 *
 * @param nowMs milliseconds since the epoch
 */
export function reasonsFor(facts: Facts, nowMs: number): readonly Reason[] {
  return [
    stateReason(facts, nowMs),
    ...endReasons(facts),
    ...restartReasons(facts),
    ...healthReasons(facts),
    ...zombieReasons(facts),
    ...facts.held.map(heldReason),
  ];
}

function stateReason(facts: Facts, nowMs: number): Reason {
  const { name, status, end, error, startedAtMs } = facts;
  const since = (atMs: number): string => humanDuration((nowMs - atMs) / 1000).toLowerCase();
  switch (status) {
    case "created":
      if (error === "") return { what: `${name} was created and never started.` };
      return {
        what: `${name} could not be started: ${error}`,
        advice: `drydock start ${name} looks again, and says what its files show.`,
      };
    case "running":
      return { what: `${name} has been running for ${since(startedAtMs ?? nowMs)}.` };
    case "paused":
      return { what: `${name} is paused: the kernel holds all its processes still.` };
    case "dead":
    case "removing":
      return { what: `${name} is being removed${error === "" ? "." : `, which failed: ${error}`}` };
    default:
      if (end === null) return { what: `${name} has ended.` };
      return { what: `${name} ended ${since(end.finishedAtMs)} ago ${howItEnded(end, error)}` };
  }
}

function howItEnded({ exitCode = 0, signal }: End, error: string): string {
  const code = `exit code ${exitCode}`;
  if (signal !== null) return `by the signal ${signal}, ${code}: ${meaningOf(signal)}.`;
  if (error !== "") return `with ${code}: ${error}`;
  return `with ${code}: ${wordsForCode(exitCode)}`;
}

const SIGNALS: Readonly<Record<string, readonly [number, string]>> = {
  SIGHUP: [1, "its terminal went away"],
  SIGINT: [2, "an interrupt, as by Ctrl-C"],
  SIGQUIT: [3, "asked to quit"],
  SIGILL: [4, "an instruction that this processor does not have"],
  SIGABRT: [6, "the program gave itself up (abort)"],
  SIGBUS: [7, "memory that is not there"],
  SIGFPE: [8, "a calculation that has no result"],
  SIGKILL: [9, "ended by force, which no process can refuse"],
  SIGSEGV: [11, "it touched memory that is not its own, a fault of the program"],
  SIGPIPE: [13, "nobody read what it wrote"],
  SIGALRM: [14, "a timer of its own"],
  SIGTERM: [15, "asked to end"],
  SIGSYS: [31, "a system call that its seccomp filter forbids"],
};

function meaningOf(signal: string): string {
  return SIGNALS[signal]?.[1] ?? "a signal that ends a process";
}

const CODES: Readonly<Record<number, string>> = {
  0: "its program came to its end, nothing failed.",
  1: "its program failed; what that means only the program knows.",
  2: "its program failed; many say so of wrong arguments.",
  125: "the engine could not start it.",
  126: "its command could not be executed.",
  127: "its command was not found.",
  255: "its program failed (-1, as many languages say).",
};

/** The code alone, where no signal is known. */
function wordsForCode(code: number): string {
  const known = CODES[code];
  if (known !== undefined) return known;
  const signal = Object.keys(SIGNALS).find((name) => SIGNALS[name]?.[0] === code - 128);
  if (signal === undefined) return "its program failed; what that means only the program knows.";
  return `its program said so itself; shells say it of a command that ${signal} ended (${meaningOf(signal)}).`;
}

function endReasons(facts: Facts): readonly Reason[] {
  const { end, status } = facts;
  if (end === null || end.isPrevious || !hasEnded(status)) return [];
  if (end.oomKilled === true) return [outOfMemory(end)];
  const asked = end.requests === null ? undefined : requestReason(end, facts);
  if (asked !== undefined) return [asked];
  return end.signal === null ? ownEnd(end, facts) : [strangerReason(end)];
}

function ownEnd(end: End, { command, terminal, error }: Facts): readonly Reason[] {
  if (end.exitCode === 0) return quickEnd(end, command, terminal);
  if (isBrokenList(command)) return [BROKEN_LIST];
  return end.requests === null && error === "" ? [WHILE_AWAY] : [];
}

/** What a Dockerfile's CMD became that was to be a list in JSON and is none. */
function isBrokenList([program = "", flag = "", line = ""]: readonly string[]): boolean {
  return SHELL.test(program) && flag === "-c" && /^\[\s*["']/.test(line);
}

const BROKEN_LIST: Reason = {
  what: "Its command looks like a list of words but is no JSON, so a shell read it as a line.",
  advice: "Put double quotes around each word, commas between them, and a bracket at the end.",
};

function hasEnded(status: string): boolean {
  return status === "exited" || status === "restarting";
}

const WHILE_AWAY: Reason = {
  what: "It ended while no daemon was running; its keeper wrote down how.",
};

const UNKNOWN_ASKER: Reason = {
  what: "Whether somebody asked for that is not known: no daemon was there to write it down.",
};

function outOfMemory({ memory, signal }: End): Reason {
  const whom = signal === "SIGKILL" ? "its first process" : "one of its processes";
  const { peakBytes = 0, limitBytes = null } = memory ?? {};
  const peak = peakBytes > 0 ? `It had ${binarySize(peakBytes)} at most, and ` : "It ";
  const limit =
    limitBytes === null ? "had no limit of its own" : `may have ${binarySize(limitBytes)}`;
  return {
    what: `Memory ran out: the kernel killed ${whom}. ${peak}${limit}.`,
    advice:
      "Give it more with -m (drydock update -m … also works while it runs), or let it need less.",
  };
}

/** A shell of which somebody wants one line: it handles no signal. */
const SHELL = /(?:^|\/)(?:ba|da|a)?sh$/;

type Program = Pick<Facts, "command" | "init">;

const ASKED = {
  stop: "drydock stop sent",
  kill: "drydock kill sent",
  timeout: "drydock stop sent",
  health: "its policy, as its check failed too often, sent",
} as const;

/** What somebody asked for, if that explains the end. */
function requestReason(end: End, program: Program): Reason | undefined {
  const requests = end.requests ?? [];
  const forced = requests.findLast(({ signal }) => signal === "SIGKILL");
  if (end.signal === "SIGKILL" && forced !== undefined) {
    return forced.by === "timeout" ? impatience(requests, program) : killed(forced);
  }
  const last = requests.findLast(({ signal }) => end.signal === null || signal === end.signal);
  if (last === undefined) return undefined;
  return { what: `At ${clock(last.atMs)} ${ASKED[last.by]} ${last.signal}, and it obeyed.` };
}

function killed({ atMs }: Request): Reason {
  return { what: `At ${clock(atMs)} it was killed through the engine (kill, or rm --force).` };
}

const UNKNOWN_STOP: Request = { by: "stop", signal: "a signal", atMs: 0 };

function impatience(requests: readonly Request[], { command, init }: Program): Reason {
  const isStop = ({ by }: Request): boolean => by === "stop" || by === "health";
  // A stop that lost its patience began as one.
  const stop = requests.findLast(isStop) ?? UNKNOWN_STOP;
  const { atMs, by, signal, patienceSeconds = 0 } = stop;
  const shell = SHELL.test(command[0] ?? "") && command[1] === "-c";
  return {
    what:
      `At ${clock(atMs)} ${ASKED[by]} ${signal}; it did not end ` +
      `within ${patienceSeconds} s, so it was killed.`,
    advice: [
      "The first process of a container gets only signals that it handles.",
      shell ? "Here that is a shell, which does not: write the command as a list of words." : "",
      init ? "" : "--init puts a process before it that passes signals on.",
    ]
      .filter((sentence) => sentence !== "")
      .join(" "),
  };
}

function strangerReason({ signal, requests }: End): Reason {
  if (requests === null) return UNKNOWN_ASKER;
  const isKill = signal === "SIGKILL";
  const what =
    "Nobody asked the engine for that: the signal came from the program itself or the host.";
  if (!isKill) return { what };
  return {
    what: "Nobody asked the engine for that, and its memory limit was not reached.",
    advice:
      "Somebody on the host killed it, or the machine ran out of memory: dmesg tells of that.",
  };
}

const QUICK_MS = 2000;

/** The commonest surprise: the container ends as soon as it is started. */
function quickEnd(
  { startedAtMs = 0, finishedAtMs }: End,
  command: readonly string[],
  terminal: boolean,
): readonly Reason[] {
  if (finishedAtMs - startedAtMs > QUICK_MS) return [];
  const isShell = SHELL.test(command[0] ?? "") && command.length === 1;
  if (!isShell || terminal) return [];
  return [
    {
      what: "A container lives as long as its first process, and a shell that nobody types into ends.",
      advice: "Give it a terminal and input with -it, or a command that goes on.",
    },
  ];
}

function restartReasons(facts: Facts): readonly Reason[] {
  const { restart, end, status } = facts;
  const { policy, maximum, count, delayMs } = restart;
  if (policy === "no") return [];
  const full = `Its policy ${maximum > 0 ? `${policy}:${maximum}` : policy}`;
  const times = count === 1 ? "once" : `${count} times`;
  if (status === "restarting") {
    const wait = `${(delayMs / 1000).toFixed(1)} s after its end`;
    return [{ what: `${full} starts it again, ${wait}; so far ${times}.` }];
  }
  if (status === "running" && count > 0) {
    const last = end === null ? "" : `, the last time after ${shortEnd(end)}`;
    return [{ what: `${full} has started it again ${times}${last}.` }];
  }
  return status === "exited" ? [{ what: `${full} ${whyNotAgain(facts, times)}` }] : [];
}

function whyNotAgain({ restart, end }: Facts, times: string): string {
  const { policy, maximum, count, isStopped } = restart;
  if (isStopped) return "leaves it alone: a person stopped it.";
  if (policy.startsWith("on-") && end?.exitCode === 0) return "leaves it alone: it did not fail.";
  if (maximum > 0 && count >= maximum) return `gave up: it was started again ${times}.`;
  return "leaves it alone.";
}

function shortEnd({ exitCode, signal }: End): string {
  if (signal !== null) return `the signal ${signal}`;
  return exitCode === undefined ? "its end" : `exit code ${exitCode}`;
}

function healthReasons({ health }: Facts): readonly Reason[] {
  if (health === null) return [];
  const { status, failingStreak, retries, command, log } = health;
  const check = `Its check (${command.join(" ")})`;
  const lines = log.map(({ startMs, exitCode, output }) => {
    const said = output.trim().split("\n", 1)[0] ?? "";
    const end = exitCode === -1 ? "no answer in time" : `exit code ${exitCode}`;
    return `  ${clock(startMs)}  ${end}${said === "" ? "" : `: ${said}`}`;
  });
  const failed = failingStreak === 1 ? "failed once" : `failed ${failingStreak} times in a row`;
  const words: Readonly<Record<string, string>> = {
    healthy: `${check} succeeds: it is healthy.`,
    unhealthy: `${check} ${failed}, and ${retries} are too many: it is unhealthy.`,
    starting: `${check} has not succeeded yet: it is starting.`,
  };
  return [{ what: [words[status] ?? `${check}: ${status}.`, ...lines].join("\n") }];
}

function zombieReasons({ zombies, init }: Facts): readonly Reason[] {
  if (zombies.length === 0) return [];
  const shown = zombies.map(({ pid, name, parentPid, parentName }) => {
    const parent = parentName === "" ? "" : ` (${parentName})`;
    return `  ${pid} (${name}), child of ${parentPid}${parent}`;
  });
  const count = zombies.length === 1 ? "One process has" : `${zombies.length} processes have`;
  return [
    {
      what: [`${count} ended and nobody asked how: zombies.`, ...shown].join("\n"),
      advice: init
        ? "Their parent lives and must wait(2) for them: that is a fault of the program."
        : "Their parent must wait(2) for them; --init adopts and buries those whose parent is gone.",
    },
  ];
}

/** A pipe ends when nobody can write to it any more; `sleep 100 &` inherits that of its shell. */
function heldReason({ exec, holders }: HeldOutput): Reason {
  const whose = exec === null ? "Its own process" : `What exec ${exec.slice(0, 12)} ran`;
  return {
    what: `${whose} has ended, but its output is still held by ${holders.join(", ")}.`,
    advice:
      "Who waited for it was let go after two seconds. A process that is left behind needs an output of its own: >/dev/null 2>&1.",
  };
}

/** @example clock(0) // "1970-01-01T00:00:00Z" */
function clock(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
