import { describe, expect, test } from "vitest";
import { RuntimeError } from "../errors/index.ts";
import { KernelError } from "../kernel/index.ts";
import { ask, engineDouble } from "./engine.fixture.ts";

const message = async (response: Response): Promise<string> =>
  ((await response.json()) as { message: string }).message;

describe("ping", () => {
  for (const method of ["GET", "HEAD"]) {
    test(`${method} /_ping says which versions, which builder, which swarm`, async () => {
      const response = await ask(engineDouble().api, method, "/_ping");
      expect(response.status).toBe(200);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        "api-version": "1.50",
        "builder-version": "1",
        "docker-experimental": "false",
        ostype: "linux",
        swarm: "inactive",
        server: "Drydock/1.2.3 (linux)",
        "cache-control": "no-cache, no-store, must-revalidate",
      });
      expect(await response.text()).toBe(method === "GET" ? "OK" : "");
    });
  }
});

describe("versions", () => {
  test("every version from 1.24 to 1.50 is served, and no version at all", async () => {
    const { api } = engineDouble();
    for (let minor = 24; minor <= 50; minor += 1) {
      expect((await ask(api, "GET", `/v1.${minor}/version`)).status).toBe(200);
    }
    expect((await ask(api, "GET", "/version")).status).toBe(200);
  });

  test("a newer version is refused in Docker's words", async () => {
    const response = await ask(engineDouble().api, "GET", "/v1.99/info");
    expect(response.status).toBe(400);
    expect(await message(response)).toBe(
      "client version 1.99 is too new. Maximum supported API version is 1.50",
    );
  });

  test("an older version is refused in Docker's words", async () => {
    const response = await ask(engineDouble().api, "GET", "/v1.9/info");
    expect(response.status).toBe(400);
    expect(await message(response)).toBe(
      "client version 1.9 is too old. Minimum supported API version is 1.24, " +
        "please upgrade your client to a newer version",
    );
  });
});

describe("unknown things", () => {
  test("a path that Docker does not know is page not found", async () => {
    for (const path of ["/v1.50/nonsense", "/containers", "/containers/a/b/c", "/v1.50"]) {
      const response = await ask(engineDouble().api, "GET", path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await message(response)).toBe("page not found");
    }
  });

  test("a path of Docker's that has nothing behind it says what is missing", async () => {
    const { api, asked } = engineDouble();
    const missing = [
      ["POST", "/auth"],
      ["POST", "/build"],
      ["POST", "/images/load"],
      ["POST", "/images/a/b:c/push"],
      ["POST", "/networks/create"],
      ["POST", "/swarm/init"],
      ["GET", "/nodes"],
    ] as const;
    for (const [method, path] of missing) {
      const response = await ask(api, method, `/v1.50${path}`);
      expect([method, path, response.status]).toEqual([method, path, 501]);
      expect(await message(response)).toContain("Drydock cannot do this yet: ");
    }
    expect(asked.filter(({ method }) => method !== "version")).toEqual([]);
  });

  test("a HEAD of anything but the ping runs nothing", async () => {
    const { api, asked } = engineDouble();
    expect((await ask(api, "HEAD", "/containers/x/logs?follow=1&stdout=1")).status).toBe(404);
    expect(asked.filter(({ method }) => method !== "version")).toEqual([]);
  });

  test("docker inspect of an unknown name gets a clean 404 from every kind of object", async () => {
    const { api } = engineDouble();
    const paths = ["/containers/x/json", "/networks/x", "/volumes/x", "/plugins/x/json"];
    for (const path of paths) {
      const response = await ask(api, "GET", path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await message(response)).toMatch(/x/);
    }
  });
});

describe("errors", () => {
  const failing = (error: unknown) =>
    engineDouble({
      startContainer: () => {
        throw error;
      },
    });

  test("the class is the status, and the hint is the message's second line", async () => {
    const statuses = {
      "not-found": 404,
      conflict: 409,
      invalid: 400,
      denied: 403,
      unavailable: 503,
      "not-implemented": 501,
      internal: 500,
    } as const;
    for (const [errorClass, status] of Object.entries(statuses)) {
      const { api, bugs } = failing(
        new RuntimeError({
          code: "container-paused",
          class: errorClass as keyof typeof statuses,
          message: "what",
          hint: "what to do",
        }),
      );
      const response = await ask(api, "POST", "/containers/x/start");
      expect(response.status).toBe(status);
      expect(await response.json()).toEqual({
        message: "what\nwhat to do",
        code: "container-paused",
      });
      expect(bugs).toEqual([]);
    }
  });

  test("304 has no body", async () => {
    const { api } = failing(
      new RuntimeError({ code: "container-already-started", class: "not-modified", message: "m" }),
    );
    const response = await ask(api, "POST", "/containers/x/start");
    expect(response.status).toBe(304);
    expect(response.body).toBeNull();
  });

  test("a bug is a 500 with its message, told to the daemon, and never a stack", async () => {
    for (const bug of [new TypeError("x is undefined"), new KernelError("mount", "EBUSY", "/m")]) {
      const { api, bugs } = failing(bug);
      const response = await ask(api, "POST", "/containers/x/start");
      expect(response.status).toBe(500);
      expect(await response.json()).toEqual({ message: bug.message });
      expect(bugs).toEqual([bug]);
    }
  });

  test("when undoing failed too, the first error is the one that is told", async () => {
    const first = new RuntimeError({
      code: "command-not-found",
      class: "invalid",
      message: "first",
    });
    const both = Object.assign(new Error("both"), { error: new Error("undo"), suppressed: first });
    const response = await ask(failing(both).api, "POST", "/containers/x/start");
    expect([response.status, await message(response)]).toEqual([400, "first"]);
  });
});

describe("images", () => {
  const { api, asked } = engineDouble({
    inspectImage: async () => ({ Size: 7 }),
    imageHistory: async () => [],
    listImages: async () => [{ Size: 7 }],
    pullImage: async () => {},
  });

  test("names may have slashes, colons and at signs, encoded or not", async () => {
    const paths = {
      "/v1.50/images/busybox/json": "busybox",
      "/images/docker.io/library/busybox:latest/json": "docker.io/library/busybox:latest",
      "/images/docker.io%2Flibrary%2Fbusybox:latest/json": "docker.io/library/busybox:latest",
      "/images/sha256:0123/json": "sha256:0123",
      "/images/a/b@sha256:0123/json": "a/b@sha256:0123",
    };
    for (const [path, name] of Object.entries(paths)) {
      asked.length = 0;
      expect((await ask(api, "GET", path)).status).toBe(200);
      expect(asked).toEqual([{ method: "inspectImage", args: [name] }]);
    }
    asked.length = 0;
    await ask(api, "GET", "/images/a/b:c/history");
    expect(asked).toEqual([{ method: "imageHistory", args: ["a/b:c"] }]);
  });

  test("clients before 1.44 read the size under a second name", async () => {
    expect(await (await ask(api, "GET", "/v1.43/images/json")).json()).toEqual([
      { Size: 7, VirtualSize: 7 },
    ]);
    expect(await (await ask(api, "GET", "/v1.44/images/x/json")).json()).toEqual({ Size: 7 });
  });

  test("a pull of what is here answers JSON lines", async () => {
    asked.length = 0;
    const response = await ask(
      api,
      "POST",
      "/images/create?fromImage=docker.io/library/busybox&tag=1.36",
    );
    expect(response.status).toBe(200);
    expect(JSON.parse(await response.text())).toEqual({
      status: "Status: Image is up to date for docker.io/library/busybox:1.36",
    });
    expect(asked).toEqual([{ method: "pullImage", args: ["docker.io/library/busybox:1.36"] }]);
    await ask(api, "POST", "/images/create?fromImage=a&tag=sha256:01");
    expect(asked[1]).toEqual({ method: "pullImage", args: ["a@sha256:01"] });
  });

  test("a pull of what is not here is an error before the first line", async () => {
    const failing = engineDouble({
      pullImage: () =>
        Promise.reject(
          new RuntimeError({ code: "image-pull-failed", class: "not-found", message: "no" }),
        ),
    });
    const response = await ask(failing.api, "POST", "/images/create?fromImage=nope");
    expect([response.status, await message(response)]).toEqual([404, "no"]);
  });
});

describe("networks and volumes", () => {
  const { api } = engineDouble({
    listContainers: async () => [{ Id: "c1", Names: ["/web"] }],
  });

  test("the two networks that need no making are there", async () => {
    const networks = (await (await ask(api, "GET", "/networks")).json()) as {
      Name: string;
      Id: string;
    }[];
    expect(networks.map(({ Name }) => Name)).toEqual(["none", "host"]);
    for (const { Id } of networks) expect(Id).toMatch(/^[0-9a-f]{64}$/);
    const host = await (await ask(api, "GET", `/networks/${networks[1]?.Id.slice(0, 12)}`)).json();
    expect(host).toMatchObject({ Name: "host", Containers: { c1: { Name: "web" } } });
  });

  test("their list takes filters in both encodings", async () => {
    for (const filters of ['{"driver":["host"]}', '{"driver":{"host":true}}']) {
      const response = await ask(api, "GET", `/networks?filters=${encodeURIComponent(filters)}`);
      expect(await response.json()).toMatchObject([{ Name: "host" }]);
    }
  });

  test("there are no volumes", async () => {
    const response = await ask(api, "GET", "/volumes");
    expect(await response.json()).toEqual({ Volumes: [], Warnings: [] });
  });
});

describe("our own routes", () => {
  test("plan and journal name places in the source", async () => {
    const { api } = engineDouble({
      planContainer: async () => ({ steps: [{ n: 1, source: "s" } as never], warnings: [] }),
      journalOf: async () => [{ call: "mount", source: "t" } as never],
    });
    const plan = await ask(api, "POST", "/drydock/plan", { Image: "busybox" });
    expect(await plan.json()).toEqual({ steps: [{ n: 1, source: "mapped s" }], warnings: [] });
    const journal = await ask(api, "GET", "/drydock/containers/x/journal");
    expect(await journal.json()).toEqual([{ call: "mount", source: "mapped t" }]);
  });
});
