/**
 * Shell: a terminal on the machine, with a login shell on it.
 *
 * Docs: docs/concepts/playground.md
 *
 * @module
 */
import { exitCodeOf } from "../container/index.ts";
import type { ModelKernel } from "../kernel/model/index.ts";

/** The page's side of a terminal. */
export interface ShellIo {
  /** Shows bytes. */
  readonly write: (bytes: Uint8Array) => void;
  /** How large the picture of the terminal is now. */
  readonly size: () => { readonly rows: number; readonly columns: number };
}

/** A shell that runs. */
export interface Shell {
  /** Keys. */
  input(bytes: Uint8Array): void;
  /** Tells that `size` has changed. */
  resize(): void;
  /** Its exit code, as a shell shows it: 128 and the signal's number after a signal. */
  readonly exited: Promise<number>;
  /** Takes the terminal away. */
  close(): void;
}

const ENVIRONMENT = [
  "HOME=/root",
  "LOGNAME=root",
  // So that one sees whether one is on the host or in a container.
  "PS1=\\h:\\w\\$ ",
  "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  "SHELL=/bin/sh",
  "TERM=xterm-256color",
  "USER=root",
];

/** Starts a login shell on a terminal. @param host whose child it is */
export function openShell(host: ModelKernel, io: ShellIo): Shell {
  const options = { pidNamespace: "inherit", stdio: "terminal", stdin: true } as const;
  const child = host.spawn(options, (inside) => {
    const { kernel } = inside;
    kernel.setSession();
    inside.handOver(kernel.openTerminal("/dev/ptmx").masterFd);
    kernel.chdir("/root");
    return kernel.execve("/bin/sh", ["-sh"], ENVIRONMENT);
  });
  const { terminal } = child;
  const resize = (): void => {
    const { rows, columns } = io.size();
    terminal?.resize(rows, columns);
  };
  resize();
  const shown = new Promise<void>((resolve) => terminal?.listen(io.write, resolve));
  const ended = async (): Promise<number> => {
    const status = await child.exited;
    await shown;
    return exitCodeOf(status);
  };
  return {
    input: (bytes) => void terminal?.write(bytes),
    resize,
    exited: ended(),
    close: () => terminal?.end(),
  };
}
