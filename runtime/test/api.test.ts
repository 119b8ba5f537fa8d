/**
 * The API of a real daemon, asked as clients ask it: byte by byte where they would notice.
 */
import { createConnection, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { skipped, until, whyNoContainers, type Answer } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";
import { faultsOf, whyNoSchema } from "./schema.fixture.ts";

const skip = skipped("the API of a real daemon", whyNoContainers());
const skipSchema = skip || skipped("answers against Docker's schema", whyNoSchema());

const daemon = shareDaemon(skip);
/** Creates a container; returns its id. */
async function create(options: object, query = ""): Promise<string> {
  const answer = await daemon.api("POST", `/v1.50/containers/create${query}`, {
    Image: "busybox",
    ...options,
  });
  expect([answer.status, answer.text]).toEqual([201, expect.stringContaining("Id")]);
  return answer.json<{ Id: string }>().Id;
}

/** Creates and starts a container. */
async function start(options: object, query = ""): Promise<string> {
  const id = await create(options, query);
  expect((await daemon.api("POST", `/containers/${id}/start`)).status).toBe(204);
  return id;
}

const wait = async (id: string): Promise<unknown> =>
  (await daemon.api("POST", `/containers/${id}/wait`)).json()["StatusCode"];

/** Splits Docker's frames into texts, each behind the number of its stream. */
function frames(bytes: Uint8Array): string[] {
  const found: string[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at + 4);
    expect([...bytes.subarray(at + 1, at + 4)]).toEqual([0, 0, 0]);
    found.push(`${bytes[at]} ${new TextDecoder().decode(bytes.subarray(at + 8, at + 8 + length))}`);
    at += 8 + length;
  }
  return found;
}

/** A connection on which a request is written by hand. */
class Wire {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  readonly ended: Promise<void>;

  constructor(request: string) {
    this.socket = createConnection({ path: daemon.socketPath, allowHalfOpen: true });
    this.socket.on(
      "data",
      (bytes: Buffer) => (this.#received = Buffer.concat([this.#received, bytes])),
    );
    this.ended = new Promise((resolve) => this.socket.once("end", resolve));
    this.socket.write(request);
  }

  /** The head, once it is complete. */
  async head(): Promise<string> {
    await until("the head is complete", () => this.#received.includes("\r\n\r\n"), Boolean);
    return this.#received.subarray(0, this.#received.indexOf("\r\n\r\n")).toString();
  }

  /** Everything after the head. */
  get body(): Uint8Array {
    return this.#received.subarray(this.#received.indexOf("\r\n\r\n") + 4);
  }
}

const UPGRADE = "Host: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n";

describe.skipIf(skip)("conversation", () => {
  test("Q01 Q02 Q03: ping, versions, refusals", async () => {
    const ping = await daemon.api("GET", "/_ping");
    expect([ping.status, ping.text, ping.headers["api-version"]]).toEqual([200, "OK", "1.50"]);
    expect(ping.headers["builder-version"]).toBe("1");
    expect((await daemon.api("GET", "/v1.24/version")).json()["MinAPIVersion"]).toBe("1.24");
    expect((await daemon.api("GET", "/v1.51/version")).status).toBe(400);
    expect((await daemon.api("GET", "/v1.23/version")).status).toBe(400);
  });

  test("Q04: errors are JSON with a message and Docker's status", async () => {
    const expected: [string, string, number, RegExp][] = [
      ["GET", "/containers/nosuch/json", 404, /^No such container: nosuch/],
      ["POST", "/containers/nosuch/start", 404, /^No such container: nosuch/],
      ["GET", "/images/nosuch/json", 404, /^No such image: nosuch:latest/],
      ["GET", "/exec/nosuch/json", 404, /^No such exec instance: nosuch/],
      ["GET", "/nosuch", 404, /^page not found$/],
      ["GET", "/containers/json?filters=%7B", 400, /^invalid filter/],
      ["GET", "/containers/json?filters=%7B%22x%22%3A%5B%22y%22%5D%7D", 400, /^invalid filter 'x'/],
    ];
    for (const [method, path, status, message] of expected) {
      const answer = await daemon.api(method, path);
      expect([path, answer.status, answer.json()["message"]]).toEqual([
        path,
        status,
        expect.stringMatching(message),
      ]);
    }
  });

  test("Q05: filters in both encodings", async () => {
    const id = await create({ Labels: { a: "b" } });
    await create({});
    for (const filters of ['{"label":["a=b"]}', '{"label":{"a=b":true}}']) {
      const path = `/containers/json?all=1&filters=${encodeURIComponent(filters)}`;
      const list = (await daemon.api("GET", path)).json<{ Id: string }[]>();
      expect(list.map(({ Id }) => Id)).toEqual([id]);
    }
  });

  test("Q06: wait sends its headers before the container starts, and the code when it ends", async () => {
    const id = await create({ Cmd: ["sh", "-c", "exit 6"] });
    const wire = new Wire(
      `POST /v1.50/containers/${id}/wait?condition=next-exit HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(await wire.head()).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(wire.body.length).toBe(0);
    await daemon.api("POST", `/containers/${id}/start`);
    await until(
      "the answer came",
      () => new TextDecoder().decode(wire.body),
      (text) => text.includes('{"StatusCode":6}'),
    );
    wire.socket.destroy();
  });

  test("Q07: start of a started and stop of a stopped container are 304 without a body", async () => {
    const id = await start({ Cmd: ["sleep", "100"] });
    const again = await daemon.api("POST", `/containers/${id}/start`);
    expect([again.status, again.text]).toEqual([304, ""]);
    expect((await daemon.api("POST", `/containers/${id}/stop?t=0`)).status).toBe(204);
    expect((await daemon.api("POST", `/containers/${id}/stop`)).status).toBe(304);
  });

  test("a taken name is 409, an ambiguous prefix 400, an unknown image 404", async () => {
    await create({}, "?name=web");
    const taken = await daemon.api("POST", "/containers/create?name=/web", { Image: "busybox" });
    expect([taken.status, taken.json()["message"]]).toEqual([
      409,
      expect.stringMatching(/^Conflict\. The container name "\/web" is already in use/),
    ]);
    const image = await daemon.api("POST", "/containers/create", { Image: "nosuch:tag" });
    expect([image.status, image.json()["message"]]).toEqual([
      404,
      expect.stringMatching(/^No such image: nosuch:tag/),
    ]);
  });

  test("Q15: dockerode's habits: options in the query too, ports without a protocol", async () => {
    const id = await create(
      { ExposedPorts: { "80": {} } },
      "?Image=busybox&ExposedPorts=%5Bobject%20Object%5D",
    );
    const { Config } = (await daemon.api("GET", `/containers/${id}/json`)).json<{
      Config: { ExposedPorts: object };
    }>();
    expect(Config.ExposedPorts).toEqual({ "80/tcp": {} });
  });

  test("bad JSON and bad values leave nothing behind", async () => {
    const bodies: [unknown, number][] = [
      [{ HostConfig: { Memory: "64m" } }, 400],
      [{ Image: "busybox", HostConfig: { Memory: 1 } }, 400],
      [{ Image: "busybox", HostConfig: { CapAdd: ["NONSENSE"] } }, 400],
    ];
    for (const [body, status] of bodies) {
      const answer = await daemon.api("POST", "/containers/create", body);
      expect([JSON.stringify(body), answer.status]).toEqual([JSON.stringify(body), status]);
    }
    expect((await daemon.api("GET", "/containers/json?all=1")).json()).toEqual([]);
  });

  test("a network that does not exist is missed at start, as in Docker", async () => {
    const id = await create({ HostConfig: { NetworkMode: "nosuchnetwork" } });
    const answer = await daemon.api("POST", `/containers/${id}/start`);
    expect([answer.status, answer.json()["message"]]).toEqual([
      404,
      expect.stringMatching(/^network nosuchnetwork not found/),
    ]);
  });
});

describe.skipIf(skip)("streams", () => {
  const script = "echo out; echo err >&2";

  test("Q08: logs are framed without a terminal and raw with one", async () => {
    const framed = await start({ Cmd: ["sh", "-c", script] });
    await wait(framed);
    const wire = new Wire(
      `GET /v1.50/containers/${framed}/logs?stdout=1&stderr=1 HTTP/1.0\r\n\r\n`,
    );
    expect(await wire.head()).toContain("application/vnd.docker.multiplexed-stream");
    await wire.ended;
    expect(new Set(frames(wire.body))).toEqual(new Set(["1 out\n", "2 err\n"]));
    const raw = await start({ Cmd: ["sh", "-c", "echo out"], Tty: true });
    await wait(raw);
    expect((await daemon.api("GET", `/containers/${raw}/logs?stdout=1`)).text).toBe("out\r\n");
  });

  test("Q09: attach upgrades, and half-closed stdin does not end the output", async () => {
    const id = await create({
      Cmd: ["sh", "-c", "cat; sleep 0.3; echo end"],
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
    });
    const wire = new Wire(
      `POST /v1.50/containers/${id}/attach?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n${UPGRADE}Content-Length: 0\r\n\r\n`,
    );
    expect(await wire.head()).toMatch(
      /^HTTP\/1\.1 101 UPGRADED\r\nContent-Type: application\/vnd\.docker\.multiplexed-stream/,
    );
    await daemon.api("POST", `/containers/${id}/start`);
    wire.socket.end("to cat\n");
    await wire.ended;
    expect(frames(wire.body).join("")).toBe("1 to cat\n1 end\n");
  });

  test("Q09: without an upgrade the same stream comes with 200", async () => {
    const id = await create({ Cmd: ["echo", "hi"] });
    const wire = new Wire(
      `POST /v1.50/containers/${id}/attach?stream=1&stdout=1 HTTP/1.0\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(await wire.head()).toMatch(/^HTTP\/1\.1 200 OK/);
    await daemon.api("POST", `/containers/${id}/start`);
    await wire.ended;
    expect(frames(wire.body)).toEqual(["1 hi\n"]);
  });

  test("attach with logs=1 replays what was said before", async () => {
    const id = await start({ Cmd: ["sh", "-c", "echo before; sleep 0.5; echo after"] });
    await until(
      "it has spoken",
      () => daemon.api("GET", `/containers/${id}/logs?stdout=1`),
      ({ text }) => text.includes("before"),
    );
    const wire = new Wire(
      `POST /v1.50/containers/${id}/attach?logs=1&stream=1&stdout=1 HTTP/1.1\r\n${UPGRADE}Content-Length: 0\r\n\r\n`,
    );
    await wire.ended;
    expect(frames(wire.body).join("")).toBe("1 before\n1 after\n");
  });

  async function startExec(id: string, options: object, input: string | null): Promise<Wire> {
    const created = await daemon.api("POST", `/containers/${id}/exec`, options);
    const execId = created.json<{ Id: string }>().Id;
    const body = JSON.stringify({ Detach: false, Tty: false });
    const wire = new Wire(
      `POST /v1.50/exec/${execId}/start HTTP/1.1\r\n${UPGRADE}Content-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}${input ?? ""}`,
    );
    if (input !== null) wire.socket.end();
    await wire.ended;
    const state = (await daemon.api("GET", `/exec/${execId}/json`)).json();
    expect(state["Running"]).toBe(false);
    expect(typeof state["ExitCode"]).toBe("number");
    return wire;
  }

  test("Q10: exec start takes its JSON with the upgrade, and stdin right behind it", async () => {
    const id = await start({ Cmd: ["sleep", "100"] });
    const wire = await startExec(
      id,
      { Cmd: ["cat"], AttachStdin: true, AttachStdout: true },
      "behind",
    );
    expect(frames(wire.body)).toEqual(["1 behind"]);
    const both = await startExec(
      id,
      { Cmd: ["sh", "-c", script], AttachStdout: true, AttachStderr: true },
      null,
    );
    expect(new Set(frames(both.body))).toEqual(new Set(["1 out\n", "2 err\n"]));
  });

  test("a client that does not read its logs holds nobody up, and misses nothing", async () => {
    const id = await start({ Cmd: ["seq", "1", "60000"] });
    const wire = new Wire(
      `GET /v1.50/containers/${id}/logs?stdout=1&follow=1 HTTP/1.0\r\nHost: d\r\n\r\n`,
    );
    await wire.head();
    wire.socket.pause();
    expect(await wait(id)).toBe(0);
    wire.socket.resume();
    await wire.ended;
    const lines = frames(wire.body).map((text) => Number(text.slice(2)));
    expect(lines.length).toBe(60_000);
    expect(lines.every((line, index) => line === index + 1)).toBe(true);
  });

  test("a client that dies in the middle of a flood hurts nobody", async () => {
    const id = await start({
      Cmd: ["sh", "-c", "head -c 5000000 /dev/zero | tr '\\\\0' x | fold -w 1000; echo end >&2"],
    });
    const wire = new Wire(
      `GET /v1.50/containers/${id}/logs?stdout=1&follow=1 HTTP/1.1\r\nHost: d\r\n\r\n`,
    );
    await wire.head();
    wire.socket.destroy();
    expect(await wait(id)).toBe(0);
    expect((await daemon.api("GET", `/containers/${id}/logs?stderr=1`)).text).toContain("end\n");
  });
});

describe.skipIf(skipSchema)("Docker's schema", () => {
  const passes = async (route: string, answer: Answer | Promise<Answer>): Promise<void> => {
    const { status, text } = await answer;
    expect([route, faultsOf(JSON.parse(text), route, status)]).toEqual([route, []]);
  };

  test("every JSON answer has the form that Docker's clients expect", async () => {
    const options = {
      Cmd: ["sleep", "100"],
      Tty: true,
      Labels: { a: "b" },
      ExposedPorts: { "80": {} },
      HostConfig: { Memory: 64 << 20, Binds: ["/tmp:/host:ro"], CapAdd: ["NET_ADMIN"] },
    };
    const created = await daemon.api("POST", "/containers/create?name=schema", {
      Image: "busybox",
      ...options,
    });
    await passes("POST /containers/create", created);
    await passes("GET /containers/{id}/json", daemon.api("GET", "/containers/schema/json"));
    await daemon.api("POST", "/containers/schema/start");
    await passes("GET /containers/{id}/json", daemon.api("GET", "/containers/schema/json?size=1"));
    await passes("GET /containers/json", daemon.api("GET", "/containers/json?all=1&size=1"));
    const exec = await daemon.api("POST", "/containers/schema/exec", { Cmd: ["true"] });
    await passes("POST /containers/{id}/exec", exec);
    const { Id } = exec.json<{ Id: string }>();
    await passes("GET /exec/{id}/json", daemon.api("GET", `/exec/${Id}/json`));
    await daemon.api("POST", `/exec/${Id}/start`, { Detach: true });
    await until(
      "the exec has ended",
      () => daemon.api("GET", `/exec/${Id}/json`),
      (answer) => answer.json()["Running"] === false,
    );
    await passes("GET /exec/{id}/json", daemon.api("GET", `/exec/${Id}/json`));
    await daemon.api("POST", "/containers/schema/kill");
    await passes("POST /containers/{id}/wait", daemon.api("POST", "/containers/schema/wait"));
    await passes("GET /containers/{id}/json", daemon.api("GET", "/containers/schema/json"));
  });

  test("the answers about images, networks, volumes and the daemon too", async () => {
    await passes("GET /version", daemon.api("GET", "/version"));
    await passes("GET /info", daemon.api("GET", "/info"));
    await passes("GET /images/json", daemon.api("GET", "/images/json"));
    await passes("GET /images/json", daemon.api("GET", "/images/json?manifests=1"));
    await passes("GET /images/{name}/json", daemon.api("GET", "/images/busybox/json"));
    await passes("GET /images/{name}/history", daemon.api("GET", "/images/busybox/history"));
    await passes("GET /networks", daemon.api("GET", "/networks"));
    await passes("GET /networks/{id}", daemon.api("GET", "/networks/none"));
    await passes("GET /volumes", daemon.api("GET", "/volumes"));
    await passes("GET /plugins", daemon.api("GET", "/plugins"));
  });

  test("errors too, and the check itself can fail", async () => {
    await passes("GET /containers/{id}/json", daemon.api("GET", "/containers/nosuch/json"));
    expect(faultsOf({ Id: 7 }, "POST /containers/create", 201)).toEqual([
      "answer.Warnings: missing",
      "answer.Id: 7 is not string",
    ]);
  });
});

describe.skipIf(skip)("our own words", () => {
  test("a plan names steps and sources and does nothing; a journal tells what was done", async () => {
    const plan = (await daemon.api("POST", "/drydock/plan", { Image: "busybox" })).json<{
      steps: { source: string; call: string }[];
    }>();
    expect(plan.steps.length).toBeGreaterThan(20);
    expect((await daemon.api("GET", "/containers/json?all=1")).json()).toEqual([]);
    const id = await start({ Cmd: ["true"] });
    await wait(id);
    const journal = (await daemon.api("GET", `/drydock/containers/${id}/journal`)).json<
      { source?: string; call: string; where: string }[]
    >();
    const calls = new Set(journal.map(({ call }) => call));
    for (const call of ["mount", "pivotRoot", "setHostname", "execve"])
      expect([...calls]).toContain(call);
    const sources = journal.flatMap(({ source }) => (source === undefined ? [] : [source]));
    expect(sources.length).toBeGreaterThan(20);
    for (const source of sources)
      expect(source).toMatch(/^runtime\/src\/[a-z-]+\/[a-z/-]+\.ts:\d+$/);
  });
});
