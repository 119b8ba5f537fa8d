import { mkdtempSync, rmSync } from "node:fs";
import { request, type IncomingMessage } from "node:http";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createApi, type Api } from "../api/index.ts";
import { attachedDouble, engineDouble } from "../api/engine.fixture.ts";
import { createApiServer } from "./server.ts";

const directory = mkdtempSync(join(tmpdir(), "drydock-server-"));
const socketPath = join(directory, "d.sock");
let api: Api;
const server = createApiServer((given, platform) => api(given, platform), {
  "Api-Version": "1.50",
});

beforeAll(() => new Promise<void>((resolve) => server.listen(socketPath, resolve)));
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

interface Answer {
  readonly response: IncomingMessage;
  readonly body: string;
}

function ask(method: string, path: string, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    const call = request({ socketPath, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ response, body: Buffer.concat(chunks).toString() }));
    });
    call.on("error", reject);
    call.end(body);
  });
}

/** A socket on which a test writes its request by hand. */
async function dial(): Promise<{
  socket: Socket;
  received: () => string;
  until: (text: string) => Promise<void>;
  ended: Promise<void>;
}> {
  const socket = createConnection({ path: socketPath, allowHalfOpen: true });
  let all = "";
  socket.on("data", (chunk: Buffer) => (all += chunk.toString()));
  const ended = new Promise<void>((resolve) => socket.on("end", resolve));
  await new Promise((resolve) => socket.once("connect", resolve));
  const until = async (text: string): Promise<void> => {
    while (!all.includes(text)) await new Promise((resolve) => socket.once("data", resolve));
  };
  return { socket, received: () => all, until, ended };
}

const UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

describe("ordinary requests", () => {
  test("an answer that is complete has its length; statuses without a body have none", async () => {
    ({ api } = engineDouble({ startContainer: async () => {} }));
    const ping = await ask("GET", "/_ping");
    expect(ping.body).toBe("OK");
    expect(ping.response.headers["content-length"]).toBe("2");
    const start = await ask("POST", "/containers/x/start");
    expect([start.response.statusCode, start.body]).toEqual([204, ""]);
    expect(start.response.headers["api-version"]).toBe("1.50");
    const head = await ask("HEAD", "/_ping");
    expect([head.response.statusCode, head.response.headers["api-version"]]).toEqual([200, "1.50"]);
  });

  test("a body arrives with a length and in chunks", async () => {
    const double = engineDouble({ createContainer: async () => ({ id: "c", warnings: [] }) });
    ({ api } = double);
    const body = JSON.stringify({ Image: "b", Env: [`A=${"x".repeat(300_000)}`] });
    expect((await ask("POST", "/containers/create", body)).response.statusCode).toBe(201);
    const { socket, until } = await dial();
    const json = '{"Image":"b"}';
    socket.write(
      "POST /containers/create HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n" +
        `Transfer-Encoding: chunked\r\n\r\n${json.length.toString(16)}\r\n${json}\r\n0\r\n\r\n`,
    );
    await until("201 Created");
    socket.destroy();
  });

  test("a header may be as large as Go's server takes, and a connection may rest", async () => {
    ({ api } = engineDouble());
    const { socket, until } = await dial();
    socket.write(`GET /_ping HTTP/1.1\r\nHost: d\r\nX-Large: ${"x".repeat(300_000)}\r\n\r\n`);
    await until("200 OK");
    await new Promise((resolve) => setTimeout(resolve, 5500));
    socket.write("GET /version HTTP/1.1\r\nHost: d\r\n\r\n");
    await until('{"Version":"1.2.3"}');
    socket.destroy();
  });

  test("a target that is no URL is 400 and the server lives on", async () => {
    ({ api } = engineDouble());
    const { socket, until } = await dial();
    socket.write("GET http:// HTTP/1.1\r\nHost: d\r\n\r\n");
    await until("HTTP/1.1 400");
    socket.destroy();
    expect((await ask("GET", "/_ping")).body).toBe("OK");
  });

  test("headers of an answer that takes its time go out at once", async () => {
    let finish: (answer: { exitCode: number; error: null }) => void = () => {};
    const done = new Promise<{ exitCode: number; error: null }>((resolve) => (finish = resolve));
    ({ api } = engineDouble({ waitContainer: () => ({ done }) }));
    const { socket, until, received } = await dial();
    socket.write("POST /containers/x/wait HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\n\r\n");
    await until("\r\n\r\n");
    expect(received()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(received()).not.toContain("StatusCode");
    finish({ exitCode: 7, error: null });
    await until('{"StatusCode":7}');
    socket.destroy();
  });

  test("a client that leaves cancels what it follows", async () => {
    let cancelled: () => void = () => {};
    const left = new Promise<void>((resolve) => (cancelled = resolve));
    const stream = new ReadableStream<Uint8Array>({ cancel: () => cancelled() });
    ({ api } = engineDouble({ containerLogs: async () => ({ raw: true, stream }) }));
    const { socket, until } = await dial();
    socket.write("GET /containers/x/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: d\r\n\r\n");
    await until("200 OK");
    socket.destroy();
    await left;
  });

  test("a stream that fails breaks the connection instead of looking complete", async () => {
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Uint8Array.of(120));
        setTimeout(() => controller.error(new Error("lost")), 20);
      },
    });
    ({ api } = engineDouble({ containerLogs: async () => ({ raw: true, stream }) }));
    await expect(ask("GET", "/containers/x/logs?follow=1&stdout=1")).rejects.toThrow(
      /aborted|hang up/,
    );
  });

  test("a source is read only as fast as the client reads", async () => {
    let made = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        made += 65_536;
        controller.enqueue(new Uint8Array(65_536));
        if (made >= 64 << 20) controller.close();
      },
    });
    ({ api } = engineDouble({ containerLogs: async () => ({ raw: true, stream }) }));
    const socket = createConnection({ path: socketPath });
    socket.write("GET /containers/x/logs?stdout=1 HTTP/1.1\r\nHost: d\r\n\r\n");
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(made).toBeLessThan(8 << 20);
    socket.destroy();
  });
});

describe("lines", () => {
  const attach = `POST /v1.50/containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: d\r\n${UPGRADE}Content-Length: 0\r\n\r\n`;

  test("an upgrade gets 101, and input that came with it is input", async () => {
    const process = attachedDouble(false);
    ({ api } = engineDouble({ attachContainer: async () => process.attached }));
    const { socket, until, received, ended } = await dial();
    socket.write(`${attach}early `);
    await until("\r\n\r\n");
    expect(received()).toBe(
      "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n" +
        "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n",
    );
    socket.end("late");
    await expect.poll(() => process.events).toEqual(["end of input"]);
    expect(Buffer.concat(process.written).toString()).toBe("early late");
    process.say("output after the end of input");
    await until("output after the end of input");
    process.end();
    await ended;
  });

  test("a body that came with the upgrade is cut off by its length", async () => {
    const process = attachedDouble(false);
    const double = engineDouble({
      inspectExec: () => ({ OpenStdin: true, DetachKeys: "" }),
      startExec: async () => process.attached,
    });
    ({ api } = double);
    const body = '{"Detach":false,"Tty":false,"ConsoleSize":[9,8]}';
    const head =
      `POST /exec/e/start HTTP/1.1\r\nHost: d\r\n${UPGRADE}` +
      `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const { socket, until, ended } = await dial();
    socket.write(head + body.slice(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 20));
    socket.write(`${body.slice(10)}stdin`);
    await until("101 UPGRADED");
    expect(double.asked.at(-1)?.args).toEqual([
      "e",
      { detach: false, tty: false, consoleSize: [9, 8] },
    ]);
    await expect.poll(() => Buffer.concat(process.written).toString()).toBe("stdin");
    process.end();
    await ended;
    socket.destroy();
  });

  test("an upgrade to a route that fails is an ordinary error", async () => {
    ({ api } = engineDouble());
    const { socket, until, received, ended } = await dial();
    socket.write(attach);
    await until("No such container");
    expect(received()).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    await ended;
    socket.destroy();
  });

  test("an offer of another protocol is declined", async () => {
    ({ api } = engineDouble());
    const { socket, until } = await dial();
    socket.write(
      "GET /_ping HTTP/1.1\r\nHost: d\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
    );
    await until("200 OK");
    await until("\r\n\r\nOK");
    socket.destroy();
  });

  test("a client that breaks off ends its input, and output to it detaches", async () => {
    const process = attachedDouble(false);
    ({ api } = engineDouble({ attachContainer: async () => process.attached }));
    const { socket, until } = await dial();
    socket.write(attach);
    await until("\r\n\r\n");
    socket.destroy();
    await expect.poll(() => process.events).toContain("end of input");
    process.say("x".repeat(1000));
    process.say("y".repeat(1000));
    await expect.poll(() => process.events).toContain("detached");
  });

  test("who detaches by keys and goes on typing, or leaves, ends nobody else's daemon", async () => {
    const process = attachedDouble(true);
    ({ api } = engineDouble({ attachContainer: async () => process.attached }));
    const { socket, until } = await dial();
    socket.write(attach);
    await until("\r\n\r\n");
    socket.write("typed\x10\x11");
    await expect.poll(() => process.events).toContain("detached");
    socket.write("and more");
    socket.end();
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.end();
    expect((await ask("GET", "/_ping")).body).toBe("OK");
    expect(Buffer.concat(process.written).toString()).toBe("typed");
  });

  test("output waits for a client that does not read", async () => {
    let made = 0;
    const output = new ReadableStream<Uint8Array>({
      pull(controller) {
        made += 65_536;
        controller.enqueue(new Uint8Array(65_536));
        if (made >= 64 << 20) controller.close();
      },
    });
    const { attached } = attachedDouble(true);
    ({ api } = engineDouble({ attachContainer: async () => ({ ...attached, output }) }));
    const { socket, until } = await dial();
    socket.write(attach);
    await until("101");
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(made).toBeLessThan(8 << 20);
    socket.destroy();
  });
});

test("an API whose engine throws on every call answers every request", async () => {
  const broken = engineDouble();
  api = createApi({ engine: broken.engine, mapSource: (place) => place, onBug: () => {} });
  const paths = ["/containers/json", "/images/json", "/networks/host", "/info", "/nothing"];
  for (const path of paths) {
    const { response, body } = await ask("GET", path);
    expect(response.statusCode).toBeGreaterThanOrEqual(200);
    expect(() => JSON.parse(body) as unknown).not.toThrow();
  }
});
