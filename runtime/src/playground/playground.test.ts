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
    await expect.poll(() => text.slice(before), { timeout: 5000 }).toMatch(form);
    return text.slice(before);
  };
  return { ...shell, shown: () => text, type };
}

test("drydock run in the shell runs a container and shows what it says", async () => {
  const screen = screenOf(await boot());
  await screen.type("", /# $/);
  expect(await screen.type("drydock run --rm busybox echo hi\r", /\r\nhi\r\n.*# $/)).toContain(
    "hi",
  );
});

test("a container with a terminal takes keys: Ctrl-C, Ctrl-D, and Ctrl-P Ctrl-Q", async () => {
  const screen = screenOf(await boot());
  await screen.type("drydock run -it --name box busybox sh\r", /\r\n.*# $/);
  await screen.type("tty\r", /\/dev\/pts\/0\r\n.*# $/);
  await screen.type("sleep 1000\r", /sleep 1000\r\n/);
  await screen.type("\x03", /\^C.*# $/s);
  await screen.type("\x10\x11", /# $/);
  await screen.type("drydock ps\r", /Up .* box\r\n.*# $/);
  await screen.type("drydock attach box\r", /drydock attach box/);
  await screen.type("\r", /# $/);
  await screen.type("\x04", /# $/);
  await screen.type("drydock ps -a\r", /Exited \(0\).* box\r\n.*# $/);
});
