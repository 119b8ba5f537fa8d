/**
 * Our CLI drives our daemon, as a program: launcher, bundle, sockets, terminal, signals.
 *
 * What the commands print and ask is tested in memory, beside them; here is what only a process, a
 * socket and a terminal can show.
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { launcher, run, skipped, until, whyNoContainers, whyNoDocker } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";
import { onTerminal, whyNoTerminal } from "./terminal.fixture.ts";

const skip = skipped("our CLI against our daemon", whyNoContainers());
const skipTerminals = skip || skipped("terminals", whyNoTerminal());
const skipDocker = skip || skipped("our CLI beside docker's", whyNoDocker());

const daemon = shareDaemon(skip);

/** Runs the launcher as a shell would. */
const drydock = (...args: string[]) => run(launcher, args, { env: daemon.environment });
const drydockWith = (input: string | Uint8Array, ...args: string[]) =>
  run(launcher, args, { env: daemon.environment, input });
const must = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await drydock(...args);
  if (code !== 0) throw new Error(`drydock ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
  return stdout.trimEnd();
};
const inspect = (name: string, format: string): Promise<string> =>
  must("inspect", "-f", format, name);

describe.skipIf(skip)("run", () => {
  test("C01 C02 C14: output apart, exit code, nothing left", async () => {
    const script = "echo out; echo err >&2; exit 7";
    expect(await drydock("run", "--rm", "busybox", "sh", "-c", script)).toEqual({
      code: 7,
      stdout: "out\n",
      stderr: "err\n",
    });
    expect(await must("ps", "-aq")).toBe("");
  });

  test("C05: what is piped in arrives whole, and comes out whole", async () => {
    const bytes = randomBytes(3 << 20);
    const sum = createHash("sha256").update(bytes).digest("hex");
    const counted = await drydockWith(bytes, "run", "-i", "--rm", "busybox", "sha256sum");
    expect(counted.stdout).toBe(`${sum}  -\n`);
    const zeros = "dd if=/dev/zero bs=1k count=3000 2>/dev/null";
    const { stdout } = await drydock("run", "--rm", "busybox", "sh", "-c", zeros);
    expect(stdout.length).toBe(3000 << 10);
  });

  test("cp reaches files of this machine", async () => {
    await must("create", "--name", "box", "busybox");
    const copy = join(daemon.directory, "copied");
    await must("cp", "box:/etc/passwd", copy);
    expect(readFileSync(copy, "utf8")).toMatch(/^root:/);
    await must("cp", copy, "box:/tmp/back");
    expect(await must("diff", "box")).toContain("A /tmp/back");
  });

  test("C07 C12: -d prints the id; any unique prefix names it", async () => {
    const id = await must("run", "-d", "busybox", "sleep", "100");
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await inspect(id.slice(0, 5), "{{.Id}}")).toBe(id);
  });

  test("C13 P02: environment from flags, files and the user", async () => {
    const file = join(daemon.directory, "vars");
    writeFileSync(file, "# comment\nFROM_FILE=a b\nHOME\n");
    const env = { ...daemon.environment, HOME: "/me", MINE: "copied" };
    const words = [
      "run",
      "--rm",
      "--env-file",
      file,
      "-e",
      "MINE",
      "-e",
      "K=v w",
      "busybox",
      "env",
    ];
    const { stdout } = await run(launcher, words, { env });
    expect(stdout.split("\n")).toEqual(
      expect.arrayContaining(["FROM_FILE=a b", "HOME=/me", "MINE=copied", "K=v w"]),
    );
  });

  test("P03 P08 P11 P20: flags reach the process", async () => {
    const script = "id -u; hostname; pwd; ulimit -n; grep CapEff /proc/self/status";
    const words = [
      "-u",
      "12:34",
      "-h",
      "me",
      "-w",
      "/tmp",
      "--ulimit",
      "nofile=64",
      "--cap-drop",
      "ALL",
    ];
    const out = await must("run", "--rm", "-m", "64m", ...words, "busybox", "sh", "-c", script);
    expect(out.split("\n")).toEqual(["12", "me", "/tmp", "64", "CapEff:\t0000000000000000"]);
  });

  test("P25: 127, 126 and 125", async () => {
    const code = async (...words: string[]) => (await drydock("run", "--rm", ...words)).code;
    expect(await code("busybox", "nonexistent")).toBe(127);
    expect(await code("busybox", "/etc/passwd")).toBe(126);
    expect(await code("--network", "nosuch", "busybox")).toBe(125);
    expect(await code("nosuch/image")).toBe(125);
  });

  test("C10: a taken name is a conflict", async () => {
    await must("create", "--name", "web1", "busybox");
    const { code, stderr } = await drydock("run", "--name", "web1", "busybox");
    expect(code).toBe(125);
    expect(stderr).toContain('Conflict. The container name "/web1" is already in use');
  });

  test("a renamed container keeps its id", async () => {
    const id = await must("create", "--name", "old", "busybox");
    await must("rename", "old", "new");
    expect(await inspect("new", "{{.Id}}")).toBe(id);
    expect((await drydock("inspect", "old")).code).toBe(1);
  });

  test("--cidfile holds the id", async () => {
    const file = join(daemon.directory, "cid");
    await must("create", "--cidfile", file, "--name", "cid", "busybox");
    expect(readFileSync(file, "utf8")).toBe(await inspect("cid", "{{.Id}}"));
  });

  test("C06: signals go to the container when there is no terminal", async () => {
    const script = "trap 'echo got; exit 8' TERM; echo ready; while :; do sleep 0.05; done";
    const client = spawn(launcher, ["run", "--name", "sig", "busybox", "sh", "-c", script], {
      env: daemon.environment,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let shown = "";
    client.stdout.on("data", (bytes: Uint8Array) => (shown += new TextDecoder().decode(bytes)));
    const ended = new Promise<number | null>((resolve) => client.once("exit", resolve));
    await until(
      "it runs",
      () => shown,
      (text) => text.includes("ready"),
    );
    client.kill("SIGTERM");
    expect(await ended).toBe(8);
    expect(shown).toContain("got");
  });

  test("a reader that has seen enough ends the client, and only it", async () => {
    await must("run", "-d", "--name", "noisy", "busybox", "sh", "-c", "while :; do echo y; done");
    const shell = await run("sh", ["-c", `${launcher} logs -f noisy | head -n 2`], {
      env: daemon.environment,
    });
    expect(shell).toEqual({ code: 0, stdout: "y\ny\n", stderr: "" });
    expect(await inspect("noisy", "{{.State.Running}}")).toBe("true");
  });
});

describe.skipIf(skip)("the life of a container", () => {
  test("C27 C28 C24 C25 M01 M03: create, start, exec, restart, stop, kill, wait, rm", async () => {
    expect(await must("create", "--name", "web", "busybox", "sleep", "1000")).toMatch(
      /^[0-9a-f]{64}$/,
    );
    expect(await must("start", "web")).toBe("web");
    expect(await must("ps", "--format", "{{.Names}} {{.State}}")).toBe("web running");
    expect(await must("exec", "web", "sh", "-c", "echo $((6*7))")).toBe("42");
    expect((await drydock("exec", "web", "sh", "-c", "exit 5")).code).toBe(5);
    expect((await drydock("exec", "web", "nonexistent")).code).toBe(127);
    expect(await must("restart", "-t", "0", "web")).toBe("web");
    const waiting = drydock("wait", "web");
    expect(await must("kill", "web")).toBe("web");
    expect((await waiting).stdout).toBe("137\n");
    expect((await drydock("kill", "web")).stderr).toContain("is not running");
    expect(await must("stop", "web")).toBe("web");
    expect(await must("ps", "-a", "--format", "{{.Status}}")).toMatch(/^Exited \(137\)/);
    expect(await must("rm", "web")).toBe("web");
    expect((await drydock("rm", "web")).stderr).toContain("No such container: web");
  });

  test("C22 C23: logs, and logs that follow to the end", async () => {
    const script = "echo one; echo two >&2; sleep 0.5; echo three";
    await must("run", "-d", "--name", "talk", "busybox", "sh", "-c", script);
    const { stdout, stderr } = await drydock("logs", "-f", "talk");
    expect([stdout, stderr]).toEqual(["one\nthree\n", "two\n"]);
    expect(await must("logs", "--tail", "1", "talk")).toBe("three");
    expect(await must("logs", "-t", "--tail", "1", "talk")).toMatch(/^\d{4}-\d\d-\d\dT\S+Z three$/);
  });

  test("C28: start -a shows the output and ends with the exit code", async () => {
    await must("create", "--name", "again", "busybox", "sh", "-c", "echo hi; exit 3");
    expect(await drydock("start", "-a", "again")).toEqual({ code: 3, stdout: "hi\n", stderr: "" });
  });

  test("E07: a prefix that fits two names them", async () => {
    const ids = new Map<string, string>();
    let both: string | undefined;
    // Seventeen ids must share a first digit.
    while (both === undefined) {
      const id = await must("create", "busybox");
      const digit = id.slice(0, 1);
      if (ids.has(digit)) both = digit;
      ids.set(digit, id);
    }
    const { code, stderr } = await drydock("inspect", "--type", "container", both);
    expect(code).toBe(1);
    expect(stderr).toContain("give more digits, or the name.");
    expect(stderr).toContain((ids.get(both) ?? "?").slice(0, 12));
  });
});

describe.skipIf(skip)("plan and explain", () => {
  test("--plan names every concept and makes nothing", async () => {
    const plan = await must("run", "--plan", "-m", "64m", "busybox", "true");
    for (const concept of ["layers", "cgroups", "namespaces", "capabilities"]) {
      expect(plan).toContain(`docs/concepts/${concept}.md`);
    }
    expect(plan).toContain("67108864");
    expect(plan).toContain("None was taken.");
    expect(await must("ps", "-aq")).toBe("");
  });

  test("--plan needs neither daemon nor root, and changes nothing", async () => {
    const far = {
      ...process.env,
      DOCKER_HOST: "unix:///nowhere/d.sock",
      DOCKER_CONFIG: "/nowhere",
    };
    const words = ["run", "--plan", "-m", "64m", "-v", "/tmp:/mnt", "busybox", "true"];
    const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, launcher];
    // A mount namespace of its own: on the machine, others mount meanwhile.
    const table = (name: string) => join(daemon.directory, name);
    const note = (name: string) => `cat /proc/self/mountinfo > ${table(name)}`;
    const noting = `${note("before")}; "$@"; code=$?; ${note("after")}; exit $code`;
    const alone = ["--mount", "sh", "-c", noting, "sh"];
    const canRead =
      spawnSync("setpriv", [...nobody.slice(0, 3), "test", "-r", launcher]).status === 0;
    const asNobody = skipped(
      "a plan made by nobody",
      canRead ? null : "the clone is closed to others",
    );
    for (const [program, ...more] of [[launcher], ...(asNobody ? [] : [["setpriv", ...nobody]])]) {
      const plan = await run("unshare", [...alone, program ?? "", ...more, ...words], { env: far });
      expect(plan.stderr).toContain("No drydock daemon answers at unix:///nowhere/d.sock");
      expect(plan.stdout).toContain("docs/concepts/cgroups.md");
      expect(plan.stdout).toContain('["67108864"]');
      expect(plan.stdout).toMatch(/in the new process\. None was taken\.\n$/);
      expect(plan.code).toBe(0);
      expect(readFileSync(table("after"), "utf8")).toBe(readFileSync(table("before"), "utf8"));
    }
    const wrong = await run(launcher, ["run", "--plan", "--cap-add", "NOPE", "busybox"], {
      env: far,
    });
    expect(wrong.stderr).toContain('invalid CapAdd: unknown capability: "CAP_NOPE"');
  });

  test("explain names calls, results, times and places that exist", async () => {
    await must("run", "--name", "told", "busybox", "touch", "/made");
    const told = await must("explain", "told");
    expect(told).toMatch(/layers: \d+ steps, [\d.]+ (µs|ms)/);
    expect(told).toContain('mount(source="overlay"');
    const house = fileURLToPath(new URL("../..", import.meta.url));
    const places = [...told.matchAll(/\[(runtime[^\]:]+\.ts):\d+\]$/gm)].map(
      ([, file = ""]) => file,
    );
    expect(places.length).toBeGreaterThan(20);
    expect([...new Set(places)].filter((file) => !existsSync(join(house, file)))).toEqual([]);
    const own = /own layer, (\S+); its image/.exec(told)?.[1] ?? "";
    expect(readdirSync(own), "E05: the writable layer has what it changed").toEqual(["made"]);
    const entries = JSON.parse(await must("explain", "--json", "told")) as unknown[];
    expect(entries.length).toBeGreaterThan(places.length - 1);
  });
});

describe.skipIf(skipTerminals)("terminals", () => {
  test("C04: run -it is a terminal of the same size, raw both ways", async () => {
    const shell = onTerminal(`${launcher} run -it --rm busybox`, daemon.environment);
    await shell.see("/ #");
    shell.type("stty size; exit 5\n");
    await shell.see("24 80");
    expect(await shell.exited).toBe(5);
    expect(shell.screen(), "newlines are not made twice").not.toContain("\r\r\n");
  });

  test("C04: Ctrl-C interrupts what runs inside", async () => {
    const shell = onTerminal(`${launcher} run -it --rm busybox`, daemon.environment);
    await shell.see("/ #");
    shell.type("sleep 100\n");
    await shell.see("sleep 100");
    await new Promise((resolve) => setTimeout(resolve, 200));
    shell.type("\u0003");
    await shell.see("/ #");
    shell.type("exit $?\n");
    expect(await shell.exited).toBe(130);
  });

  test("M02: Ctrl-P Ctrl-Q leaves, attach comes back, and the terminal is as it was", async () => {
    const command = `before=$(stty -g); ${launcher} run -it --name tt busybox; [ "$before" = "$(stty -g)" ] && echo restored`;
    const shell = onTerminal(command, daemon.environment);
    await shell.see("/ #");
    shell.type("x=kept\n");
    await shell.see("/ #");
    shell.type("\u0010\u0011");
    await shell.see("restored");
    expect(await shell.exited).toBe(0);
    expect(await inspect("tt", "{{.State.Running}}")).toBe("true");
    const again = onTerminal(`${launcher} attach tt`, daemon.environment);
    again.type("\n");
    await again.see("/ #");
    again.type("echo still $x; exit 6\n");
    await again.see("still kept");
    expect(await again.exited).toBe(6);
  });

  test("attach --sig-proxy=false: Ctrl-C ends the client and leaves the container alone", async () => {
    const loop = `trap "echo got; exit 7" INT; while :; do echo tick; sleep 0.1; done`;
    await must("run", "-d", "--name", "proxied", "busybox", "sh", "-c", loop);
    // A shell dies of the key as well; one that catches it tells how the client ended.
    const attach = (flag: string) =>
      onTerminal(
        `trap : INT; ${launcher} attach ${flag} proxied; echo ended $?`,
        daemon.environment,
      );
    const alone = attach("--sig-proxy=false");
    await alone.see("tick");
    alone.type("\u0003");
    await alone.see("ended 130");
    expect(alone.screen()).not.toContain("got");
    expect(await inspect("proxied", "{{.State.Running}}")).toBe("true");
    const passing = attach("--sig-proxy=true");
    await passing.see("tick");
    passing.type("\u0003");
    await passing.see(/got\s+ended 7/);
    expect(await inspect("proxied", "{{.State.Running}} {{.State.ExitCode}}")).toBe("false 7");
  });

  test("C31: exec -it has a terminal of its own", async () => {
    await must("run", "-d", "--name", "host", "busybox", "sleep", "100");
    const shell = onTerminal(`${launcher} exec -it host sh`, daemon.environment);
    await shell.see("/ #");
    shell.type("tty; exit 4\n");
    await shell.see("/dev/pts/");
    expect(await shell.exited).toBe(4);
  });

  test("-t without a terminal is refused", async () => {
    const { code, stderr } = await drydock("run", "-it", "busybox");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^the input device is not a TTY\n/);
  });
});

describe.skipIf(skipDocker)("beside docker's CLI", () => {
  test.each([
    // Without times, which go on between two looks.
    [
      [
        "ps",
        "-a",
        "--format",
        "table {{.ID}}\\t{{.Image}}\\t{{.Command}}\\t{{.Ports}}\\t{{.Names}}",
      ],
    ],
    [["ps", "-a", "--no-trunc", "--format", "table {{.ID}}\\t{{.Names}}\\t{{.Command}}"]],
    [["ps", "-aq"]],
    [["images"]],
    [["images", "--format", "json"]],
    [["inspect", "same"]],
    [["inspect", "-f", "{{.State.Status}} {{json .Mounts}} {{.HostConfig.Binds}}", "same"]],
    [["inspect", "nope"]],
    [["container", "inspect", "nope"]],
    [["logs", "same"]],
    [["rm", "nope"]],
    [["info", "--format", "{{.Driver}} {{.NCPU}}"]],
    [["version", "--format", "{{.Server.Version}}"]],
  ])("%j prints the same", async (words) => {
    await must("run", "--name", "same", "busybox", "echo", "hi");
    const theirs = await daemon.docker(...words);
    const ours = await drydock(...words);
    const first = (text: string): string => text.split("\n")[0] ?? "";
    // A line of ours may follow Docker's first.
    expect({ ...ours, stderr: first(ours.stderr) }).toEqual({
      ...theirs,
      stderr: first(theirs.stderr),
    });
  });
});

describe.skipIf(skip)("the program", () => {
  test("X01: without a daemon it says how to start one, and ends with 1", async () => {
    const host = `unix://${join(daemon.directory, "nobody.sock")}`;
    const { code, stderr, stdout } = await run(launcher, ["-H", host, "version"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^Client: Drydock\n/);
    expect(stderr).toContain(`Cannot connect to the Docker daemon at ${host}`);
    expect(stderr).toContain("drydock daemon");
  });

  test("DRYDOCK_HOST comes before DOCKER_HOST, -H before both", async () => {
    const env = { ...daemon.environment, DRYDOCK_HOST: "unix:///nowhere" };
    expect((await run(launcher, ["ps"], { env })).stderr).toContain("unix:///nowhere");
    expect((await run(launcher, ["-H", daemon.host, "ps"], { env })).code).toBe(0);
  });

  test("drydock daemon becomes the daemon: its words, its process", async () => {
    const directory = join(daemon.directory, "second");
    mkdirSync(directory);
    const pidFile = join(directory, "pid");
    const host = `unix://${join(directory, "d.sock")}`;
    const words = [
      "daemon",
      "--data-root",
      join(directory, "root"),
      "-H",
      host,
      "--pidfile",
      pidFile,
    ];
    const second = spawn(launcher, words, { stdio: "ignore", cwd: "/" });
    const ended = new Promise<number | null>((resolve) => second.once("exit", resolve));
    await until(
      "it answers",
      () => run(launcher, ["-H", host, "ps"]),
      ({ code }) => code === 0,
    );
    expect(readFileSync(pidFile, "utf8").trim()).toBe(String(second.pid));
    second.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  test("completion scripts are valid", () => {
    const script = spawnSync(launcher, ["completion", "bash"], { encoding: "utf8" }).stdout;
    expect(spawnSync("bash", ["-n"], { input: script }).status).toBe(0);
    const complete = (...words: string[]): string => {
      const line = `${script}\nCOMP_WORDS=(drydock ${words.join(" ")}); COMP_CWORD=${words.length}; _drydock; echo "\${COMPREPLY[@]}"`;
      return spawnSync("bash", ["-c", line], { encoding: "utf8" }).stdout.trim();
    };
    expect(complete("expl")).toBe("explain");
    expect(complete("container", "insp")).toBe("inspect");
    expect(complete("run", "--cpuset-c")).toBe("--cpuset-cpus");
  });
});
