/**
 * What people are told when something went wrong, on the real kernel and by both command lines.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { launcher, run, skipped, until, whyNoContainers, whyNoDocker } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip = skipped("what is told of containers", whyNoContainers());
const skipDocker = skip || skipped("the same by docker", whyNoDocker());
const daemon = shareDaemon(skip);

const must = (...args: string[]): Promise<string> => daemon.mustDrydock(...args);

/** Why docker-compose cannot be used, or null. */
function whyNoCompose(): string | null {
  if (spawnSync("docker-compose", ["--version"]).status === 0) return null;
  return "docker-compose is not installed (apt-get install docker-compose)";
}

/** Scripts that cannot run, in a directory to mount. */
function brokenScripts(): string {
  const directory = join(daemon.directory, "broken");
  mkdirSync(directory, { recursive: true });
  const write = (name: string, text: string, mode = 0o755): void =>
    writeFileSync(join(directory, name), text, { mode });
  write("bash", "#!/bin/bash\necho\n");
  write("windows", "#!/bin/sh\r\necho\r\n");
  write("plain", "#!/bin/sh\necho\n", 0o644);
  write("text", "echo hi\n");
  return `${directory}:/app:ro`;
}

/** Command; Docker's words; ours; exit code. */
const BROKEN = [
  ["bash", "executable file not found in $PATH", "It is at /app/bash", 127],
  ["lss", "executable file not found in $PATH", "Did you mean less?", 127],
  ["/app/bash", "no such file or directory", "which the image does not have", 127],
  ["/app/windows", "no such file or directory", "carriage return", 127],
  ["/app/plain", "permission denied", "mode 0644", 126],
  ["/app", "is a directory", "/app holds files", 126],
] as const;

describe.skipIf(skipDocker)("a command that cannot run", () => {
  test.each(BROKEN)("E04: %s: Docker's line and exit code, then why", async (...row) => {
    const [command, words, ours, code] = row;
    const args = ["run", "--rm", "-v", brokenScripts(), "busybox", command];
    const line = `exec: "${command}": `;
    for (const ran of [await daemon.docker(...args), await daemon.drydock(...args)]) {
      const [first = "", ...more] = ran.stderr.split("\n");
      expect(first).toContain(line);
      expect(first).toContain(words);
      expect(more.join("\n")).toContain(ours);
      expect(ran.code).toBe(code);
    }
    expect(await must("ps", "-aq")).toBe("");
  });

  test("exec tells the same in a running container", async () => {
    await must("run", "-d", "--name", "up", "-v", brokenScripts(), "busybox", "sleep", "100");
    for (const [command, words, ours, code] of BROKEN) {
      const ran = await daemon.docker("exec", "up", command);
      expect(ran.stdout).toContain(words);
      expect(ran.stdout).toContain(ours);
      expect(ran.code).toBe(code);
    }
  });

  test("a look into a container that does not run leaves no mount", async () => {
    const { code } = await daemon.drydock("run", "--name", "left", "busybox", "no-such-program");
    expect(code).toBe(127);
    expect(readFileSync(`/proc/${daemon.pid}/mountinfo`, "utf8")).not.toContain(daemon.root);
    const told = await must("explain", "left");
    expect(told.match(/ umount\("/g)?.length).toBeGreaterThan(1);
  });
});

describe.skipIf(skipDocker)("slips", () => {
  test("the name of a container, of an image here, of an image elsewhere", async () => {
    await must("create", "--name", "web-server", "busybox");
    for (const cli of [daemon.docker.bind(daemon), daemon.drydock.bind(daemon)]) {
      expect((await cli("start", "web-sever")).stderr).toContain("Did you mean web-server?");
      const inspected = await cli("image", "inspect", "bussybox");
      expect(inspected.stderr).toContain("Did you mean busybox:latest?");
      const ran = await cli("run", "--rm", "debain");
      expect(ran.stderr, "E10").toContain("Did you mean debian?");
      expect(ran.code).toBe(125);
    }
  });
});

describe.skipIf(skip)("why", () => {
  const why = (name: string): Promise<string> => must("why", name);
  const pidOf = async (name: string): Promise<number> =>
    Number(await must("inspect", "-f", "{{.State.Pid}}", name));

  test("pain 12: a stop that was not obeyed, a kill, and one from outside are told apart", async () => {
    for (const name of ["deaf", "killed", "struck", "polite"]) {
      await must("run", "-d", "--name", name, "busybox", ...(name === "polite" ? TRAPS : DEAF));
    }
    await must("stop", "-t", "1", "deaf");
    await must("kill", "killed");
    process.kill(await pidOf("struck"), "SIGKILL");
    await must("stop", "polite");
    expect(await why("deaf")).toMatch(
      /SIGTERM; it did not end within 1 s, so it was killed\.\n  → /,
    );
    expect(await why("killed")).toContain("killed through the engine");
    const struck = await until(
      "its end is known",
      () => why("struck"),
      (told) => told.includes("ended"),
    );
    expect(struck).toContain("SIGKILL, exit code 137");
    expect(struck).toContain("Nobody asked the engine");
    expect(await why("polite")).toMatch(
      /exit code 3: .*\n.*drydock stop sent SIGTERM, and it obeyed/,
    );
  });

  test("pain 12: memory that ran out is told with peak and limit", async () => {
    const hungry = ["sh", "-c", "exec tail /dev/zero"];
    await daemon.drydock(
      "run",
      "-m",
      "16m",
      "--memory-swap",
      "16m",
      "--name",
      "hungry",
      "busybox",
      ...hungry,
    );
    const told = await why("hungry");
    expect(told).toContain("Memory ran out: the kernel killed its first process.");
    expect(told).toMatch(/It had 1[56][.\d]*MiB at most, and may have 16MiB\./);
  });

  test("an end while no daemon ran, and what is asked after a restart, are remembered", async () => {
    await must("run", "-d", "--name", "stopped", "busybox", ...DEAF);
    const share = join(daemon.directory, "share");
    mkdirSync(share);
    const waiting = "while ! test -e /share/go; do sleep 0.05; done; exit 4";
    const mount = ["-v", `${share}:/share`];
    await must("run", "-d", "--name", "alone", ...mount, "busybox", "sh", "-c", waiting);
    const pid = await must("inspect", "-f", "{{.State.Pid}}", "alone");
    await must("stop", "-t", "0", "stopped");
    // Who asked for an end is written down in the next quiet moment, not before the answer.
    const id = await must("inspect", "-f", "{{.Id}}", "stopped");
    await until(
      "the end is on the disk",
      () => readFileSync(join(daemon.root, "containers", id, "state.json"), "utf8"),
      (text) => text.includes('"exited"'),
    );
    await daemon.kill("SIGKILL");
    writeFileSync(join(share, "go"), "");
    await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
    await daemon.start();
    expect(await why("stopped")).toContain("did not end within 0 s");
    expect(await why("alone")).toMatch(/exit code 4: .*\n.*while no daemon was running/);
  });

  test("pain 9: zombies are named with their parent; last words are shown", async () => {
    const script = "sh -c 'sleep 0.1 & exec sleep 100'";
    await must("run", "-d", "--name", "parent", "busybox", "sh", "-c", script);
    const told = await until(
      "the zombie is there",
      () => why("parent"),
      (text) => text.includes("zombies"),
    );
    expect(told).toMatch(/\d+ \(sleep\), child of \d+ \(sleep\)\n  → .*--init/);
    await daemon.drydock(
      "run",
      "--name",
      "loud",
      "busybox",
      "sh",
      "-c",
      "echo disk full >&2; exit 9",
    );
    expect(await why("loud")).toMatch(/Its last words:\n  disk full$/);
    const facts = JSON.parse(await must("why", "--json", "loud")) as { end: { exitCode: number } };
    expect(facts.end.exitCode).toBe(9);
  });
});

describe.skipIf(skip)("inspect --as-run", () => {
  const EVERYTHING = [
    "-d -i -t -m 64m --cpus 0.5 -l who=me --restart on-failure:3 -v /tmp:/t:ro -u 1:1 -w /tmp",
    "--tmpfs /m:size=1m --cap-add SYS_TIME --ulimit nofile=100:200 --health-interval 90s",
    "--entrypoint sleep --init=false --hostname boat --dns 10.0.0.1 --stop-signal INT",
  ].flatMap((line) => line.split(" "));
  const SPACED = ["-e", "SAID=it's a b", "--health-cmd", "exit 0"];

  test("pain 19: the printed command makes the same container again", async () => {
    const plain = ["-d", "busybox", "sh", "-c", "sleep 100; echo 'hi'"];
    for (const words of [[...EVERYTHING, ...SPACED, "busybox", "100"], plain]) {
      await must("run", "--name", "again", ...words);
      const before = await configured("again");
      const line = await must("inspect", "--as-run", "again");
      await must("rm", "-f", "again");
      const command = line.replace(/^drydock /, `${process.execPath} ${launcher} `);
      const ran = await run("sh", ["-c", command], { env: daemon.environment });
      expect(ran.stderr).toBe("");
      expect(await configured("again")).toEqual(before);
      await must("rm", "-f", "again");
    }
  });

  test.skipIf(skipped("compose files", whyNoCompose()))(
    "pain 19: docker-compose makes the same container again of the printed file",
    async () => {
      const texts = ["-e", "N=no", "-e", "COST=5$", "-l", "at=22:22", "--health-cmd", "test $$"];
      const more = "--device-read-bps /dev/loop0:1mb -v /etc:/e:ro --mount type=tmpfs,dst=/mm";
      const words = [...EVERYTHING.slice(1), ...texts, ...more.split(" "), "busybox", "100"];
      await must("create", "--name", "again", ...words);
      const line = await must("inspect", "--as-run", "again");
      const file = join(daemon.directory, "compose.yml");
      writeFileSync(file, await must("inspect", "--as-compose", "again"));
      await must("rm", "again");
      const { DOCKER_CONTEXT: _, ...env } = daemon.environment;
      const given = { env: { ...env, DOCKER_HOST: daemon.host } };
      const compose = (...args: string[]) => run("docker-compose", ["-f", file, ...args], given);
      expect(await compose("config", "-q")).toEqual({ code: 0, stdout: "", stderr: "" });
      expect((await compose("up", "--no-start")).code).toBe(0);
      const again = await must("inspect", "--as-run", "again");
      // Besides its labels it sends where each bind goes as a volume without a name.
      const isOwn = / --label com\.docker\.compose\.\S+| --detach| --volume \/[et](?= )/g;
      const sorted = (text: string) => text.replace(isOwn, "").split(" ").toSorted();
      expect(sorted(again)).toEqual(sorted(line));
    },
    30_000,
  );

  test("what image and engine say by themselves is not said again", async () => {
    await must("run", "-d", "--name", "plain", "busybox", "sleep", "100");
    const line = await must("inspect", "--as-run", "plain");
    expect(line).toBe("drydock run --name plain --detach busybox sleep 100");
  });

  async function configured(name: string): Promise<object> {
    const [found] = JSON.parse(await must("inspect", name)) as [Inspected];
    const { Hostname, ...config } = found.Config;
    const isOwn = found.Id.startsWith(Hostname);
    return { config, hostname: isOwn ? "" : Hostname, hostConfig: found.HostConfig };
  }

  interface Inspected {
    readonly Id: string;
    readonly Config: { readonly Hostname: string };
    readonly HostConfig: object;
  }
});

describe.skipIf(skip)("compare", () => {
  interface Parts {
    readonly same: Record<string, string>;
    readonly different: Record<string, readonly [string, string]>;
    readonly onlyRight: Record<string, string>;
  }
  type Section = "namespaces" | "mounts" | "cgroup" | "capabilities" | "process" | "environment";
  const compare = async (...names: readonly string[]): Promise<Record<Section, Parts>> =>
    JSON.parse(await must("compare", "--json", ...names)) as Record<Section, Parts>;

  test("E24: two containers: what they share, and where each is on its own", async () => {
    const limits = ["-m", "64m", "-e", "WHO=a", "--cap-drop", "CHOWN"];
    await must("run", "-d", "--name", "aa", ...limits, "busybox", ...DEAF);
    const joins = ["--network", "container:aa", "--pid", "container:aa", "-v", "/tmp:/extra"];
    await must("run", "-d", "--name", "bb", ...joins, "-e", "WHO=b", "busybox", ...DEAF);
    const { namespaces, mounts, cgroup, capabilities, environment } = await compare("aa", "bb");
    expect(Object.keys(namespaces.same)).toEqual(expect.arrayContaining(["net", "pid"]));
    expect(Object.keys(namespaces.different)).toEqual(expect.arrayContaining(["mnt", "uts"]));
    expect(Object.keys(mounts.onlyRight)).toContain("/extra");
    const memory = Object.entries(cgroup.different).find(([name]) => name.startsWith("memory."));
    expect(memory?.[1][0]).toMatch(/^(67108864|134217728)$/);
    expect(Object.keys(capabilities.onlyRight)).toEqual(["CAP_CHOWN"]);
    expect(environment.different["WHO"]).toEqual(["a", "b"]);
    const text = await must("compare", "aa", "bb");
    expect(text).toMatch(/^== namespaces: \d apart, \d the same .*\n  shared: .*net/);
    expect(await must("compare", "--all", "aa", "bb")).toContain("both: net  ");
  });

  test("beside the host: the namespaces are those of /proc, and no environment is told", async () => {
    await must("run", "-d", "--name", "aa", "--network", "host", "busybox", ...DEAF);
    const { namespaces, process: own, environment } = await compare("aa");
    expect(namespaces.same["net"]).toBe(/\d+/.exec(readlinkSync("/proc/self/ns/net"))?.[0]);
    expect(own.different["Seccomp"]).toEqual(["filter", "none"]);
    expect(environment).toBeUndefined();
    await must("stop", "-t", "0", "aa");
    expect((await daemon.drydock("compare", "aa")).stderr).toContain("is not running");
  });
});

/** PID 1 of a container does not get a SIGTERM that it does not handle. */
const DEAF = ["sleep", "1000"];
const TRAPS = ["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done"];

describe.skipIf(skip)("how it stands with a container", () => {
  test("a zombie is in top, by both command lines", async () => {
    await must("run", "-d", "--name", "parent", "busybox", "sh", "-c", ZOMBIE);
    const shown = await until(
      "the child has ended",
      () => must("top", "parent"),
      (text) => text.includes("[sh] <defunct>"),
    );
    expect(shown).toContain("sleep 1000");
    const ours = await daemon.drydock("top", "parent", "-o", "pid,comm");
    expect(ours.stdout).toMatch(/ sh <defunct>$/m);
    expect(ours.stderr).toContain("`drydock why parent` says what to do");
    expect(await must("why", "parent")).toContain("nobody asked how: zombies");
    if (skipDocker) return;
    expect(await daemon.mustDocker("top", "parent")).toContain("[sh] <defunct>");
  });

  test("P12: a 137 has its reason in ps", async () => {
    await daemon.drydock(...HUNGRY);
    await must("run", "-d", "--name", "deaf", "busybox", "sleep", "1000");
    await must("stop", "-t", "1", "deaf");
    await must("run", "-d", "--name", "shot", "busybox", "sleep", "1000");
    await must("kill", "shot");
    const lines = await must("ps", "-a", "--format", "{{.Names}} {{.Status}}");
    expect(lines).toMatch(/^hungry Exited \(137\) .* ago \(out of memory\)$/m);
    expect(lines).toMatch(/^deaf Exited \(137\) .* ago \(did not stop in time\)$/m);
    expect(lines).toMatch(/^shot Exited \(137\) .* ago \(killed\)$/m);
  });

  test("why names who holds the output of an exec that has ended", async () => {
    await must("run", "-d", "--name", "box", "busybox", "sleep", "1000");
    await must("exec", "box", "sh", "-c", "sleep 1007 & echo said");
    const said = await must("why", "box");
    expect(said).toMatch(/its output is still held by \d+ \(sleep 1007\)\./);
    // Its process 1 is a sleep too, which nobody inside can kill.
    await must("exec", "box", "sh", "-c", "kill -9 $(pidof sleep)");
    expect(await must("why", "box")).not.toContain("still held");
  });

  test("what a container printed counts in system df and in prune", async () => {
    await must("run", "--name", "chatty", "busybox", "sh", "-c", "yes | head -c 100000");
    const bytes = (text: string): string => /^Containers +1 +0 +(\S+)/m.exec(text)?.[1] ?? "";
    expect(bytes(await must("system", "df"))).toMatch(/^[\d.]+MB$/);
    expect(await must("container", "prune", "--dry-run")).toMatch(/chatty +[\d.]+MB/);
  });
});

/** Leaves its child behind, which ends while its parent is a program that does not wait. */
const ZOMBIE = "(sleep 0.1; exit 3) & exec sleep 1000";
const HUNGRY = "run --name hungry -m 16m --memory-swap 16m busybox tail /dev/zero".split(" ");
