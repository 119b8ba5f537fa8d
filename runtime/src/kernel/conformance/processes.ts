/**
 * Conformance of processes: spawn, exit codes, signals, stdio, questions, terminals.
 *
 * Kernel interface: fork(2), execve(2), wait(2), kill(2), pty(7).
 * Invariants: none.
 * Left out: job control.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { UNCAUGHT, type Child, type Kernel, type SpawnOptions } from "../port.ts";
import { collect, equal, errnoOf, FIRST, inChild, PLAIN, type Case } from "./case.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const PIPES = { ...PLAIN, stdio: "pipes", stdin: true } as const;

/** A child that becomes `/bin/sh -c script`. */
function shell(kernel: Kernel, script: string, options: SpawnOptions = PLAIN): Child {
  return kernel.spawn(options, (inside) => {
    const env = ["PATH=/usr/bin:/bin", "SHIP=drydock"];
    inside.kernel.execve("/bin/sh", ["sh", "-c", script], env);
  });
}

const talking: readonly Case[] = [
  {
    name: "spawn() runs main in a child, which sees what the parent had",
    need: "root",
    run: async ({ kernel, scratch }) => {
      const captured = { text: "from the parent" };
      const result = await inChild(kernel, PLAIN, (own) => {
        own.writeFile(`${scratch}/f`, captured.text, "create");
        captured.text = "changed";
        return own.identity().hostPid;
      });
      equal(kernel.readText(`${scratch}/f`), "from the parent", "file");
      equal(typeof result === "number" && result !== kernel.identity().hostPid, true, "pid");
    },
  },
  {
    name: "spawn() reports what main throws and exits with 70",
    need: "root",
    run: async ({ kernel }) => {
      const child = kernel.spawn(PLAIN, (inside) => inside.kernel.rmdir("/proc"));
      const lines: string[] = [];
      const ended = new Promise<void>((resolve) => {
        child.onReport((line) => lines.push(line), resolve);
      });
      equal(await child.exited, { exitCode: 70 }, "status");
      await ended;
      equal(lines, [`${UNCAUGHT}KernelError: rmdir "/proc": EBUSY`], "report");
    },
  },
  {
    name: "report() and ask() go to the parent in order, and ask() waits for the answer",
    need: "root",
    run: async ({ kernel }) => {
      const child = kernel.spawn(PLAIN, (inside) => {
        inside.report("first");
        const answer = inside.ask("question");
        inside.report(`heard ${answer}`);
        inside.report("ü".repeat(100_000));
      });
      const lines: string[] = [];
      child.onReport(
        (line) => {
          lines.push(line.length > 100 ? String(line.length) : line);
          if (line === "question") child.answer("grün");
        },
        () => undefined,
      );
      equal(await child.exited, { exitCode: 70 }, "status");
      equal(lines, ["first", "question", "heard grün", "100000"], "lines");
    },
  },
];

const running: readonly Case[] = [
  {
    name: "execve() makes the child another program, whose exit code is known",
    need: "programs",
    run: async ({ kernel }) => {
      for (const code of [0, 1, 42, 255]) {
        equal(await shell(kernel, `exit ${code}`).exited, { exitCode: code }, "status");
      }
    },
  },
  {
    name: "execve() says why not, and main goes on",
    need: "root",
    run: async ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/data`, "not a program", "create", 0o755);
      kernel.writeFile(`${scratch}/plain`, "#!/bin/sh\n", "create", 0o644);
      kernel.writeFile(`${scratch}/lost`, "#!/no/such/interpreter\n", "create", 0o755);
      kernel.writeFile(`${scratch}/self`, "#!/proc/self/exe\n", "create", 0o755);
      kernel.symlink("/proc/self/exe", `${scratch}/link`);
      const paths = ["none", "data", "plain", "lost", "data/x", "self", "link"];
      const errnos = await inChild(kernel, PLAIN, (own) => [
        ...paths.map((name) => errnoOf(() => own.execve(`${scratch}/${name}`, ["x"], []))),
        errnoOf(() => own.execve(scratch, ["x"], [])),
        errnoOf(() => own.execve("/proc/self/exe", ["x"], [])),
      ]);
      const expected = ["ENOENT", "ENOEXEC", "EACCES", "ENOENT", "ENOTDIR"];
      equal(errnos, [...expected, "EACCES", "EACCES", "EACCES", "EACCES"], "errnos");
    },
  },
  {
    name: "spawn() connects three pipes, and stdin ends where it is ended",
    need: "programs",
    run: async ({ kernel }) => {
      const child = shell(kernel, 'cat; echo "$SHIP" >&2', PIPES);
      const output = Promise.all([collect(child.stdout), collect(child.stderr)]);
      child.stdin?.write(encode("in"));
      child.stdin?.end();
      equal(await child.exited, { exitCode: 0 }, "status");
      equal(await output, ["in", "drydock\n"], "output");
    },
  },
  {
    name: "spawn() delivers more output than a pipe holds, with pauses",
    need: "programs",
    run: async ({ kernel }) => {
      const child = shell(kernel, "head -c 1000000 /dev/zero", PIPES);
      child.stdin?.end();
      const { stdout } = child;
      let count = 0;
      const ended = new Promise<void>((resolve) => {
        stdout?.listen((bytes) => {
          count += bytes.length;
          stdout.pause();
          kernel.after(1, () => stdout.resume());
        }, resolve);
      });
      await ended;
      equal(await child.exited, { exitCode: 0 }, "status");
      equal(count, 1_000_000, "bytes");
    },
  },
  {
    name: "spawn() without stdin gives it an empty one",
    need: "programs",
    run: async ({ kernel }) => {
      const child = shell(kernel, "cat; echo done", { ...PIPES, stdin: false });
      equal(child.stdin === undefined, true, "no sink");
      equal(await collect(child.stdout), "done\n", "output");
      await child.exited;
    },
  },
  {
    name: "a program gets no descriptor but its stdio, and no blocked or ignored signal",
    need: "programs",
    run: async ({ kernel }) => {
      const script = "ls /proc/self/fd | wc -l; grep -E 'Sig(Blk|Ign)' /proc/self/status";
      const child = shell(kernel, script, PIPES);
      child.stdin?.end();
      const [fds, blocked, ignored] = (await collect(child.stdout)).split("\n");
      // ls itself has the directory open.
      equal(fds?.trim(), "4", "descriptors");
      equal(
        [blocked, ignored].map((line) => /0*$/.test(line ?? "")),
        [true, true],
        "signals",
      );
      await child.exited;
    },
  },
];

const signals: readonly Case[] = [
  {
    name: "kill() ends a process by name, and exited tells the signal",
    need: "programs",
    run: async ({ kernel }) => {
      for (const signal of ["SIGTERM", "SIGKILL", "SIGRTMIN+3"]) {
        const child = shell(kernel, "exec sleep 1000");
        await new Promise<void>((resolve) => {
          child.onReport(() => undefined, resolve);
        });
        kernel.kill(child.hostPid, signal);
        equal(await child.exited, { signal, coreDumped: false }, "status");
        equal(
          errnoOf(() => kernel.kill(child.hostPid, "SIGTERM")),
          "ESRCH",
          "reaped",
        );
      }
    },
  },
  {
    name: "kill() says why not",
    need: "nothing",
    run: ({ kernel }) => {
      kernel.kill(kernel.identity().hostPid, "0");
      equal(
        errnoOf(() => kernel.kill(4_194_304, "SIGTERM")),
        "ESRCH",
        "no such process",
      );
      equal(
        errnoOf(() => kernel.kill(kernel.identity().hostPid, "SIGNONE")),
        "EINVAL",
        "no such signal",
      );
    },
  },
  {
    name: "many children at once each have their own status",
    need: "programs",
    run: async ({ kernel }) => {
      const codes = Array.from({ length: 20 }, (_, index) => index + 1);
      const children = codes.map((code) => shell(kernel, `exit ${code}`));
      const statuses = await Promise.all(children.map((child) => child.exited));
      const expected = codes.map((exitCode) => ({ exitCode }));
      equal(statuses, expected, "statuses");
    },
  },
];

const terminals: readonly Case[] = [
  {
    name: "openTerminal() and handOver() give the parent a terminal with a size",
    need: "programs",
    run: async ({ kernel }) => {
      const child = kernel.spawn({ ...PLAIN, stdio: "terminal" }, (inside) => {
        inside.kernel.setSession();
        const { slavePath, masterFd } = inside.kernel.openTerminal("/dev/ptmx");
        inside.report(slavePath);
        inside.ask("size");
        inside.handOver(masterFd);
        const script = "read line; stty size; tty; echo got $line";
        inside.kernel.execve("/bin/sh", ["sh", "-c", script], ["PATH=/usr/bin:/bin"]);
      });
      let slave = "";
      child.onReport(
        (line) => {
          if (line === "size") child.answer("");
          else slave = line;
        },
        () => undefined,
      );
      const terminal = await child.terminal;
      const output = collect(terminal);
      terminal.resize(33, 99);
      terminal.write(encode("line\n"));
      equal(await child.exited, { exitCode: 0 }, "status");
      const lines = (await output).split("\r\n").filter((line) => line !== "");
      equal(lines, ["line", "33 99", slave, "got line"], "what the terminal showed");
    },
  },
  {
    name: "a terminal's interrupt character is a signal",
    need: "programs",
    run: async ({ kernel }) => {
      const child = kernel.spawn({ ...PLAIN, stdio: "terminal" }, (inside) => {
        inside.kernel.setSession();
        inside.handOver(inside.kernel.openTerminal("/dev/ptmx").masterFd);
        inside.kernel.execve("/bin/sleep", ["sleep", "1000"], []);
      });
      const terminal = await child.terminal;
      terminal.listen(
        () => undefined,
        () => undefined,
      );
      await new Promise<void>((resolve) => {
        child.onReport(() => undefined, resolve);
      });
      terminal.write(new Uint8Array([3]));
      equal(await child.exited, { signal: "SIGINT", coreDumped: false }, "status");
    },
  },
];

const pids: readonly Case[] = [
  {
    name: "spawn() in a new PID namespace makes PID 1, whose end is the namespace's",
    need: "programs",
    run: async ({ kernel }) => {
      const options = { ...FIRST, stdio: "pipes" } as const;
      const child = shell(kernel, "echo $$; sleep 1000 & exit 5", options);
      equal(await collect(child.stdout), "1\n", "pid, and nobody holds the pipe any more");
      equal(await child.exited, { exitCode: 5 }, "status");
      equal(await inChild(kernel, PLAIN, (own) => own.identity().hostPid > 1), true, "next child");
    },
  },
  {
    name: "spawn() joins the PID namespace of a process",
    need: "programs",
    run: async ({ kernel }) => {
      const first = shell(kernel, "exec sleep 1000", FIRST);
      const joined = { ...PLAIN, pidNamespace: first.hostPid };
      const pid = await inChild(kernel, joined, (own) => own.identity().hostPid);
      equal(pid, 2, "the second process of the namespace");
      kernel.kill(first.hostPid, "SIGKILL");
      await first.exited;
      equal(
        errnoOf(() => kernel.spawn(joined, () => undefined)),
        "ENOENT",
        "gone",
      );
    },
  },
];

/** Processes: what every implementation must do. */
export const processCases: readonly Case[] = [
  ...talking,
  ...running,
  ...signals,
  ...terminals,
  ...pids,
];
