/**
 * Examples: what they print is compared on their page; here is what they leave, and what they use.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { skipped, whyNoContainers } from "../runtime/test/daemon.ts";
import { EXAMPLES } from "./list.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const sources = readdirSync(here).filter((name) => /^(\d\d|one-page).*\.ts$/.test(name));
const textOf = (name: string): string => readFileSync(here + name, "utf8");

test("the one-page container fits on a page", () => {
  expect(textOf("one-page-container.ts").split("\n").length).toBeLessThan(150);
});

test("the list has each example, in the words of README.md", () => {
  const rows = [...textOf("README.md").matchAll(/^\| \[(\d\d)-[^|]+\| (.+?) +\|$/gm)];
  expect(rows.map(([, number, gets]) => [number, gets?.replaceAll("`", "")])).toEqual(
    [...EXAMPLES].map(([number, { gets }]) => [number, gets]),
  );
  const numbers = sources.flatMap((name) => /^\d\d/.exec(name) ?? []);
  expect([...EXAMPLES.keys()]).toEqual(numbers);
});

test("no example uses anything of the runtime but the kernel port", () => {
  expect(sources.length, "the check is blind").toBe(9);
  const imports = sources.flatMap((name) =>
    [...textOf(name).matchAll(/ from "(\.\.[^"]+)"/g)].map(([, from = ""]) => `${name}: ${from}`),
  );
  expect(imports.filter((each) => !each.includes("/src/kernel/"))).toEqual([]);
});

describe.skipIf(skipped("the examples", whyNoContainers()))("on the real kernel", () => {
  const cgroups = existsSync("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup";
  const traces = (): readonly string[] =>
    [...readdirSync(tmpdir()), ...readdirSync(cgroups)].filter((name) =>
      /^(one-page|example|drydock-example)-/.test(name),
    );
  const run = (program: string, argument: string) =>
    spawnSync(process.execPath, ["--import", "tsx", here + program, argument], {
      cwd: here,
      encoding: "utf8",
    });

  test("the one-page container ends with the code of its command, and passes its output on", () => {
    const { status, stdout, stderr } = run(
      "one-page-container.ts",
      "echo out; echo err >&2; exit 7",
    );
    expect({ status, stdout, stderr }).toEqual({ status: 7, stdout: "out\n", stderr: "err\n" });
  });

  test("the one-page container cannot do what root can", () => {
    const { stdout } = run(
      "one-page-container.ts",
      "grep -E 'CapEff|NoNewPrivs' /proc/self/status",
    );
    expect(stdout).toBe("CapEff:\t00000000000000c1\nNoNewPrivs:\t1\n");
  });

  test("nothing is left behind, also by a command that does not exist", () => {
    const mounts = execFileSync("cat", ["/proc/self/mounts"], { encoding: "utf8" });
    const before = traces();
    run("run.ts", "08");
    expect(run("one-page-container.ts", "nonsense").status).toBe(127);
    expect(traces()).toEqual(before);
    expect(execFileSync("cat", ["/proc/self/mounts"], { encoding: "utf8" })).toBe(mounts);
  });
});
