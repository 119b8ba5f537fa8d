/**
 * The third lock on the layering: engine, API and CLI must run in a page.
 *
 * esbuild refuses to bundle an import of `node:*` for a browser; what it made is then loaded in a
 * context that has the language and the web's standards, but no `process`, no `Buffer`, no timers.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createContext, Script } from "node:vm";
import { build } from "esbuild";
import { beforeAll, expect, test } from "vitest";

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
  const page = createContext({ ...webStandards });
  new Script(`${bundle}; globalThis.drydock = drydock;`).runInContext(page);
  const loaded = page["drydock"] as Record<string, Record<string, unknown>>; // put there one line above
  expect(Object.keys(loaded).toSorted()).toEqual(rooms.toSorted());
  for (const [room, door] of Object.entries(loaded)) {
    expect(Object.keys(door).length, `${room} exports nothing`).toBeGreaterThan(0);
  }
});
