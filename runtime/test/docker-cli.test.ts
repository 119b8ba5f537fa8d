/**
 * The real docker CLI drives our daemon.
 *
 * Titles begin with the row of the feature list that they show. One daemon serves all of them; each
 * test removes its containers.
 */
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { run, skipped, until, whyNoDocker } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";
import { onTerminal, whyNoTerminal } from "./terminal.fixture.ts";

const skip = skipped("the docker CLI against our daemon", whyNoDocker());
const skipTerminals = skip || skipped("terminals", whyNoTerminal());

const daemon = shareDaemon(skip);

/** Runs `docker` with words; input goes to its stdin. */
const docker = (...args: string[]) => daemon.docker(...args);
const must = (...args: string[]): Promise<string> => daemon.mustDocker(...args);
const dockerWith = (input: string | Uint8Array, ...args: string[]) =>
  run("docker", args, { env: daemon.environment, input });
const inspect = (reference: string, format: string): Promise<string> =>
  must("inspect", "-f", format, reference);

describe.skipIf(skip)("run", () => {
  test("C01 C02 C14: run --rm prints the output, passes the exit code, leaves nothing", async () => {
    expect(await docker("run", "--rm", "busybox", "echo", "hi")).toEqual({
      code: 0,
      stdout: "hi\n",
      stderr: "",
    });
    expect((await docker("run", "--rm", "busybox", "sh", "-c", "exit 7")).code).toBe(7);
    expect(await must("ps", "-aq")).toBe("");
  });

  test("C02: stdout and stderr stay apart", async () => {
    const ran = await docker("run", "--rm", "busybox", "sh", "-c", "echo out; echo err >&2");
    expect([ran.stdout, ran.stderr]).toEqual(["out\n", "err\n"]);
  });

  test("C03: the root is the image's", async () => {
    const names = (await must("run", "--rm", "busybox", "ls", "/")).split("\n");
    expect(names).toEqual(expect.arrayContaining(["bin", "dev", "etc", "proc", "sys", "tmp"]));
    expect(names).not.toContain("boot");
  });

  test("C05: -i pipes stdin in, and its end ends the program; all bytes arrive", async () => {
    const bytes = randomBytes(3_000_001);
    const script = "md5sum; echo done";
    const ran = await dockerWith(bytes, "run", "--rm", "-i", "busybox", "sh", "-c", script);
    const sum = createHash("md5").update(bytes).digest("hex");
    expect([ran.code, ran.stdout]).toEqual([0, `${sum}  -\ndone\n`]);
  });

  test("C05: bytes go through unchanged both ways", async () => {
    const text = "xx".repeat(200_000);
    const ran = await dockerWith(text, "run", "--rm", "-i", "busybox", "cat");
    expect(ran.stdout === text, `${ran.stdout.length} bytes came back`).toBe(true);
  });

  test("without -i stdin is empty", async () => {
    const ran = await dockerWith("data", "run", "--rm", "busybox", "cat");
    expect([ran.code, ran.stdout]).toEqual([0, ""]);
  });

  test("P25: 125 for an engine's error, 126 for not executable, 127 for not found", async () => {
    const missing = await docker("run", "--rm", "busybox", "nosuchcommand");
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain("executable file not found in $PATH");
    const path = await docker("run", "--rm", "busybox", "/no/such/file");
    expect([path.code, path.stderr]).toEqual([
      127,
      expect.stringContaining("no such file or directory"),
    ]);
    const data = await docker("run", "--rm", "busybox", "/etc/passwd");
    expect([data.code, data.stderr]).toEqual([126, expect.stringContaining("permission denied")]);
    const directory = await docker("run", "--rm", "busybox", "/etc");
    expect(directory.code).toBe(126);
    const flag = await docker("run", "--rm", "--memory", "1m", "busybox", "true");
    expect(flag.code).toBe(125);
    expect(await must("ps", "-aq")).toBe("");
  });

  test("C39: an image that does not exist is looked for, and is an error of the engine", async () => {
    const ran = await docker("run", "-d", "-p", "5000:5000", "dockerfile");
    expect(ran.code).toBe(125);
    expect(ran.stderr).toContain("Unable to find image 'dockerfile:latest' locally");
    expect(ran.stderr).toContain("pull access denied for dockerfile");
  });

  test("what is missing beside the image does not make the CLI pull", async () => {
    for (const options of [
      ["--network", "nosuch"],
      ["--network", "container:nosuch"],
      ["--pid", "container:nosuch"],
    ]) {
      const ran = await docker("run", "--rm", ...options, "busybox", "true");
      expect([ran.code, ran.stderr]).toEqual([125, expect.stringContaining("nosuch")]);
      expect(ran.stderr).not.toContain("Unable to find image");
    }
    const other = await docker("run", "--rm", "--platform", "linux/s390x", "busybox", "true");
    expect([other.code, other.stderr]).toEqual([
      125,
      expect.stringContaining("does not provide the specified platform (linux/s390x)"),
    ]);
  });

  test("C07 C08: -d prints the id at once; -itd keeps a shell alive", async () => {
    const id = await must("run", "-d", "busybox", "sleep", "100");
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    const shell = await must("run", "-itd", "busybox");
    expect((await must("ps", "-q", "--no-trunc")).split("\n").toSorted()).toEqual(
      [id, shell].toSorted(),
    );
    expect(await inspect(shell, "{{.Config.Tty}} {{.Path}}")).toBe("true sh");
  });

  test("C10: a name is taken once", async () => {
    const id = await must("create", "--name", "web1", "busybox");
    const again = await docker("run", "--name", "web1", "busybox");
    expect(again.code).toBe(125);
    expect(again.stderr).toContain(
      `Conflict. The container name "/web1" is already in use by container "${id}". ` +
        "You have to remove (or rename) that container to be able to reuse that name.",
    );
    const bad = await docker("create", "--name", "-x!", "busybox");
    expect(bad.stderr).toContain("Invalid container name (-x!)");
  });

  test("C11: a container without a name gets one", async () => {
    await must("create", "busybox");
    expect(await must("ps", "-a", "--format", "{{.Names}}")).toMatch(/^[a-z]+_[a-z]+$/);
  });

  test("C12 E07: any unique prefix of the id will do; one of two is refused with both", async () => {
    const ids: string[] = [];
    // Seventeen ids have sixteen first digits between them.
    for (let n = 0; n < 17; n += 1) {
      const { Id } = (await daemon.api("POST", "/containers/create", { Image: "busybox" })).json<{
        Id: string;
      }>();
      ids.push(Id);
    }
    const first =
      ids.map((id) => id.slice(0, 1)).find((digit, n, all) => all.indexOf(digit) !== n) ?? "";
    expect(await inspect(ids[0]?.slice(0, 12) ?? "", "{{.Id}}")).toBe(ids[0]);
    const { status, text } = await daemon.api("GET", `/containers/${first}/json`);
    expect(status).toBe(400);
    expect(text).toContain(`multiple IDs found with provided prefix: ${first}`);
  });

  test("C13 P02: -e and --env-file", async () => {
    const file = join(daemon.directory, "env");
    writeFileSync(file, "# comment\nFROM_FILE='quoted'\n\nHOME_TOWN\n");
    const { stdout } = await run(
      "docker",
      ["run", "--rm", "-e", "A=x y", "-e", "FROM_CLIENT", "--env-file", file, "busybox", "env"],
      { env: { ...daemon.environment, FROM_CLIENT: "yes", HOME_TOWN: "here" } },
    );
    const lines = stdout.split("\n");
    expect(lines).toEqual(
      expect.arrayContaining(["A=x y", "FROM_CLIENT=yes", "FROM_FILE='quoted'", "HOME_TOWN=here"]),
    );
    expect(lines).toContain("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  });

  test("P01 P03: --entrypoint, -w, -h, -u, --group-add", async () => {
    expect(await must("run", "--rm", "--entrypoint", "echo", "busybox", "a", "b")).toBe("a b");
    expect(await must("run", "--rm", "-w", "/new/dir", "busybox", "pwd")).toBe("/new/dir");
    expect(await must("run", "--rm", "-h", "ship", "busybox", "hostname")).toBe("ship");
    expect(await must("run", "--rm", "-u", "1000:1000", "busybox", "id", "-u")).toBe("1000");
    const groups = await must(
      "run",
      "--rm",
      "-u",
      "1000:1000",
      "--group-add",
      "77",
      "busybox",
      "id",
      "-G",
    );
    expect(groups.split(" ")).toEqual(["1000", "77"]);
    const unknown = await docker("run", "--rm", "-u", "nosuchuser", "busybox", "true");
    expect(unknown.stderr).toContain("unable to find user nosuchuser");
  });

  test("C16 C40: what the CLI itself decides reaches us as decided", async () => {
    expect((await docker("run", "--rm", "--restart", "always", "busybox")).code).toBe(125);
    expect(
      await must("run", "--rm", "--name", "nn", "-e", "A=1", "busybox", "echo", "--name", "-e"),
    ).toBe("--name -e");
  });

  test("a bind mount is seen both ways, and :ro is read-only", async () => {
    const directory = join(daemon.directory, "bind");
    mkdirSync(directory);
    writeFileSync(join(directory, "in"), "from outside");
    const script = "cat /b/in; echo from inside > /b/out";
    expect(await must("run", "--rm", "-v", `${directory}:/b`, "busybox", "sh", "-c", script)).toBe(
      "from outside",
    );
    expect(readFileSync(join(directory, "out"), "utf8")).toBe("from inside\n");
    const ran = await docker("run", "--rm", "-v", `${directory}:/b:ro`, "busybox", "touch", "/b/x");
    expect(ran.stderr).toContain("Read-only file system");
  });

  test("eight at a time", async () => {
    const ids = await Promise.all(
      Array.from({ length: 16 }, () => must("run", "-d", "busybox", "sleep", "100")),
    );
    expect((await must("ps", "-q", "--no-trunc")).split("\n").toSorted()).toEqual(ids.toSorted());
    await must("rm", "-f", ...ids);
    expect(await must("ps", "-aq")).toBe("");
  });
});

describe.skipIf(skip)("looking", () => {
  test("C09 C17 C18 C19 C37: ps shows the running, ps -a the created and exited too", async () => {
    await must("run", "-d", "--name", "up", "busybox", "sleep", "100");
    await must("create", "--name", "new", "busybox");
    await docker("run", "--name", "over", "busybox", "sh", "-c", "exit 3");
    expect(await must("ps", "--format", "{{.Names}}")).toBe("up");
    const all = (await must("ps", "-a", "--format", "{{.Names}} {{.State}} {{.Status}}")).split(
      "\n",
    );
    expect(all).toEqual([
      expect.stringMatching(/^over exited Exited \(3\) .*ago$/),
      expect.stringMatching(/^new created Created$/),
      expect.stringMatching(/^up running Up /),
    ]);
    const [header, row] = (await must("ps")).split("\n");
    expect(header).toMatch(/^CONTAINER ID\s+IMAGE\s+COMMAND\s+CREATED\s+STATUS\s+PORTS\s+NAMES$/);
    expect(row).toMatch(/^[0-9a-f]{12}\s+busybox\s+"sleep 100"\s+.*up$/);
    expect(await must("ps", "-aq", "--filter", "status=exited", "--filter", "exited=3")).toMatch(
      /^[0-9a-f]{12}$/,
    );
  });

  test("P14: labels and their filter", async () => {
    await must("create", "--name", "aa", "-l", "role=web", "busybox");
    await must("create", "--name", "bb", "-l", "role=db", "busybox");
    expect(await must("ps", "-a", "--filter", "label=role=db", "--format", "{{.Names}}")).toBe(
      "bb",
    );
    expect(await must("ps", "-a", "--filter", "name=^/?aa$", "--format", "{{.Names}}")).toBe("aa");
  });

  test("C29 C30: inspect and its templates", async () => {
    const id = await must(
      "create",
      "--name",
      "ii",
      "-l",
      "kk=v",
      "-m",
      "64m",
      "busybox",
      "echo",
      "xx",
    );
    expect(await inspect("ii", "{{.Id}} {{.Name}} {{.State.Status}}")).toBe(`${id} /ii created`);
    expect(await inspect("ii", '{{index .Config.Labels "kk"}} {{json .Config.Cmd}}')).toBe(
      'v ["echo","xx"]',
    );
    expect(
      await inspect("ii", "{{.HostConfig.Memory}} {{len .Mounts}} {{.GraphDriver.Name}}"),
    ).toBe("67108864 0 overlay2");
    expect((await docker("inspect", "-f", "{{.Nonsense}}", "ii")).code).toBe(1);
    const nothing = await docker("inspect", "nosuchthing");
    expect([nothing.code, nothing.stderr]).toEqual([
      1,
      expect.stringContaining("No such object: nosuchthing"),
    ]);
  });

  test("X01 X04: version and info show both sides", async () => {
    const version = await must(
      "version",
      "--format",
      "{{.Client.Version}} {{.Server.APIVersion}} {{.Server.Os}}",
    );
    expect(version).toMatch(/^\S+ 1\.50 linux$/);
    await must("run", "-d", "busybox", "sleep", "100");
    expect(
      await must("info", "--format", "{{.Containers}} {{.ContainersRunning}} {{.Driver}}"),
    ).toBe("1 1 overlay2");
    expect((await docker("info")).code).toBe(0);
    expect((await docker("version")).code).toBe(0);
  });

  test("images: list, inspect, history", async () => {
    expect(await must("images", "--format", "{{.Repository}}:{{.Tag}}")).toBe("busybox:latest");
    const id = await must("images", "-q", "--no-trunc");
    expect(await must("image", "inspect", "-f", "{{.Id}} {{.Os}}", "busybox")).toBe(`${id} linux`);
    expect(await must("image", "inspect", "-f", "{{len .RootFS.Layers}}", id.slice(7, 19))).toBe(
      "1",
    );
    expect((await must("history", "-q", "busybox")).split("\n").length).toBeGreaterThan(0);
    expect((await docker("image", "inspect", "nosuch")).stderr).toContain(
      "No such image: nosuch:latest",
    );
  });
});

describe.skipIf(skip)("logs", () => {
  test("C22 C23: all so far, also of a stopped container; -f until it ends", async () => {
    await must(
      "run",
      "-d",
      "--name",
      "ll",
      "busybox",
      "sh",
      "-c",
      "echo one; echo two >&2; sleep 1; echo three",
    );
    const followed = await docker("logs", "-f", "ll");
    expect([followed.code, followed.stdout, followed.stderr]).toEqual([0, "one\nthree\n", "two\n"]);
    expect((await docker("logs", "ll")).stdout).toBe("one\nthree\n");
    expect(await must("logs", "-n", "1", "ll")).toBe("three");
    expect(await must("logs", "-t", "-n", "1", "ll")).toMatch(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z three$/,
    );
    const since = new Date(Date.now() + 60_000).toISOString();
    expect(await must("logs", "--since", since, "ll")).toBe("");
    expect((await docker("logs", "nosuch")).stderr).toContain("No such container: nosuch");
  });

  test("a terminal's log is raw", async () => {
    await must("run", "-t", "-d", "--name", "tt", "busybox", "echo", "hi");
    await must("wait", "tt");
    expect((await docker("logs", "tt")).stdout).toBe("hi\r\n");
  });
});

describe.skipIf(skip)("life", () => {
  const trap = 'trap "echo caught; exit 5" TERM USR1; echo ready; while :; do sleep 0.05; done';

  /** Starts a container that announces when it is ready. */
  async function ready(name: string, ...args: string[]): Promise<void> {
    await must("run", "-d", "--name", name, ...args, "busybox", "sh", "-c", trap);
    await until(
      "it is ready",
      () => must("logs", name),
      (log) => log.includes("ready"),
    );
  }

  test("C24: stop sends SIGTERM and lets the program end itself", async () => {
    await ready("ss");
    await must("stop", "ss");
    expect(await inspect("ss", "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 5");
    expect(await must("logs", "ss")).toBe("ready\ncaught");
    expect((await daemon.api("POST", "/containers/ss/stop")).status).toBe(304);
  });

  test("C26: a first process without a handler is killed when its time is up", async () => {
    await must("run", "-d", "--name", "ss", "busybox", "sleep", "100");
    const started = Date.now();
    await must("stop", "-t", "1", "ss");
    expect(Date.now() - started).toBeGreaterThan(900);
    expect(await inspect("ss", "{{.State.ExitCode}}")).toBe("137");
  });

  test("C25: kill is 137; kill -s is that signal; kill of a stopped one is an error", async () => {
    await ready("kk");
    await must("kill", "-s", "USR1", "kk");
    expect(await must("wait", "kk")).toBe("5");
    await must("run", "-d", "--name", "k9", "busybox", "sleep", "100");
    await must("kill", "k9");
    expect(await must("wait", "k9")).toBe("137");
    const again = await docker("kill", "k9");
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("is not running")]);
    expect((await docker("kill", "-s", "NONSENSE", "k9")).stderr).toContain("NONSENSE");
  });

  test("C20 C21: rm refuses a running container, rm -f does not", async () => {
    const id = await must("run", "-d", "--name", "rr", "busybox", "sleep", "100");
    const refused = await docker("rm", "rr");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      `cannot remove container "rr": container is running: stop the container before removing or force remove`,
    );
    expect(await must("rm", "-f", "rr")).toBe("rr");
    expect((await docker("inspect", id)).code).toBe(1);
    const missing = await docker("rm", "rr");
    expect([missing.code, missing.stderr]).toEqual([
      1,
      expect.stringContaining("No such container: rr"),
    ]);
  });

  test("C27 C28 C36: create, start, start again: same id, same files, new process", async () => {
    const script = "echo x >> /count; wc -l < /count";
    const id = await must("create", "--name", "cc", "busybox", "sh", "-c", script);
    expect(await must("start", "-a", "cc")).toBe("1");
    expect(await must("start", "-a", "cc")).toBe("2");
    expect(await inspect("cc", "{{.Id}}")).toBe(id);
    expect((await docker("run", "--rm", "busybox", "cat", "/count")).code).toBe(1);
  });

  test("M01 M03: restart keeps the id; wait prints the exit code", async () => {
    await ready("mm");
    const [id, pid] = (await inspect("mm", "{{.Id}} {{.State.Pid}}")).split(" ");
    await must("restart", "mm");
    const [sameId, otherPid] = (await inspect("mm", "{{.Id}} {{.State.Pid}}")).split(" ");
    expect(sameId).toBe(id);
    expect(otherPid).not.toBe(pid);
    const waiting = must("wait", "mm");
    await until(
      "it is ready again",
      () => must("logs", "mm"),
      (log) => log.endsWith("ready"),
    );
    await must("kill", "-s", "TERM", "mm");
    expect(await waiting).toBe("5");
  });

  test("M02: attach streams the output and passes the exit code", async () => {
    const script = "read line; echo got $line; exit 4";
    await must("run", "-d", "-i", "--name", "aa", "busybox", "sh", "-c", script);
    const ran = await dockerWith("word\n", "attach", "aa");
    expect([ran.code, ran.stdout]).toEqual([4, "got word\n"]);
  });

  test("rename", async () => {
    await must("create", "--name", "old", "busybox");
    await must("rename", "old", "new");
    expect(await must("ps", "-a", "--format", "{{.Names}}")).toBe("new");
    await must("create", "--name", "old", "busybox");
  });

  test("C06: signals that the CLI gets reach the program", async () => {
    const child = spawn("docker", ["run", "--name", "sig", "busybox", "sh", "-c", trap], {
      env: daemon.environment,
    });
    let out = "";
    child.stdout.on("data", (bytes: Uint8Array) => (out += new TextDecoder().decode(bytes)));
    const exited = new Promise((resolve) => child.once("close", resolve));
    await until(
      "it is ready",
      () => out,
      (text) => text.includes("ready"),
    );
    child.kill("SIGTERM");
    expect(await exited).toBe(5);
    expect(out).toBe("ready\ncaught\n");
  });
});

describe.skipIf(skip)("exec", () => {
  const withContainer = async (): Promise<void> => {
    await must("run", "-d", "--name", "ee", "-e", "A=1", "-h", "ship", "busybox", "sleep", "100");
  };

  test("C31 C32: a new process inside, with its own exit code, user, place and environment", async () => {
    await withContainer();
    expect(await must("exec", "ee", "hostname")).toBe("ship");
    expect((await docker("exec", "ee", "sh", "-c", "exit 9")).code).toBe(9);
    expect(await must("exec", "-u", "1234:99", "ee", "id", "-u")).toBe("1234");
    expect(await must("exec", "-u", "nobody", "ee", "id", "-un")).toBe("nobody");
    expect(await must("exec", "-w", "/tmp", "ee", "pwd")).toBe("/tmp");
    expect(await must("exec", "-e", "B=2", "ee", "sh", "-c", "echo $A $B")).toBe("1 2");
    const both = await docker("exec", "ee", "sh", "-c", "echo out; echo err >&2");
    expect([both.stdout, both.stderr]).toEqual(["out\n", "err\n"]);
    const piped = await dockerWith("a\nb\n", "exec", "-i", "ee", "wc", "-l");
    expect(piped.stdout.trim()).toBe("2");
    expect(await must("exec", "ee", "readlink", "/proc/1/ns/net")).toBe(
      await must("exec", "ee", "readlink", "/proc/self/ns/net"),
    );
  });

  test("C31: 127 for a command that is not there, 126 for one that cannot run", async () => {
    await withContainer();
    const missing = await docker("exec", "ee", "nosuchcommand");
    expect(missing.code).toBe(127);
    expect(missing.stdout + missing.stderr).toContain("executable file not found in $PATH");
    const data = await docker("exec", "ee", "/etc/passwd");
    expect(data.code).toBe(126);
    expect(data.stdout + data.stderr).toContain("permission denied");
  });

  test("C33: exec in a stopped container is an error that says so", async () => {
    const id = await must("create", "--name", "ee", "busybox");
    const ran = await docker("exec", "ee", "true");
    expect([ran.code, ran.stderr]).toEqual([
      1,
      expect.stringContaining(`container ${id} is not running`),
    ]);
  });

  test("exec -d starts and returns", async () => {
    await withContainer();
    await must("exec", "-d", "ee", "sh", "-c", "echo x > /made");
    await until(
      "the file is there",
      () => docker("exec", "ee", "cat", "/made"),
      ({ stdout }) => stdout === "x\n",
    );
  });
});

describe.skipIf(skip)("isolation", () => {
  test("C34 X07: the program is PID 1, its name is the id, and the host sees another PID", async () => {
    const id = await must("run", "-d", "--name", "pp", "busybox", "sleep", "100");
    expect(await must("exec", "pp", "hostname")).toBe(id.slice(0, 12));
    expect(await must("exec", "pp", "cat", "/proc/1/cmdline")).toBe("sleep\x00100\x00");
    const pid = await inspect("pp", "{{.State.Pid}}");
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toBe("sleep\x00100\x00");
    const processes = (await must("exec", "pp", "ls", "/proc"))
      .split("\n")
      .filter((name) => /^\d+$/.test(name));
    expect(processes.length).toBe(2);
  });

  test("X06 X08 X09 X10 X11 X12: which namespaces are its own", async () => {
    await must("run", "-d", "--name", "nn", "busybox", "sleep", "100");
    const pid = await inspect("nn", "{{.State.Pid}}");
    const own = (kind: string): boolean =>
      readlinkSync(`/proc/${pid}/ns/${kind}`) !== readlinkSync(`/proc/self/ns/${kind}`);
    for (const kind of ["mnt", "pid", "net", "ipc", "uts"])
      expect([kind, own(kind)]).toEqual([kind, true]);
    expect(own("user")).toBe(false);
    expect(
      await must("run", "--rm", "--network", "host", "busybox", "readlink", "/proc/self/ns/net"),
    ).toBe(readlinkSync("/proc/self/ns/net"));
    expect(
      (await must("run", "--rm", "--network", "none", "busybox", "ls", "/sys/class/net")).split(
        "\n",
      ),
    ).toContain("lo");
  });

  const statusOf = async (...options: string[]): Promise<Record<string, string>> =>
    Object.fromEntries(
      (await must("run", "--rm", ...options, "busybox", "cat", "/proc/self/status"))
        .split("\n")
        .map((line) => line.split(/:\s+/) as [string, string]),
    );

  test("P11 P13: capabilities, seccomp and no_new_privs are Docker's", async () => {
    expect(await statusOf()).toMatchObject({
      CapEff: "00000000a80425fb",
      CapBnd: "00000000a80425fb",
      Seccomp: "2",
      NoNewPrivs: "0",
    });
    expect(await statusOf("--cap-drop", "ALL", "--cap-add", "CHOWN")).toMatchObject({
      CapEff: "0000000000000001",
    });
    expect(await statusOf("--security-opt", "no-new-privileges")).toMatchObject({
      NoNewPrivs: "1",
    });
    expect(await statusOf("--security-opt", "seccomp=unconfined")).toMatchObject({ Seccomp: "0" });
  });

  test("X19: the kernel is the host's", async () => {
    const { stdout } = await run("uname", ["-r"]);
    expect(await must("run", "--rm", "busybox", "uname", "-r")).toBe(stdout.trim());
  });

  test("X13 P08: --cpus is enforced", async () => {
    const script = "timeout 1 sh -c 'while :; do :; done'; times";
    const out = await must("run", "--rm", "--cpus", "0.2", "busybox", "sh", "-c", script);
    const seconds = [...out.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
      (sum, [, m, s]) => sum + Number(m) * 60 + Number(s),
      0,
    );
    expect(seconds).toBeGreaterThan(0.05);
    expect(seconds).toBeLessThan(0.5);
    const tooMany = await docker("run", "--rm", "--cpus", "10000", "busybox", "true");
    expect([tooMany.code, tooMany.stderr]).toEqual([125, expect.stringContaining("CPUs")]);
  });

  test("X14: --cpuset-cpus", async () => {
    expect(await statusOf("--cpuset-cpus", "0")).toMatchObject({ Cpus_allowed_list: "0" });
  });

  test("X15 P08: over -m the program is killed, 137, and inspect knows why", async () => {
    const ran = await docker("run", "--name", "oom", "-m", "16m", "busybox", "tail", "/dev/zero");
    expect(ran.code).toBe(137);
    expect(await inspect("oom", "{{.State.OOMKilled}}")).toBe("true");
    const small = await docker("run", "--rm", "-m", "1m", "busybox", "true");
    expect([small.code, small.stderr]).toEqual([
      125,
      expect.stringContaining("Minimum memory limit allowed is 6MB"),
    ]);
  });

  test("P08: --pids-limit is enforced", async () => {
    const script = "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done; wait";
    const ran = await docker("run", "--rm", "--pids-limit", "4", "busybox", "sh", "-c", script);
    expect(ran.stderr).toMatch(/can't fork|Resource temporarily unavailable/);
  });
});

describe.skipIf(skipTerminals)("terminals", () => {
  test("C04: run -it gives a shell on a terminal, and exit N is the exit code", async () => {
    const shell = onTerminal("docker run -it --rm busybox", daemon.environment);
    await shell.see("/ #");
    shell.type("tty; echo $((20+22))\n");
    await shell.see("/dev/pts/0");
    await shell.see("42");
    shell.type("stty size\n");
    await shell.see("24 80");
    shell.type("exit 3\n");
    expect(await shell.exited).toBe(3);
  });

  test("C04: Ctrl-C interrupts what runs in the terminal, not the client", async () => {
    const shell = onTerminal("docker run -it --rm busybox", daemon.environment);
    await shell.see("/ #");
    shell.type("sleep 100\n");
    await shell.see("sleep 100");
    await new Promise((resolve) => setTimeout(resolve, 200));
    shell.type("\x03");
    await shell.see("/ #");
    shell.type("echo code $?\n");
    await shell.see("code 130");
    shell.type("\x04");
    await shell.exited;
  });

  test("M02: Ctrl-P Ctrl-Q leaves, the container goes on, attach comes back", async () => {
    const shell = onTerminal("docker run -it --name tt busybox", daemon.environment);
    await shell.see("/ #");
    shell.type("x=kept\n");
    await shell.see("/ #");
    shell.type("\x10\x11");
    await shell.exited;
    expect(await inspect("tt", "{{.State.Running}}")).toBe("true");
    const again = onTerminal("docker attach tt", daemon.environment);
    again.type("\n");
    await again.see("/ #");
    again.type("echo still $x\n");
    await again.see("still kept");
    again.type("exit 6\n");
    expect(await again.exited).toBe(6);
  });

  test("C31: exec -it has a terminal of its own, which follows the window", async () => {
    await must("run", "-d", "--name", "ee", "busybox", "sleep", "100");
    const shell = onTerminal("docker exec -it ee sh", daemon.environment);
    await shell.see("/ #");
    shell.type("tty; stty size\n");
    await shell.see("/dev/pts/");
    await shell.see("24 80");
    shell.type("exit 2\n");
    expect(await shell.exited).toBe(2);
    expect(await inspect("ee", "{{.State.Running}}")).toBe("true");
  });
});
