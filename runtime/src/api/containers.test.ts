import { describe, expect, test } from "vitest";
import type { CreateContainer } from "../engine/index.ts";
import { ask, engineDouble } from "./engine.fixture.ts";

/** What the engine was asked to create for a body. */
async function created(body: unknown, path = "/v1.50/containers/create"): Promise<CreateContainer> {
  const { api, asked } = engineDouble({
    createContainer: async () => ({ id: "c1", warnings: ["w"] }),
  });
  const response = await ask(api, "POST", path, body);
  expect([response.status, await response.json()]).toEqual([201, { Id: "c1", Warnings: ["w"] }]);
  return asked.find(({ method }) => method === "createContainer")?.args[0] as CreateContainer;
}

/** The status and message with which a body is refused. */
async function refused(body: unknown, headers?: Record<string, string>): Promise<[number, string]> {
  const { api, asked } = engineDouble();
  const response =
    headers === undefined
      ? await ask(api, "POST", "/containers/create", body)
      : await api(
          new Request("http://d/containers/create", {
            method: "POST",
            headers,
            body: String(body),
          }),
          {},
        );
  expect(asked.some(({ method }) => method === "createContainer")).toBe(false);
  return [response.status, ((await response.json()) as { message: string }).message];
}

describe("create", () => {
  test("the least body is completed with Docker's empty values", async () => {
    const { name, config, hostConfig, networkingConfig } = await created({ Image: "busybox" });
    expect(name).toBe("");
    expect(config).toEqual({
      Hostname: "",
      Domainname: "",
      User: "",
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      Tty: false,
      OpenStdin: false,
      StdinOnce: false,
      Env: [],
      Cmd: null,
      Entrypoint: null,
      Image: "busybox",
      WorkingDir: "",
      Labels: {},
      ExposedPorts: {},
      Volumes: {},
      StopSignal: "",
      StopTimeout: null,
      Healthcheck: null,
    });
    expect(hostConfig).toMatchObject({
      Memory: 0,
      MemorySwappiness: null,
      PidsLimit: null,
      Binds: [],
      NetworkMode: "default",
      RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
      MaskedPaths: null,
      ConsoleSize: [0, 0],
      Init: null,
    });
    expect(networkingConfig).toEqual({});
  });

  test("nulls everywhere are the same as nothing", async () => {
    const plain = await created({ Image: "busybox" });
    const nulls = (object: object): object =>
      Object.fromEntries(Object.keys(object).map((key) => [key, null]));
    const body = {
      ...nulls(plain.config),
      Image: "busybox",
      HostConfig: nulls(plain.hostConfig),
      NetworkingConfig: { EndpointsConfig: null },
    };
    expect(await created(body)).toEqual(plain);
    expect(await created({ Image: "busybox", HostConfig: null, NetworkingConfig: null })).toEqual(
      plain,
    );
  });

  test("keys match in any case, the exact one wins, unknown ones are ignored", async () => {
    const { config, hostConfig } = await created({
      image: "busybox",
      Image: "alpine",
      ENV: ["A=1"],
      hostconfig: { memory: 7, RestartPolicy: { name: "always" } },
      Nonsense: { deep: true },
    });
    expect(config).toMatchObject({ Image: "alpine", Env: ["A=1"] });
    expect(hostConfig).toMatchObject({
      Memory: 7,
      RestartPolicy: { Name: "always", MaximumRetryCount: 0 },
    });
  });

  test("one word is a command, and a port without a protocol is tcp", async () => {
    const { config, hostConfig } = await created({
      Image: "busybox",
      Cmd: "ls",
      Entrypoint: ["/bin/sh", "-c"],
      ExposedPorts: { "80": {}, "53/udp": null },
      HostConfig: { PortBindings: { "80": [{ HostPort: "8080" }], "90/TCP": null } },
    });
    expect(config).toMatchObject({
      Cmd: ["ls"],
      Entrypoint: ["/bin/sh", "-c"],
      ExposedPorts: { "80/tcp": {}, "53/udp": {} },
    });
    expect(hostConfig.PortBindings).toEqual({
      "80/tcp": [{ HostIp: "", HostPort: "8080" }],
      "90/tcp": [],
    });
  });

  test("what the docker CLI sends for an option that was not given means not given", async () => {
    const { hostConfig } = await created({
      Image: "busybox",
      HostConfig: {
        MemorySwappiness: -1,
        ConsoleSize: [24, 80],
        Mounts: [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { SizeBytes: 5 } }],
      },
      NetworkingConfig: { EndpointsConfig: { default: { IPAMConfig: null } } },
    });
    expect(hostConfig.MemorySwappiness).toBeNull();
    expect(hostConfig.ConsoleSize).toEqual([24, 80]);
    expect(hostConfig.Mounts).toEqual([
      {
        Type: "tmpfs",
        Source: "",
        Target: "/t",
        ReadOnly: false,
        BindOptions: null,
        TmpfsOptions: { SizeBytes: 5 },
      },
    ]);
  });

  test("the terminal's size is read from version 1.42 on", async () => {
    const body = { Image: "busybox", HostConfig: { ConsoleSize: [24, 80] } };
    expect((await created(body, "/v1.41/containers/create")).hostConfig.ConsoleSize).toEqual([
      0, 0,
    ]);
    expect((await created(body, "/v1.42/containers/create")).hostConfig.ConsoleSize).toEqual([
      24, 80,
    ]);
  });

  test("dockerode repeats its options in the query; only the name is read there", async () => {
    const path = "/containers/create?name=/web&Image=other&HostConfig=%5Bobject%20Object%5D";
    const { name, config } = await created({ Image: "busybox", name: "ignored" }, path);
    expect([name, config.Image]).toEqual(["web", "busybox"]);
  });

  test("a field of the wrong kind is named, with what was expected and what came", async () => {
    expect(await refused({ HostConfig: { Memory: "512m" } })).toEqual([
      400,
      'invalid JSON: HostConfig.Memory: expected a whole number, got "512m"',
    ]);
    expect(await refused({ Tty: "yes" })).toEqual([
      400,
      'invalid JSON: Tty: expected true or false, got "yes"',
    ]);
    expect(await refused({ Env: ["A=1", 2] })).toEqual([
      400,
      "invalid JSON: Env.1: expected a text, got 2",
    ]);
    expect(await refused({ HostConfig: { Ulimits: [{ Soft: 1.5 }] } })).toEqual([
      400,
      "invalid JSON: HostConfig.Ulimits.0.Soft: expected a whole number, got 1.5",
    ]);
    expect(await refused({ ExposedPorts: { http: {} } })).toEqual([
      400,
      'invalid JSON: ExposedPorts: expected ports as NUMBER[/tcp|udp|sctp] from 0 to 65535, got {"http":{}}',
    ]);
    expect(await refused([1])).toEqual([400, "invalid JSON: expected an object, got [1]"]);
  });

  test("a value that cannot be meant is refused in Docker's words", async () => {
    const refusals: [object, string][] = [
      [
        { WorkingDir: "rel" },
        "the working directory 'rel' is invalid, it needs to be an absolute path",
      ],
      [{ Hostname: "x".repeat(65) }, "invalid host or domain name"],
      [{ HostConfig: { ShmSize: -1 } }, "SHM size can not be less than 0"],
      [{ HostConfig: { OomScoreAdj: 5000 } }, "range for oom score adj is [-1000, 1000]"],
      [{ HostConfig: { RestartPolicy: { Name: "nope" } } }, "unknown policy 'nope'"],
      [
        { HostConfig: { RestartPolicy: { Name: "always", MaximumRetryCount: 3 } } },
        "maximum retry count can only be used with 'on-failure'",
      ],
      [{ HostConfig: { ExtraHosts: ["bad"] } }, 'bad format for add-host: "bad"'],
      [{ HostConfig: { ExtraHosts: ["a:b"] } }, 'bad format for add-host: "a:b"'],
      [{ HostConfig: { Runtime: "kata" } }, "unknown or invalid runtime name: kata"],
      [{ Cmd: ["a\0b"] }, "invalid JSON: Cmd.0: expected a text without zero bytes"],
    ];
    for (const [body, message] of refusals) {
      expect(await refused(body)).toEqual([400, expect.stringContaining(message)]);
    }
    const { config, hostConfig } = await created({
      WorkingDir: "/a/../b//c/.",
      HostConfig: { ExtraHosts: ["a:1.2.3.4", "b:::1", "c:[fe80::1]"], Runtime: "runc" },
    });
    expect(config.WorkingDir).toBe("/b/c");
    expect(hostConfig).not.toHaveProperty("Runtime");
  });

  test("what is not JSON, empty, or not called JSON is refused", async () => {
    const json = { "Content-Type": "application/json" };
    const [status, text] = await refused("{", json);
    expect(status).toBe(400);
    expect(text).toMatch(/^invalid JSON: /);
    expect(await refused("", json)).toEqual([
      400,
      "invalid JSON: got EOF while reading request body",
    ]);
    expect(await refused("null", json)).toEqual([
      400,
      "config cannot be empty in order to create a container",
    ]);
    expect(await refused("{}", { "Content-Type": "text/plain" })).toEqual([
      400,
      "unsupported Content-Type header (text/plain): must be 'application/json'",
    ]);
  });

  test("an option that cannot be left out is refused, and one that can is warned of", async () => {
    const [status, text] = await refused({ HostConfig: { StorageOpt: { size: "1G" } } });
    expect(status).toBe(400);
    expect(text).toContain("--storage-opt");
    await created({ HostConfig: { VolumesFrom: [], DeviceRequests: null, StorageOpt: {} } });
    const { api } = engineDouble({ createContainer: async () => ({ id: "c", warnings: [] }) });
    const response = await ask(api, "POST", "/containers/create", {
      MacAddress: "92:d0:c6:0a:29:33",
      HostConfig: { Init: false, LogConfig: { Type: "", Config: {} }, Annotations: null },
    });
    expect(((await response.json()) as { Warnings: string[] }).Warnings).toEqual([
      "Drydock does not know --mac-address yet and left it out.",
    ]);
  });
});

describe("platforms", () => {
  const body = { Image: "busybox" };

  test("an image of another platform is not run silently", async () => {
    const { api } = engineDouble({
      inspectImage: async () => ({ Os: "linux", Architecture: "amd64" }),
      createContainer: async () => ({ id: "c", warnings: [] }),
      pullImage: async () => {},
    });
    const status = async (platform: string): Promise<number> =>
      (await ask(api, "POST", `/containers/create?platform=${platform}`, body)).status;
    for (const same of ["", "linux", "linux/amd64", "linux/x86_64", "linux/amd64/v1"]) {
      expect([same, await status(same)]).toEqual([same, 201]);
    }
    for (const other of ["linux/arm64", "windows", "windows/amd64"]) {
      expect([other, await status(other)]).toEqual([other, 404]);
    }
    const pull = await ask(api, "POST", "/images/create?fromImage=busybox&platform=linux/arm64");
    expect(pull.status).toBe(404);
  });
});

describe("list and inspect", () => {
  test("options are read as every client writes them", async () => {
    const { api, asked } = engineDouble({ listContainers: async () => [] });
    const filters = encodeURIComponent('{"label":{"a=b":true},"status":["exited"]}');
    await ask(api, "GET", `/containers/json?all=True&limit=3&size=1&filters=${filters}&x=y`);
    await ask(api, "GET", "/containers/json?all=0&filters=");
    expect(asked.slice(1).map(({ args }) => args[0])).toEqual([
      { all: true, limit: 3, size: true, filters: { label: ["a=b"], status: ["exited"] } },
      { all: false, limit: 0, size: false, filters: {} },
    ]);
  });

  test("bad filters and numbers are 400", async () => {
    const { api } = engineDouble({ listContainers: async () => [] });
    for (const query of ["filters=%7B", "filters=%5B1%5D", 'filters={"a":7}', "limit=many"]) {
      expect([query, (await ask(api, "GET", `/containers/json?${query}`)).status]).toEqual([
        query,
        400,
      ]);
    }
  });

  test("a name with Docker's leading slash finds its container", async () => {
    const { api, asked } = engineDouble({ inspectContainer: async () => ({ Id: "c1" }) });
    const response = await ask(api, "GET", "/v1.50/containers//web/json?size=1");
    expect(await response.json()).toEqual({ Id: "c1" });
    expect(asked.at(-1)?.args).toEqual(["web", { size: true }]);
  });
});

describe("life", () => {
  const done = async (): Promise<void> => {};
  const { api, asked } = engineDouble({
    startContainer: done,
    stopContainer: done,
    restartContainer: done,
    killContainer: done,
    renameContainer: done,
    removeContainer: done,
    resizeContainer: done,
  });

  test("each route calls its method and answers 204 without a body", async () => {
    const routes = [
      ["POST", "/containers/x/start", "startContainer", ["x"]],
      [
        "POST",
        "/containers/x/stop?t=5&signal=SIGINT",
        "stopContainer",
        ["x", { signal: "SIGINT", timeoutSeconds: 5 }],
      ],
      [
        "POST",
        "/containers/x/stop?t=-1",
        "stopContainer",
        ["x", { signal: null, timeoutSeconds: -1 }],
      ],
      [
        "POST",
        "/containers/x/restart",
        "restartContainer",
        ["x", { signal: null, timeoutSeconds: null }],
      ],
      ["POST", "/containers/x/kill", "killContainer", ["x", "SIGKILL"]],
      ["POST", "/containers/x/kill?signal=HUP", "killContainer", ["x", "HUP"]],
      ["POST", "/containers/x/rename?name=y", "renameContainer", ["x", "y"]],
      [
        "DELETE",
        "/containers/x?force=1&v=true",
        "removeContainer",
        ["x", { force: true, volumes: true }],
      ],
    ] as const;
    for (const [method, path, called, args] of routes) {
      asked.length = 0;
      const response = await ask(api, method, path);
      expect([path, response.status, response.body]).toEqual([path, 204, null]);
      expect(asked).toEqual([{ method: called, args }]);
    }
  });

  test("rm --link finds no link: Docker's status for a container and for an alias", async () => {
    const { api: there } = engineDouble({ inspectContainer: async () => ({}) });
    const answer = await ask(there, "DELETE", "/containers/x?link=1");
    expect([answer.status, await answer.json()]).toMatchObject([
      500,
      {
        message: expect.stringMatching(/^Conflict, cannot remove the default link name.*\nA link/),
      },
    ]);
    const alias = await ask(api, "DELETE", "/containers/x/db?link=1");
    expect([alias.status, await alias.json()]).toMatchObject([
      404,
      { message: expect.stringContaining("No such container: x/db") },
    ]);
    expect(asked.filter(({ method }) => method === "removeContainer")).toHaveLength(1);
  });

  test("the prunes of what there is none of read their filters all the same", async () => {
    for (const noun of ["networks", "volumes", "build"]) {
      const bad = await ask(api, "POST", `/${noun}/prune?filters={"foo":["x"]}`);
      const good = await ask(api, "POST", `/${noun}/prune?filters={"label":["x"]}`);
      expect([noun, bad.status, good.status]).toEqual([noun, 400, 200]);
    }
  });

  test("a resize answers 200 without a body, as Docker's clients expect", async () => {
    asked.length = 0;
    const response = await ask(api, "POST", "/containers/x/resize?h=24&w=80");
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(asked).toEqual([{ method: "resizeContainer", args: ["x", 24, 80] }]);
  });

  test("what cannot be meant is 400", async () => {
    for (const path of ["rename?name=", "stop?t=soon", "resize?h=24", "resize?h=-1&w=1"]) {
      expect([path, (await ask(api, "POST", `/containers/x/${path}`)).status]).toEqual([path, 400]);
    }
  });

  test("start with the body that versions before 1.24 took is refused", async () => {
    const response = await api(
      new Request("http://d/containers/x/start", {
        method: "POST",
        headers: { "Content-Length": "24", "Content-Type": "application/json" },
        body: '{"Binds":["/a:/b"],"x":1}',
      }),
      {},
    );
    expect(response.status).toBe(400);
  });
});
