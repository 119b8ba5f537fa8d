import { describe, expect, test } from "vitest";
import { frame, runCommandLine, type Api, type Asked, type Reply } from "../program.fixture.ts";

const ID = "ab".repeat(32);

/** An API with one image and one container that prints and ends. */
function engine(
  parts: { exitCode?: number; create?: Reply; start?: Reply; tty?: boolean } = {},
): Api {
  const { exitCode = 0, create, start, tty = false } = parts;
  let started = (): void => undefined;
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const framed = start === undefined ? [frame("stdout", "out\n"), frame("stderr", "err\n")] : [];
  const streams = tty ? [new TextEncoder().encode("raw\r\n")] : framed;
  const routes: Readonly<Record<string, () => Reply>> = {
    "POST /containers/create": () =>
      create ?? { status: 201, json: { Id: ID, Warnings: ["careful"] } },
    [`POST /containers/${ID}/attach`]: () => ({ stream: streams, after: running }),
    [`POST /containers/${ID}/wait`]: () => ({ json: { StatusCode: exitCode }, after: running }),
    [`POST /containers/${ID}/start`]: () => {
      started();
      return start ?? { status: 204 };
    },
    [`POST /containers/${ID}/resize`]: () => ({ status: 200 }),
    [`POST /containers/${ID}/kill`]: () => ({ status: 204 }),
  };
  return ({ method, path }) => routes[`${method} ${path}`]?.();
}

function paths(asked: readonly Asked[]): string[] {
  return asked.map(({ path }) => path.replace(`/containers/${ID}`, "…"));
}

describe("run", () => {
  test("creates, attaches, waits and only then starts; the exit code is the container's", async () => {
    const ran = await runCommandLine(["run", "busybox", "sh"], engine({ exitCode: 7 }));
    expect(paths(ran.asked)).toEqual(["/containers/create", "…/attach", "…/wait", "…/start"]);
    expect(ran.out).toBe("out\n");
    expect(ran.err).toBe("WARNING: careful\nerr\n");
    expect(ran.code).toBe(7);
  });

  test("--rm waits for the removal", async () => {
    const ran = await runCommandLine(["run", "--rm", "busybox"], engine());
    expect(ran.asked[2]?.query).toEqual({ condition: "removed" });
    expect(ran.asked[0]?.body).toMatchObject({ HostConfig: { AutoRemove: true } });
  });

  test("-d prints the id and attaches nothing", async () => {
    const ran = await runCommandLine(["run", "-d", "busybox"], engine());
    expect(ran.out).toBe(`${ID}\n`);
    expect(paths(ran.asked)).toEqual(["/containers/create", "…/start"]);
    expect(ran.asked[0]?.body).toMatchObject({ AttachStdout: false, AttachStdin: false });
  });

  test("-i sends the input and closes one direction", async () => {
    const ran = await runCommandLine(["run", "-i", "busybox", "cat"], engine(), {
      input: ["a", "b"],
    });
    expect(ran.sent).toBe("ab<EOF>");
    expect(ran.asked[0]?.body).toMatchObject({ OpenStdin: true, StdinOnce: true });
  });

  test("-it makes the terminal raw, gives its size and restores it", async () => {
    const user = { terminal: { rows: 30, columns: 90 } };
    const ran = await runCommandLine(["run", "-it", "busybox"], engine({ tty: true }), user);
    expect(ran.err).toBe("WARNING: careful\n<raw><restored>");
    expect(ran.out).toBe("raw\r\n");
    expect(ran.asked[0]?.body).toMatchObject({ Tty: true, HostConfig: { ConsoleSize: [30, 90] } });
    expect(ran.asked.find(({ path }) => path.endsWith("/resize"))?.query).toEqual({
      h: "30",
      w: "90",
    });
  });

  test("Ctrl-P Ctrl-Q leaves the terminal and restores it; the exit code is 0", async () => {
    const never = new Promise<void>(() => undefined);
    const api: Api = (asked) => {
      const reply = engine({ tty: true, exitCode: 9 })(asked);
      return reply?.stream === undefined ? reply : { ...reply, after: never };
    };
    const user = { terminal: { rows: 30, columns: 90 }, input: ["ls", "\u0010", "\u0011", "x"] };
    const ran = await runCommandLine(["run", "-it", "busybox"], api, user);
    expect(ran.code).toBe(0);
    expect(ran.sent).toBe("ls");
    expect(ran.err).toContain("<restored>");
  });

  test("forwards signals to the container", async () => {
    const user = { onSignal: (send: (signal: string) => void) => send("SIGINT") };
    const ran = await runCommandLine(["run", "busybox"], engine(), user);
    const kill = ran.asked.find(({ path }) => path.endsWith("/kill"));
    expect(kill?.query).toEqual({ signal: "SIGINT" });
    const silent = await runCommandLine(["run", "--sig-proxy=false", "busybox"], engine(), user);
    expect(paths(silent.asked)).not.toContain("…/kill");
  });

  test.each([
    ['exec: "foo": executable file not found in $PATH: unknown', 127],
    ['exec: "/x": no such file or directory: unknown', 127],
    ['exec: "/etc/passwd": permission denied: unknown', 126],
    ['exec: "/etc": is a directory: unknown', 126],
    ["something else", 125],
  ])("a start that fails with %j ends with %d", async (message, code) => {
    const start = { status: 400, json: { message, hint: "Look at it." } };
    const ran = await runCommandLine(["run", "--rm", "busybox", "foo"], engine({ start }));
    expect(ran.code).toBe(code);
    expect(ran.err).toBe(
      `WARNING: careful\ndrydock: Error response from daemon: ${message}\nLook at it.\n\n` +
        "Run 'drydock run --help' for more information\n",
    );
  });

  test("a missing image is fetched; what the stream says in a 200 is the error", async () => {
    const create = { status: 404, json: { message: "No such image: foo:latest" } };
    const progress =
      '{"status":"Pulling from library/foo"}\n{"error":"denied","errorDetail":{"message":"denied"}}\n';
    const api: Api = (asked) =>
      asked.path === "/images/create" ? { text: progress } : engine({ create })(asked);
    const ran = await runCommandLine(["run", "foo"], api);
    expect(ran.err).toBe(
      "Unable to find image 'foo:latest' locally\nPulling from library/foo\n" +
        "drydock: Error response from daemon: denied\n\nRun 'drydock run --help' for more information\n",
    );
    expect(ran.code).toBe(125);
    expect(ran.asked[1]?.query).toEqual({ fromImage: "docker.io/library/foo", tag: "latest" });
    const never = await runCommandLine(["run", "--pull", "never", "foo"], api);
    expect(never.err).not.toContain("Unable to find");
    expect(never.code).toBe(125);
  });

  test("--plan asks for the steps and takes none", async () => {
    const step = {
      n: 1,
      where: "init",
      concept: "layers",
      operation: "mount overlay",
      call: "mount",
      args: [{ source: "overlay", target: "/x" }],
      why: "stack the layers",
      source: "runtime/src/layers/overlay.ts:40",
    };
    const api: Api = ({ path }) =>
      path === "/drydock/plan" ? { json: { steps: [step], warnings: ["w"] } } : undefined;
    const ran = await runCommandLine(["run", "--plan", "-m", "64m", "busybox", "true"], api);
    expect(ran.asked).toHaveLength(1);
    expect(ran.asked[0]?.body).toMatchObject({
      Image: "busybox",
      HostConfig: { Memory: 64 << 20 },
    });
    expect(ran.err).toBe("WARNING: w\n");
    expect(ran.out).toContain('mount(source="overlay", target="/x")');
    expect(ran.out).toContain("docs/concepts/layers.md");
    expect(ran.out).toContain("runtime/src/layers/overlay.ts:40");
    const json = await runCommandLine(["run", "--plan", "--format", "json", "busybox"], api);
    expect(JSON.parse(json.out)).toMatchObject({ steps: [step] });
  });
});
