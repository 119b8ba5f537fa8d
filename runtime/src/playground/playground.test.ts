/** The whole of Drydock on a machine in memory, driven by keys as a reader of a page does. */
import { afterEach, expect, test } from "vitest";
import { openPlayground, type Playground, type Shell } from "./index.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A shell and what it has shown so far. */
interface Screen extends Shell {
  readonly shown: () => string;
  /** Types, and waits until what is new matches. @returns it */
  type(keys: string, form: RegExp): Promise<string>;
}

let open: Playground | undefined;

afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function boot(options?: Parameters<typeof openPlayground>[0]): Promise<Playground> {
  open = await openPlayground(options);
  return open;
}

function screenOf(playground: Playground): Screen {
  const decoder = new TextDecoder();
  let text = "";
  const io = {
    write: (bytes: Uint8Array) => (text += decoder.decode(bytes, { stream: true })),
    size: () => ({ rows: 24, columns: 80 }),
  };
  const shell = playground.openShell(io);
  const type = async (keys: string, form: RegExp): Promise<string> => {
    const before = text.length;
    shell.input(encode(keys));
    await expect.poll(() => text.slice(before)).toMatch(form);
    return text.slice(before);
  };
  return { ...shell, shown: () => text, type };
}

const HOST = /playground:~# $/;
const CONTAINER = /\n\/ # $/;

test("drydock run in the shell runs a container and shows what it says", async () => {
  const playground = await boot();
  const screen = screenOf(playground);
  await screen.type("", HOST);
  const before = playground.snapshot();
  const shown = await screen.type("drydock run --rm busybox echo hi; echo $?\r", HOST);
  expect(shown).toBe("drydock run --rm busybox echo hi; echo $?\r\nhi\r\n0\r\nplayground:~# ");
  await expect.poll(() => playground.snapshot().cgroups).toEqual(before.cgroups);
  expect(playground.snapshot().processes).toEqual(before.processes);
});

test("a container with a terminal takes keys: Ctrl-C, Ctrl-D, and Ctrl-P Ctrl-Q", async () => {
  const screen = screenOf(await boot());
  await screen.type("", HOST);
  await screen.type("drydock run -it --name box busybox sh\r", CONTAINER);
  await screen.type("tty; stty size\r", /\/dev\/pts\/0\r\n24 80\r\n\/ # $/);
  await screen.type("sleep 1000\r", /sleep 1000\r\n/);
  await screen.type("\x03", /\^C\r\n\/ # $/);
  await screen.type("\x10\x11", HOST);
  await screen.type("drydock ps\r", /Up .* box\r\n/);
  await screen.type("drydock attach box\r", /drydock attach box\r\n/);
  await screen.type("\r", CONTAINER);
  await screen.type("true\r\x04", HOST);
  await screen.type("drydock ps -a\r", /Exited \(0\).* box\r\n/);
});

test("exec, logs and stop work on a container in the background", async () => {
  const screen = screenOf(await boot({ cgroups: "v1", hostname: "dock" }));
  const host = /dock:~# $/;
  await screen.type("", host);
  const script = "trap 'exit 3' TERM; echo on; while :; do sleep 0.1; done";
  await screen.type(`drydock run -d --name bg busybox sh -c "${script}"\r`, /[0-9a-f]{64}\r\n/);
  const logs = "while ! drydock logs bg | grep -q on; do sleep 0.1; done; drydock logs bg\r";
  await screen.type(logs, /\non\r\n/);
  await screen.type("drydock exec bg hostname\r", /\n[0-9a-f]{12}\r\n/);
  await screen.type("drydock exec -it bg sh\r", CONTAINER);
  await screen.type("ps\r", /PID[\s\S]* 1 root[\s\S]*\/ # $/);
  await screen.type("exit 7\r", host);
  await screen.type("echo $?\r", /\n7\r\n/);
  await screen.type("drydock stop bg; drydock ps -a\r", /Exited \(3\)/);
  await screen.type("drydock rm bg; drydock ps -aq; echo end\r", /\nbg\r\nend\r\n/);
});

test("drydock events is ended by Ctrl-C, and tells nothing more", async () => {
  const screen = screenOf(await boot());
  await screen.type("", HOST);
  await screen.type("drydock run -d --name one busybox sleep 1000\r", HOST);
  await screen.type("drydock events\r", /events\r\n$/);
  const other = screenOf(open ?? (await boot()));
  await other.type("", HOST);
  await other.type("drydock kill one\r", HOST);
  await expect.poll(screen.shown, { timeout: 5000 }).toMatch(/container die/);
  await screen.type("\u0003", HOST);
  const shown = await screen.type("drydock start one\r", HOST);
  expect(shown).toBe("drydock start one\r\none\r\nplayground:~# ");
});

test("drydock ps ends when nobody reads on, and its exit codes are docker's", async () => {
  const screen = screenOf(await boot());
  await screen.type("", HOST);
  await screen.type("drydock ps | true; drydock run --rm busybox nope; echo $?\r", /\n127\r\n/);
  await screen.type("drydock run --rm nope; echo $?\r", /\n125\r\n/);
  expect(await screen.type("drydock kill\r", HOST)).toContain("\ndrydock: 'drydock kill' requires");
});

test("the journal has each call with its line, its maker, and the machine after it", async () => {
  const playground = await boot({ files: { "/srv/page/index.html": "<h1>hi</h1>\n" } });
  const screen = screenOf(playground);
  await screen.type("", HOST);
  const from = playground.journal.length;
  const heard: number[] = [];
  const stop = playground.onCall(({ index }) => heard.push(index));
  const line = "drydock run --name web -v /srv/page:/page:ro busybox cat /page/index.html\r";
  expect(await screen.type(line, HOST)).toContain("<h1>hi</h1>");
  stop();
  const calls = playground.journal.slice(from);
  expect(heard).toEqual(calls.map(({ index }) => index));
  expect(new Set(calls.map(({ where }) => where))).toEqual(new Set(["engine", "keeper", "init"]));
  const overlay = calls.find(({ args }) => JSON.stringify(args).includes('"fstype":"overlay"'));
  expect(overlay).toMatchObject({ call: "mount", where: "init", concept: "layers", effect: true });
  expect(overlay?.source).toMatch(/container\/init\.ts:\d+:\d+$/);
  const tables = (call: typeof overlay) => Object.values(call?.snapshot.mounts ?? {}).flat();
  const isOverlay = ({ type }: { readonly type: string }): boolean => type === "overlay";
  const before = playground.journal[(overlay?.index ?? 0) - 1];
  expect(tables(before).some(isOverlay)).toBe(false);
  expect(tables(overlay).some(isOverlay)).toBe(true);
  const explained = await screen.type("drydock explain web\r", HOST);
  expect(explained).toContain("overlay");
});

test("a command that the page brings along is in the PATH, and its calls in the journal", async () => {
  const playground = await boot({
    programs: {
      stow: async ({ argv, stdout }, kernel) => {
        const mode = { pidNamespace: "inherit", stdio: "null", stdin: false } as const;
        const child = kernel.spawn(mode, ({ kernel: own }) => {
          own.mkdir(`/tmp/${argv[1]}`, 0o755);
          return own.execve("/bin/true", ["true"], []);
        });
        const status = await child.exited;
        stdout.write(encode(`${JSON.stringify(status)}\n`));
        return 3;
      },
    },
  });
  const screen = screenOf(playground);
  await screen.type("", HOST);
  const from = playground.journal.length;
  const shown = await screen.type("stow away; echo $?; ls /tmp\r", HOST);
  expect(shown).toContain('{"exitCode":0}\r\n3\r\naway\r\n');
  const calls = playground.journal.slice(from).map(({ where, call }) => `${where} ${call}`);
  expect(calls).toEqual(["program spawn", "child mkdir", "child execve"]);
});

test("the API answers requests, and refuses what it does not know", async () => {
  const { api } = await boot();
  const version = await api(new Request("http://drydock/v1.50/version"));
  expect(await version.json()).toMatchObject({
    ApiVersion: "1.50",
    KernelVersion: expect.stringContaining("model"),
  });
  expect((await api(new Request("http://drydock/v1.50/none"))).status).toBe(404);
});
