/**
 * Userland: the programs of the host, until there is a real one.
 *
 * @module
 */
import {
  programFile,
  type ModelKernel,
  type ModelProgram,
  type ProgramContext,
} from "../kernel/model/index.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

async function run(context: ProgramContext, words: readonly string[]): Promise<number> {
  const [name = "", ...rest] = words;
  if (name === "echo") {
    context.stdout.write(encode(`${rest.join(" ")}\n`));
    return 0;
  }
  if (name === "true") return 0;
  if (name === "sleep") {
    await new Promise<void>((wake) => context.kernel.after(Number(rest[0]) * 1000, wake));
    return 0;
  }
  if (name === "tty") {
    context.stdout.write(encode(`${context.terminal(context.stdin)?.path ?? "not a tty"}\n`));
    return 0;
  }
  if (name === "hostname" || name === "cat") {
    context.stdout.write(encode(context.kernel.readText(rest[0] ?? "/proc/sys/kernel/hostname")));
    return 0;
  }
  const child = context.fork(context, (own) =>
    own.exec({ path: `/usr/bin/${name}`, argv: words, env: context.env }, own),
  );
  const foreground = context.terminal(context.stdin);
  context.setGroup(child.pid);
  foreground?.setForeground(child.pid);
  const status = await child.exited;
  foreground?.setForeground(context.kernel.identity().hostPid);
  return "exitCode" in status ? status.exitCode : 130;
}

const sh: ModelProgram = async (context) => {
  if (context.argv[1] === "-c") return run(context, (context.argv[2] ?? "").split(" "));
  let code = 0;
  context.onSignal("SIGINT", () => context.stdout.write(encode("\n# ")));
  for (;;) {
    context.stdout.write(encode("# "));
    const line = new TextDecoder().decode(await context.read(context.stdin, 4096));
    if (line === "") return code;
    const words = line.trim().split(/ +/);
    if (words[0] === "exit") return Number(words[1] ?? code);
    if (words[0] !== "") code = await run(context, words);
  }
};

const busybox: ModelProgram = (context) => {
  const name = context.argv[0]?.replace(/^-/, "").split("/").pop() ?? "";
  return name === "sh" ? sh(context) : run(context, [name, ...context.argv.slice(1)]);
};

/** By name. */
export const USERLAND: Readonly<Record<string, ModelProgram>> = { busybox };

/** Puts the programs where they belong. */
export function installUserland(kernel: ModelKernel): void {
  const applets = ["[", "[[", "cat", "echo", "hostname", "sh", "sleep", "true", "tty"];
  const file = `${programFile("busybox")}\0${applets.join("\0")}\0`;
  kernel.writeFile("/bin/busybox", file, "create", 0o755);
  kernel.symlink("busybox", "/bin/sh");
}
