/** The keeper's client against its server, over connections made of two queues. */
import { expect, test } from "vitest";
import type {
  BpfInstruction,
  ByteSink,
  ByteSource,
  Inside,
  Kernel,
  WaitStatus,
} from "../kernel/index.ts";
import { framing } from "./connection.ts";
import type { Connection } from "./connection.ts";
import { createFrameReader, encodeFrame } from "../wire/index.ts";
import { connectKeeper } from "./keeper-client.ts";
import { Lessons, serveConnection } from "./keeper-protocol.ts";
import { KeeperServer } from "./keeper-server.ts";
import { StartError } from "./keeper.ts";
import type { ExitRecord, Keeper, StartRequest } from "./keeper.ts";
import { createLocalKeeper } from "./local-keeper.ts";

/** One direction: what is written arrives later, cut in two. */
function pipe(): { readonly source: ByteSource; readonly sink: ByteSink; close(): void } {
  let onData: (bytes: Uint8Array) => void = () => undefined;
  let onEnd: () => void = () => undefined;
  let isClosed = false;
  const later = (act: () => void): void => void Promise.resolve().then(() => !isClosed && act());
  const finish = (): void => {
    if (!isClosed) onEnd();
    isClosed = true;
  };
  return {
    source: {
      listen: (data, end) => void ([onData, onEnd] = [data, end]),
      pause: () => undefined,
      resume: () => undefined,
    },
    sink: {
      write(bytes) {
        const half = bytes.length >> 1;
        later(() => onData(bytes.subarray(0, half)));
        later(() => onData(bytes.subarray(half)));
        return true;
      },
      drained: () => Promise.resolve(),
      end: () => later(finish),
    },
    close: finish,
  };
}

function connectionPair(): readonly [Connection, Connection] {
  const [there, back] = [pipe(), pipe()];
  const close = (): void => {
    there.close();
    back.close();
  };
  return [
    { input: back.source, output: framing(there.sink), close },
    { input: there.source, output: framing(back.sink), close },
  ];
}

const STAT = { type: "file", mode: 0o755 };

/** A kernel whose processes echo their stdin and end when it does. */
function echoKernel(): Kernel & {
  readonly files: Map<string, string>;
  readonly installed: readonly unknown[];
} {
  const files = new Map<string, string>();
  const installed: unknown[] = [];
  const answer = (name: string | symbol, first: unknown): unknown => {
    if (name === "installSeccomp") installed.push(first);
    return name === "monotonicUs" ? 0 : STAT;
  };
  const spawn: Kernel["spawn"] = (_, main) => {
    const output = pipe();
    const ends: ((status: WaitStatus) => void)[] = [];
    const self = new Proxy({} as Inside["kernel"], {
      get:
        (_target, name) =>
        (first: unknown): unknown =>
          answer(name, first),
      ownKeys: () => ["execve", "installSeccomp", "statIfPresent"],
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    });
    main({ kernel: self, hostPid: 42, handOver: () => undefined });
    return {
      hostPid: 42,
      stdin: {
        write: (bytes) => output.sink.write(bytes),
        drained: () => Promise.resolve(),
        end: () => {
          output.sink.end();
          setTimeout(() => ends.forEach((end) => end({ exitCode: 5 })), 1);
        },
      },
      stdout: output.source,
      stderr: undefined,
      terminal: undefined,
      exited: new Promise((resolve) => ends.push(resolve)),
      unmounted: Promise.resolve(),
    };
  };
  const kernel: Partial<Kernel> = {
    spawn,
    kill: () => undefined,
    nowMs: () => 1000,
    monotonicUs: () => 0,
    after: () => () => undefined,
    statIfPresent: (path) =>
      ({ sizeBytes: files.get(path)?.length ?? 0 }) as ReturnType<Kernel["stat"]>,
    readRange: (path, offset, length) =>
      new TextEncoder().encode(files.get(path) ?? "").slice(offset, offset + length),
    writeFile: (path, data, mode) => {
      const before = mode === "append" ? (files.get(path) ?? "") : "";
      files.set(path, before + (typeof data === "string" ? data : ""));
    },
    fsync: () => undefined,
    rename: (from, to) => {
      files.set(to, files.get(from) ?? "");
      files.delete(from);
    },
  };
  return Object.assign(kernel as Kernel, { files, installed }); // what the keeper uses of a kernel is there
}

const STREAMS = { stdin: true, stdout: true, stderr: true };

/** What frames carry until the stream ends. */
async function textOf(output: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = createFrameReader();
  let text = "";
  for await (const bytes of output) {
    for (const { payload } of decoder.push(bytes)) text += new TextDecoder().decode(payload);
  }
  return text;
}

const request: StartRequest = {
  id: "c1",
  kind: "container",
  plan: [
    { op: "exec", argv: ["/bin/cat"], env: [], concept: "container", why: "become the program" },
  ],
  pidNamespace: "new",
  idMaps: null,
  stdio: { terminal: false, openStdin: true, stdinOnce: true, rows: 0, columns: 0 },
  outlivedByMounts: false,
  logPath: "/log",
  exitPath: "/exit",
  fault: null,
};

/** Of a start that succeeds, nobody asks for last words. */
const unheard = (): Promise<Uint8Array> => Promise.reject(new Error("not asked"));

const serving = () => ({
  lessons: new Lessons(),
  onRetire: () => undefined,
  onEnd: () => undefined,
});

async function remote(kernel: Kernel): Promise<Keeper> {
  const server = new KeeperServer({ kernel, trace: {} });
  const options = serving();
  return connectKeeper(() => {
    const [near, far] = connectionPair();
    serveConnection(server, far, options);
    return Promise.resolve(near);
  });
}

for (const [kind, open] of [
  ["over connections", remote],
  ["in the same process", async (kernel: Kernel) => createLocalKeeper({ kernel, trace: {} })],
] as const) {
  test(`a keeper ${kind} carries a process from attach to its exit`, async () => {
    const kernel = echoKernel();
    const keeper = await open(kernel);
    const exits: ExitRecord[] = [];
    keeper.onExit((record) => exits.push(record));
    const client = await keeper.attach({ id: "c1", ...STREAMS });
    const early = client.write(new TextEncoder().encode("early "));
    const started = await keeper.start(request);
    await early;
    expect(started).toMatchObject({ hostPid: 42, startedAtMs: 1000 });
    expect((await keeper.list()).map(({ id }) => id)).toEqual(["c1"]);
    await expect(keeper.start(request)).rejects.toThrow("already running");
    const following = await keeper.followLog("c1");
    await client.write(new TextEncoder().encode("late\n"));
    client.endInput();
    expect(await textOf(client.output)).toBe("early late\n");
    let followed = "";
    for await (const bytes of following.entries) followed += new TextDecoder().decode(bytes);
    expect(followed).toBe(kernel.files.get("/log")?.slice(following.offsetBytes));
    await expect.poll(() => exits).toMatchObject([{ id: "c1", status: { exitCode: 5 } }]);
    expect(JSON.parse(kernel.files.get("/exit") ?? "")).toEqual(exits[0]);
    expect(await keeper.list()).toEqual([]);
    await keeper.signal("c1", "SIGTERM");
  });

  test(`a keeper ${kind} starts a process with its client, from the first byte on`, async () => {
    const keeper = await open(echoKernel());
    const { line, started } = keeper.startAttached(request, STREAMS, unheard);
    const early = line.write(new TextEncoder().encode("first"));
    expect(await started).toMatchObject({ hostPid: 42, startedAtMs: 1000 });
    await early;
    line.endInput();
    expect(await textOf(line.output)).toBe("first");
  });

  test(`a keeper ${kind} ends the line of a start that failed with last words`, async () => {
    const keeper = await open(echoKernel());
    const fault = { failAt: 1, errno: "EAGAIN" };
    const { line, started } = keeper.startAttached({ ...request, fault }, STREAMS, async () => {
      const error: unknown = await started.catch((cause: unknown) => cause);
      return encodeFrame("stdout", new TextEncoder().encode(`no start: ${String(error)}`));
    });
    await expect(started).rejects.toMatchObject({ code: "kernel-call-failed", errno: "EAGAIN" });
    expect(await textOf(line.output)).toMatch(/^no start: .*EAGAIN/);
  });

  test(`a keeper ${kind} forgets whom nobody will start, and ends its clients`, async () => {
    const keeper = await open(echoKernel());
    const client = await keeper.attach({ id: "never", ...STREAMS });
    await keeper.forget("never");
    const reader = client.output.getReader();
    expect((await reader.read()).done).toBe(true);
  });

  test(`a keeper ${kind} does not let a client wait for a process that has ended`, async () => {
    const keeper = await open(echoKernel());
    const wants = { id: "ended", ...STREAMS };
    const client = await keeper.attach({ ...wants, ifAbsent: "end" });
    expect((await client.output.getReader().read()).done).toBe(true);
  });

  test(`a keeper ${kind} tells why init failed, with its journal`, async () => {
    const keeper = await open(echoKernel());
    const fault = { failAt: 1, errno: "EAGAIN" };
    const error: unknown = await keeper
      .start({ ...request, fault })
      .catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({ code: "kernel-call-failed", errno: "EAGAIN" });
    expect(error).toHaveProperty("journal.0.call", "spawn");
  });
}

test("every start has its own seccomp program, however many there are", async () => {
  const kernel = echoKernel();
  const keeper = await remote(kernel);
  const programs = Array.from({ length: 20 }, (_, k): BpfInstruction[] => [
    { code: 6, jt: 0, jf: 0, k },
  ]);
  const why = { concept: "security", why: "forbid system calls" } as const;
  for (const [at, program] of [...programs, ...programs].entries()) {
    const plan = [{ op: "seccomp", program, ...why } as const, ...request.plan];
    const start = { ...request, id: `c${at}`, plan };
    await (at % 2 === 0
      ? keeper.start(start)
      : keeper.startAttached(start, STREAMS, unheard).started);
  }
  expect(kernel.installed).toEqual([...programs, ...programs]);
});

test("the next connection is made when a client was served, unless the engine has left", async () => {
  const openedBy = async (leaves: boolean): Promise<readonly number[]> => {
    const server = new KeeperServer({ kernel: echoKernel(), trace: {} });
    const options = serving();
    let opened = 0;
    const keeper = await connectKeeper(() => {
      opened += 1;
      const [near, far] = connectionPair();
      serveConnection(server, far, options);
      return Promise.resolve(near);
    });
    const { line, started } = keeper.startAttached(request, STREAMS, unheard);
    await started;
    const whileItRuns = opened;
    if (leaves) keeper.close();
    line.endInput();
    await textOf(line.output);
    await new Promise((resolve) => setTimeout(resolve, 1));
    return [whileItRuns, opened];
  };
  expect(await openedBy(false)).toEqual([2, 3]);
  expect(await openedBy(true)).toEqual([2, 2]);
});

test("a client hears when its keeper is gone, and every call says so", async () => {
  const server = new KeeperServer({ kernel: echoKernel(), trace: {} });
  const far: Connection[] = [];
  const keeper = await connectKeeper(() => {
    const [near, other] = connectionPair();
    far.push(other);
    serveConnection(server, other, serving());
    return Promise.resolve(near);
  });
  let lost = 0;
  keeper.onLost(() => (lost += 1));
  far[0]?.close();
  await expect(keeper.list()).rejects.toMatchObject({ code: "keeper-unavailable" });
  expect(lost).toBe(1);
});

test("a stranger, and a client of another version, are told so", async () => {
  const server = new KeeperServer({ kernel: echoKernel(), trace: {} });
  for (const [line, words] of [
    ["GET / HTTP/1.1", "Keeper failed"],
    ['{"open":"door"}', "not a line of the keeper's protocol"],
    ['{"open":"calls","protocol":99}', "speaks protocol 5, not 99"],
  ] as const) {
    const [near, far] = connectionPair();
    serveConnection(server, far, serving());
    let answer = "";
    const ended = new Promise<void>((resolve) => {
      near.input.listen((bytes) => (answer += new TextDecoder().decode(bytes)), resolve);
    });
    near.output.write(new TextEncoder().encode(`${line}\n`));
    await ended;
    expect(answer).toContain(words);
  }
});
