/**
 * Playground pages: what the pages say about their playground, tried on the machine that they show.
 */
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { EXERCISES } from "../src/playground/exercises.ts";
import { agrees, commandBlocks } from "./commands.fixture.ts";
import { TestPlayground } from "./playground.fixture.ts";

const docs = fileURLToPath(new URL("../docs", import.meta.url));
const blocks = commandBlocks(docs).filter(({ language }) => language === "playground");

describe("every playground block", () => {
  test("is found", () => {
    expect(blocks.length, "the check is blind").toBeGreaterThan(5);
  });

  for (const { page, line, commands, output } of blocks) {
    test(`${page}:${line} shows what the page says`, async () => {
      await using playground = await TestPlayground.open();
      let text = "";
      for (const command of commands.trim().split("\n")) text += await playground.run(command);
      expect(output, "a playground says what its commands print").not.toBeNull();
      expect(agrees(text, output ?? "") ? output : text).toBe(output);
    });
  }
});

describe("the command example", () => {
  test("alone lists the examples", async () => {
    await using playground = await TestPlayground.open();
    const said = await playground.run("example; echo $?");
    expect(said.match(/^ {2}0\d {2}the process gets .+$/gm)).toHaveLength(8);
    expect(said).toMatch(/\n1\n$/);
  });

  test("leaves nothing behind, and its steps in the journal", async () => {
    await using playground = await TestPlayground.open();
    const { machine } = playground;
    const before = machine.snapshot();
    await playground.run("example 08");
    expect(await playground.run("ls /tmp")).toBe("");
    const { processes, mounts, cgroups } = machine.snapshot();
    expect({ processes, mounts, cgroups }).toEqual({
      processes: before.processes,
      mounts: before.mounts,
      cgroups: before.cgroups,
    });
    const steps = machine.journal.filter(({ where, effect }) => where === "child" && effect);
    const calls = steps.map(({ call }) => call);
    expect(calls.slice(0, 2)).toEqual(["openCgroups", "joinCgroups"]);
    expect(calls.slice(-3)).toEqual(["setCapabilities", "setNoNewPrivileges", "execve"]);
    expect(calls).toContain("pivotRoot");
  });
});

describe("exercises", () => {
  test("have ids of their own, and pages that exist and have a playground", () => {
    expect(new Set(EXERCISES.map(({ id }) => id)).size).toBe(EXERCISES.length);
    const pages = blocks.map(({ page }) => page);
    for (const { page } of EXERCISES) expect(pages).toContain(`concepts/${page}.md`);
  });

  for (const { id, isDone, solution } of EXERCISES) {
    test(`${id} is done by its solution, and not before`, async () => {
      await using playground = await TestPlayground.open();
      const { machine } = playground;
      const seen = (): boolean => {
        const calls = machine.journal.filter(({ effect }) => effect);
        return isDone({ snapshot: machine.snapshot(), calls });
      };
      await playground.run("drydock run -d busybox sleep 1000");
      expect(seen()).toBe(false);
      for (const command of solution) await playground.run(command);
      expect(seen()).toBe(true);
    });
  }
});
