/**
 * The daemon's life and deaths: what must survive each of them.
 */
import { readFileSync, statSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { run, skipped, TestDaemon, until, whyNoContainers } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";
import { fileURLToPath } from "node:url";

const skip = skipped("the daemon's life", whyNoContainers());
const bundle = fileURLToPath(new URL("../dist/daemon.js", import.meta.url));

const daemon = shareDaemon(skip);

const create = async (name: string, options: object): Promise<string> => {
  const answer = await daemon.api("POST", `/containers/create?name=${name}`, {
    Image: "busybox",
    ...options,
  });
  expect([answer.status, answer.text]).toEqual([201, expect.stringContaining("Id")]);
  return answer.json<{ Id: string }>().Id;
};
const start = async (name: string, options: object): Promise<void> => {
  await create(name, options);
  expect((await daemon.api("POST", `/containers/${name}/start`)).status).toBe(204);
};
const shell = (name: string, script: string): Promise<void> =>
  start(name, { Cmd: ["sh", "-c", script] });

interface State {
  readonly Status: string;
  readonly ExitCode: number;
  readonly Pid: number;
  readonly Error: string;
}

const stateOf = async (name: string): Promise<State> =>
  (await daemon.api("GET", `/containers/${name}/json`)).json<{ State: State }>().State;
/** What a container printed, without the frames' heads. */
const logOf = async (name: string): Promise<string> => {
  const { text } = await daemon.api("GET", `/containers/${name}/logs?stdout=1`);
  return text.replaceAll(/[^\x20-\x7e\n]{4}[\s\S]{4}/gu, "");
};

/** The keeper of the test's root. */
function keeperPid(): number {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,args="], { encoding: "utf8" });
  const line = stdout
    .split("\n")
    .find((text) => text.includes("drydock-keeper") && text.includes(daemon.root));
  return Number(/^\s*(\d+)/.exec(line ?? "")?.[1] ?? 0);
}

describe.skipIf(skip)("kill -9 of the daemon", () => {
  test("containers run on, their output during the gap is in the logs, exit codes are known after", async () => {
    await shell("runs", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done");
    await shell("ends", "sleep 0.5; echo last words; exit 42");
    await shell("over", "exit 3");
    await until(
      "one has ended",
      () => stateOf("over"),
      ({ Status }) => Status === "exited",
    );
    const { Pid } = await stateOf("runs");
    await daemon.kill("SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(() => process.kill(Pid, 0)).not.toThrow();
    await daemon.start();
    expect(await stateOf("runs")).toMatchObject({ Status: "running", Pid });
    expect(await stateOf("ends")).toMatchObject({ Status: "exited", ExitCode: 42 });
    expect(await stateOf("over")).toMatchObject({ Status: "exited", ExitCode: 3 });
    expect(await logOf("ends")).toBe("last words\n");
    const numbers = (await logOf("runs")).trim().split("\n").map(Number);
    expect(numbers.length).toBeGreaterThan(15);
    expect(numbers).toEqual(numbers.map((_, n) => n));
  });

  test("what ran before it can be used after it: exec, wait, stop, start, attach", async () => {
    await start("served", {
      Cmd: ["sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.05; done"],
    });
    await daemon.kill("SIGKILL");
    await daemon.start();
    const exec = (
      await daemon.api("POST", "/containers/served/exec", {
        Cmd: ["echo", "in"],
        AttachStdout: true,
      })
    ).json<{ Id: string }>();
    expect((await daemon.api("POST", `/exec/${exec.Id}/start`, {})).text).toContain("in\n");
    const waiting = daemon.api("POST", "/containers/served/wait");
    expect((await daemon.api("POST", "/containers/served/stop")).status).toBe(204);
    expect((await waiting).json()["StatusCode"]).toBe(9);
    expect((await daemon.api("POST", "/containers/served/start")).status).toBe(204);
    expect((await stateOf("served")).Status).toBe("running");
  });

  test("in the middle of creating, starting and removing, nothing half made is left", async () => {
    for (let round = 0; round < 5; round += 1) {
      const oneLife = async (n: number): Promise<void> => {
        const { Id } = (
          await daemon.api("POST", "/containers/create", {
            Image: "busybox",
            Cmd: ["sleep", "100"],
          })
        ).json<{ Id: string }>();
        await daemon.api("POST", `/containers/${Id}/start`);
        if (n % 2 === 0) await daemon.api("DELETE", `/containers/${Id}?force=1`);
      };
      // The daemon dies under them, so most of these requests fail.
      const work = Promise.allSettled(Array.from({ length: 6 }, (_, n) => oneLife(n)));
      await new Promise((resolve) => setTimeout(resolve, 5 + round * 12));
      await daemon.kill("SIGKILL");
      await work;
      await daemon.start();
      const list = (await daemon.api("GET", "/containers/json?all=1")).json<
        { Id: string; State: string }[]
      >();
      for (const { Id, State } of list) {
        expect(["created", "running", "exited"]).toContain(State);
        expect((await daemon.api("GET", `/containers/${Id}/json`)).status).toBe(200);
        expect((await daemon.api("DELETE", `/containers/${Id}?force=1`)).status).toBe(204);
      }
      expect((await daemon.api("GET", "/containers/json?all=1")).json()).toEqual([]);
      await expect.poll(leftovers).toEqual([]);
    }
  });
});

/** Directories and cgroups of containers that no list has. */
function leftovers(): readonly string[] {
  const find = (...args: string[]): string[] =>
    spawnSync("find", args, { encoding: "utf8" }).stdout.split("\n").filter(Boolean);
  const id = /[0-9a-f]{64}$/;
  const directories = find(join(daemon.root, "containers"), "-mindepth", "1", "-maxdepth", "1");
  const cgroup = find("/sys/fs/cgroup", "-type", "d", "-path", `*${cgroupParent()}/*`);
  return [...directories, ...cgroup].filter((path) => id.test(path));
}

function cgroupParent(): string {
  return /cgroup parent (\S+?)[,)]/.exec(daemon.log)?.[1] ?? "/drydock-unknown";
}

describe.skipIf(skip)("stop and start", () => {
  test("SIGTERM ends the daemon with 0, containers run on, its socket is gone", async () => {
    await shell("runs", "while :; do sleep 0.05; done");
    const { Pid } = await stateOf("runs");
    const follower = daemon
      .api("GET", "/containers/runs/logs?stdout=1&follow=1")
      .catch(() => "cut off");
    const started = Date.now();
    expect(await daemon.kill("SIGTERM")).toBe(0);
    expect(Date.now() - started).toBeLessThan(2000);
    await follower;
    expect(() => statSync(daemon.socketPath)).toThrow();
    expect(() => process.kill(Pid, 0)).not.toThrow();
    await daemon.start();
    expect(await stateOf("runs")).toMatchObject({ Status: "running", Pid });
  });

  test("without containers the keeper ends with the daemon", async () => {
    const keeper = keeperPid();
    expect(keeper).toBeGreaterThan(0);
    expect(await daemon.kill("SIGTERM")).toBe(0);
    await until("the keeper has ended", keeperPid, (pid) => pid === 0);
    await daemon.start();
  });

  test("the daemon listens soon after it is started, measured in starts of a bare Node", async () => {
    const [bare, daemons]: [number[], number[]] = [[], []];
    for (let round = 0; round < 5; round += 1) {
      bare.push(await timed(() => run(process.execPath, ["-e", "0"])));
      await daemon.kill("SIGTERM");
      daemons.push(await timed(() => daemon.start()));
    }
    const [node, listening] = [median(bare), median(daemons)];
    console.log(`start to listening: ${listening.toFixed(0)} ms; bare node: ${node.toFixed(0)} ms`);
    // The daemon is one Node, its keeper another one that it waits for.
    expect(listening / node).toBeLessThan(10);
  });
});

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

describe.skipIf(skip)("two daemons", () => {
  test("X05: a second one on the same root is refused, with the first one's pid and the remedy", async () => {
    const socket = join(daemon.directory, "second.sock");
    const second = await run(process.execPath, [
      bundle,
      "--root",
      daemon.root,
      "--host",
      `unix://${socket}`,
    ]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(String(daemon.pid));
    expect(second.stderr).toMatch(/--root|stop/i);
    expect((await daemon.api("GET", "/_ping")).status).toBe(200);
  });

  test("a second one on the same socket is refused, and the first one's socket stays", async () => {
    const root = join(daemon.directory, "other");
    const second = await run(process.execPath, [bundle, "--root", root, "--host", daemon.host]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("another daemon answers there");
    expect((await daemon.api("GET", "/_ping")).status).toBe(200);
  });

  test("two roots are two engines: names, containers and ids do not meet", async () => {
    await using other = await new TestDaemon().start();
    await create("same", {});
    const second = await other.api("POST", "/containers/create?name=same", { Image: "busybox" });
    expect(second.status).toBe(201);
    expect((await daemon.api("GET", "/containers/json?all=1")).json<unknown[]>().length).toBe(1);
  });

  test("flags that cannot be obeyed end it with 1 and a remedy", async () => {
    const refused = await run(process.execPath, [bundle, "--host", "tcp://127.0.0.1:0"]);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("--tls=false")]);
    const unknown = await run(process.execPath, [bundle, "--nonsense"]);
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      expect.stringContaining("unknown flag: --nonsense"),
    ]);
    const help = await run(process.execPath, [bundle, "--help"]);
    expect([help.code, help.stdout]).toEqual([0, expect.stringContaining("--root")]);
  });

  test("who is not root is told so", async () => {
    const ran = await run("setpriv", [
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      process.execPath,
      "-e",
      `
      import(${JSON.stringify(bundle)})`,
    ]);
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringContaining("must run as root")]);
  });
});

describe.skipIf(skip)("the keeper is killed", () => {
  test("its containers are dead and said to be, and new ones run under a new keeper", async () => {
    await shell("runs", "while :; do sleep 0.05; done");
    const { Pid } = await stateOf("runs");
    process.kill(keeperPid(), "SIGKILL");
    const state = await until(
      "the loss is noticed",
      () => stateOf("runs"),
      ({ Status }) => Status !== "running",
    );
    expect(state).toMatchObject({ Status: "exited", ExitCode: 137 });
    await until(
      "the process has died",
      () => spawnSync("ps", ["-p", String(Pid), "-o", "stat="], { encoding: "utf8" }).stdout.trim(),
      (stat) => stat === "" || stat.startsWith("Z"),
    );
    await shell("next", "echo alive");
    await daemon.api("POST", "/containers/next/wait");
    expect(await logOf("next")).toBe("alive\n");
    expect((await daemon.api("POST", "/containers/runs/start")).status).toBe(204);
  });
});

test.skipIf(skip)("the socket is its owner's and its group's only", () => {
  expect(statSync(daemon.socketPath).mode & 0o007).toBe(0);
  const docker = /^docker:[^:]*:(\d+)/m.exec(readFileSync("/etc/group", "utf8"))?.[1];
  expect(statSync(daemon.socketPath).mode & 0o777).toBe(docker === undefined ? 0o600 : 0o660);
  expect(statSync(daemon.socketPath).gid).toBe(Number(docker ?? 0));
});

test.skipIf(skip)("a client that leaves in the middle of an archive is no bug", async () => {
  await create("half", {});
  const socket = connect(daemon.socketPath);
  const head = "PUT /containers/half/archive?path=/tmp HTTP/1.1\r\nHost: d\r\nContent-Length: 9999";
  await new Promise((resolve) => socket.write(`${head}\r\n\r\nhalf`, resolve));
  await new Promise((resolve) => void setTimeout(resolve, 100));
  socket.destroy();
  await new Promise((resolve) => void setTimeout(resolve, 100));
  expect((await daemon.api("GET", "/_ping")).text).toBe("OK");
  expect(daemon.log).not.toContain("bug:");
});
