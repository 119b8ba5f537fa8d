import { describe, expect, test } from "vitest";
import { runCommandLine, type User } from "../program.fixture.ts";

/** What `create` with these words sends. */
async function bodyOf(words: readonly string[], user: User = {}): Promise<Record<string, unknown>> {
  const reply = { status: 201, json: { Id: "1" } };
  const { asked, err } = await runCommandLine(["create", ...words], () => reply, user);
  expect(err).toBe("");
  return (asked.at(-1)?.body ?? {}) as Record<string, unknown>;
}

describe("create", () => {
  test.each([
    [
      ["-m", "64m", "--memory-swap", "-1", "--cpus", "1.5", "-c", "512", "--pids-limit", "9"],
      { Memory: 67_108_864, MemorySwap: -1, NanoCpus: 1_500_000_000, CpuShares: 512, PidsLimit: 9 },
    ],
    [
      ["--ulimit", "nofile=64", "--ulimit", "core=1:-1"],
      {
        Ulimits: [
          { Name: "nofile", Soft: 64, Hard: 64 },
          { Name: "core", Soft: 1, Hard: -1 },
        ],
      },
    ],
    [
      ["--device", "/dev/null:/dev/nothing:r", "--device", "/dev/zero"],
      {
        Devices: [
          { PathOnHost: "/dev/null", PathInContainer: "/dev/nothing", CgroupPermissions: "r" },
          { PathOnHost: "/dev/zero", PathInContainer: "/dev/zero", CgroupPermissions: "rwm" },
        ],
      },
    ],
    [
      ["--device-read-bps", "/dev/sda:1mb"],
      { BlkioDeviceReadBps: [{ Path: "/dev/sda", Rate: 1 << 20 }] },
    ],
    [
      ["--cap-add", "NET_ADMIN", "--cap-drop=ALL", "--privileged", "--read-only"],
      { CapAdd: ["NET_ADMIN"], CapDrop: ["ALL"], Privileged: true, ReadonlyRootfs: true },
    ],
    [
      ["--add-host", "web=[fd00::1]", "--add-host", "db:10.0.0.1", "--dns", "fd00::53"],
      { ExtraHosts: ["web:fd00::1", "db:10.0.0.1"], Dns: ["fd00::53"] },
    ],
    [
      ["--restart", "on-failure:3"],
      { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } },
    ],
    [
      ["-v", "./here:/in:ro", "-v", "/anon", "--tmpfs", "/t:size=1m"],
      { Binds: ["/home/me/here:/in:ro"], Tmpfs: { "/t": "size=1m" } },
    ],
    [
      ["--mount", "type=bind,src=./here,dst=/in,readonly"],
      { Mounts: [{ Type: "bind", Source: "/home/me/here", Target: "/in", ReadOnly: true }] },
    ],
    [
      ["-p", "127.0.0.1:8080:80/udp", "-p", "90"],
      {
        PortBindings: {
          "80/udp": [{ HostIp: "127.0.0.1", HostPort: "8080" }],
          "90/tcp": [{ HostIp: "", HostPort: "" }],
        },
      },
    ],
    [
      ["-p", "8000-8001:80-81"],
      {
        PortBindings: {
          "80/tcp": [{ HostIp: "", HostPort: "8000" }],
          "81/tcp": [{ HostIp: "", HostPort: "8001" }],
        },
      },
    ],
    [["-p", "[::1]:80:80"], { PortBindings: { "80/tcp": [{ HostIp: "::1", HostPort: "80" }] } }],
    [
      ["--net", "host", "--pid=host", "--uts=host", "--ipc=container:a"],
      { NetworkMode: "host", PidMode: "host", UTSMode: "host", IpcMode: "container:a" },
    ],
    [
      ["--init=false", "--oom-score-adj", "-5", "--shm-size", "1g"],
      { Init: false, OomScoreAdj: -5, ShmSize: 1 << 30 },
    ],
    [["--log-driver", "none"], { LogConfig: { Type: "none", Config: {} } }],
    [
      ["--security-opt", "systempaths=unconfined"],
      { SecurityOpt: null, MaskedPaths: [], ReadonlyPaths: [] },
    ],
  ])("%j fills HostConfig", async (flags, expected) => {
    expect((await bodyOf([...flags, "busybox"]))["HostConfig"]).toMatchObject(expected);
  });

  test.each([
    [["busybox", "-v", "--rm"], { Cmd: ["-v", "--rm"], Image: "busybox" }],
    [["--entrypoint", "sh", "x"], { Entrypoint: ["sh"], Cmd: null }],
    [["--entrypoint=", "x"], { Entrypoint: [""] }],
    [
      ["-u", "1:2", "-w", "/w", "-h", "me", "--stop-signal", "INT", "--stop-timeout", "0", "x"],
      { User: "1:2", WorkingDir: "/w", Hostname: "me", StopSignal: "INT", StopTimeout: 0 },
    ],
    [
      ["-v", "/anon", "--expose", "80-81", "x"],
      { Volumes: { "/anon": {} }, ExposedPorts: { "80/tcp": {}, "81/tcp": {} } },
    ],
    [
      ["--health-cmd", "true", "--health-interval", "1m30s", "x"],
      { Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 90e9 } },
    ],
    [["--no-healthcheck", "x"], { Healthcheck: { Test: ["NONE"] } }],
    [["-l", "a=b=c", "-l", "bare", "x"], { Labels: { a: "b=c", bare: "" } }],
    [
      ["-itd".replace("d", ""), "x"],
      { OpenStdin: true, Tty: true, StdinOnce: true, AttachStdin: true },
    ],
    [["-a", "stderr", "x"], { AttachStdout: false, AttachStderr: true }],
    [
      ["--network", "name=mine,alias=a,ip=10.0.0.5", "x"],
      {
        NetworkingConfig: {
          EndpointsConfig: { mine: { Aliases: ["a"], IPAMConfig: { IPv4Address: "10.0.0.5" } } },
        },
      },
    ],
  ])("%j fills Config", async (words, expected) => {
    expect(await bodyOf(words)).toMatchObject(expected);
  });

  test("the environment comes from files, then flags; bare names are copied", async () => {
    const user = {
      env: { HOME: "/me", LANG: "C" },
      files: { vars: "# comment\n\nA=b c\nHOME\nNONE\n  X='q'\n" },
    };
    const words = ["--env-file", "vars", "-e", "LANG", "-e", "GONE", "-eK=1=2", "x"];
    expect((await bodyOf(words, user))["Env"]).toEqual([
      "A=b c",
      "HOME=/me",
      "X='q'",
      "LANG=C",
      "GONE",
      "K=1=2",
    ]);
  });

  test("a seccomp profile is read here and sent", async () => {
    const user = { files: { "p.json": '{\n  "defaultAction": "SCMP_ACT_ALLOW"\n}\n' } };
    const body = await bodyOf(["--security-opt", "seccomp=p.json", "x"], user);
    expect(body["HostConfig"]).toMatchObject({
      SecurityOpt: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'],
    });
  });

  test("the name and the platform go into the query", async () => {
    const words = ["create", "--name", "web", "--platform", "linux/arm64", "x"];
    const { asked } = await runCommandLine(words, () => ({ json: { Id: "1" } }));
    expect(asked[0]?.query).toEqual({ name: "web", platform: "linux/arm64" });
  });

  test("the id goes into --cidfile, which must not exist", async () => {
    const api = () => ({ json: { Id: "1" } });
    const ran = await runCommandLine(["create", "--cidfile", "f", "x"], api, { files: { f: "" } });
    expect(ran.err).toContain("container ID file found, make sure");
    expect(ran.asked).toEqual([]);
  });

  test.each([
    [["--device", "/a:b:c:d"], "bad format for path: /a:b:c:d"],
    [["--device", "/a:/b:z"], "bad mode specified: z"],
    [
      ["--ulimit", "nofile=5:3"],
      "ulimit soft limit must be less than or equal to hard limit: 5 > 3",
    ],
    [["--ulimit", "foo=1"], "invalid ulimit type: foo"],
    [["--mount", "type=tmpfs"], "target is required"],
    [
      ["--mount", "type=tmpfs,target=/x,bind-propagation=z"],
      "cannot mix 'bind-*' options with mount type 'tmpfs'",
    ],
    [["--mount", "typo=bind"], "unexpected key 'typo' in 'typo=bind'"],
    [["-p", "80:90:100:110"], "invalid IP address: 80:90"],
    [["-p", "99999:80"], "invalid hostPort: 99999"],
    [["--sysctl", "kernel.foo=1"], "sysctl 'kernel.foo=1' is not allowed"],
    [["--env-file", "none"], "open none: no such file or directory"],
    [["--memory-swappiness", "101"], "Valid memory swappiness range is 0-100"],
    [["--pid", "foo"], "--pid: invalid PID mode"],
    [["--add-host", "web"], 'bad format for add-host: "web"'],
    [["--add-host", "web:1.2.3"], 'invalid IP address in add-host: "1.2.3"'],
    [["--dns", "256.1.1.1"], "IP address is not correctly formatted: 256.1.1.1"],
    [["--mac-address", "02:42:ac:11:00"], "02:42:ac:11:00 is not a valid mac address"],
    [["--pull", "often"], `invalid pull option: 'often'`],
  ])("%j is refused before anything is asked", async (flags, text) => {
    const ran = await runCommandLine(["create", ...flags, "x"], () => undefined);
    expect(ran.err).toContain(text);
    expect(ran.code).toBe(125);
    expect(ran.asked).toEqual([]);
  });

  test.each(["run", "create"])("%s refuses flags of Windows as docker does", async (name) => {
    const ran = await runCommandLine([name, "--cpu-count", "2", "x"], () => undefined);
    expect(ran.err).toBe(
      '"--cpu-count" is only supported on a Docker daemon running on windows, ' +
        "but the Docker daemon is running on linux\n",
    );
    expect(ran.code).toBe(1);
    expect(ran.asked).toEqual([]);
  });

  test.each(["run", "create"])("%s --plan --json prints the daemon's answer", async (name) => {
    const json = { steps: [], warnings: [] };
    const ran = await runCommandLine([name, "--plan", "--json", "x"], () => ({ json }));
    expect(JSON.parse(ran.out)).toEqual(json);
  });
});
