/**
 * Arch must fail on a wrong import, and when it sees less than it should: both were seen to slip.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const arch = fileURLToPath(new URL("arch.mjs", import.meta.url));
const made: string[] = [];

afterAll(() => made.forEach((directory) => rmSync(directory, { recursive: true })));

function archOf(sources: Readonly<Record<string, string>>, leastModules: number) {
  const directory = mkdtempSync(join(tmpdir(), "drydock-arch-"));
  made.push(directory);
  for (const [name, text] of Object.entries({ "package.json": "{}", ...sources })) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));
  symlinkSync(modules, join(directory, "node_modules"));
  const ran = spawnSync("node", [arch, directory, String(leastModules)], { encoding: "utf8" });
  return { code: ran.status, said: ran.stdout + ran.stderr };
}

const door = { "runtime/src/layers/index.ts": "export const layer = 1;\n" };

test("arch accepts an import that points the right way", () => {
  const engine = 'export { layer } from "../layers/index.ts";\n';
  const { code, said } = archOf({ ...door, "runtime/src/engine/a.ts": engine }, 2);
  expect(said).toContain("2 modules, 0 violations");
  expect(code).toBe(0);
});

test("arch reports each kind of wrong import by the name of its rule", () => {
  const { code, said } = archOf(
    {
      ...door,
      "runtime/src/layers/deep.ts": "export type deep = 1;\n",
      "runtime/src/cgroups/plan.ts": 'export { layer } from "../layers/index.ts";\n',
      "runtime/src/cgroups/read.ts": 'export { readFile } from "node:fs";\n',
      "runtime/src/engine/ffi.ts": 'import "koffi";\n',
      "runtime/src/engine/bundle.ts": 'import "esbuild";\n',
      "runtime/src/engine/deep.ts": 'export type { deep } from "../layers/deep.ts";\n',
      "runtime/src/engine/lost.ts": 'import "./nowhere.ts";\n',
      "runtime/src/engine/round.ts": 'import "./trip.ts";\n',
      "runtime/src/engine/trip.ts": 'import "./round.ts";\n',
      "runtime/src/attic/a.ts": 'import "../layers/index.ts";\n',
    },
    2,
  );
  for (const [rule, from] of [
    ["cgroups-imports", "cgroups/plan.ts"],
    ["node-only-in-the-entries", "cgroups/read.ts"],
    ["koffi-stays-in-its-room", "engine/ffi.ts"],
    ["known-package", "engine/bundle.ts"],
    ["layers-door", "engine/deep.ts"],
    ["resolvable", "engine/lost.ts"],
    ["no-cycle", "engine/round.ts"],
    ["known-room", "attic/a.ts"],
  ] as const) {
    expect(said).toMatch(new RegExp(`arch: runtime/src/${from} -> .*\n +${rule}: `));
  }
  expect(code).toBe(1);
});

test("arch is not content with an empty view", () => {
  const { code, said } = archOf(door, 50);
  expect(said).toContain("the check is blind");
  expect(code).toBe(1);
});
