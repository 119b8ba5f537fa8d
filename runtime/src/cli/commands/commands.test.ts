import { describe, expect, test } from "vitest";
import { frame, runCommandLine, type Api, type Reply } from "../program.fixture.ts";

const ID = "0123456789ab".padEnd(64, "c");
const NOW = { nowMs: 1_000_000_000_000 };

const web = {
  Id: ID,
  Names: ["/web", "/other/link"],
  Image: "busybox",
  ImageID: `sha256:${"d".repeat(64)}`,
  Command: "sleep 100000000000000000000",
  Created: 999_999_910,
  Ports: [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { PrivatePort: 443, Type: "tcp" },
  ],
  Labels: { b: "2", a: "<1>" },
  State: "running",
  Status: "Up About a minute",
  NetworkSettings: { Networks: { none: {} } },
  Mounts: [],
};

function answering(routes: Readonly<Record<string, Reply>>): Api {
  return ({ method, path }) => routes[`${method} ${path}`];
}

const listing = answering({ "GET /containers/json": { json: [web] } });

describe("ps", () => {
  test("prints docker's table", async () => {
    const { out } = await runCommandLine(["ps"], listing, NOW);
    expect(out).toBe(
      "CONTAINER ID   IMAGE     COMMAND                  CREATED              STATUS              PORTS                           NAMES\n" +
        '0123456789ab   busybox   "sleep 10000000000000…"   About a minute ago   Up About a minute   443/tcp, 0.0.0.0:8080->80/tcp   web\n'.replace(
          "10000000000000…",
          "1000000000000…",
        ),
    );
  });

  test.each([
    [["-q"], "0123456789ab\n"],
    [["-q", "--no-trunc"], `${ID}\n`],
    [["--format", "{{.Names}}\\t{{.State}}"], "web\trunning\n"],
    [
      ["--format", 'table {{.Names}}\\t{{upper .ID}}\\t{{.Label "a"}}'],
      "NAMES     CONTAINER ID   a\nweb       0123456789AB   <1>\n",
    ],
    [["--format", "{{.Labels}}"], "a=<1>,b=2\n"],
    [["--no-trunc", "--format", "{{.Names}} {{.Command}}"], `web,other/link "${web.Command}"\n`],
  ])("%j", async (words, expected) => {
    const { out, code } = await runCommandLine(["ps", ...words], listing, NOW);
    expect(code).toBe(0);
    expect(out).toBe(expected);
  });

  test("--format json has sorted keys and Go's escapes", async () => {
    const { out } = await runCommandLine(["ps", "--format", "json"], listing, NOW);
    expect(Object.keys(JSON.parse(out) as object).slice(0, 3)).toEqual([
      "Command",
      "CreatedAt",
      "ID",
    ]);
    expect(out).toContain('"Labels":"a=\\u003c1\\u003e,b=2"');
  });

  test("sends filters as the API takes them", async () => {
    const words = [
      "ps",
      "-a",
      "-n",
      "3",
      "-f",
      "status=exited",
      "-f",
      "label=a=b",
      "-f",
      "status=dead",
    ];
    const { asked } = await runCommandLine(words, listing, NOW);
    expect(asked[0]?.query).toEqual({
      all: "1",
      limit: "3",
      filters: '{"status":{"exited":true,"dead":true},"label":{"a=b":true}}',
    });
  });

  test("asks for sizes only when they are shown", async () => {
    const asks = async (...words: string[]) =>
      (await runCommandLine(["ps", ...words], listing, NOW)).asked[0]?.query["size"];
    expect(await asks()).toBeUndefined();
    expect(await asks("-s")).toBe("1");
    expect(await asks("--format", "{{.Size}}")).toBe("1");
    expect(await asks("--format", "{{json .}}")).toBe("1");
    expect(await asks("--format", "json")).toBeUndefined();
  });

  test("a field that no container has is a template error", async () => {
    const { err, code } = await runCommandLine(["ps", "--format", "{{.Foo}}"], listing, NOW);
    expect(code).toBe(1);
    expect(err).toBe(
      'failed to execute template: template: :1:2: executing "" at <.Foo>: ' +
        "can't evaluate field Foo in type *formatter.ContainerContext\n",
    );
  });
});

describe("images", () => {
  const image = {
    Id: `sha256:${ID}`,
    RepoTags: ["busybox:latest", "localhost:5000/team/app:1"],
    RepoDigests: null,
    Created: 999_999_000,
    Size: 1_982_256,
  };
  const bare = { ...image, RepoTags: null };

  test("prints a line for each name, and one for an image without", async () => {
    const api = answering({ "GET /images/json": { json: [image, bare] } });
    const { out } = await runCommandLine(["images"], api, NOW);
    expect(out).toBe(
      "REPOSITORY                TAG       IMAGE ID       CREATED          SIZE\n" +
        "busybox                   latest    0123456789ab   16 minutes ago   1.98MB\n" +
        "localhost:5000/team/app   1         0123456789ab   16 minutes ago   1.98MB\n" +
        "<none>                    <none>    0123456789ab   16 minutes ago   1.98MB\n",
    );
  });

  test("--tree shows the platforms of an image, who uses it and what lies on the disk", async () => {
    const part = (architecture: string, containers: readonly string[]) => ({
      ID: `sha256:${"e".repeat(64)}`,
      Kind: "image",
      Available: true,
      Size: { Content: 2000, Total: 5000 },
      ImageData: { Platform: { os: "linux", architecture, variant: "v8" }, Containers: containers },
    });
    const said = { ...part("amd64", []), Kind: "attestation" };
    const tree = { ...image, Manifests: [part("amd64", ["1"]), part("arm64", []), said] };
    const asked: unknown[] = [];
    const { out, code } = await runCommandLine(["images", "--tree", "busybox"], ({ query }) => {
      asked.push(query);
      return { json: [tree, bare] };
    });
    expect(code).toBe(0);
    expect(asked).toEqual([{ manifests: "1", filters: '{"reference":{"busybox":true}}' }]);
    expect(out).toBe(
      "IMAGE                       ID             DISK USAGE   CONTENT SIZE   IN USE\n" +
        "busybox:latest              0123456789ab   1.98MB       4kB            by 1\n" +
        "localhost:5000/team/app:1\n" +
        "├─ linux/amd64/v8           eeeeeeeeeeee   5kB          2kB            by 1\n" +
        "└─ linux/arm64/v8           eeeeeeeeeeee   5kB          2kB\n" +
        "<untagged>                  0123456789ab   1.98MB       N/A\n",
    );
  });

  test.each(["--quiet", "--no-trunc", "--digests", "--format=json"])(
    "--tree has no lines for %s",
    async (flag) => {
      const { err, code, asked } = await runCommandLine(
        ["images", "--tree", flag],
        () => undefined,
      );
      expect(err).toContain(`${flag.replace("=json", "")} is not yet supported with --tree`);
      expect([code, asked]).toEqual([1, []]);
    },
  );
});

describe("inspect", () => {
  const text =
    '{"Id":"1","State":{"ExitCode":7},"Config":{"Labels":{"a":"b"},"Cmd":["x","y"]},"Big":9223372036854771712,"Mounts":[]}';
  const api = answering({
    "GET /containers/web/json": { text },
    "GET /images/a/b:1/json": { text },
  });

  test("prints what is there as a list, then complains, and ends with 1", async () => {
    const ran = await runCommandLine(["inspect", "web", "nope"], api);
    expect(ran.out).toMatch(/^\[\n {4}\{\n {8}"Id": "1",\n/);
    expect(ran.out, "large numbers stay whole").toContain("9223372036854771712");
    expect(ran.err).toBe("Error: No such object: nope\n");
    expect(ran.code).toBe(1);
    expect((await runCommandLine(["inspect", "nope"], api)).out).toBe("[]\n");
  });

  test("looks names up as containers, then as images", async () => {
    const ran = await runCommandLine(["inspect", "-f", "{{.Id}}", "a/b:1"], api);
    expect(ran.asked.map(({ path }) => path)).toEqual([
      "/containers/a%2Fb:1/json",
      "/images/a/b:1/json",
    ]);
  });

  const all =
    '"config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"';

  test.each([
    ["--type=", `type is empty: must be one of ${all}\n`, []],
    ["--type=foo", `unknown type: "foo": must be one of ${all}\n`, []],
    ["--type=container", "", ["/containers/web/json"]],
    ["--type=plugin", "No such thing", ["/plugins/web/json"]],
    ["--type=node", "No such thing", ["/nodes/web"]],
  ])("%s asks for that type alone", async (flag, err, paths) => {
    const ran = await runCommandLine(["inspect", flag, "web"], api);
    expect(ran.err).toContain(err);
    expect(ran.asked.map(({ path }) => path)).toEqual(paths);
  });

  test.each([
    ["{{.State.ExitCode}} {{json .Mounts}}", "7 []\n"],
    ["{{range .Config.Cmd}}[{{.}}]{{end}}{{len .Config.Cmd}}", "[x][y]2\n"],
    ['{{index .Config.Labels "a"}}{{index .Config.Cmd 1}}', "by\n"],
    ["{{.Config.Labels.none}}", "<no value>\n"],
    ["{{if eq .State.ExitCode 7}}seven{{else}}other{{end}}", "seven\n"],
  ])("-f %s", async (format, expected) => {
    expect((await runCommandLine(["inspect", "-f", format, "web"], api)).out).toBe(expected);
  });

  test("a missing key is a template error with exit code 1", async () => {
    const ran = await runCommandLine(["inspect", "-f", "{{.State.Foo.Bar}}", "web"], api);
    expect(ran.code).toBe(1);
    expect(ran.err).toBe(
      'template parsing error: template: :1:8: executing "" at <.State.Foo.Bar>: map has no entry for key "Foo"\n',
    );
  });
});

describe("acts on several containers", () => {
  test("each success prints its name, each failure its error; the exit code is 1", async () => {
    const api = answering({
      "POST /containers/a/stop": {},
      "POST /containers/c/stop": { status: 304 },
    });
    const ran = await runCommandLine(["stop", "-t", "0", "a", "b", "c"], api);
    expect(ran.out).toBe("a\nc\n");
    expect(ran.err).toBe("Error response from daemon: No such thing: /containers/b/stop\n");
    expect(ran.code).toBe(1);
    expect(ran.asked[0]?.query).toEqual({ t: "0" });
  });

  test("names the candidates when a prefix fits several", async () => {
    const other = { ...web, Id: `01${ID.slice(2)}`, Names: ["/db"] };
    const message = "multiple IDs found with provided prefix: 01";
    const api = answering({
      "DELETE /containers/01": { status: 400, json: { message } },
      "GET /containers/json": { json: [web, other, { ...web, Id: "ff" }] },
    });
    const { err } = await runCommandLine(["rm", "01"], api);
    expect(err).toContain("(web) and ");
    expect(err).toContain("(db): give more digits, or the name.");
  });

  test("start tells which failed", async () => {
    const api = answering({ "POST /containers/a/start": { status: 204 } });
    const ran = await runCommandLine(["start", "a", "b"], api);
    expect(ran.out).toBe("a\n");
    expect(ran.err).toContain("Error: failed to start containers: b\n");
    expect(ran.code).toBe(1);
  });

  test("rename sends the new name", async () => {
    const ran = await runCommandLine(["rename", "a", "b"], () => ({ status: 204 }));
    expect(ran.asked[0]).toMatchObject({ path: "/containers/a/rename", query: { name: "b" } });
    expect([ran.code, ran.out]).toEqual([0, ""]);
  });

  test("wait prints exit codes", async () => {
    const api = answering({ "POST /containers/a/wait": { json: { StatusCode: 137 } } });
    expect((await runCommandLine(["wait", "a"], api)).out).toBe("137\n");
  });
});

describe("exec", () => {
  const api = answering({
    "GET /containers/web/json": { json: { Id: ID } },
    "POST /containers/web/exec": { status: 201, json: { Id: "e1" } },
    "POST /exec/e1/start": { stream: [frame("stdout", "in there\n")] },
    "GET /exec/e1/json": { json: { ExitCode: 5 } },
  });

  test("runs the command with its flags and ends with its exit code", async () => {
    const words = ["exec", "-u", "1:2", "-w", "/tmp", "-e", "A=b", "web", "sh", "-c", "exit 5"];
    const ran = await runCommandLine(words, api);
    expect(ran.out).toBe("in there\n");
    expect(ran.code).toBe(5);
    expect(ran.asked[1]?.body).toMatchObject({
      Cmd: ["sh", "-c", "exit 5"],
      User: "1:2",
      WorkingDir: "/tmp",
      Env: ["A=b"],
      AttachStdin: false,
    });
  });

  test("complains of a missing container before it does of the terminal", async () => {
    const ran = await runCommandLine(["exec", "-it", "nope", "sh"], api);
    expect(ran.err).toContain("No such thing");
    expect(ran.code).toBe(1);
  });
});

describe("logs", () => {
  const framed = answering({
    "GET /containers/web/json": { json: { Config: { Tty: false } } },
    "GET /containers/web/logs": { text: "" },
  });

  test("turns spans and dates into moments", async () => {
    const words = [
      "logs",
      "--since",
      "10s",
      "--until",
      "2001-09-09T01:46:30Z",
      "-n",
      "5",
      "-f",
      "web",
    ];
    const { asked } = await runCommandLine(words, framed, NOW);
    expect(asked[1]?.query).toEqual({
      stdout: "1",
      stderr: "1",
      follow: "1",
      since: "999999990.000000000",
      until: "999999990.000000000",
      tail: "5",
    });
  });

  test("refuses what is no moment", async () => {
    const ran = await runCommandLine(["logs", "--since", "yesterday", "web"], framed, NOW);
    expect(ran.err).toContain(
      `invalid value for "since": failed to parse value as time or duration`,
    );
    expect(ran.code).toBe(1);
  });
});

describe("attach", () => {
  test("refuses a container that does not run", async () => {
    const State = { Running: false, Paused: false, Restarting: false };
    const json = { Id: ID, State, Config: { Tty: false, OpenStdin: false } };
    const ran = await runCommandLine(
      ["attach", "web"],
      answering({ "GET /containers/web/json": { json } }),
    );
    expect(ran.err).toBe("You cannot attach to a stopped container, start it first\n");
    expect(ran.code).toBe(1);
  });
});

const INSPECTED = {
  State: { Running: false },
  Image: "sha256:1",
  Path: "sleep",
  Args: ["9"],
  Config: { Entrypoint: null },
  HostConfig: { NetworkMode: "container:db", IpcMode: "private", CgroupnsMode: "host" },
  GraphDriver: { Data: { UpperDir: "/r/diff" } },
};

describe("cp", () => {
  test("says why a path cannot be looked at, though what answers HEAD has no words", async () => {
    const refused = { status: 503, json: { message: "mount source path does not answer" } };
    const api: Api = ({ path }) => (path === "/containers/web/archive" ? refused : undefined);
    const { err, code } = await runCommandLine(["cp", "web:/data", "."], api);
    expect([code, err]).toEqual([
      1,
      "Error response from daemon: mount source path does not answer\n",
    ]);
  });
});

describe("explain", () => {
  test.each([
    ["the image's own", null, ["sleep", "9"], "Its command: sleep 9, from its image."],
    ["its entrypoint", ["sleep"], [], "the image's ENTRYPOINT, then what was asked for."],
    ["nothing", null, null, "in place of the image's: it has none itself."],
  ])("says of a command where it comes from: %s", async (_, Entrypoint, Cmd, said) => {
    const api = answering({
      "GET /drydock/containers/web/journal": { json: [] },
      "GET /containers/web/json": { json: { ...INSPECTED, Config: { Entrypoint } } },
      "GET /images/sha256:1/json": { json: { Config: { Entrypoint, Cmd } } },
    });
    const { out } = await runCommandLine(["explain", "web"], api);
    expect(out).toContain(said);
  });

  test.each([
    [true, "spawn", false],
    [true, "mkdir", true],
    [false, "mkdir", false],
  ])("says that it does not know of init's steps (runs: %j, told: %s)", async (...told) => {
    const [Running, call, isSaid] = told;
    const step = { where: "engine", operation: "start container", call, args: [] };
    const exec = { id: ID, command: ["echo"], exitCode: 0 };
    const api = answering({
      "GET /drydock/containers/web/journal": { json: [step, { ...step, call: "spawn", exec }] },
      "GET /containers/web/json": { json: { ...INSPECTED, State: { Running } } },
      "GET /images/sha256:1/json": { json: { Config: {} } },
    });
    const { out } = await runCommandLine(["explain", "web"], api);
    expect(out.includes("What init did in this run is not known")).toBe(isSaid);
  });

  test("groups steps by concept, with time, result, source and page", async () => {
    const entry = { where: "engine", operation: "create container", durationUs: 1500 };
    const json = [
      {
        ...entry,
        concept: "layers",
        call: "mkdir",
        args: [`/r/${ID}`, 457],
        source: "src/layers/a.ts:1",
      },
      {
        ...entry,
        concept: "cgroups",
        call: "open",
        args: ["/c"],
        result: 9,
        source: "src/cgroups/b.ts:2",
      },
      { ...entry, call: "unlink", args: ["/x"], errno: "ENOENT", source: "src/engine/c.ts:3" },
      {
        ...entry,
        where: "init",
        operation: "become the container's user",
        concept: "security",
        call: "setUid",
        args: [0],
        exec: { id: ID, command: ["echo", "hi"], exitCode: 3 },
      },
    ];
    const api = answering({
      "GET /drydock/containers/web/journal": { json },
      "GET /containers/web/json": { json: INSPECTED },
      "GET /images/sha256:1/json": { json: { Config: { Entrypoint: null, Cmd: ["sh"] } } },
    });
    const { out } = await runCommandLine(["explain", "web"], api);
    expect(out).toContain(
      "layers: 1 step, 1.50 ms (docs/concepts/layers.md)\n  create container\n",
    );
    expect(out).toContain('mkdir("/r/0123456789ab…", 0711)  [src/layers/a.ts:1]');
    expect(out).toContain('open("/c") = 9  [src/cgroups/b.ts:2]');
    expect(out).toContain("engine: 1 step, 1.50 ms (docs/concepts/engine.md)\n");
    expect(out).toContain('unlink("/x") = ENOENT');
    expect(out).toMatch(/^== Created: 3 steps, 4\.50 ms ==\n/);
    expect(out).toContain("\n== Exec 0123456789ab: echo hi, exit code 3: 1 step, 1.50 ms ==\n");
    expect(out).toContain("4 steps, 6.00 ms in all; the kernel refused 1.\n");
    expect(out).toContain("own layer, /r/diff; its image is as it was.\n");
    expect(out).toContain(
      "\nNamespaces of its own: pid, mnt, ipc, uts; of container:db: net; " +
        "of this machine: cgroup, user, time (docs/concepts/namespaces.md).\n",
    );
    expect(out).toContain(
      "\nIts command: sleep 9, as asked for in place of the image's: by itself it runs sh.\n",
    );
    const raw = await runCommandLine(["explain", "--json", "web"], api);
    expect(JSON.parse(raw.out)).toMatchObject([
      { ...json[0], number: 1, section: "Created", page: "docs/concepts/layers.md" },
      { ...json[1], number: 2, section: "Created", page: "docs/concepts/cgroups.md" },
      { ...json[2], number: 3, concept: "engine", page: "docs/concepts/engine.md" },
      { ...json[3], section: expect.stringMatching(/^Exec/), page: "docs/concepts/users.md" },
    ]);
    const inTime = await runCommandLine(["explain", "--time", "web"], api);
    const numbers = [...inTime.out.matchAll(/^ +(\d) /gm)].map(([, number]) => number);
    expect(numbers).toEqual(["1", "2", "3", "4"]);
  });
});

describe("top", () => {
  test("says that there are zombies, beside the list", async () => {
    const Processes = [
      ["1", "sleep 9"],
      ["7", "[sh] <defunct>"],
    ];
    const api = answering({
      "GET /containers/web/top": { json: { Titles: ["PID", "CMD"], Processes } },
    });
    const { out, err } = await runCommandLine(["top", "web"], api);
    expect(out).toContain("[sh] <defunct>");
    expect(err).toBe(
      "One process is <defunct>: ended, and its parent has not asked how. " +
        "`drydock why web` says what to do.\n",
    );
  });
});

describe("port", () => {
  test("a port that is exposed only is told apart, with what publishes it", async () => {
    const json = {
      Config: { ExposedPorts: { "80/tcp": {}, "9/tcp": {} } },
      HostConfig: { PortBindings: { "9/tcp": [] } },
      NetworkSettings: { Ports: {} },
    };
    const api = answering({ "GET /containers/web/json": { json } });
    const all = await runCommandLine(["port", "web"], api);
    expect([all.code, all.out]).toEqual([0, ""]);
    expect(all.err).toMatch(/^Exposed, not published: 80\/tcp\. EXPOSE only notes a port/);
    const one = await runCommandLine(["port", "web", "80"], api);
    expect(one.code).toBe(1);
    expect(one.err).toMatch(/^Error: No public port '80' published for web\nExposed, not/);
    const other = await runCommandLine(["port", "web", "81"], api);
    expect(other.err).not.toContain("Exposed");
  });
});

describe("rmi", () => {
  const ids = (times: number): readonly string[] => Array<string>(times).fill("abc");
  const images = [{ Id: "sha256:abcdef", RepoTags: ["one:1", "two:2"] }];
  const gone = { json: [{ Untagged: "one:1" }] };
  const api = answering({
    "GET /images/json": { json: images },
    "DELETE /images/one:1": gone,
    "DELETE /images/two:2": gone,
    "DELETE /images/abc": gone,
  });

  test("E31: an id that is given once for each of its names means all of them", async () => {
    const { asked } = await runCommandLine(["rmi", ...ids(2)], api);
    const removed = asked.filter(({ method }) => method === "DELETE").map(({ path }) => path);
    expect(removed).toEqual(["/images/one:1", "/images/two:2"]);
  });

  test("what is given more often is removed once", async () => {
    const { asked } = await runCommandLine(["rmi", ...ids(3)], api);
    const removed = asked.filter(({ method }) => method === "DELETE").map(({ path }) => path);
    expect(removed).toEqual(["/images/abc"]);
  });
});

describe("commit", () => {
  test("E19 E26: passes on what a change does that was hardly meant", async () => {
    const api = answering({ "POST /commit": { json: { Id: "sha256:1", Warnings: ["a list?"] } } });
    const { out, err, code } = await runCommandLine(["commit", "-c", "CMD [x", "web"], api);
    expect([out, err, code]).toEqual(["sha256:1\n", "WARNING: a list?\n", 0]);
  });
});

describe("version", () => {
  test("tells the client's half even when nobody answers", async () => {
    const ran = await runCommandLine(["version"], () => ({ status: 500, json: { message: "no" } }));
    expect(ran.out).toMatch(/^Client: Drydock\n Version: +0\.1\.0\n/);
    expect(ran.err).toContain("no");
    expect(ran.code).toBe(1);
  });
});

describe("update -v", () => {
  const found = {
    Name: "/web",
    State: { Running: true },
    Config: { StopSignal: "SIGQUIT", StopTimeout: 3 },
    HostConfig: { Binds: ["/old:/srv", "/etc:/e"] },
  };
  const api = answering({
    "GET /containers/web/json": { json: found },
    "POST /drydock/containers/web/volumes": { json: { Restarted: true } },
  });
  const plan =
    "web keeps its id, writable layer and log:\n  1 stop it (SIGQUIT, and SIGKILL after 3 s)\n" +
    "  2 no longer mount /old:/srv\n  3 mount /new:/srv:ro\n  4 start it again\n";
  const words = ["update", "-v", "/new:/srv:ro", "web"];

  const question = `${plan}\nAre you sure you want to continue? [y/N] `;

  test.each([
    { more: ["--plan"], input: [], out: plan, bodies: [] },
    { more: [], input: ["n\n"], out: question, bodies: [] },
    { more: [], input: ["y\n"], out: `${question}web\n`, bodies: [{ Binds: ["/new:/srv:ro"] }] },
    { more: ["-f"], input: [], out: "web\n", bodies: [{ Binds: ["/new:/srv:ro"] }] },
  ])("with $more and the answer $input", async ({ more, input, out, bodies }) => {
    const ran = await runCommandLine([...words, ...more], api, { input });
    expect([ran.code, ran.out]).toEqual([0, out]);
    expect(ran.asked.slice(1).map(({ body }) => body)).toEqual(bodies);
  });

  test.each([
    [["update", "-p", "80:80", "web"], "cannot publish a port yet"],
    [["update", "-v", "/srv", "web"], "says where, but not what"],
    [["update", "-v", "/a:/b", "web", "db"], "takes one container"],
    [["update", "-m", "1g", "--plan", "web"], "a limit is changed at once"],
    [["update", "web"], "one or more flags"],
  ])("%j is refused before anything is done", async (given, message) => {
    const ran = await runCommandLine(given, api);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining(message)]);
    expect(ran.asked).toEqual([]);
  });

  test("a daemon that cannot says so", async () => {
    const docker = answering({
      "GET /containers/web/json": { json: found },
      "POST /drydock/containers/web/volumes": { status: 404, json: { message: "page not found" } },
    });
    const ran = await runCommandLine([...words, "-f"], docker);
    expect([ran.code, ran.err]).toEqual([1, expect.stringContaining("inspect --as-run says how")]);
  });
});
