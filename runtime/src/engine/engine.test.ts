import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createFrameReader } from "../wire/index.ts";
import type { Keeper } from "../container/index.ts";
import { collectOutput, whyNoContainers } from "../keeper/keeper.fixture.ts";
import { createLinuxKernel } from "../kernel/linux/index.ts";
import { EngineBench, switchable, wish } from "./engine.fixture.ts";
import type { LogsRequest } from "./engine.ts";

const why = whyNoContainers();
if (why !== undefined) console.log(`skipped: engine: ${why}`);

describe.skipIf(why !== undefined)("engine", () => {
  let bench: EngineBench;
  beforeAll(async () => {
    bench = await EngineBench.open();
  });
  afterEach(() => bench.clear());
  afterAll(() => bench[Symbol.asyncDispose]());

  async function start(name: string, script: string): Promise<string> {
    const { id } = await bench.engine.createContainer(wish({ name, cmd: ["sh", "-c", script] }));
    await bench.engine.startContainer(id);
    return id;
  }

  async function stateOf(id: string): Promise<Record<string, unknown>> {
    const object = await bench.engine.inspectContainer(id, { size: false });
    return object["State"] as Record<string, unknown>;
  }

  async function logs(id: string, request: Partial<LogsRequest> = {}): Promise<string> {
    const { stream } = await bench.engine.containerLogs(id, {
      stdout: true,
      stderr: true,
      follow: false,
      sinceMs: 0,
      untilMs: Infinity,
      timestamps: false,
      tail: Infinity,
      details: false,
      ...request,
    });
    const decoder = createFrameReader();
    let text = "";
    for await (const bytes of stream) {
      for (const { payload } of decoder.push(bytes)) text += Buffer.from(payload).toString();
    }
    return text;
  }

  test("a container is named, inspected and found by prefix", async () => {
    const id = await start("web-1", "sleep 100");
    const found = await bench.engine.inspectContainer(id.slice(0, 5), { size: true });
    expect(found).toMatchObject({
      Id: id,
      Name: "/web-1",
      Path: "sh",
      Args: ["-c", "sleep 100"],
      State: { Status: "running", Running: true, ExitCode: 0 },
      Config: { Hostname: id.slice(0, 12) },
      GraphDriver: { Name: "overlay2", Data: { UpperDir: expect.stringContaining(id) } },
      SizeRw: 0,
    });
    const sysfs = readFileSync(`/proc/${String((await stateOf(id))["Pid"])}/status`, "utf8");
    expect(sysfs).toMatch(/^NSpid:\t\d+\t1$/m);
  });

  test("an ambiguous prefix is refused and the hint names the candidates", async () => {
    const ids = [];
    // Seventeen ids cannot all begin with different digits.
    for (let n = 0; n < 17; n++) ids.push((await bench.engine.createContainer(wish())).id);
    const digit = ids.map((id) => id[0]).find((d, at, all) => all.indexOf(d) !== at) ?? "";
    const names = ids.filter((id) => id.startsWith(digit)).map((id) => id.slice(0, 12));
    await expect(bench.engine.startContainer(digit)).rejects.toMatchObject({
      code: "id-ambiguous",
      message: `multiple IDs found with provided prefix: ${digit}`,
      hint: expect.stringContaining(names[0] ?? "none"),
    });
  });

  test("--rm and --restart exclude each other", async () => {
    const RestartPolicy = { Name: "always", MaximumRetryCount: 0 };
    const both = wish({ hostConfig: { AutoRemove: true, RestartPolicy } });
    await expect(bench.engine.createContainer(both)).rejects.toThrow(
      "can't create 'AutoRemove' container with restart policy",
    );
  });

  async function restarting(name: string, Name: string, script: string): Promise<string> {
    const hostConfig = {
      RestartPolicy: { Name, MaximumRetryCount: Name === "on-failure" ? 2 : 0 },
    };
    const { id } = await bench.engine.createContainer(
      wish({ name, cmd: ["sh", "-c", script], hostConfig }),
    );
    await bench.engine.startContainer(id);
    return id;
  }

  test("a policy starts again what fails, as often as it says", async () => {
    const id = await restarting("failing", "on-failure", "echo x; exit 3");
    await expect.poll(() => stateOf(id)).toMatchObject({ Status: "exited" });
    expect(await bench.engine.inspectContainer(id, { size: false })).toMatchObject({
      RestartCount: 2,
    });
    expect(await logs(id)).toBe("x\nx\nx\n");
  });

  test("what is stopped while it waits for a restart stays stopped; always outlives engines", async () => {
    const id = await restarting("always", "always", "echo x; exit 3");
    await expect.poll(() => stateOf(id)).toMatchObject({ Status: "restarting" });
    await bench.engine.stopContainer(id, { signal: null, timeoutSeconds: 1 });
    expect(await stateOf(id)).toMatchObject({ Status: "exited", ExitCode: 3 });
    const before = await logs(id);
    await bench.engine.startContainer(id);
    await bench.reopen();
    await expect.poll(() => logs(id)).not.toBe(`${before}x\n`);
    const running = await restarting("stopped", "unless-stopped", "sleep 100");
    await bench.engine.killContainer(running, "KILL");
    await bench.reopen();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await stateOf(running)).toMatchObject({ Status: "exited", ExitCode: 137 });
  });

  test("health follows the check, and tells of it", async () => {
    const Healthcheck = {
      Test: ["CMD-SHELL", "cat /state; test -e /ok"],
      Interval: 5e7,
      Timeout: 5e9,
      StartPeriod: 0,
      StartInterval: 0,
      Retries: 2,
    };
    const reader = bench.engine
      .events({ sinceMs: null, untilMs: Infinity, filters: { event: ["health_status"] } })
      .getReader();
    const cmd = ["sh", "-c", "echo bad > /state; sleep 100"];
    const { id } = await bench.engine.createContainer(wish({ cmd, config: { Healthcheck } }));
    await bench.engine.startContainer(id);
    expect(await stateOf(id)).toMatchObject({ Health: { Status: "starting" } });
    const told = async () => new TextDecoder().decode((await reader.read()).value);
    expect(await told()).toContain('"Action":"health_status: unhealthy"');
    const { Health } = await stateOf(id);
    expect(Health).toMatchObject({ FailingStreak: 2, Log: [{ ExitCode: 1, Output: "bad\n" }, {}] });
    await bench.exec(id, ["touch", "/ok"]);
    expect(await told()).toContain('"Action":"health_status: healthy"');
    await reader.cancel();
  });

  test.each([
    ["nosuch", 127, 'exec: "nosuch": executable file not found in $PATH'],
    ["/etc/passwd", 126, 'exec: "/etc/passwd": permission denied'],
  ])("starting %s fails with %d and leaves the container created", async (cmd, code, words) => {
    const { id } = await bench.engine.createContainer(wish({ cmd: [cmd] }));
    await expect(bench.engine.startContainer(id)).rejects.toMatchObject({
      code: "container-start-failed",
      class: "invalid",
      message: expect.stringContaining(words),
      hint: expect.any(String),
    });
    expect(await stateOf(id)).toMatchObject({ Status: "created", ExitCode: code });
    expect(await stateOf(id)).toHaveProperty("Error", expect.stringContaining(words));
  });

  test("a network that does not exist is a matter of the start", async () => {
    const { id } = await bench.engine.createContainer(wish({ hostConfig: { NetworkMode: "lan" } }));
    await expect(bench.engine.startContainer(id)).rejects.toMatchObject({
      class: "not-found",
      message: "network lan not found",
    });
  });

  test("a container whose memory runs out is killed and says so", async () => {
    const hostConfig = { Memory: 8 * 1024 * 1024, MemorySwap: 8 * 1024 * 1024 };
    const { id, exitCode } = await bench.run({ cmd: ["tail", "/dev/zero"], hostConfig });
    expect(exitCode).toBe(137);
    expect(await stateOf(id)).toMatchObject({ Status: "exited", OOMKilled: true });
  });

  test("stop ends with the signal's code, kill of a stopped container is refused", async () => {
    const script = "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done";
    const id = await start("stopped", script);
    await expect.poll(() => logs(id)).toBe("ready\n");
    await bench.engine.stopContainer(id, { signal: null, timeoutSeconds: 5 });
    expect(await stateOf(id)).toMatchObject({ Status: "exited", ExitCode: 7 });
    await expect(bench.engine.killContainer(id, "TERM")).rejects.toMatchObject({
      class: "conflict",
      message: `cannot kill container: stopped: container ${id} is not running`,
    });
    await expect(bench.engine.killContainer(id, "NOPE")).rejects.toThrow(/invalid signal/i);
  });

  test("a paused container stands still, refuses execs, is found paused again, and can be stopped", async () => {
    const id = await start("frozen", "trap 'exit 4' TERM; while :; do echo x; sleep 0.01; done");
    await expect.poll(() => logs(id)).not.toBe("");
    await bench.engine.pauseContainer(id);
    const written = await logs(id);
    await bench.reopen();
    expect(await stateOf(id)).toMatchObject({ Status: "paused", Paused: true, Running: true });
    expect(await logs(id)).toBe(written);
    await expect(bench.exec(id, ["true"])).rejects.toMatchObject({ code: "container-paused" });
    await bench.engine.stopContainer(id, { signal: null, timeoutSeconds: 5 });
    expect(await stateOf(id)).toMatchObject({ Status: "exited", ExitCode: 4 });
  });

  test("execs and pauses at once hold nobody up", async () => {
    const id = await start("busy", "sleep 100");
    const execs = Array.from({ length: 10 }, () => bench.exec(id, ["true"]).catch(() => null));
    for (let n = 0; n < 5; n++) {
      await bench.engine.pauseContainer(id);
      await bench.engine.unpauseContainer(id);
    }
    await Promise.all(execs);
    expect((await bench.exec(id, ["echo", "alive"])).stdout).toBe("alive\n");
  });

  test("other volumes: the same container with its layer, or the old ones where it cannot start", async () => {
    const script = "trap 'exit 0' TERM; echo mine >> /kept; cat /kept /mnt/os; sleep 100 & wait";
    const id = await start("moved", script);
    await expect.poll(() => logs(id)).toContain("mine");
    const inspect = async () => bench.engine.inspectContainer(id, { size: false });
    const running = (await stateOf(id))["Pid"];
    const changed = await bench.engine.changeVolumes(id, ["/proc/sys/kernel/ostype:/mnt/os"]);
    expect(changed).toEqual({ restarted: true });
    expect((await inspect())["Mounts"]).toMatchObject([{ Destination: "/mnt/os" }]);
    expect((await stateOf(id))["Pid"]).not.toBe(running);
    await expect.poll(() => logs(id)).toContain("mine\nmine\nLinux");
    // Over a directory that the start itself needs a file cannot be mounted.
    const isRefused = bench.engine.changeVolumes(id, ["/proc/sys/kernel/ostype:/bin"]);
    await expect(isRefused).rejects.toThrow("not a directory");
    expect(await inspect()).toMatchObject({
      Mounts: [{ Destination: "/mnt/os" }],
      HostConfig: { Binds: ["/proc/sys/kernel/ostype:/mnt/os"] },
      State: { Running: true },
    });
    await expect(bench.engine.changeVolumes(id, ["relative:"])).rejects.toThrow("invalid");
    // The same place again gives way, and what does not run is not started.
    await bench.engine.killContainer(id, "SIGKILL");
    await bench.engine.waitContainer(id, "not-running").done;
    const other = ["/proc/sys/kernel/osrelease:/mnt/os:ro", "/proc/sys:/sys2"];
    expect(await bench.engine.changeVolumes(id, other)).toEqual({ restarted: false });
    await bench.reopen();
    expect(await inspect()).toMatchObject({
      HostConfig: { Binds: other },
      State: { Running: false },
    });
  });

  test("update changes the limits of a running container, all of them or none", async () => {
    const id = await start("grown", "sleep 100");
    await bench.engine.updateContainer(id, {
      resources: { Memory: 2 ** 26, MemorySwap: 2 ** 27, PidsLimit: 30 },
      restartPolicy: null,
    });
    const limits = (bench.snapshot()["cgroups"] ?? []).map((path) => join(path, "pids.max"));
    const read = () => readFileSync(limits.find(existsSync) ?? "no pids controller", "utf8").trim();
    expect(read()).toBe("30");
    const isRefused = bench.engine.updateContainer(id, {
      resources: { PidsLimit: 40, CpusetCpus: "999" },
      restartPolicy: null,
    });
    await expect(isRefused).rejects.toMatchObject({ class: "invalid" });
    expect(read()).toBe("30");
    const { HostConfig } = await bench.engine.inspectContainer(id, { size: false });
    expect(HostConfig).toMatchObject({ Memory: 2 ** 26, PidsLimit: 30, CpusetCpus: "" });
    await bench.reopen();
    const again = await bench.engine.inspectContainer(id, { size: false });
    expect(again["HostConfig"]).toMatchObject({ Memory: 2 ** 26, PidsLimit: 30 });
  });

  test("stats of a container that works shows processor time, of a stopped one nothing", async () => {
    const id = await start("worker", "while :; do :; done");
    const read = async (request: { stream: boolean; oneShot: boolean }) => {
      const stream = await bench.engine.containerStats(id, request);
      const { value } = await stream.getReader().read();
      return JSON.parse(new TextDecoder().decode(value)) as Record<string, Record<string, unknown>>;
    };
    const rate = await read({ stream: false, oneShot: false });
    const used = (name: string) => (rate[name] ?? {})["cpu_usage"] as { total_usage: number };
    const spent = used("cpu_stats").total_usage - used("precpu_stats").total_usage;
    expect(spent).toBeGreaterThan(1e7);
    expect(rate["pids_stats"]).toMatchObject({ current: 1 });
    const top = await bench.engine.containerTop(id, "-o pid,args");
    expect(top.Processes.map((row) => row[1])).toEqual(["sh -c while :; do :; done"]);
    await bench.engine.killContainer(id, "KILL");
    expect(await read({ stream: true, oneShot: false })).toMatchObject({
      read: "0001-01-01T00:00:00Z",
      memory_stats: {},
    });
  });

  test("prune removes what does not run, as far as filters say", async () => {
    const running = await start("stays", "sleep 100");
    await bench.engine.createContainer(wish({ name: "kept", config: { Labels: { keep: "1" } } }));
    await bench.run({ name: "goes", cmd: ["sh", "-c", "echo 12345 > /file"] });
    const answer = await bench.engine.pruneContainers({ "label!": ["keep"] });
    expect(answer["ContainersDeleted"]).toHaveLength(1);
    expect(answer["SpaceReclaimed"]).toBe(6);
    expect(await bench.ids()).toHaveLength(2);
    await expect(bench.engine.pruneContainers({ nosuch: ["x"] })).rejects.toMatchObject({
      code: "filter-invalid",
    });
    await bench.engine.pruneContainers({ until: ["1h"] });
    expect(await bench.ids()).toHaveLength(2);
    await bench.engine.pruneContainers({});
    expect(await bench.ids()).toEqual([running]);
  });

  test("events tell the life of a container in order", async () => {
    const reader = bench.engine
      .events({ sinceMs: null, untilMs: Infinity, filters: { container: ["told"] } })
      .getReader();
    const id = await start("told", "sleep 100");
    await bench.engine.restartContainer(id, { signal: "KILL", timeoutSeconds: 1 });
    await bench.engine.killContainer(id, "KILL");
    await bench.engine.removeContainer(id, { force: false, volumes: false });
    const told = [
      "create",
      "start",
      "kill",
      "die",
      "stop",
      "start",
      "restart",
      "kill",
      "die",
      "destroy",
    ];
    for (const action of told) {
      const line = new TextDecoder().decode((await reader.read()).value);
      expect(JSON.parse(line)).toMatchObject({ Action: action, Actor: { ID: id } });
    }
    await reader.cancel();
  });

  test("a restarted container keeps its files, also with --rm", async () => {
    const cmd = ["sh", "-c", "echo x >> /kept; wc -l < /kept; sleep 100"];
    const { id } = await bench.engine.createContainer(
      wish({ cmd, hostConfig: { AutoRemove: true } }),
    );
    await bench.engine.startContainer(id);
    await expect.poll(() => logs(id)).toBe("1\n");
    await bench.engine.restartContainer(id, { signal: "KILL", timeoutSeconds: 1 });
    await expect.poll(() => logs(id)).toBe("1\n2\n");
    await bench.engine.killContainer(id, "KILL");
    await expect.poll(() => bench.ids()).toEqual([]);
  });

  test("logs shows streams, tails, times, and follows to the end", async () => {
    const script = "echo one; echo two >&2; sleep 0.3; echo three; sleep 0.3; echo four";
    const id = await start("talker", script);
    expect(await logs(id, { follow: true })).toBe("one\ntwo\nthree\nfour\n");
    expect(await logs(id, { stderr: false })).toBe("one\nthree\nfour\n");
    expect(await logs(id, { tail: 2 })).toBe("three\nfour\n");
    expect(await logs(id, { tail: 0 })).toBe("");
    expect(await logs(id, { timestamps: true, tail: 1 })).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z four\n$/,
    );
    const times = (await logs(id, { timestamps: true })).split("\n");
    const threeMs = Date.parse((times[2] ?? "").split(" ")[0] ?? "") - 50;
    expect(await logs(id, { sinceMs: threeMs })).toBe("three\nfour\n");
    expect(await logs(id, { untilMs: threeMs })).toBe("one\ntwo\n");
    await expect(logs(id, { stdout: false, stderr: false })).rejects.toThrow(
      "you must choose at least one stream",
    );
  });

  test("logs of --log-driver none are refused", async () => {
    const hostConfig = { LogConfig: { Type: "none", Config: {} } };
    const { id } = await bench.run({ cmd: ["echo", "lost"], hostConfig });
    await expect(logs(id)).rejects.toThrow("configured logging driver does not support reading");
  });

  test("attach passes stdin, and its end", async () => {
    const config = { OpenStdin: true, StdinOnce: true };
    const { id } = await bench.engine.createContainer(wish({ cmd: ["cat"], config }));
    const streams = { stdin: true, stdout: true, stderr: true, logs: false, stream: true };
    const line = await bench.engine.attachContainer(id, streams);
    const output = collectOutput(line, line.raw);
    await bench.engine.startContainer(id);
    await line.write(new TextEncoder().encode("typed\n"));
    line.endInput();
    expect((await output).stdout).toBe("typed\n");
    const again = await bench.engine.attachContainer(id, { ...streams, logs: true, stream: false });
    expect((await collectOutput(again, again.raw)).stdout).toBe("typed\n");
  });

  test("exec runs beside process 1, as another user, with its own exit code", async () => {
    const id = await start("target", "sleep 100");
    const ran = await bench.exec(id, ["sh", "-c", "id -un; hostname; exit 9"], "nobody");
    expect(ran).toMatchObject({ exitCode: 9, stdout: `nobody\n${id.slice(0, 12)}\n` });
    const missing = await bench.exec(id, ["nosuch"]);
    expect(missing.exitCode).toBe(127);
    expect(missing.stdout).toContain('exec: "nosuch": executable file not found in $PATH');
  });

  test("namespaces of another container are joined, also those of a guest", async () => {
    const { id } = await bench.engine.createContainer(
      wish({
        name: "donor",
        cmd: ["sh", "-c", "echo x > /dev/shm/gift; sleep 100"],
        config: { Hostname: "donated" },
        hostConfig: { IpcMode: "shareable" },
      }),
    );
    await bench.engine.startContainer(id);
    const sharing = (name: string) => ({
      NetworkMode: `container:${name}`,
      PidMode: `container:${name}`,
      IpcMode: `container:${name}`,
    });
    const guest = wish({ name: "guest", cmd: ["sleep", "100"], hostConfig: sharing("donor") });
    await bench.engine.startContainer((await bench.engine.createContainer(guest)).id);
    const cmd = ["sh", "-c", "ps; cat /dev/shm/gift; cat /etc/hostname"];
    const { stdout } = await bench.run({ cmd, hostConfig: sharing("guest") });
    expect(stdout).toMatch(/sleep 100[^]*x\ndonated\n$/);
  });

  test("a donor that cannot give is refused in Docker's words, with its class", async () => {
    await start("private", "sleep 100");
    const { id: stopped } = await bench.engine.createContainer(wish({ name: "stopped" }));
    const refusalOf = async (hostConfig: object) => {
      const { id } = await bench.engine.createContainer(wish({ hostConfig }));
      return bench.engine.startContainer(id).catch((error: unknown) => error);
    };
    const joining = "failed to join IPC namespace: ";
    expect(await refusalOf({ IpcMode: "container:private" })).toMatchObject({
      class: "invalid",
      message:
        `${joining}container private: non-shareable IPC ` +
        "(hint: use IpcMode:shareable for the donor container)",
    });
    expect(await refusalOf({ IpcMode: `container:${stopped}` })).toMatchObject({
      class: "conflict",
      message: `${joining}container ${stopped} is not running`,
    });
    for (const kind of ["IpcMode", "PidMode"]) {
      await bench.engine.createContainer(wish({ name: "donor" }));
      const request = wish({ hostConfig: { [kind]: "container:donor" } });
      const { id } = await bench.engine.createContainer(request);
      await bench.engine.removeContainer("donor", { force: false, volumes: false });
      const refused = { message: expect.stringContaining("No such container: donor") as string };
      await expect(bench.engine.startContainer(id)).rejects.toMatchObject(refused);
      await expect(bench.engine.createContainer(request)).rejects.toMatchObject({
        class: "invalid",
        message: "No such container: donor",
      });
    }
    expect(await refusalOf({ NetworkMode: "container:stopped" })).toMatchObject({
      class: "conflict",
      message: "cannot join network of a non running container: stopped",
    });
    expect(await refusalOf({ NetworkMode: "container:nobody" })).toMatchObject({
      class: "not-found",
      message: "No such container: nobody",
    });
    expect(await refusalOf({ PidMode: "container:stopped" })).toMatchObject({
      class: "internal",
      message: "failed to join PID namespace: container stopped is not running",
    });
  });

  test("a parent cgroup that somebody removed is made again by the next start", async () => {
    await bench.run({});
    await bench.clear();
    bench.removeCgroupParent();
    const { exitCode } = await bench.run({ cmd: ["true"], hostConfig: { PidsLimit: 20 } });
    expect(exitCode).toBe(0);
  });

  test("the journal tells what the engine and init did, in order, with its source", async () => {
    const { id } = await bench.run({});
    const journal = await bench.engine.journalOf(id);
    const calls = journal.map(({ where, call }) => `${where} ${call}`);
    const order = ["engine mkdir", "keeper spawn", "init unshare", "init pivotRoot", "init execve"];
    const places = order.map((call) => calls.indexOf(call));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(journal.every(({ source }) => source !== undefined)).toBe(true);
    // The same after it was written to the disk.
    await expect
      .poll(() => readFileSync(join(bench.root, "containers", id, "journal.jsonl"), "utf8"))
      .toContain("execve");
    expect((await bench.engine.journalOf(id)).length).toBeGreaterThanOrEqual(journal.length);
  });

  test("a plan has the steps of a start and no effect", async () => {
    const before = bench.snapshot();
    const { steps } = await bench.engine.planContainer(wish({ hostConfig: { Memory: 2 ** 26 } }));
    expect(bench.snapshot()).toEqual(before);
    expect(steps.map(({ n }) => n)).toEqual(steps.map((_, index) => index + 1));
    expect(steps.at(-1)).toMatchObject({ where: "init", call: "exec" });
    expect(steps.some(({ args }) => args.flat().includes(String(2 ** 26)))).toBe(true);
  });

  test("an engine that comes back finds its containers, their output and how they ended", async () => {
    const running = await start("on", "echo before; sleep 0.5; echo meanwhile; sleep 100");
    const ended = await start("off", "sleep 0.2; exit 5");
    await bench.engine.close();
    await new Promise((resolve) => setTimeout(resolve, 800));
    await bench.reopen();
    expect(await stateOf(running)).toMatchObject({ Status: "running" });
    await expect.poll(() => logs(running)).toBe("before\nmeanwhile\n");
    await expect.poll(() => stateOf(ended)).toMatchObject({ Status: "exited", ExitCode: 5 });
    expect((await bench.exec(running, ["echo", "alive"])).stdout).toBe("alive\n");
  });

  test("what removes itself is gone, also when its engine died right after the start", async () => {
    const doomed = switchable(createLinuxKernel());
    await bench.reopen(doomed.kernel);
    const cmd = ["sleep", "0.2"];
    const { id } = await bench.engine.createContainer(
      wish({ cmd, hostConfig: { AutoRemove: true } }),
    );
    await bench.engine.startContainer(id);
    doomed.crashAt(1);
    bench.abandon();
    doomed.releaseLocks();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await bench.reopen();
    await expect.poll(() => bench.ids()).not.toContain(id);
  });

  test("an end that is announced while an engine comes back is not lost", async () => {
    const id = await start("late", "sleep 0.5; exit 6");
    bench.wrapKeeper = (keeper) => {
      const ended = new Promise<void>((resolve) => keeper.onExit(() => resolve()));
      // The list is made before the end and arrives after it.
      const list: Keeper["list"] = async () => {
        const kept = await keeper.list();
        await ended;
        return kept;
      };
      return { ...keeper, list };
    };
    await bench.reopen();
    bench.wrapKeeper = (keeper) => keeper;
    await expect.poll(() => stateOf(id)).toMatchObject({ Status: "exited", ExitCode: 6 });
  });

  test("a killed keeper is told, and replaced", async () => {
    const id = await start("lost", "sleep 100");
    const { done } = bench.engine.waitContainer(id, "not-running");
    process.kill(bench.keeperPid(), "SIGKILL");
    expect(await done).toMatchObject({ exitCode: 137, error: expect.stringMatching(/keeper/) });
    await expect.poll(() => bench.run({}).then(({ exitCode }) => exitCode, String)).toBe(0);
  });
});
