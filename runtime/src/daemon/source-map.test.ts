import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { sourceMapper } from "./source-map.ts";
import { PROGRAM_VERSION } from "./version.ts";

test("sourceMapper() finds the line somebody wrote behind a line of a bundle", async () => {
  const directory = mkdtempSync(join(tmpdir(), "drydock-map-"));
  const source = join(directory, "src", "layers", "apply.ts");
  const bundle = join(directory, "dist", "daemon.mjs");
  try {
    await build({
      stdin: {
        contents:
          "type T = string;\n\nexport const where = (): T =>\n  String(new Error().stack);\n",
        sourcefile: source,
        loader: "ts",
      },
      outfile: bundle,
      sourcemap: "linked",
      sourcesContent: false,
      format: "esm",
    });
    // In a process of its own: the test runner maps the stacks of what it loads.
    const script = `import(${JSON.stringify(bundle)}).then(({ where }) => console.log(where()))`;
    const stack = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stdout;
    const frame = stack.split("\n")[1] ?? "";
    const place = /\(?(\S+:\d+:\d+)\)?$/.exec(frame)?.[1] ?? "";
    expect(place).toContain("dist/daemon.mjs");
    expect(sourceMapper()(place)).toBe("runtime/src/layers/apply.ts:4");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("sourceMapper() gives back what it cannot map", () => {
  const map = sourceMapper();
  expect(map("somewhere")).toBe("somewhere");
  expect(map("file:///x/runtime/src/engine/run.ts:10:5")).toBe("runtime/src/engine/run.ts:10");
  expect(map("/no/map/here.js:10:5")).toBe("/no/map/here.js:10");
  const directory = mkdtempSync(join(tmpdir(), "drydock-map-"));
  writeFileSync(join(directory, "x.js.map"), "not a map");
  expect(map(`${directory}/x.js:1:1`)).toBe(`${directory}/x.js:1`);
  rmSync(directory, { recursive: true });
});

test("the program's version is the package's", () => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  expect(PROGRAM_VERSION).toBe((JSON.parse(text) as { version: string }).version);
});
