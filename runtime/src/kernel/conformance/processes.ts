/**
 * Conformance of processes: spawn, exit codes, signals, stdio, terminals.
 *
 * Kernel interface: vfork(2), execve(2), wait(2), kill(2), pty(7).
 * Invariants: none.
 * Left out: job control.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Child, Kernel, SpawnOptions } from "../port.ts";
import { collect, equal, errnoOf, FIRST, inChild, PLAIN, type Case } from "./case.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const PIPES = { ...PLAIN, stdio: "pipes", stdin: true } as const;

/** A child that becomes `/bin/sh -c script`. */
function shell(kernel: Kernel, script: string, options: SpawnOptions = PLAIN): Child {
  return kernel.spawn(options, (inside) => {
    const env = ["PATH=/usr/bin:/bin", "SHIP=drydock"];
    return inside.kernel.execve("/bin/sh", ["sh", "-c", script], env);
  });
}

const born: readonly Case[] = [
  {
    name: "spawn() runs main in a child, in the memory of its parent",
    need: "root",
    run: async ({ kernel, scratch }) => {
      const shared = { text: "from the parent" };
      const pids = await inChild(kernel, PLAIN, (own, inside) => {
        own.writeFile(`${scratch}/f`, shared.text, "create");
        shared.text = "from the child";
        own.chdir(scratch);
        return [own.identity().hostPid, inside.hostPid];
      });
      equal(kernel.readText(`${scratch}/f`), "from the parent", "file");
      equal(shared.text, "from the child", "memory");
      equal(pids?.[0] === pids?.[1], true, "its own pid");
      equal(pids?.includes(kernel.identity().hostPid), false, "not its parent's");
      equal(
        errnoOf(() => kernel.stat("f")),
        "ENOENT",
        "the parent's directory",
      );
    },
  },
  {
    name: "spawn() throws what main throws, and the child is gone",
    need: "root",
    run: ({ kernel }) => {
      let hostPid = 0;
      const thrown = errnoOf(() =>
        kernel.spawn(PLAIN, (inside) => {
          ({ hostPid } = inside);
          inside.kernel.rmdir("/proc");
          return undefined;
        }),
      );
      equal(thrown, "EBUSY", "errno");
      equal(
        errnoOf(() => kernel.kill(hostPid, "0")),
        "ESRCH",
        "reaped",
      );
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
    name: "execve() and spawn() say why a program cannot run, and no child is left",
    need: "root",
    run: ({ kernel, scratch }) => {
      kernel.writeFile(`${scratch}/data`, "not a program", "create", 0o755);
      kernel.writeFile(`${scratch}/plain`, "#!/bin/sh\n", "create", 0o644);
      kernel.writeFile(`${scratch}/lost`, "#!/no/such/interpreter\n", "create", 0o755);
      kernel.writeFile(`${scratch}/self`, "#!/proc/self/exe\n", "create", 0o755);
      kernel.symlink("/proc/self/exe", `${scratch}/link`);
      const expected = {
        [`${scratch}/none`]: "ENOENT",
        [`${scratch}/data`]: "ENOEXEC",
        [`${scratch}/plain`]: "EACCES",
        [`${scratch}/lost`]: "ENOENT",
        [`${scratch}/data/x`]: "ENOTDIR",
        [`${scratch}/self`]: "EACCES",
        [`${scratch}/link`]: "EACCES",
        [scratch]: "EACCES",
        "/proc/self/exe": "EACCES",
      };
      for (const [path, errno] of Object.entries(expected)) {
        let hostPid = 0;
        const said = errnoOf(() =>
          kernel.spawn(PLAIN, (inside) => {
            ({ hostPid } = inside);
            return inside.kernel.execve(path, ["x"], []);
          }),
        );
        equal([path, said], [path, errno], "errno");
        equal(
          errnoOf(() => kernel.kill(hostPid, "0")),
          "ESRCH",
          "reaped",
        );
      }
    },
  },
  {
    name: "execve() can be asked again when it said no at once",
    need: "programs",
    run: async ({ kernel, scratch }) => {
      const child = kernel.spawn(PLAIN, ({ kernel: own }) => {
        equal(
          errnoOf(() => own.execve(`${scratch}/none`, ["x"], [])),
          "ENOENT",
          "errno",
        );
        return own.execve("/bin/sh", ["sh", "-c", "exit 3"], []);
      });
      equal(await child.exited, { exitCode: 3 }, "status");
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
      let slave = "";
      const child = kernel.spawn({ ...PLAIN, stdio: "terminal" }, (inside) => {
        inside.kernel.setSession();
        const { slavePath, masterFd } = inside.kernel.openTerminal("/dev/ptmx");
        slave = slavePath;
        inside.handOver(masterFd);
        const script = "read line; stty size; tty; echo got $line";
        return inside.kernel.execve("/bin/sh", ["sh", "-c", script], ["PATH=/usr/bin:/bin"]);
      });
      const { terminal } = child;
      const output = collect(terminal);
      terminal?.resize(33, 99);
      terminal?.write(encode("line\n"));
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
        return inside.kernel.execve("/bin/sleep", ["sleep", "1000"], []);
      });
      const { terminal } = child;
      terminal?.listen(
        () => undefined,
        () => undefined,
      );
      terminal?.write(new Uint8Array([3]));
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
      const child = shell(kernel, "echo $$ $PPID; exit 9", { ...joined, stdio: "pipes" });
      const output = collect(child.stdout);
      equal(await child.exited, { exitCode: 9 }, "status");
      const [pid, parent] = (await output).trim().split(" ");
      equal(
        [Number(pid) > 1, parent],
        [true, "0"],
        "a process of the namespace, its parent is not",
      );
      const missing = errnoOf(() =>
        kernel.spawn(joined, ({ kernel: own }) => own.execve("/none", ["x"], [])),
      );
      equal(missing, "ENOENT", "a program that is not there");
      kernel.kill(first.hostPid, "SIGKILL");
      await first.exited;
      equal(
        errnoOf(() => kernel.spawn(joined, () => undefined)),
        "ENOENT",
        "gone",
      );
    },
  },
  {
    name: "a child that joins the PID namespace of a process mounts the proc of that namespace",
    need: "programs",
    run: async ({ kernel, scratch }) => {
      const first = shell(kernel, "exec sleep 1000", FIRST);
      kernel.mkdir(`${scratch}/proc`, 0o755);
      let seen: readonly string[] = [];
      let failed = "";
      const child = kernel.spawn({ ...PLAIN, pidNamespace: first.hostPid }, ({ kernel: own }) => {
        own.unshare(["CLONE_NEWNS"]);
        own.mount({
          source: "none",
          target: "/",
          fstype: "",
          flags: ["MS_REC", "MS_PRIVATE"],
          data: "",
        });
        const proc = { source: "proc", fstype: "proc", flags: ["MS_NOSUID"], data: "" } as const;
        failed = errnoOf(() => own.mount({ ...proc, target: `${scratch}/none` }));
        own.mount({ ...proc, target: `${scratch}/proc` });
        seen = own.readdir(`${scratch}/proc`).filter((name) => /^\d+$/.test(name));
        return undefined;
      });
      await child.exited;
      equal(failed, "ENOENT", "a mount point that is missing");
      // The child may be one of them, too: whether it is depends on how it joined.
      equal([seen[0], seen.length <= 2], ["1", true], "the processes");
      kernel.kill(first.hostPid, "SIGKILL");
      await first.exited;
    },
  },
  {
    name: "spawn() into the PID namespace of a process gives terminals and sessions, too",
    need: "programs",
    run: async ({ kernel }) => {
      const first = shell(kernel, "exec sleep 1000", FIRST);
      const options = { pidNamespace: first.hostPid, stdio: "terminal", stdin: true } as const;
      const child = kernel.spawn(options, (inside) => {
        inside.kernel.setSession();
        inside.handOver(inside.kernel.openTerminal("/dev/ptmx").masterFd);
        const script = "echo on </dev/tty >/dev/tty; cut -d' ' -f6 /proc/self/stat; echo";
        return inside.kernel.execve("/bin/sh", ["sh", "-c", script], ["PATH=/usr/bin:/bin"]);
      });
      const output = collect(child.terminal);
      equal(await child.exited, { exitCode: 0 }, "status");
      const [on, session] = (await output).split("\r\n");
      equal([on, session], ["on", String(child.hostPid)], "leader of a session with a terminal");
      kernel.kill(first.hostPid, "SIGKILL");
      await first.exited;
    },
  },
];

/** Processes: what every implementation must do. */
export const processCases: readonly Case[] = [
  ...born,
  ...running,
  ...signals,
  ...terminals,
  ...pids,
];
