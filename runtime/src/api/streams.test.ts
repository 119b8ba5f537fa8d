import { describe, expect, test } from "vitest";
import type { LogsRequest } from "../engine/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { formatLogTime, parseLogTime } from "../container/index.ts";
import { detachFilter, parseDetachKeys } from "../wire/index.ts";
import { ask, attachedDouble, engineDouble } from "./engine.fixture.ts";
import type { Platform } from "./index.ts";
import { readMomentMs } from "./query.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (chunks: readonly Uint8Array[]): string =>
  chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

/** A line whose client is the test. */
function client() {
  const received: Uint8Array[] = [];
  const seen = { contentType: "", closed: false };
  let gone = false;
  let sender: ReadableStreamDefaultController<Uint8Array> | undefined;
  const platform: Platform = {
    hijack: (contentType) => {
      seen.contentType = contentType;
      const input = new ReadableStream<Uint8Array>({ start: (given) => void (sender = given) });
      return {
        input: () => input,
        ignoreInput: () => void input.pipeTo(new WritableStream()),
        write: (chunk) => {
          if (gone) throw new Error("gone");
          received.push(chunk.slice());
        },
        end: () => void (seen.closed = true),
        abort: () => void (seen.closed = true),
      };
    },
  };
  return {
    platform,
    received,
    seen,
    send: (given: string) => sender?.enqueue(bytes(given)),
    sendBytes: (given: number[]) => sender?.enqueue(Uint8Array.from(given)),
    endInput: () => sender?.close(),
    vanish: () => void (gone = true),
  };
}

const post = (path: string, body?: object): Request =>
  new Request(`http://d${path}`, {
    method: "POST",
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  });

const ALL = "/containers/x/attach?stream=1&stdin=1&stdout=1&stderr=1";

describe("attach", () => {
  test("bytes flow both ways, and the end of input does not end the output", async () => {
    const process = attachedDouble(false);
    const { api, asked } = engineDouble({ attachContainer: async () => process.attached });
    const line = client();
    await api(post(`/v1.50${ALL}`), line.platform);
    expect(asked.at(-1)?.args).toEqual([
      "x",
      { stdin: true, stdout: true, stderr: true, logs: false, stream: true },
    ]);
    expect(line.seen.contentType).toBe("application/vnd.docker.multiplexed-stream");
    line.send("in");
    line.endInput();
    await settled();
    expect(text(process.written)).toBe("in");
    expect(process.events).toEqual(["end of input"]);
    process.say("out");
    await settled();
    expect(text(line.received)).toBe("out");
    process.end();
    await settled();
    expect(line.seen.closed).toBe(true);
  });

  test("the content type follows version and terminal", async () => {
    const types: string[] = [];
    for (const [version, raw] of [
      ["1.41", false],
      ["1.42", false],
      ["1.50", true],
    ] as const) {
      const { api } = engineDouble({ attachContainer: async () => attachedDouble(raw).attached });
      const line = client();
      await api(post(`/v${version}${ALL}`), line.platform);
      types.push(line.seen.contentType.replace("application/vnd.docker.", ""));
    }
    expect(types).toEqual(["raw-stream", "multiplexed-stream", "raw-stream"]);
  });

  test("without an upgrade the same bytes are the body of a 200", async () => {
    const process = attachedDouble(false);
    const { api } = engineDouble({ attachContainer: async () => process.attached });
    const response = await ask(api, "POST", "/containers/x/attach?stream=1&stdout=1");
    expect(response.headers.get("content-type")).toBe("application/vnd.docker.raw-stream");
    process.say("out");
    process.end();
    expect(await response.text()).toBe("out");
  });

  test("a client without an upgrade that goes away detaches", async () => {
    const process = attachedDouble(false);
    const { api } = engineDouble({ attachContainer: async () => process.attached });
    const response = await ask(api, "POST", "/containers/x/attach?stream=1&stdout=1");
    await response.body?.cancel();
    expect(process.events).toContain("detached");
  });

  test("what a client sends without having asked for stdin goes nowhere", async () => {
    const process = attachedDouble(false);
    const { api } = engineDouble({ attachContainer: async () => process.attached });
    const line = client();
    await api(post("/containers/x/attach?stream=1&stdout=1"), line.platform);
    line.send("in");
    line.endInput();
    await settled();
    expect([process.written, process.events]).toEqual([[], []]);
  });

  test("Ctrl-P Ctrl-Q leaves a terminal, in one packet or two, and is not typed into it", async () => {
    for (const packets of [[[97, 16, 17]], [[97, 16], [17]]]) {
      const process = attachedDouble(true);
      const { api } = engineDouble({ attachContainer: async () => process.attached });
      const line = client();
      await api(post(ALL), line.platform);
      packets.forEach(line.sendBytes);
      await settled();
      expect(text(process.written)).toBe("a");
      expect(process.events).toEqual(["detached"]);
    }
  });

  test("without a terminal Ctrl-P Ctrl-Q are bytes like any other", async () => {
    const process = attachedDouble(false);
    const { api } = engineDouble({ attachContainer: async () => process.attached });
    const line = client();
    await api(post(ALL), line.platform);
    line.sendBytes([16, 17]);
    await settled();
    expect([...(process.written[0] ?? [])]).toEqual([16, 17]);
  });

  test("the end of a client's input does not end a terminal", async () => {
    const process = attachedDouble(true);
    const { api } = engineDouble({ attachContainer: async () => process.attached });
    const line = client();
    await api(post(ALL), line.platform);
    line.endInput();
    await settled();
    expect(process.events).toEqual([]);
  });

  test("a client that is gone when output comes is detached", async () => {
    const process = attachedDouble(false);
    const { api } = engineDouble({ attachContainer: async () => process.attached });
    const line = client();
    await api(post(ALL), line.platform);
    line.vanish();
    process.say("out");
    await settled();
    expect(process.events).toContain("detached");
  });

  test("unknown detach keys are refused", async () => {
    const { api, asked } = engineDouble({
      attachContainer: async () => attachedDouble(true).attached,
    });
    const response = await ask(api, "POST", "/containers/x/attach?detachKeys=ctrl-1");
    expect(response.status).toBe(400);
    expect(asked.some(({ method }) => method === "attachContainer")).toBe(false);
  });
});

describe("detach keys", () => {
  test("parseDetachKeys() reads control keys and plain ones", () => {
    expect(parseDetachKeys("")).toEqual([16, 17]);
    expect(parseDetachKeys("ctrl-a,b,ctrl-@,ctrl-[")).toEqual([1, 98, 0, 27]);
    expect(() => parseDetachKeys("ab")).toThrow("Invalid detach keys (ab) provided");
  });

  test("detachFilter() gives on what only looked like the keys", () => {
    const filter = detachFilter([16, 17]);
    expect(filter(Uint8Array.of(16)).bytes).toEqual(Uint8Array.of());
    expect(filter(Uint8Array.of(16, 97)).bytes).toEqual(Uint8Array.of(16, 16, 97));
    expect(filter(Uint8Array.of(16, 17, 98))).toEqual({ bytes: Uint8Array.of(), detached: true });
  });

  test("detachFilter() sees keys that begin again inside themselves", () => {
    const filter = detachFilter([1, 1, 2]);
    expect(filter(Uint8Array.of(1, 1, 1, 2))).toEqual({ bytes: Uint8Array.of(1), detached: true });
  });
});

describe("logs", () => {
  test("options are read, and the stream is the body", async () => {
    const { api, asked } = engineDouble({
      containerLogs: async () => ({ raw: false, stream: new Blob(["log"]).stream() }),
    });
    const path =
      "/v1.42/containers/x/logs?stdout=1&follow=1&tail=5&since=1700000000.25&timestamps=1";
    const response = await ask(api, "GET", path);
    expect(response.headers.get("content-type")).toBe("application/vnd.docker.multiplexed-stream");
    expect(await response.text()).toBe("log");
    const request: LogsRequest = {
      stdout: true,
      stderr: false,
      follow: true,
      sinceMs: 1_700_000_000_250,
      untilMs: Infinity,
      timestamps: true,
      tail: 5,
      details: false,
    };
    expect(asked.at(-1)?.args).toEqual(["x", request]);
  });

  test("tail is a number or everything; until=0 is no end", async () => {
    const tails: unknown[] = [];
    const { api } = engineDouble({
      containerLogs: async (_, { tail, untilMs }) => {
        tails.push(tail, untilMs);
        return { raw: true, stream: new Blob([]).stream() };
      },
    });
    for (const query of ["tail=all", "tail=-1", "tail=0&until=0", "until=1"]) {
      await ask(api, "GET", `/containers/x/logs?stderr=1&${query}`);
    }
    expect(tails).toEqual([Infinity, Infinity, Infinity, Infinity, 0, Infinity, Infinity, 1000]);
  });

  test("no stream, or a moment that is none, is 400", async () => {
    const { api } = engineDouble();
    for (const query of ["", "stdout=1&since=yesterday"]) {
      expect((await ask(api, "GET", `/containers/x/logs?${query}`)).status).toBe(400);
    }
  });
});

describe("wait", () => {
  test("the headers come before the end, and the end is in the body", async () => {
    let finish: (answer: { exitCode: number; error: null }) => void = () => {};
    const done = new Promise<{ exitCode: number; error: null }>((resolve) => (finish = resolve));
    const { api, asked } = engineDouble({ waitContainer: () => ({ done }) });
    const response = await ask(api, "POST", "/containers/x/wait?condition=next-exit");
    expect(response.status).toBe(200);
    finish({ exitCode: 3, error: null });
    expect(await response.json()).toEqual({ StatusCode: 3 });
    expect(asked.at(-1)?.args).toEqual(["x", "next-exit"]);
  });

  test("a moment that logs -t printed means that very line", () => {
    for (let micro = 0; micro < 1000; micro++) {
      const ms = 1_795_341_605_000 + micro * 1.001;
      const printed = formatLogTime(ms);
      const [, fraction = "0"] = /\.(\d+)Z/.exec(printed) ?? [];
      const query = new URLSearchParams(
        `since=${Math.floor(ms / 1000)}.${fraction.padEnd(9, "0")}`,
      );
      expect(readMomentMs(query, "since")).toBe(parseLogTime(printed));
    }
    expect(readMomentMs(new URLSearchParams("since=-1.5"), "since")).toBe(-1500);
  });

  test("a wait that fails says so in the body, since its status is long gone", async () => {
    const done = Promise.reject(new Error("lost"));
    const { api } = engineDouble({ waitContainer: () => ({ done }) });
    const response = await ask(api, "POST", "/containers/x/wait");
    expect(await response.json()).toEqual({ StatusCode: -1, Error: { Message: "lost" } });
  });

  test("an unknown condition is 400, an unknown container 404", async () => {
    const { api } = engineDouble();
    expect((await ask(api, "POST", "/containers/x/wait?condition=never")).status).toBe(400);
    expect((await ask(api, "POST", "/containers/x/wait")).status).toBe(404);
  });
});

describe("exec", () => {
  const known = { OpenStdin: true, DetachKeys: "" };

  test("create completes what the client left out", async () => {
    const { api, asked } = engineDouble({ createExec: async () => ({ id: "e1" }) });
    const response = await ask(api, "POST", "/containers/x/exec", { Cmd: ["ls"], Env: null });
    expect([response.status, await response.json()]).toEqual([201, { Id: "e1" }]);
    expect(asked.at(-1)?.args).toEqual([
      "x",
      {
        cmd: ["ls"],
        env: [],
        user: "",
        workingDir: "",
        tty: false,
        privileged: false,
        attachStdin: false,
        attachStdout: false,
        attachStderr: false,
        detachKeys: "",
        consoleSize: [0, 0],
      },
    ]);
  });

  test("an exec without a command is 400", async () => {
    const response = await ask(engineDouble().api, "POST", "/containers/x/exec", { Cmd: [] });
    expect(await response.json()).toMatchObject({ message: "No exec command specified" });
  });

  test("start becomes the process's line", async () => {
    const process = attachedDouble(false);
    const { api } = engineDouble({
      inspectExec: () => known,
      startExec: async () => process.attached,
    });
    const line = client();
    await api(post("/exec/e1/start", { Detach: false, Tty: false }), line.platform);
    line.send("in");
    process.say("out");
    process.end();
    await settled();
    expect([text(process.written), text(line.received), line.seen.closed]).toEqual([
      "in",
      "out",
      true,
    ]);
  });

  test("a detached start answers at once", async () => {
    const { api, asked } = engineDouble({ inspectExec: () => known, startExec: async () => null });
    const response = await ask(api, "POST", "/exec/e1/start", { Detach: true });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(asked.at(-1)?.args).toEqual(["e1", { detach: true, tty: false, consoleSize: [0, 0] }]);
  });

  test("a start that is refused is an HTTP error, and the connection is not taken over", async () => {
    const { api } = engineDouble({
      inspectExec: () => known,
      startExec: () =>
        Promise.reject(
          new RuntimeError({ code: "exec-already-started", class: "conflict", message: "why" }),
        ),
    });
    const line = client();
    const response = await api(post("/exec/e1/start", {}), line.platform);
    expect(response.status).toBe(409);
    expect(line.seen.contentType).toBe("");
  });

  test("an unknown exec is 404", async () => {
    expect((await ask(engineDouble().api, "POST", "/exec/e1/start", {})).status).toBe(404);
    expect((await ask(engineDouble().api, "GET", "/exec/e1/json")).status).toBe(404);
  });
});
