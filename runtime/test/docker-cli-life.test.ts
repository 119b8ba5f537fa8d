/**
 * The real docker CLI drives the life of a container: events, statistics, files, policies, health.
 *
 * As `docker-cli.test.ts`: titles begin with the row of the feature list that they show.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { run, skipped, until, whyNoDocker } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip = skipped("the docker CLI and the life of containers", whyNoDocker());

const daemon = shareDaemon(skip);

const docker = (...args: string[]) => daemon.docker(...args);
const must = (...args: string[]): Promise<string> => daemon.mustDocker(...args);
const inspect = (reference: string, format: string): Promise<string> =>
  must("inspect", "-f", format, reference);
const sleeper = (name: string, ...options: string[]): Promise<string> =>
  must("run", "-d", "--name", name, ...options, "busybox", "sleep", "100");

describe.skipIf(skip)("while it runs", () => {
  test("M06: pause holds every process, unpause lets them go on, stop of a paused one works", async () => {
    const script = "trap 'exit 5' TERM; while :; do date +%s%N > /t; sleep 0.02; done";
    await must("run", "-d", "--name", "still", "busybox", "sh", "-c", script);
    await must("pause", "still");
    expect(await inspect("still", "{{.State.Status}} {{.State.Paused}}")).toBe("paused true");
    expect(await must("ps", "--format", "{{.Status}}")).toMatch(/^Up .*\(Paused\)$/);
    const refused = await docker("exec", "still", "true");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("is paused")]);
    const copy = (): Promise<string> => must("cp", "still:/t", "-");
    const before = await copy();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await copy()).toBe(before);
    await must("unpause", "still");
    await until("it writes again", copy, (now) => now !== before);
    await must("pause", "still");
    await must("stop", "-t", "5", "still");
    expect(await inspect("still", "{{.State.ExitCode}}")).toBe("5");
  });

  test("M07: stats --no-stream has numbers of this container, top its processes", async () => {
    await must(
      "run",
      "-d",
      "--name",
      "busy",
      "-m",
      "64m",
      "busybox",
      "sh",
      "-c",
      "sleep 77 & wait",
    );
    const row = await must("stats", "--no-stream", "--format", "{{json .}}", "busy");
    expect(JSON.parse(row)).toMatchObject({
      Name: "busy",
      PIDs: "2",
      CPUPerc: expect.stringMatching(/^\d+\.\d\d%$/),
      MemUsage: expect.stringMatching(/^[\d.]+[KM]?i?B \/ 64MiB$/),
    });
    const lines = (await must("top", "busy")).split("\n");
    expect(lines[0]).toMatch(/^UID\s+PID\s+PPID\s+C\s+STIME\s+TTY\s+TIME\s+CMD$/);
    expect(lines.filter((line) => line.endsWith("sleep 77"))).toHaveLength(1);
    const [title, ...pids] = (await must("top", "busy", "-o", "pid")).split("\n");
    expect(title?.trim()).toBe("PID");
    expect(pids.map(Number)).toContain(Number(await inspect("busy", "{{.State.Pid}}")));
  });

  test.skipIf(!existsSync("/usr/bin/tini-static"))(
    "P24: --init puts tini first, which reaps what others leave behind",
    async () => {
      // The shell becomes a program that waits for nobody; its child's child is nobody's then.
      const script = "sh -c 'sh -c \"sleep 0.1\" &' ; exec sleep 100";
      const zombies = async (name: string): Promise<string> =>
        must("exec", name, "sh", "-c", "grep -l '^State:.Z' /proc/[0-9]*/status | wc -l");
      await must("run", "-d", "--name", "without", "busybox", "sh", "-c", script);
      await must("run", "-d", "--name", "with", "--init", "busybox", "sh", "-c", script);
      await until(
        "there is a zombie",
        () => zombies("without"),
        (count) => count === "1",
      );
      expect(await zombies("with")).toBe("0");
      const first = await must("exec", "with", "cat", "/proc/1/cmdline");
      expect(first.split("\0").slice(0, 3)).toEqual(["/sbin/docker-init", "--", "sh"]);
      await must("stop", "-t", "5", "with");
      expect(await inspect("with", "{{.State.ExitCode}} {{.HostConfig.Init}}")).toBe("143 true");
    },
  );

  test("M08: update changes the limit that the kernel holds", async () => {
    await sleeper("limited", "-m", "64m");
    const update = ["--memory", "96m", "--memory-swap", "96m", "--pids-limit", "33"];
    await must("update", ...update, "--restart", "on-failure:3", "limited");
    const format = "{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}";
    expect(await inspect("limited", format)).toBe(`${96 << 20} on-failure`);
    const v1 = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
    const script = `cat ${v1} 2>/dev/null || cat /sys/fs/cgroup/memory.max`;
    expect(await must("exec", "limited", "sh", "-c", script)).toBe(String(96 << 20));
    const refused = await docker("update", "--memory", "1", "limited");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("6MB")]);
  });

  test("P17: health goes from starting to unhealthy to healthy", async () => {
    const check = ["--health-cmd", "test -e /ok", "--health-interval", "100ms"];
    await sleeper("sick", ...check, "--health-retries", "2");
    const status = (): Promise<string> => inspect("sick", "{{.State.Health.Status}}");
    await until("it is unhealthy", status, (now) => now === "unhealthy");
    expect(await must("ps", "--filter", "health=unhealthy", "--format", "{{.Names}}")).toBe("sick");
    await must("exec", "sick", "touch", "/ok");
    await until("it is healthy", status, (now) => now === "healthy");
    expect(await must("ps", "--format", "{{.Status}}")).toMatch(/\(healthy\)$/);
    expect(
      await inspect("sick", "{{len .State.Health.Log}} {{.State.Health.FailingStreak}}"),
    ).toMatch(/^[2-5] 0$/);
  });
});

describe.skipIf(skip)("its files", () => {
  test("M09: cp takes files, directories and links out and in, running and stopped", async () => {
    await sleeper("box");
    const out = join(daemon.directory, "out");
    const source = join(daemon.directory, "source");
    mkdirSync(join(source, "deep"), { recursive: true });
    writeFileSync(join(source, "deep/file"), "from outside\n", { mode: 0o640 });
    symlinkSync("deep/file", join(source, "link"));
    await must("cp", source, "box:/tmp");
    const list =
      "cat /tmp/source/link; readlink /tmp/source/link; stat -c %a /tmp/source/deep/file";
    expect(await must("exec", "box", "sh", "-c", list)).toBe("from outside\ndeep/file\n640");
    await must("exec", "box", "sh", "-c", "echo changed > /tmp/source/deep/file");
    await must("kill", "box");
    await must("cp", "box:/tmp/source", out);
    expect(readFileSync(join(out, "deep/file"), "utf8")).toBe("changed\n");
    expect(readlinkSync(join(out, "link"))).toBe("deep/file");
    writeFileSync(join(source, "new"), "while stopped\n");
    await must("cp", join(source, "new"), "box:/tmp/other-name");
    await must("start", "box");
    expect(await must("exec", "box", "cat", "/tmp/other-name")).toBe("while stopped");
    const missing = await docker("cp", "box:/no/such", out);
    expect([missing.code, missing.stderr]).toEqual([
      1,
      expect.stringContaining("Could not find the file /no/such in container box"),
    ]);
  });

  test("M09: cp of a stream, both ways", async () => {
    await sleeper("box");
    const { env } = { env: daemon.environment };
    const script = "docker cp box:/etc/passwd - | docker cp - box:/tmp";
    expect(await run("sh", ["-c", script], { env })).toMatchObject({ code: 0 });
    await must("exec", "box", "cmp", "/etc/passwd", "/tmp/passwd");
  });

  test("M10 M11: diff names what changed; export has the whole tree", async () => {
    await must("run", "--name", "once", "busybox", "sh", "-c", "echo 1 > /tmp/a; rm /etc/group");
    expect((await must("diff", "once")).split("\n").toSorted()).toEqual(
      ["A /tmp/a", "C /etc", "C /tmp", "D /etc/group"].toSorted(),
    );
    const file = join(daemon.directory, "tree.tar");
    await must("export", "-o", file, "once");
    const { stdout } = await run("tar", ["tf", file]);
    const names = stdout.split("\n");
    expect(names).toEqual(expect.arrayContaining(["tmp/a", "bin/busybox", "etc/passwd"]));
    expect(names).not.toContain("etc/group");
  });

  test("M12: commit makes an image that has the files and the changes", async () => {
    await must("run", "--name", "once", "busybox", "sh", "-c", "echo kept > /note");
    const changes = ["-c", "ENV A=b", "-c", 'CMD ["sh","-c","cat /note; echo $A"]'];
    const id = await must("commit", "-a", "me", "-m", "a note", ...changes, "once", "noted:1");
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(await must("run", "--rm", "noted:1")).toBe("kept\nb");
    expect(await inspect("noted:1", "{{.Author}} {{.Comment}} {{len .RootFS.Layers}}")).toBe(
      "me a note 2",
    );
  });
});

describe.skipIf(skip)("its end, and what is told of it", () => {
  test("P16: on-failure:2 runs it three times, then leaves it", async () => {
    const policy = ["--restart", "on-failure:2"];
    await must("run", "-d", "--name", "fails", ...policy, "busybox", "sh", "-c", "echo x; exit 4");
    const format = "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}}";
    await until(
      "it is given up",
      () => inspect("fails", format),
      (seen) => seen === "exited 2 4",
    );
    expect(await must("logs", "fails")).toBe("x\nx\nx");
  });

  test("P16: always comes back after its own end, not after stop", async () => {
    const always = ["--restart", "always", "busybox", "sh", "-c", "sleep 0.1"];
    await must("run", "-d", "--name", "again", ...always);
    const count = async (): Promise<number> => Number(await inspect("again", "{{.RestartCount}}"));
    await until("it came back", count, (restarts) => restarts > 0);
    await must("stop", "-t", "1", "again");
    expect(await inspect("again", "{{.State.Running}} {{.State.Restarting}}")).toBe("false false");
  });

  test("E21: events tell the life in order, until a moment", async () => {
    const since = await must("run", "--rm", "busybox", "date", "+%s");
    await sleeper("told");
    await must("exec", "told", "true");
    await must("pause", "told");
    await must("unpause", "told");
    await must("rename", "told", "retold");
    await must("rm", "-f", "retold");
    const until = String(Math.ceil(Date.now() / 1000));
    const range = ["--since", since, "--until", until, "--filter", "type=container"];
    const format = ["--format", "{{.Action}} {{.Actor.Attributes.name}}"];
    const lines = (await must("events", ...range, ...format)).split("\n");
    const told = lines
      .filter((line) => line.endsWith("told"))
      .map((line) => line.replace(/: true/, ""));
    expect(told).toEqual([
      "create told",
      "start told",
      "exec_create told",
      "exec_start told",
      "exec_die told",
      "pause told",
      "unpause told",
      "rename retold",
      "kill retold",
      "die retold",
      "destroy retold",
    ]);
    const filter = ["--filter", "event=die", "--filter", "container=nobody"];
    expect(await must("events", ...range, ...filter)).toBe("");
  });

  test("M16 M17: prune removes the ended only; system df counts them", async () => {
    await sleeper("stays");
    await must("run", "--name", "over", "-l", "keep=no", "busybox", "sh", "-c", "echo 12345 > /f");
    const rows = (await must("system", "df", "--format", "{{json .}}")).split("\n");
    const containers = rows
      .map((row) => JSON.parse(row) as Record<string, string>)
      .find(({ Type }) => Type === "Containers");
    expect(containers).toMatchObject({ TotalCount: "2", Active: "1" });
    expect(await must("container", "prune", "-f", "--filter", "label=keep=yes")).not.toContain(
      "Deleted",
    );
    expect(await must("container", "prune", "-f")).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n/);
    expect(await must("ps", "-a", "--format", "{{.Names}}")).toBe("stays");
  });

  test("P19: max-size keeps the newest lines, and logs -n reads over the files", async () => {
    const rotation = ["--log-opt", "max-size=4k", "--log-opt", "max-file=3"];
    const script = "seq 1 1000";
    await must("run", "--name", "much", ...rotation, "busybox", "sh", "-c", script);
    const numbers = (await must("logs", "much")).split("\n").map(Number);
    expect(numbers.length).toBeGreaterThan(80);
    expect(numbers.length).toBeLessThan(400);
    expect(numbers).toEqual(numbers.map((_, n) => 1001 - numbers.length + n));
    expect((await must("logs", "-n", "70", "much")).split("\n").map(Number)).toEqual(
      numbers.slice(-70),
    );
  });
});
