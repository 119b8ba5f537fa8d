/**
 * What goes on while a daemon is killed and another one comes: execs, checks, restart policies.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { skipped, until, whyNoContainers } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip = skipped("live restore", whyNoContainers());

const daemon = shareDaemon(skip);

async function start(name: string, options: object): Promise<void> {
  const body = { Image: "busybox", Cmd: ["sleep", "1000"], ...options };
  const created = await daemon.api("POST", `/containers/create?name=${name}`, body);
  expect([created.status, created.text]).toEqual([201, expect.any(String)]);
  expect((await daemon.api("POST", `/containers/${name}/start`)).status).toBe(204);
}

/** Kills the daemon, lets something happen, starts another. */
async function without(whileAway: () => Promise<unknown>): Promise<void> {
  await daemon.kill("SIGKILL");
  await whileAway();
  await daemon.start();
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Container {
  readonly State: {
    readonly Status: string;
    readonly ExitCode: number;
    readonly OOMKilled: boolean;
    readonly StartedAt: string;
    readonly Health: {
      readonly Status: string;
      readonly FailingStreak: number;
      readonly Log: readonly { readonly Start: string; readonly End: string }[];
    };
  };
  readonly RestartCount: number;
  readonly ExecIDs: readonly string[] | null;
  readonly HostConfig: { readonly RestartPolicy: object };
}

const inspect = async (name: string): Promise<Container> =>
  (await daemon.api("GET", `/containers/${name}/json`)).json<Container>();

describe.skipIf(skip)("execs over a kill -9 of the daemon", () => {
  /** Starts one; not detached, nobody waits for the end of its answer. */
  async function exec(script: string, options: object = {}): Promise<string> {
    const body = { Cmd: ["sh", "-c", script], AttachStdout: true, User: "nobody", ...options };
    const { Id } = (await daemon.api("POST", "/containers/box/exec", body)).json<{ Id: string }>();
    await daemon.api("POST", `/exec/${Id}/start`, { Detach: true });
    return Id;
  }

  const inspectExec = async (id: string): Promise<Record<string, unknown>> =>
    (await daemon.api("GET", `/exec/${id}/json`)).json();

  const ended = (id: string): Promise<Record<string, unknown>> =>
    until(
      "the exec has ended",
      () => inspectExec(id),
      ({ Running }) => Running === false,
    );

  test("one that runs is known as before, with its pid, and its end is told afterwards", async () => {
    await start("box", {});
    const id = await exec("while ! test -e /tmp/go; do sleep 0.05; done; exit 7");
    const before = await inspectExec(id);
    expect(before).toMatchObject({ Running: true, ExitCode: null, Pid: expect.any(Number) });
    expect(before["Pid"]).toBeGreaterThan(0);
    await without(() => later(50));
    expect(await inspectExec(id)).toEqual(before);
    expect((await inspect("box")).ExecIDs).toEqual([id]);
    const again = await daemon.api("POST", `/exec/${id}/start`, {});
    expect([again.status, again.text]).toEqual([409, expect.stringContaining("already running")]);
    await exec("touch /tmp/go");
    expect(await ended(id)).toMatchObject({ ExitCode: 7, CanRemove: true });
    expect((await inspect("box")).ExecIDs).toBeNull();
  });

  test("one that ended while nobody was there, and one that ended before, have their codes", async () => {
    await start("box", {});
    const before = await exec("exit 3");
    const missing = await exec("", { Cmd: ["nosuch"] });
    const killed = await exec("kill -9 $$");
    await ended(before);
    await ended(killed);
    const meanwhile = await exec("sleep 0.3; exit 4", { Tty: true });
    const known = await Promise.all([before, missing, killed].map(inspectExec));
    expect(known.map(({ ExitCode }) => ExitCode)).toEqual([3, 127, 137]);
    await without(() => later(700));
    const after = await Promise.all([before, missing, killed].map(inspectExec));
    expect(after).toEqual(known);
    expect(await inspectExec(meanwhile)).toMatchObject({
      ExitCode: 4,
      Running: false,
      ProcessConfig: { tty: true, user: "nobody", entrypoint: "sh" },
    });
    // And over another one.
    await without(async () => undefined);
    expect(await inspectExec(meanwhile)).toMatchObject({ ExitCode: 4 });
  });

  test("none outlives its container's run", async () => {
    await start("box", {});
    const id = await exec("exit 3");
    await ended(id);
    await daemon.api("POST", "/containers/box/restart?t=0");
    await without(async () => undefined);
    expect((await daemon.api("GET", `/exec/${id}/json`)).status).toBe(404);
  });

  test("killed at any moment of many starts, each exec is known or never was", async () => {
    await start("box", {});
    for (let round = 0; round < 4; round += 1) {
      const bodies = Array.from({ length: 6 }, (_, n) => ({ Cmd: ["sh", "-c", `exit ${n + 1}`] }));
      const ids = await Promise.all(
        bodies.map(async (body) =>
          (await daemon.api("POST", "/containers/box/exec", body)).json<{ Id: string }>(),
        ),
      );
      const started = ids.map(async ({ Id }) => {
        const answer = await daemon
          .api("POST", `/exec/${Id}/start`, { Detach: true })
          .catch(() => null);
        return answer?.status === 200;
      });
      await later(4 + round * 9);
      await without(() => later(100));
      for (const [n, { Id }] of ids.entries()) {
        const answer = await daemon.api("GET", `/exec/${Id}/json`);
        const known = answer.status === 200 ? answer.json()["ExitCode"] : "unknown";
        const told = (await started[n]) === true;
        expect([n + 1, ...(told ? [] : ["unknown"])]).toContain(known);
      }
    }
  });
});

describe.skipIf(skip)("health checks over a kill -9 of the daemon", () => {
  const check = (script: string, options: object = {}) => ({
    Healthcheck: {
      Test: ["CMD-SHELL", script],
      Interval: 3e8,
      Timeout: 5e9,
      Retries: 3,
      ...options,
    },
  });

  const healthOf = async (name: string) => (await inspect(name)).State.Health;

  test("status, failing streak and log are kept, and the next check comes when it is due", async () => {
    await start("well", check("true"));
    await start("ill", check("false", { Retries: 100 }));
    await until(
      "both were checked",
      async () => [await healthOf("well"), await healthOf("ill")] as const,
      ([well, ill]) => well.Status === "healthy" && ill.FailingStreak >= 2,
    );
    let before = await healthOf("ill");
    await without(async () => undefined);
    expect((await healthOf("well")).Status).toBe("healthy");
    const after = await healthOf("ill");
    expect(after.FailingStreak).toBeGreaterThanOrEqual(before.FailingStreak);
    expect(after.Log.map(({ Start }) => Start)).toContain(before.Log.at(-1)?.Start);
    before = after;
    const later = await until(
      "the next check was made",
      () => healthOf("ill"),
      ({ FailingStreak }) => FailingStreak > before.FailingStreak,
    );
    const [, last] = later.Log.slice(-2);
    expect(last?.End).not.toBe(before.Log.at(-1)?.End);
  });

  test("a check that hung when the daemon died is killed, and is nobody's exec", async () => {
    await start("slow", check("touch /tmp/hangs; test -e /tmp/free || sleep 1234"));
    const ps = async () =>
      (await daemon.api("GET", "/containers/slow/top")).json<{ Processes: string[][] }>();
    const hanging = async () =>
      (await ps()).Processes.filter((line) => line.join(" ").includes("sleep 1234")).length;
    await until("the check hangs", hanging, (count) => count > 0);
    const body = { Cmd: ["touch", "/tmp/free"] };
    const { Id } = (await daemon.api("POST", "/containers/slow/exec", body)).json<{ Id: string }>();
    await daemon.api("POST", `/exec/${Id}/start`, { Detach: true });
    await without(async () => undefined);
    await until("it is gone", hanging, (count) => count === 0);
    await until(
      "the next one succeeds",
      () => healthOf("slow"),
      ({ Status }) => Status === "healthy",
    );
    expect((await inspect("slow")).ExecIDs).toBeNull();
  });
});

describe.skipIf(skip)("restart policies over a kill -9 of the daemon", () => {
  const policy = (Name: string, MaximumRetryCount = 0) => ({
    HostConfig: { RestartPolicy: { Name, MaximumRetryCount } },
  });
  /** Ends once when the file appears; what comes after runs on. */
  const once = (code: number) => [
    "sh",
    "-c",
    `test -e /ran && exec sleep 1000; touch /ran; sleep 0.8; exit ${code}`,
  ];

  test("what ended meanwhile is started again, or not, as its policy says", async () => {
    await start("always", { ...policy("always"), Cmd: once(0) });
    await start("unless", { ...policy("unless-stopped"), Cmd: once(3) });
    await start("failed", { ...policy("on-failure", 5), Cmd: once(3) });
    await start("done", { ...policy("on-failure", 5), Cmd: once(0) });
    await start("no", { ...policy("no"), Cmd: once(3) });
    await start("gone", { HostConfig: { AutoRemove: true }, Cmd: once(0) });
    const gone = await daemon.api("GET", "/containers/gone/json");
    const directory = join(daemon.root, "containers", String(gone.json()["Id"]));
    expect([gone.status, existsSync(directory)]).toEqual([200, true]);
    await without(() => later(1300));
    for (const name of ["always", "unless", "failed"]) {
      const { RestartCount } = await until(
        `${name} runs again`,
        () => inspect(name),
        ({ State }) => State.Status === "running",
      );
      expect([name, RestartCount]).toEqual([name, 1]);
    }
    expect(await inspect("done")).toMatchObject({ State: { Status: "exited", ExitCode: 0 } });
    expect(await inspect("no")).toMatchObject({ State: { Status: "exited", ExitCode: 3 } });
    expect((await daemon.api("GET", "/containers/gone/json")).text).toContain("No such container");
    await expect.poll(() => existsSync(directory)).toBe(false);
  });

  test("attempts are counted on, and no more are made than the policy allows", async () => {
    await start("limited", { ...policy("on-failure", 3), Cmd: ["sh", "-c", "exit 5"] });
    for (let kills = 0; kills < 3; kills += 1) await without(() => later(50));
    const { RestartCount, State } = await until(
      "it gave up",
      () => inspect("limited"),
      (seen) => seen.State.Status === "exited" && seen.RestartCount === 3,
    );
    expect([RestartCount, State.ExitCode]).toEqual([3, 5]);
  });

  test("a wait goes on where it was: it neither begins anew nor is left out", async () => {
    await start("waits", { ...policy("always"), Cmd: ["false"] });
    // Waits of 100, 200, … 3200 ms; the daemon is away for a part of the last one.
    const waiting = await until(
      "it waits longer",
      () => inspect("waits"),
      ({ RestartCount, State }) => RestartCount === 6 && State.Status === "restarting",
    );
    await without(() => later(1500));
    const back = Date.now();
    const next = await until(
      "it ran again",
      () => inspect("waits"),
      ({ RestartCount }) => RestartCount === 7,
    );
    const betweenMs = Date.parse(next.State.StartedAt) - Date.parse(waiting.State.StartedAt);
    expect(betweenMs).toBeGreaterThan(3100);
    // Beginning anew it would be until the daemon is back, and all of the wait.
    const awayMs = back - Date.parse(waiting.State.StartedAt);
    expect(betweenMs - awayMs).toBeLessThan(3200);
  });

  test("what a person stops while the daemon dies is not started again", async () => {
    const trap = "trap 'echo told; sleep 0.4; exit 0' TERM";
    const Cmd = ["sh", "-c", `${trap}; echo ready; while :; do sleep 0.05; done`];
    await start("stopped", { ...policy("unless-stopped"), Cmd });
    const says = (word: string) =>
      until(
        `it is ${word}`,
        async () => (await daemon.api("GET", "/containers/stopped/logs?stdout=1")).text,
        (log) => log.includes(word),
      );
    await says("ready");
    const stop = daemon.api("POST", "/containers/stopped/stop?t=20").catch(() => null);
    await says("told");
    await without(() => later(700));
    await stop;
    await until(
      "it has ended",
      () => inspect("stopped"),
      ({ State }) => State.Status !== "running",
    );
    await later(400);
    expect(await inspect("stopped")).toMatchObject({ State: { Status: "exited", ExitCode: 0 } });
  });

  test("on-unhealthy[:n] ends and starts again what fails its check, and shows in inspect", async () => {
    const Healthcheck = { Test: ["CMD-SHELL", "test ! -e /sick"], Interval: 1e8, Retries: 2 };
    const Cmd = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"];
    await start("sick", { ...policy("on-unhealthy", 2), Healthcheck, Cmd });
    expect((await inspect("sick")).HostConfig.RestartPolicy).toEqual({
      Name: "on-unhealthy",
      MaximumRetryCount: 2,
    });
    const body = { Cmd: ["touch", "/sick"] };
    const { Id } = (await daemon.api("POST", "/containers/sick/exec", body)).json<{ Id: string }>();
    await daemon.api("POST", `/exec/${Id}/start`, { Detach: true });
    const { RestartCount } = await until(
      "it is given up",
      () => inspect("sick"),
      (seen) =>
        seen.RestartCount === 2 &&
        seen.State.Status === "running" &&
        seen.State.Health.Status === "unhealthy",
    );
    expect(RestartCount).toBe(2);
    await later(400);
    expect(await inspect("sick")).toMatchObject({ RestartCount: 2, State: { Status: "running" } });
  });
});

describe.skipIf(skip)("a container that runs out of memory while the daemon is away", () => {
  // It waits for the daemon to be gone, and takes more than it may have.
  const script = "sleep 0.5; exec tail /dev/zero";
  const small = { Memory: 16 << 20, MemorySwap: 16 << 20 };
  const eat = { Cmd: ["sh", "-c", script] };
  /** In the order in which they were told, since the container was made. */
  const eventsOf = async (name: string, since: number): Promise<readonly string[]> => {
    const filters = encodeURIComponent(JSON.stringify({ container: [name] }));
    const until = Math.ceil(Date.now() / 1000) + 1;
    const query = `since=${since}&until=${until}&filters=${filters}`;
    const answer = await daemon.api("GET", `/events?${query}`);
    const lines = answer.text.split("\n").filter((line) => line !== "");
    return lines.map((line) => (JSON.parse(line) as { Action: string }).Action);
  };
  const now = (): number => Math.floor(Date.now() / 1000) - 1;

  test.each([
    ["without --init", {}],
    ["with --init", { Init: true }],
  ])("is told so afterwards, %s", async (_, init) => {
    const since = now();
    await start("eater", { ...eat, HostConfig: { ...small, ...init } });
    await without(() => later(2500));
    const { State } = await until(
      "its end is known",
      () => inspect("eater"),
      (seen) => seen.State.Status === "exited",
    );
    expect(State).toMatchObject({ OOMKilled: true, ExitCode: 137 });
    const events = await eventsOf("eater", since);
    expect(events.slice(events.indexOf("oom"))).toEqual(["oom", "die"]);
  });

  test("is started again as its policy says, and was told so all the same", async () => {
    const since = now();
    const Cmd = ["sh", "-c", `test -e /ran && exec sleep 1000; touch /ran; ${script}`];
    const RestartPolicy = { Name: "on-failure", MaximumRetryCount: 3 };
    await start("eater", { Cmd, HostConfig: { ...small, RestartPolicy } });
    await without(() => later(2500));
    const { RestartCount } = await until(
      "it runs again",
      () => inspect("eater"),
      (seen) => seen.State.Status === "running" && seen.RestartCount > 0,
    );
    expect(RestartCount).toBe(1);
    const events = await eventsOf("eater", since);
    expect(events.slice(events.indexOf("oom"))).toEqual(["oom", "die", "start"]);
  });
});
