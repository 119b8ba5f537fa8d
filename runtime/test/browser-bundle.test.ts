/**
 * The third lock on the layering: engine, API and CLI must run in a page.
 *
 * esbuild refuses to bundle an import of `node:*` for a browser; what it made is then loaded in a
 * context that has the language and the web's standards, but no `process`, no `Buffer`, no timers.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createContext, Script } from "node:vm";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import type { openPlayground as open } from "../src/playground/index.ts";

const source = fileURLToPath(new URL("../src", import.meta.url));
const entries = ["daemon", "keeper"];
const rooms = readdirSync(source).filter((room) => !entries.includes(room));

/** What both Node and browsers have, and the runtime may use at any time. */
const webStandards = {
  AbortController,
  AbortSignal,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  TransformStream,
  URL,
  URLSearchParams,
  WritableStream,
};

let inputs: readonly string[] = [];
let bundle = "";

beforeAll(async () => {
  const result = await build({
    stdin: {
      contents: rooms.map((room) => `export * as ${room} from "./${room}/index.ts";`).join("\n"),
      resolveDir: source,
      loader: "ts",
    },
    bundle: true,
    format: "iife",
    globalName: "drydock",
    platform: "browser",
    target: "es2022",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  inputs = Object.keys(result.metafile.inputs);
  bundle = result.outputFiles[0]?.text ?? "";
});

test("every room but the entries is in the bundle", () => {
  expect(rooms).toEqual(expect.arrayContaining(["kernel", "container", "engine", "api", "cli"]));
  for (const room of rooms) {
    expect(inputs.some((path) => path.includes(`src/${room}/`))).toBe(true);
  }
});

test("the bundle holds no Linux kernel, no foreign calls and no entry", () => {
  const forbidden = /koffi|src\/kernel\/linux\/|src\/cli\/node\/|src\/(daemon|keeper)\//;
  expect(inputs.filter((path) => forbidden.test(path))).toEqual([]);
});

test("the bundle loads where there is no Node", () => {
  const bare = createContext({ ...webStandards });
  new Script(`${bundle}; globalThis.drydock = drydock;`).runInContext(bare);
  const loaded = bare["drydock"] as Record<string, Record<string, unknown>>; // put there one line above
  expect(Object.keys(loaded).toSorted()).toEqual(rooms.toSorted());
  for (const [room, door] of Object.entries(loaded)) {
    expect(Object.keys(door).length, `${room} exports nothing`).toBeGreaterThan(0);
  }
});

/** What a page has beyond that, for the clock of a playground. */
const page = {
  ...webStandards,
  clearTimeout,
  crypto: globalThis.crypto,
  performance,
  queueMicrotask,
  setTimeout,
};

/** What readers of the site may have to load for a playground, compressed. */
const PLAYGROUND_MAX_BYTES = 1.5 * 1024 * 1024;

test("the playground fits into a page and runs a container in it, without Node", async () => {
  const result = await build({
    entryPoints: [`${source}/playground/index.ts`],
    bundle: true,
    minify: true,
    format: "iife",
    globalName: "drydock",
    platform: "browser",
    target: "es2022",
    write: false,
    logLevel: "silent",
  });
  const script = result.outputFiles[0]?.contents ?? new Uint8Array();
  const sizeBytes = gzipSync(script).length;
  console.info(`the playground's script: ${sizeBytes} bytes compressed`);
  expect(sizeBytes).toBeLessThan(PLAYGROUND_MAX_BYTES);
  const context = createContext({ ...page });
  const text = new TextDecoder().decode(script);
  new Script(`${text}; globalThis.open = drydock.openPlayground;`).runInContext(context);
  const openPlayground = context["open"] as typeof open; // put there one line above
  const playground = await openPlayground();
  let shown = "";
  const shell = playground.openShell({
    write: (bytes) => (shown += new TextDecoder().decode(bytes)),
    size: () => ({ rows: 24, columns: 80 }),
  });
  await expect.poll(() => shown).toBe("playground:~# ");
  shell.input(new TextEncoder().encode("drydock run --rm busybox echo hi\r"));
  await expect.poll(() => shown).toMatch(/echo hi\r\nhi\r\nplayground:~# $/);
  const overlay = playground.journal.find(({ concept, call }) => {
    return concept === "layers" && call === "mount";
  });
  expect(overlay?.source).toMatch(/:\d+:\d+$/);
  shell.input(new TextEncoder().encode("exit 5\r"));
  expect(await shell.exited).toBe(5);
  await playground.close();
});
