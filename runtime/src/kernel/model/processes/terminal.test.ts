/** The model's line discipline: what keys do before a program reads them. */
import { expect, test } from "vitest";
import { createLinuxKernel } from "../../linux/index.ts";
import type { Terminal } from "../../port.ts";
import { createModelKernel, programFile, type ModelProgram } from "../index.ts";

const decoder = new TextDecoder();
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Runs a program on a terminal. */
function onTerminal(program: ModelProgram): {
  readonly terminal: Terminal;
  readonly shown: () => string;
  readonly exited: Promise<unknown>;
} {
  const kernel = createModelKernel({ clock: createLinuxKernel(), programs: { program } });
  kernel.writeFile("/bin/program", programFile("program"), "create", 0o755);
  const child = kernel.spawn(
    { pidNamespace: "inherit", stdio: "terminal", stdin: true },
    (inside) => {
      inside.kernel.setSession();
      inside.handOver(inside.kernel.openTerminal("/dev/ptmx").masterFd);
      return inside.kernel.execve("/bin/program", ["program"], []);
    },
  );
  const { terminal } = child;
  if (terminal === undefined) throw new Error("no terminal was handed over");
  let shown = "";
  const listened = new Promise<void>((resolve) => {
    terminal.listen((bytes) => (shown += decoder.decode(bytes)), resolve);
  });
  return { terminal, shown: () => shown, exited: Promise.all([child.exited, listened]) };
}

/** Reads until an end of file and tells each read. */
function reader(reads: string[]): ModelProgram {
  return async (context) => {
    for (;;) {
      const bytes = await context.read(context.stdin, 100);
      reads.push(decoder.decode(bytes));
      if (bytes.length === 0) return 0;
    }
  };
}

test("a line is edited before it is read, and each read gives one line", async () => {
  const reads: string[] = [];
  const { terminal, shown, exited } = onTerminal(reader(reads));
  terminal.write(encode("ab\x7fc\rone two\x17three\rgone\x15é\x7fü\r\x04"));
  await exited;
  expect(reads).toEqual(["ac\n", "one three\n", "ü\n", ""]);
  expect(shown().startsWith("ab\b \bc\r\n")).toBe(true);
});

test("Ctrl-D gives what was typed, and an end only at the beginning of a line", async () => {
  const reads: string[] = [];
  const { terminal, exited } = onTerminal(reader(reads));
  terminal.write(encode("part\x04"));
  terminal.write(encode("\x04"));
  await exited;
  expect(reads).toEqual(["part", ""]);
});

test("a program that takes the flags away gets every key, and nothing is shown", async () => {
  const reads: string[] = [];
  const raw: ModelProgram = async (context) => {
    const off = { lines: false, echo: false, signals: false, enterIsNewline: false };
    context.terminal(context.stdin)?.setFlags(off);
    context.stdout.write(encode("ready"));
    for (let key = ""; key !== "q"; reads.push(key)) {
      key = decoder.decode(await context.read(context.stdin, 1));
    }
    return 0;
  };
  const { terminal, shown, exited } = onTerminal(raw);
  await expect.poll(shown).toBe("ready");
  terminal.write(encode("\x03\r\x04q"));
  await exited;
  expect(reads).toEqual(["\x03", "\r", "\x04", "q"]);
  expect(shown()).toBe("ready");
});

test("Ctrl-C is for the foreground, a new size for it too, and the end hangs up", async () => {
  const heard: string[] = [];
  const shell: ModelProgram = async (context) => {
    context.onSignal("SIGINT", () => heard.push("shell: SIGINT"));
    const terminal = context.terminal(context.stdin);
    const { pid, exited } = context.fork(context, (child) => {
      child.onSignal("SIGWINCH", () => {
        const size = child.terminal(child.stdin)?.size();
        heard.push(`child: ${size?.rows}x${size?.columns}`);
      });
      child.stdout.write(encode("child\n"));
      return new Promise(() => undefined);
    });
    context.setGroup(pid);
    terminal?.setForeground(pid);
    heard.push(JSON.stringify(await exited));
    terminal?.setForeground(context.kernel.identity().hostPid);
    context.stdout.write(encode("prompt"));
    return new Promise(() => undefined);
  };
  const { terminal, shown, exited } = onTerminal(shell);
  await expect.poll(shown).toBe("child\r\n");
  terminal.resize(10, 20);
  terminal.write(new Uint8Array([3]));
  await expect.poll(shown).toBe("child\r\n^Cprompt");
  terminal.write(new Uint8Array([3]));
  expect(heard).toEqual([
    "child: 10x20",
    '{"signal":"SIGINT","coreDumped":false}',
    "shell: SIGINT",
  ]);
  terminal.end();
  expect(await exited).toEqual([{ signal: "SIGHUP", coreDumped: false }, undefined]);
});
