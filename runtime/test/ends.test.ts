/**
 * Ends that take their time: who does not hear that it is to stop, and who is left behind.
 */
import { spawn, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { launcher, skipped, until, whyNoContainers, whyNoDocker } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip = skipped("ends", whyNoContainers());
const skipDocker = skipped("ends with the docker CLI", whyNoDocker());

const daemon = shareDaemon(skip);

/** Runs a shell script as process 1, and waits until it has said that it is ready. */
async function start(name: string, script: string, hostConfig: object = {}): Promise<void> {
  const Cmd = ["sh", "-c", script];
  const body = { Image: "busybox", Cmd, HostConfig: hostConfig };
  const created = await daemon.api("POST", `/containers/create?name=${name}`, body);
  expect([created.status, created.text]).toEqual([201, expect.any(String)]);
  expect((await daemon.api("POST", `/containers/${name}/start`)).status).toBe(204);
  await until(
    "it is ready",
    async () => (await daemon.api("GET", `/containers/${name}/logs?stdout=1`)).text,
    (text) => text.includes("ready"),
  );
}

const LOOP = "echo ready; while :; do sleep 0.05; done";

const timed = async <T>(work: Promise<T>): Promise<{ readonly ms: number; readonly ran: T }> => {
  const began = performance.now();
  const ran = await work;
  return { ms: performance.now() - began, ran };
};

describe.skipIf(skip)("a process that does not hear that it is to stop", () => {
  test("drydock stop says so at once, with the remedy, and waits all the same", async () => {
    await start("deaf", LOOP);
    const began = performance.now();
    const child = spawn(process.execPath, [launcher, "stop", "-t", "2", "deaf"], {
      env: daemon.environment,
    });
    let said = "";
    let saidMs = 0;
    child.stderr.on("data", (bytes: Uint8Array) => {
      saidMs ||= performance.now() - began;
      said += bytes.toString();
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    const endedMs = performance.now() - began;
    expect(said).toMatch(
      /^container deaf does not hear SIGTERM: its process 1, sh, has no handler/,
    );
    expect(said).toContain("SIGKILL follows after 2 s\n");
    expect(said).toMatch(/--init.*exec form.*--stop-signal/s);
    expect(code).toBe(0);
    expect(endedMs - saidMs).toBeGreaterThan(1000);
    const state = (await daemon.api("GET", "/containers/deaf/json")).json<{ State: object }>();
    expect(state.State).toMatchObject({ Status: "exited", ExitCode: 137 });
  });

  test("one that ignores the signal is told apart, and a signal that it handles is named", async () => {
    await start("ignores", `trap "" TERM; trap "exit 5" INT; ${LOOP}`);
    const { stderr } = await daemon.drydock("restart", "-t", "1", "ignores");
    expect(stderr).toContain("its process sh ignores SIGTERM; SIGKILL follows after 1 s");
    expect(stderr).toContain("--stop-signal SIGINT, which it handles");
    await until(
      "it has its handlers again",
      () => daemon.api("GET", "/drydock/containers/ignores/stop-advice?signal=INT"),
      ({ text }) => text === "null",
    );
    const { ms, ran } = await timed(daemon.drydock("stop", "-s", "INT", "ignores"));
    expect([ran.code, ran.stderr]).toEqual([0, ""]);
    expect(ms).toBeLessThan(8000);
  });

  test("nothing is said of one that hears it, or that is not asked", async () => {
    await start("hears", `trap "exit 0" TERM; ${LOOP}`);
    expect((await daemon.drydock("stop", "hears")).stderr).toBe("");
    await start("guest", LOOP, { PidMode: "host" });
    expect((await daemon.drydock("stop", "guest")).stderr).toBe("");
    await start("deaf", LOOP);
    expect((await daemon.drydock("stop", "-t", "0", "deaf")).stderr).toBe("");
    expect((await daemon.drydock("stop", "deaf")).stderr).toBe("");
  });

  test.skipIf(skipDocker)("docker stop is not disturbed; the daemon's log has it", async () => {
    await start("quiet", LOOP);
    const { ms, ran } = await timed(daemon.docker("stop", "-t", "1", "quiet"));
    expect(ran).toEqual({ code: 0, stdout: "quiet\n", stderr: "" });
    expect(ms).toBeGreaterThan(1000);
    expect(daemon.log).toContain("container quiet does not hear SIGTERM");
  });
});

describe.skipIf(skip)("a process that leaves another behind, which holds its output", () => {
  /** What it is, by name: no other run of these tests has it. */
  const sleep = (n: number) => `sleep ${n}000${process.pid}`;
  /** Ends at once; what it leaves behind holds the pipe. */
  const leaving = (n: number) => `${sleep(n)} & echo said; exit 4`;

  async function expectTold(what: RegExp, command: string): Promise<void> {
    const told = await until(
      "the log tells who holds the output",
      () => daemon.log.split("\n").findLast((line) => line.includes("is still held by")) ?? "",
      (line) => line.includes(command),
    );
    expect(told).toMatch(what);
    expect(told).toMatch(new RegExp(`held by process \\d+ \\(${command}\\)`));
  }

  test("exec returns with its exit code, soon, and the log tells for whom it waited", async () => {
    await start("box", LOOP);
    const { ms, ran } = await timed(daemon.drydock("exec", "box", "sh", "-c", leaving(1)));
    expect(ran).toMatchObject({ code: 4, stdout: "said\n" });
    expect(ms).toBeLessThan(8000);
    await expectTold(/Container box: its exec [0-9a-f]{12} has ended/, sleep(1));
    // The one left behind lives, as in Docker.
    expect((await daemon.drydock("exec", "box", "ps")).stdout).toContain(sleep(1));
  });

  test.skipIf(skipDocker)("so it is for the docker CLI", async () => {
    await start("box", LOOP);
    const { ms, ran } = await timed(daemon.docker("exec", "box", "sh", "-c", leaving(2)));
    expect(ran).toMatchObject({ code: 4, stdout: "said\n" });
    expect(ms).toBeLessThan(8000);
    await expectTold(/its exec/, sleep(2));
  });

  test("a container in the host's PID namespace ends too, and who attached is let go", async () => {
    const args = ["run", "--rm", "--pid", "host", "--name", "host", "busybox"];
    const { ms, ran } = await timed(daemon.drydock(...args, "sh", "-c", leaving(3)));
    expect(ran).toMatchObject({ code: 4, stdout: "said\n" });
    expect(ms).toBeLessThan(10_000);
    await expectTold(/Container host: its process has ended/, sleep(3));
    const left = () => spawnSync("ps", ["-eo", "args="], { encoding: "utf8" }).stdout;
    await until("nothing is left", left, (lines) => !lines.split("\n").includes(sleep(3)));
  });
});
