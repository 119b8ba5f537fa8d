/**
 * A kernel of paper: it writes down what init asks of it and says yes, or no at a given call.
 */
import { CALLS, KernelError, createJournal, traceKernel } from "../kernel/index.ts";
import type { FileStat, Inside, Kernel, Program, Self } from "../kernel/index.ts";
import { isErrno } from "./resolve-path.ts";

/** What a walk on paper left behind. */
export interface PaperWalk {
  /** Runs `main` as a child would. @throws what it throws */
  walk(main: (inside: Inside) => Program): void;
  /** What each call was for, neighbours with the same purpose as one. */
  steps(): readonly string[];
  calls(): readonly string[];
  argsOf(call: string): readonly (readonly unknown[])[];
}

/** What is different on this machine. */
export interface PaperOptions {
  readonly failAt?: number;
  readonly errno?: string;
  /** Path to errno, or to a file with these permissions; every other path is a directory. */
  readonly files?: Readonly<Record<string, string | number>>;
  readonly links?: Readonly<Record<string, string>>;
  readonly texts?: Readonly<Record<string, string>>;
}

function ifPresent(look: () => FileStat): FileStat | undefined {
  try {
    return look();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

const STAT: FileStat = {
  type: "directory",
  mode: 0o755,
  hostUid: 0,
  hostGid: 0,
  sizeBytes: 0,
  mtimeMs: 0,
  inode: 1,
  device: 1,
  links: 1,
  rdevMajor: 0,
  rdevMinor: 0,
};

/** By last part: a program, and what is not there before init makes it. */
const FILES: Readonly<Record<string, string | number>> = {
  true: 0o755,
  ...Object.fromEntries(
    ["console", "hostname", "hosts", "resolv.conf", "null", "zero", "full", "random", "urandom"]
      .concat("tty")
      .map((name) => [name, "ENOENT"]),
  ),
};

const PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n";

/** Calls that tell about this process only: no kernel refuses them. */
const OWN = ["nowMs", "monotonicUs", "after", "random", "identity", "spawn"];

/** Makes a kernel of paper. */
export function createPaperKernel(options: PaperOptions = {}): PaperWalk {
  const journal = createJournal(10_000);
  const look = (path: string): FileStat => {
    const file = options.files?.[path] ?? FILES[path.slice(path.lastIndexOf("/") + 1)];
    if (typeof file === "string") throw new KernelError("stat", file, path);
    return file === undefined ? STAT : { ...STAT, type: "file", mode: file };
  };
  const lstat = (path: string): FileStat =>
    path in (options.links ?? {}) ? { ...STAT, type: "symlink" } : look(path);
  const answers: Partial<Kernel & Self> = {
    monotonicUs: () => 0,
    stat: look,
    statIfPresent: (path) => ifPresent(() => look(path)),
    lstat,
    lstatIfPresent: (path) => ifPresent(() => lstat(path)),
    readlink: (path) => options.links?.[path] ?? "",
    readText: (path) => options.texts?.[path] ?? PASSWD,
    openCgroups: () => [7],
    openTerminal: () => ({ slavePath: "/dev/pts/0", masterFd: 9 }),
    execve: (path, argv, env) => ({ path, argv, env }),
  };
  let made = 0;
  const base = new Proxy({} as Kernel & Self, {
    get: (_, name) => {
      // Only names of the port are asked for.
      const answer = (answers as Record<string | symbol, unknown>)[name];
      return (...args: readonly unknown[]): unknown => {
        if (!OWN.includes(String(name)) && ++made === options.failAt) {
          throw new KernelError(String(name), options.errno ?? "EIO", String(args[0]));
        }
        return typeof answer === "function" ? answer(...args) : undefined;
      };
    },
    ownKeys: () => Object.keys(CALLS),
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  });
  const spawn: Kernel["spawn"] = (_, main) => {
    main({ kernel: { ...base, spawn }, hostPid: 42, handOver: () => undefined });
    return {
      hostPid: 42,
      stdin: undefined,
      stdout: undefined,
      stderr: undefined,
      terminal: undefined,
      exited: Promise.resolve({ exitCode: 0 }),
      unmounted: Promise.resolve(),
    };
  };
  const entries = () => journal.entries().filter(({ hostPid }) => hostPid !== undefined);
  return {
    walk(main) {
      const traced = traceKernel({ ...base, spawn }, journal, { looks: true });
      traced.spawn({ pidNamespace: "new", stdio: "pipes", stdin: false }, main);
    },
    steps: () =>
      entries()
        .map(({ operation = "" }) => operation)
        .filter((operation, at, all) => operation !== all[at - 1]),
    calls: () => entries().map(({ call }) => call),
    argsOf: (wanted) =>
      entries()
        .filter(({ call }) => call === wanted)
        .map(({ args }) => args),
  };
}
