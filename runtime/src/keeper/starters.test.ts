/**
 * Starts that hang, and children that are killed in the middle of their plan: what others notice.
 */
import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { StartError, type StartRequest } from "../container/index.ts";
import { KernelError } from "../kernel/index.ts";
import { createFosteringKernel } from "../kernel/linux/index.ts";
import { KeeperBench, keeperProgram, waitUntil, whyNoContainers } from "./keeper.fixture.ts";
import type { Prepared } from "./keeper.fixture.ts";
import { Starters } from "./starters.ts";

const why = whyNoContainers();
if (why !== undefined) console.log(`starter tests are skipped: ${why}`);

/** Somebody chose a directory of this machine: its keeper cannot know what serves it. */
const BINDS = ["/usr/share:/mnt:ro"];

/** A container whose init waits for somebody who reads a FIFO, as for a server that is gone. */
async function prepareHanging(bench: KeeperBench): Promise<Prepared & { readonly fifo: string }> {
  const prepared = await bench.prepare({
    config: { Cmd: ["sleep", "1000"] },
    hostConfig: { Binds: BINDS },
  });
  const fifo = join(prepared.directory, "fifo");
  spawnSync("mkfifo", [fifo]);
  const step = {
    op: "write",
    path: fifo,
    text: "x",
    concept: "volumes",
    why: "wait for a server",
  } as const;
  const [first, ...rest] = prepared.request.plan;
  if (first === undefined) throw new Error("an empty plan");
  const request: StartRequest = { ...prepared.request, plan: [first, step, ...rest] };
  return { ...prepared, request, fifo };
}

const fieldOf = (pid: string, file: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
};

const childrenOf = (pid: number): readonly string[] =>
  fieldOf(String(pid), `task/${pid}/children`)
    .split(" ")
    .filter((child) => child !== "");

/** Children of a keeper that walk their plan: until execve they are called as who made them. */
function hangingChildren(keeperPid: number): readonly number[] {
  const names = new Set<string>();
  // In the order of their birth: the first of a name is the starter itself.
  return childrenOf(keeperPid)
    .filter((pid) => {
      const name = fieldOf(pid, "cmdline");
      const isSecond = names.has(name);
      if (name.startsWith("drydock-starter")) names.add(name);
      return isSecond;
    })
    .map(Number);
}

const failureOf = (starting: Promise<unknown>): Promise<unknown> =>
  starting.then(
    () => undefined,
    (error: unknown) => error,
  );

describe.skipIf(why !== undefined)("the keeper", () => {
  test("survives that a child is killed in the middle of its plan, with all others", async () => {
    await using bench = await KeeperBench.open();
    const { request: other } = await bench.prepare({ config: { Cmd: ["sleep", "1000"] } });
    const { hostPid } = await bench.keeper.start(other);
    const keeperPid = bench.keeperPid();
    const { request } = await prepareHanging(bench);
    const failure = failureOf(bench.keeper.start(request));
    await waitUntil(() => hangingChildren(keeperPid).length === 1);
    for (const pid of hangingChildren(keeperPid)) process.kill(pid, "SIGKILL");
    const error = await failure;
    expect(error).toBeInstanceOf(StartError);
    expect(error).toMatchObject({
      code: "keeper-failed",
      message: expect.stringContaining("lost before it became") as string,
    });
    expect(bench.keeperPid()).toBe(keeperPid);
    expect(await bench.keeper.list()).toMatchObject([{ id: other.id, hostPid }]);
    // Another starter takes over, and nothing of the dead child is left.
    const { stdout } = await bench.run({
      config: { Cmd: ["echo", "on it goes"] },
      hostConfig: { Binds: BINDS },
    });
    expect(stdout).toBe("on it goes\n");
    const zombies = childrenOf(keeperPid).filter((pid) => fieldOf(pid, "stat").includes(") Z "));
    expect(zombies).toEqual([]);
  });

  test("passes on the output of others, and starts others, while a start hangs", async () => {
    await using bench = await KeeperBench.open();
    const { request: ticker } = await bench.prepare({
      config: { Cmd: ["sh", "-c", "while :; do echo tick; sleep 0.05; done"] },
    });
    await bench.keeper.start(ticker);
    const client = await bench.keeper.attach({
      id: ticker.id,
      stdin: false,
      stdout: true,
      stderr: true,
    });
    let ticks = 0;
    const output = (async () => {
      for await (const bytes of client.output) ticks += bytes.length > 0 ? 1 : 0;
    })();
    const { request, id, fifo } = await prepareHanging(bench);
    const started = bench.keeper.start(request);
    await waitUntil(() => hangingChildren(bench.keeperPid()).length === 1);
    const before = ticks;
    await waitUntil(() => ticks > before + 5);
    for (const hostConfig of [{}, { Binds: BINDS }]) {
      const config = { Cmd: ["echo", "not held up"] };
      const { stdout } = await bench.run({ config, hostConfig });
      expect(stdout).toBe("not held up\n");
    }
    expect(hangingChildren(bench.keeperPid())).toHaveLength(1);
    // The server answers: the start that hung goes on.
    const server = openSync(fifo, constants.O_RDONLY);
    const { hostPid } = await started;
    closeSync(server);
    expect((await bench.keeper.list()).map((kept) => kept.id).toSorted()).toEqual(
      [id, ticker.id].toSorted(),
    );
    expect(fieldOf(String(hostPid), "cmdline")).toBe("sleep\x001000\0");
    client.detach();
    await output;
  });

  test("ends a start that hangs when another daemon asks what runs", async () => {
    await using bench = await KeeperBench.open();
    const { request } = await prepareHanging(bench);
    const failure = failureOf(bench.keeper.start(request));
    await waitUntil(() => hangingChildren(bench.keeperPid()).length === 1);
    expect(await bench.keeper.list()).toEqual([]);
    expect(await failure).toMatchObject({
      message: expect.stringContaining("took too long") as string,
      hint: expect.stringContaining("file system") as string,
    });
    expect(hangingChildren(bench.keeperPid())).toEqual([]);
  });
});

test.skipIf(why !== undefined)("a start that takes too long is ended", async () => {
  await using bench = await KeeperBench.open();
  const { foster } = createFosteringKernel();
  const starters = new Starters({
    foster,
    root: bench.root,
    program: await keeperProgram(),
    flags: [],
    slowMs: 100,
    limitMs: 300,
  });
  const { request } = await prepareHanging(bench);
  expect(await failureOf(starters.start(request))).toMatchObject({
    message: expect.stringContaining("took too long") as string,
  });
  const next = await bench.prepare({ config: { Cmd: ["sleep", "1000"] } });
  const { child } = await starters.start(next.request);
  process.kill(child.hostPid, "SIGKILL");
  expect(await child.exited).toEqual({ signal: "SIGKILL", coreDumped: false });
  starters.close();
});

test.skipIf(why !== undefined)("a starter that cannot be started is said to be so", async () => {
  await using bench = await KeeperBench.open();
  const { foster } = createFosteringKernel();
  const starters = new Starters({ foster, root: bench.root, program: "/nonesuch.js", flags: [] });
  const { request } = await bench.prepare();
  const failure = { message: expect.stringContaining("lost before it became") as string };
  expect(await failureOf(starters.start(request))).toMatchObject(failure);
  expect(await failureOf(starters.start(request))).toMatchObject(failure);
});

test.skipIf(why !== undefined)("a question before a start does not take its streams", async () => {
  await using bench = await KeeperBench.open();
  const { foster } = createFosteringKernel();
  const program = await keeperProgram();
  const starters = new Starters({ foster, root: bench.root, program, flags: [] });
  const first = await bench.prepare({ config: { Cmd: ["true"] } });
  const { child, journal } = await starters.start(first.request);
  const { request } = await bench.prepare({ config: { Cmd: ["echo", "heard"] } });
  // It reads both at once.
  const starter = childrenOf(process.pid).filter((pid) =>
    fieldOf(pid, "cmdline").startsWith("drydock-starter"),
  );
  for (const pid of starter) process.kill(Number(pid), "SIGSTOP");
  const both = Promise.all([journal(), starters.start(request)]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  for (const pid of starter) process.kill(Number(pid), "SIGCONT");
  const [entries, second] = await both;
  expect(entries.map(({ call }) => call)).toContain("execve");
  let text = "";
  const ended = new Promise<void>((resolve) => {
    second.child.stdout?.listen((bytes) => (text += new TextDecoder().decode(bytes)), resolve);
  });
  expect(await child.exited).toEqual({ exitCode: 0 });
  expect(await second.child.exited).toEqual({ exitCode: 0 });
  await ended;
  expect(text).toBe("heard\n");
  starters.close();
});

test.skipIf(why !== undefined)(
  "a journal is told once the start that its starter hangs in is through, also when set aside",
  async () => {
    await using bench = await KeeperBench.open();
    const { foster } = createFosteringKernel();
    const program = await keeperProgram();
    const parts = { foster, root: bench.root, program, flags: [], slowMs: 50 };
    const starters = new Starters(parts);
    const first = await bench.prepare({ config: { Cmd: ["true"] } });
    const { child, journal } = await starters.start(first.request);
    const { request, fifo } = await prepareHanging(bench);
    const hanging = starters.start(request);
    await waitUntil(() => hangingChildren(process.pid).length === 1);
    let isTold = false;
    const told = Promise.resolve(journal()).finally(() => (isTold = true));
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(isTold).toBe(false);
    const server = openSync(fifo, constants.O_RDONLY);
    const second = await hanging;
    closeSync(server);
    for (const entries of [await told, await second.journal()]) {
      expect(entries.map(({ call }) => call)).toContain("execve");
    }
    process.kill(second.child.hostPid, "SIGKILL");
    await Promise.all([child.exited, second.child.exited]);
    starters.close();
  },
);

test.skipIf(why !== undefined)(
  "a start that has no descriptors left leaves the next one its starter",
  async () => {
    await using bench = await KeeperBench.open();
    const { foster } = createFosteringKernel();
    let isFull = true;
    const expectOrNot: typeof foster.expect = (options, mail) => {
      if (isFull) throw new KernelError("pipe2", "EMFILE", "stdio");
      return foster.expect(options, mail);
    };
    const program = await keeperProgram();
    const parts = { root: bench.root, program, flags: [] };
    const starters = new Starters({ ...parts, foster: { ...foster, expect: expectOrNot } });
    const { request } = await bench.prepare({ config: { Cmd: ["true"] } });
    expect(await failureOf(starters.start(request))).toMatchObject({
      message: expect.stringContaining("EMFILE") as string,
    });
    isFull = false;
    const { child } = await starters.start(request);
    expect(await child.exited).toEqual({ exitCode: 0 });
    starters.close();
  },
);
