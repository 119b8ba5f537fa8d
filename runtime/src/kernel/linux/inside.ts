/**
 * Inside: the life of a forked child from fork to exec.
 *
 * It never returns to the event loop, which belongs to the parent: whatever happens, the process
 * ends here or becomes another program. What `main` throws is reported as a line that begins with
 * `UNCAUGHT`, and the exit code is 70.
 *
 * Before `main` runs, the child makes itself non-dumpable: then no process of a container that it
 * is about to join can look at its memory, or reach our binary through its /proc/PID/exe. execve(2)
 * takes that back.
 *
 * Kernel interface: dup(2), prctl(2), _exit(2).
 * Invariants: none.
 * Left out: a core dump of a child that failed.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { KernelError, UNCAUGHT, type Inside, type Kernel, type Self } from "../port.ts";
import { openChildEnd, type ChildEnd } from "./channel.ts";
import { takeControl } from "./fork.ts";
import { check, type Libc } from "./libc.ts";

const PR_SET_DUMPABLE = 4;

/** EX_SOFTWARE of sysexits(3): main returned or threw. */
const EXIT_WITHOUT_EXEC = 70;

/** The child's ends of what connects it with its parent; undefined is /dev/null. */
export interface ChildSide {
  readonly stdin: number | undefined;
  readonly stdout: number | undefined;
  readonly stderr: number | undefined;
  readonly channel: number;
}

/** Runs `main` in the child. */
export function runInside(
  libc: Libc,
  side: ChildSide,
  kernel: Kernel & Self,
  main: (inside: Inside) => void,
): never {
  const channel = openChildEnd(side.channel);
  try {
    takeControl(libc);
    check(libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "prctl", "PR_SET_DUMPABLE");
    connectStdio(libc, side);
    main(createInside(channel, kernel));
  } catch (error) {
    reportUncaught(channel, error);
  }
  return libc._exit(EXIT_WITHOUT_EXEC);
}

function connectStdio(libc: Libc, side: ChildSide): void {
  const nothing = fs.openSync("/dev/null", fs.constants.O_RDWR);
  for (const [fd, from] of [side.stdin, side.stdout, side.stderr].entries()) {
    check(libc.dup2(from ?? nothing, fd), "dup2", String(fd));
  }
  fs.closeSync(nothing);
}

function createInside(channel: ChildEnd, kernel: Kernel & Self): Inside {
  return {
    kernel,
    report: (line) => channel.send("r", line),
    ask: (line) => {
      channel.send("a", line);
      return channel.receive();
    },
    handOver: (masterFd) => {
      channel.send("t", String(masterFd));
      const answer = channel.receive();
      if (answer.startsWith("!")) {
        throw new KernelError("pidfd_getfd", answer.slice(1), String(masterFd));
      }
      fs.closeSync(masterFd);
    },
  };
}

function reportUncaught(channel: ChildEnd, error: unknown): void {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  try {
    channel.send("r", `${UNCAUGHT}${text.replaceAll("\n", " ")}`);
  } catch {
    // The parent is gone: the exit code is all that is left to say.
  }
}
