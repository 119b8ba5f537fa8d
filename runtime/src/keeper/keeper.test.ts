/** The keeper in its own process, real containers from a busybox tree, the real kernel. */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseLogEntry, StartError } from "../container/index.ts";
import type { LogEntry } from "../container/index.ts";
import { planIdMaps } from "../namespaces/index.ts";
import {
  KeeperBench,
  collectOutput,
  keeperProgram,
  waitUntil,
  whyNoContainers,
} from "./keeper.fixture.ts";
import { connectKeeper } from "./launch.ts";
import type { Prepared, Ran, Wishes } from "./keeper.fixture.ts";

const why = whyNoContainers();
if (why !== undefined) console.log(`keeper tests are skipped: ${why}`);

const shell = (script: string, wishes: Wishes = {}): Wishes => ({
  ...wishes,
  config: { ...wishes.config, Cmd: ["sh", "-c", script] },
});

function logOf({ logPath }: Prepared): readonly LogEntry[] {
  return readFileSync(logPath, "utf8")
    .split("\n")
    .map(parseLogEntry)
    .filter((entry) => entry !== undefined);
}

describe.skipIf(why !== undefined)("a container", () => {
  let bench: KeeperBench;
  const run = (script: string, wishes: Wishes = {}, input = ""): Promise<Ran> =>
    bench.run(shell(script, wishes), input);

  beforeAll(async () => {
    bench = await KeeperBench.open();
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  test("ends with its program's exit code, and keeps its two outputs apart", async () => {
    const { exit, stdout, stderr } = await run("echo out; echo err >&2; exit 42");
    expect(exit.status).toEqual({ exitCode: 42 });
    expect([stdout, stderr]).toEqual(["out\n", "err\n"]);
  });

  test("sees its own root, processes, name and network, and not the host's", async () => {
    const { stdout } = await run("ls /; echo $$; hostname; ls /sys/class/net; echo /proc/[0-9]*");
    const lines = stdout.trim().split("\n");
    expect(lines).toEqual(
      "bin dev etc proc root sys tmp work"
        .split(" ")
        .concat("1", expect.any(String), "lo", "/proc/1"),
    );
    expect(lines[9]).toHaveLength(12);
  });

  test("has Docker's environment, with HOME of its user", async () => {
    const { stdout } = await run("env | sort", {
      config: { Env: ["B=2 3", "PATH=/bin"], User: "app" },
    });
    expect(stdout).toMatch(/^B=2 3\nHOME=\/home\/app\nHOSTNAME=\S{12}\nPATH=\/bin\nPWD=\/\n/);
  });

  test("runs as its user, with that user's groups and without capabilities", async () => {
    const config = { User: "app" };
    const hostConfig = { GroupAdd: ["77"] };
    const { stdout } = await run("id; grep Cap /proc/self/status", { config, hostConfig });
    expect(stdout).toContain("uid=1000(app) gid=1000(app) groups=77,1000(app),2000(extra)");
    expect(stdout).toMatch(/CapPrm:\t0{16}\nCapEff:\t0{16}\nCapBnd:\t00000000a80425fb\n/);
  });

  test("may write to its own standard streams as files, whoever its user is", async () => {
    const nullOwner = statSync("/dev/null").uid;
    const { stdout, stderr, exit } = await run("echo a > /dev/stdout; echo b > /dev/stderr", {
      config: { User: "1234:5678" },
    });
    expect([stdout, stderr, exit.status]).toEqual(["a\n", "b\n", { exitCode: 0 }]);
    expect(statSync("/dev/null").uid).toBe(nullOwner);
  });

  test("has Docker's default capabilities and a seccomp filter as root", async () => {
    const { stdout } = await run("grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status");
    expect(stdout).toBe("CapEff:\t00000000a80425fb\nNoNewPrivs:\t0\nSeccomp:\t2\n");
  });

  test("gains no privileges when asked not to, and no filter when unconfined", async () => {
    const { stdout } = await run("grep -E 'Seccomp:|NoNewPrivs' /proc/self/status", {
      hostConfig: { SecurityOpt: ["no-new-privileges"] },
    });
    expect(stdout).toBe("NoNewPrivs:\t1\nSeccomp:\t2\n");
    const unconfined = await run("grep Seccomp: /proc/self/status", { input: { seccomp: null } });
    expect(unconfined.stdout).toBe("Seccomp:\t0\n");
  });

  test("reads its stdin until its end", async () => {
    const config = { OpenStdin: true, StdinOnce: true };
    const { stdout } = await run("cat; echo done", { config }, "one\ntwo\n");
    expect(stdout).toBe("one\ntwo\ndone\n");
  });

  test("says in Docker's words why its command cannot run", async () => {
    const fails = async (command: string, config = {}): Promise<StartError> => {
      const { request } = await bench.prepare({ config: { Cmd: [command], ...config } });
      const error: unknown = await bench.keeper.start(request).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(StartError);
      return error as StartError; // just checked
    };
    expect((await fails("nonesuch")).message).toContain(
      'exec: "nonesuch": executable file not found in $PATH',
    );
    expect((await fails("/nonesuch")).message).toContain(
      'exec: "/nonesuch": stat /nonesuch: no such file or directory',
    );
    const denied = await fails("/etc/plain.txt");
    expect(denied.message).toContain('exec: "/etc/plain.txt": permission denied');
    expect(denied.code).toBe("command-not-executable");
    expect((await fails("/etc")).message).toContain("is a directory");
    expect((await fails("true", { User: "ghost" })).message).toBe(
      "unable to find user ghost: no matching entries in passwd file",
    );
    const workdir = await fails("true", { WorkingDir: "/etc/plain.txt" });
    expect(workdir.message).toContain("/etc/plain.txt is not a directory");
    expect(workdir.journal.map(({ call }) => call)).toContain("pivotRoot");
    expect(bench.pids()).toEqual([]);
  });

  test("starts in its working directory, which is made", async () => {
    const { stdout } = await run("pwd", { config: { WorkingDir: "/srv/new", User: "app" } });
    expect(stdout).toBe("/srv/new\n");
  });

  test("writes into its own layer only, and not at all when its root is read-only", async () => {
    await run("echo changed > /etc/plain.txt; rm /bin/ls");
    const { stdout } = await run("cat /etc/plain.txt; ls -d /bin/ls");
    expect(stdout).toBe("no program\n/bin/ls\n");
    const readOnly = await run("echo x > /x; echo y > /tmp/y && cat /tmp/y", {
      hostConfig: { ReadonlyRootfs: true, Tmpfs: { "/tmp": "" } },
    });
    expect(readOnly.stdout).toBe("y\n");
    expect(readOnly.stderr).toContain("Read-only file system");
  });

  test("sees binds by depth, read-only where asked, and files as files", async () => {
    const host = join(bench.root, "host");
    for (const name of ["", "outer", "inner"]) mkdirSync(join(host, name));
    writeFileSync(join(host, "outer", "a"), "outer\n");
    writeFileSync(join(host, "inner", "b"), "inner\n");
    writeFileSync(join(host, "file"), "file\n");
    const Binds = [`${host}/inner:/data/deep:ro`, `${host}/file:/etc/one`, `${host}/outer:/data`];
    const { stdout, stderr } = await run(
      "cat /data/a /data/deep/b /etc/one; echo w > /data/w; echo w > /data/deep/w",
      { hostConfig: { Binds } },
    );
    expect(stdout).toBe("outer\ninner\nfile\n");
    expect(readFileSync(join(host, "outer", "w"), "utf8")).toBe("w\n");
    expect(stderr).toContain("Read-only file system");
  });

  test("cannot lead init out of its root by links in its image", async () => {
    const { request, directory } = await bench.prepare({ config: { Cmd: ["true"] } });
    const trap = join(bench.root, "trap");
    mkdirSync(trap);
    const root = `${directory}/diff`;
    mkdirSync(join(root, "etc"));
    spawnSync("ln", ["-s", trap, join(root, "dev")]);
    spawnSync("ln", ["-s", `../../../../../..${trap}`, join(root, "sys")]);
    const { exit } = await bench.runRequest(request);
    expect(exit.status).toEqual({ exitCode: 0 });
    expect(readdirSync(trap)).toEqual([]);
  });

  test("has a terminal of the size it was given, also when that changes", async () => {
    const config = { Tty: true, OpenStdin: true, Cmd: ["sh"] };
    const { request, id } = await bench.prepare({ config });
    const stdio = { ...request.stdio, rows: 11, columns: 77 };
    const exited = bench.exitOf(id);
    const client = await bench.keeper.attach({ id, stdin: true, stdout: true, stderr: true });
    const output = collectOutput(client, true);
    await bench.keeper.start({ ...request, stdio });
    const type = (text: string) => client.write(new TextEncoder().encode(text));
    await type("tty; stty size; test -t 0 && test -t 1 && echo all; touch /tmp/one\n");
    await waitUntil(() => existsSync(`${dirOf(request.exitPath)}/diff/tmp/one`));
    await bench.keeper.resize(id, 22, 88);
    await type("stty size; ls -l /dev/console; exit 5\n");
    expect((await exited).status).toEqual({ exitCode: 5 });
    const { stdout } = await output;
    expect(stdout).toContain("/dev/pts/0\r\n11 77\r\nall\r\n");
    expect(stdout).toContain("22 88\r\n");
  });

  test("is killed by a signal, and that is how its end is told", async () => {
    const { request, id, exitPath } = await bench.prepare({ config: { Cmd: ["sleep", "100"] } });
    const exited = bench.exitOf(id);
    const { hostPid } = await bench.keeper.start(request);
    expect((await bench.keeper.list()).map((kept) => kept.id)).toContain(id);
    await bench.keeper.signal(id, "SIGKILL");
    const record = await exited;
    expect(record).toMatchObject({ id, hostPid, status: { signal: "SIGKILL" } });
    expect(JSON.parse(readFileSync(exitPath, "utf8"))).toEqual(record);
    await bench.keeper.signal(id, "SIGKILL");
    expect(await bench.keeper.list()).toEqual([]);
  });

  test("is limited by its cgroup and sees it", async () => {
    const hostConfig = { Memory: 32 * 1024 * 1024, PidsLimit: 20 };
    const { stdout } = await run(
      "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max" +
        " /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>/dev/null",
      { hostConfig },
    );
    expect(stdout).toBe(`${32 * 1024 * 1024}\n20\n`);
  });

  test("has the limits, kernel parameters and score it asked for", async () => {
    const { stdout } = await run(
      "ulimit -n; ulimit -Hn; cat /proc/sys/net/ipv4/ip_forward /proc/self/oom_score_adj",
      {
        hostConfig: {
          Ulimits: [{ Name: "nofile", Soft: 64, Hard: 128 }],
          Sysctls: { "net.ipv4.ip_forward": "1" },
          OomScoreAdj: 500,
        },
      },
    );
    expect(stdout).toBe("64\n128\n1\n500\n");
  });

  test("shares what it asks to share with the host", async () => {
    const { stdout } = await run("for kind in net uts pid; do readlink /proc/self/ns/$kind; done", {
      hostConfig: { NetworkMode: "host", UTSMode: "host", PidMode: "host" },
    });
    const own = spawnSync(
      "readlink",
      ["net", "uts", "pid"].map((kind) => `/proc/self/ns/${kind}`),
    );
    expect(stdout).toBe(own.stdout.toString());
  });

  test("is somebody else outside when it has a user namespace", async () => {
    const facts = { hostUid: 0, hostGid: 0, subordinateUids: [], subordinateGids: [] };
    const idMaps = planIdMaps("subordinate", facts);
    const { stdout, stderr } = await run(
      "id -u; cat /proc/self/uid_map; ls /sys/class/net; echo x > /dev/null; echo $$; " +
        "head -c1 /dev/zero | wc -c; touch /own && echo writes; grep -c . /proc/1/status",
      { hostConfig: { UsernsMode: "private" }, input: { idMaps } },
    );
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^0\n +0 +2147483648 +65536\nlo\n1\n1\nwrites\n\d+\n$/);
  });

  test("keeps nothing from the host in the mounts that its program sees", async () => {
    const { stdout } = await run("cat /proc/mounts");
    const targets = stdout.split("\n").map((line) => line.split(" ")[1] ?? "");
    expect(targets.filter((path) => path.includes(bench.root))).toEqual([]);
    expect(targets.filter((path) => path === "/")).toHaveLength(1);
  });

  test("leaves the host's mounts as they were", async () => {
    await run("true");
    expect(mountsBelow(bench.root)).toEqual([]);
  });

  describe("exec", () => {
    let container: Prepared;
    let hostPid = 0;
    const exec = (command: string, wishes = {}): Promise<Ran> =>
      bench.runRequest(
        bench.execRequest(container, hostPid, { command: ["sh", "-c", command], ...wishes }),
        "typed\n",
      );

    beforeAll(async () => {
      container = await bench.prepare({
        config: { Cmd: ["sleep", "1000"], Env: ["FROM=container"], WorkingDir: "/work" },
        hostConfig: { PidsLimit: 50 },
      });
      ({ hostPid } = await bench.keeper.start(container.request));
    });
    afterAll(() => bench.clear());

    test("joins the container and has its own exit code", async () => {
      const { stdout, exit } = await exec(
        "hostname; pwd; echo $FROM $MORE; cat; cat /proc/1/comm; " +
          "grep pids /proc/self/cgroup; exit 9",
        { env: ["MORE=own"] },
      );
      const lines = stdout.split("\n");
      expect(lines.slice(0, 5)).toEqual([
        container.id.slice(0, 12),
        "/work",
        "container own",
        "typed",
        "sleep",
      ]);
      expect(lines[5]).toContain(container.id);
      expect(exit.status).toEqual({ exitCode: 9 });
    });

    test("runs as another user, elsewhere, with a terminal", async () => {
      const { stdout } = await exec("id -u; pwd; tty; exit", {
        user: "app",
        workingDir: "/tmp",
        tty: true,
      });
      // What is typed is echoed whenever it arrives.
      expect(stdout.replace("typed\r\n", "")).toBe("1000\r\n/tmp\r\n/dev/pts/0\r\n");
    });

    test("has the same filter and capabilities, and all of them when privileged", async () => {
      const look = "grep -E 'CapEff|Seccomp:' /proc/self/status";
      expect((await exec(look)).stdout).toBe("CapEff:\t00000000a80425fb\nSeccomp:\t2\n");
      const privileged = await exec(look, { privileged: true, user: "0" });
      expect(privileged.stdout).not.toContain("a80425fb");
    });

    test("ends though a process that it left behind still holds its pipe", async () => {
      const { exit, stdout } = await exec("sleep 300 & echo gone");
      expect(stdout).toBe("gone\n");
      expect(exit.status).toEqual({ exitCode: 0 });
    });

    test("says what is wrong in Docker's words", async () => {
      const request = bench.execRequest(container, hostPid, { command: ["nonesuch"] });
      await expect(bench.keeper.start(request)).rejects.toThrow(
        'exec: "nonesuch": executable file not found in $PATH',
      );
      const elsewhere = bench.execRequest(container, hostPid, { workingDir: "/nowhere" });
      await expect(bench.keeper.start(elsewhere)).rejects.toThrow("no such file or directory");
    });

    test("cannot be opened by the container while it enters", async () => {
      // The program of the keeper must never be reachable as /proc/PID/exe: as runc's
      // CVE-2019-5736.
      const watch = bench.execRequest(container, hostPid, {
        command: [
          "sh",
          "-c",
          "while :; do for link in /proc/[0-9]*/exe; do readlink $link; done; done 2>/dev/null",
        ],
      });
      const watched = bench.exitOf(watch.id);
      const client = await bench.keeper.attach({
        id: watch.id,
        stdin: false,
        stdout: true,
        stderr: true,
      });
      const seen = collectOutput(client, false);
      await bench.keeper.start(watch);
      for (let i = 0; i < 10; i++) await exec("true");
      await bench.keeper.signal(watch.id, "SIGKILL");
      await watched;
      expect(new Set((await seen).stdout.trim().split("\n"))).toEqual(new Set(["/bin/busybox"]));
    });
  });
});

function dirOf(path: string | null): string {
  return (path ?? "").replace(/\/[^/]*$/, "");
}

describe.skipIf(why !== undefined)("the keeper", () => {
  test("survives its daemon: output of the gap is in the log, exits are in files", async () => {
    await using bench = await KeeperBench.open();
    const container = await bench.prepare(
      shell("for i in 1 2 3 4 5 6; do echo line $i; sleep 0.1; done; exit 3"),
    );
    await bench.keeper.start(container.request);
    const pid = bench.keeperPid();
    bench.keeper.close();
    await waitUntil(() => existsSync(container.exitPath));
    await bench.reconnect();
    expect(bench.keeperPid()).toBe(pid);
    expect(logOf(container).map(({ log }) => log)).toEqual(
      [1, 2, 3, 4, 5, 6].map((n) => `line ${n}\n`),
    );
    expect(JSON.parse(readFileSync(container.exitPath, "utf8"))).toMatchObject({
      id: container.id,
      status: { exitCode: 3 },
    });
  });

  test("leaves no process when it is killed, and says so to its clients", async () => {
    await using bench = await KeeperBench.open();
    const running = await bench.prepare(shell("sleep 1000 & sleep 1000"));
    const { hostPid } = await bench.keeper.start(running.request);
    const user = await bench.prepare({ config: { Cmd: ["sleep", "1000"], User: "app" } });
    await bench.keeper.start(user.request);
    const exec = bench.execRequest(running, hostPid, { command: ["sleep", "1000"], user: "app" });
    await bench.keeper.start(exec);
    await waitUntil(() => bench.pids().length === 4);
    const lost = bench.keeperLost;
    process.kill(bench.keeperPid(), "SIGKILL");
    await lost;
    await waitUntil(() => bench.pids().length === 0);
    await expect(bench.keeper.list()).rejects.toMatchObject({ code: "keeper-unavailable" });
    await bench.reconnect();
    expect(await bench.keeper.list()).toEqual([]);
  });

  test("leaves by itself when it was asked to, keeps nothing and is alone", async () => {
    await using bench = await KeeperBench.open();
    const container = await bench.prepare(shell("sleep 0.3"));
    await bench.keeper.start(container.request);
    const pid = bench.keeperPid();
    await bench.keeper.retire();
    bench.keeper.close();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await waitUntil(() => !existsSync(`/proc/${pid}`));
    expect(existsSync(container.exitPath)).toBe(true);
  });

  test("gives every client all output, and loses no log for one that does not read", async () => {
    await using bench = await KeeperBench.open();
    const container = await bench.prepare(shell("seq 1 60000"));
    const { id } = container;
    const wants = { id, stdin: false, stdout: true, stderr: true };
    const sleeper = await bench.keeper.attach(wants);
    const reader = await bench.keeper.attach(wants);
    const exited = bench.exitOf(id);
    await bench.keeper.start(container.request);
    const output = collectOutput(reader, false);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const late = collectOutput(sleeper, false);
    await exited;
    const expected = Array.from({ length: 60_000 }, (_, n) => `${n + 1}\n`).join("");
    expect((await output).stdout).toBe(expected);
    expect((await late).stdout).toBe(expected);
    expect(
      logOf(container)
        .map(({ log }) => log)
        .join(""),
    ).toBe(expected);
  });

  test("lets a log be followed without gap or overlap", async () => {
    await using bench = await KeeperBench.open();
    const container = await bench.prepare(
      shell("for i in $(seq 1 200); do echo $i; done; sleep 0.3; echo end"),
    );
    const exited = bench.exitOf(container.id);
    await bench.keeper.start(container.request);
    const { offsetBytes, entries } = await bench.keeper.followLog(container.id);
    let followed = "";
    for await (const bytes of entries) followed += Buffer.from(bytes).toString();
    await exited;
    const whole = readFileSync(container.logPath, "utf8");
    expect(whole.slice(0, offsetBytes) + followed).toBe(whole);
    expect(whole.trim().split("\n")).toHaveLength(201);
    expect((await bench.keeper.followLog(container.id)).offsetBytes).toBe(Infinity);
  });

  test("listens in a directory whose path is too long for a socket address", async () => {
    const deep = join(mkdtempSync(join(tmpdir(), "drydock-deep-")), "d".repeat(120));
    mkdirSync(deep);
    const keeper = await connectKeeper({ root: deep, program: await keeperProgram() });
    expect(await keeper.list()).toEqual([]);
    await keeper.retire();
    keeper.close();
    await waitUntil(() => !existsSync(join(deep, "keeper.sock")));
    rmSync(dirname(deep), { recursive: true });
  });

  test("is one for each root, and says why it cannot be started", async () => {
    await using bench = await KeeperBench.open();
    const pid = bench.keeperPid();
    const args = [await keeperProgram(), "--root", bench.root];
    const second = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([second.status, second.stderr]).toEqual([1, expect.stringContaining("another keeper")]);
    expect(bench.keeperPid()).toBe(pid);
    const nowhere = connectKeeper({ root: join(bench.root, "nowhere"), program: args[0] ?? "" });
    await expect(nowhere).rejects.toThrow(/ENOENT/);
    const broken = join(bench.root, "broken");
    mkdirSync(broken);
    const program = join(broken, "keeper.mjs");
    writeFileSync(program, "throw new Error('it is broken')\n");
    await expect(connectKeeper({ root: broken, program })).rejects.toMatchObject({
      code: "keeper-unavailable",
      hint: expect.stringContaining("it is broken") as string,
    });
  });

  test("goes on when somebody sends it what it does not understand", async () => {
    await using bench = await KeeperBench.open();
    const container = await bench.prepare(shell("sleep 1000"));
    await bench.keeper.start(container.request);
    for (const line of ["nonsense\n", '{"open":"calls","protocol":1}\nnonsense\n']) {
      const socket = createConnection(join(bench.root, "keeper.sock"));
      socket.on("error", () => undefined);
      await new Promise((resolve) => socket.once("connect", resolve));
      socket.write(line);
      await new Promise((resolve) => socket.once("data", resolve));
      socket.destroy();
    }
    expect((await bench.keeper.list()).map(({ id }) => id)).toEqual([container.id]);
  });

  test("undoes nothing but leaves nothing, whichever call of init fails", async () => {
    await using bench = await KeeperBench.open();
    const failed: number[] = [];
    for (let failAt = 1; ; failAt += 7) {
      const { request } = await bench.prepare({ config: { Cmd: ["true"] } });
      const fault = { failAt, errno: "EIO" };
      const error: unknown = await bench.keeper
        .start({ ...request, fault })
        .catch((e: unknown) => e);
      if (!(error instanceof StartError)) break;
      expect(error.errno ?? error.message).toMatch(/EIO/);
      failed.push(failAt);
    }
    expect(failed.length).toBeGreaterThan(15);
    await waitUntil(() => bench.pids().length === 0);
    expect(mountsBelow(bench.root)).toEqual([]);
    // The last container, which nothing failed, is kept until its streams are drained.
    await expect.poll(() => bench.keeper.list()).toEqual([]);
  });
});

/** Mounts of the host that containers left there. */
function mountsBelow(root: string): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(root));
}
