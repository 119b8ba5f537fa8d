/**
 * npm start, as a reader meets it: a daemon, a first container, and a story that names real lines.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const house = fileURLToPath(new URL("../..", import.meta.url));
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log("skipped: npm start needs root to run a container");

describe.skipIf(!isRoot)("npm start", () => {
  let root = "";
  let first = { status: null as number | null, said: "" };

  const start = () => {
    const env = { ...process.env, DRYDOCK_ROOT: root, DRYDOCK_HOST: `unix://${root}/api.sock` };
    const script = join(house, "runtime/tools/start.mjs");
    const { status, stdout, stderr } = spawnSync("node", [script], { env, encoding: "utf8" });
    return { status, said: stdout + stderr };
  };

  /** Daemon and keeper: whatever was started with this root on its command line. */
  const processesOfRoot = (): readonly number[] =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
      .filter((name) => readCommandLine(name).some((word) => word.startsWith(root)))
      .map(Number);

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "drydock-start-"));
    first = start();
  });

  afterAll(async () => {
    for (const pid of processesOfRoot()) process.kill(pid, "SIGTERM");
    await expect.poll(processesOfRoot, { timeout: 10_000 }).toEqual([]);
    rmSync(root, { recursive: true });
  });

  test("runs a first container and shows what it printed", () => {
    expect(first.said).toContain("\nhello from a container\nI am process 1 on ");
    expect(first.status).toBe(0);
  });

  test.each(["namespaces", "cgroup", "layers", "security", "process"])(
    "tells of %s, with a line of source that exists",
    (concept) => {
      const story = new RegExp(`^  ${concept} .*\\n +(runtime/src/\\S+\\.ts):(\\d+)`, "m");
      const [, file = "", line = ""] = story.exec(first.said) ?? [];
      const lines = readFileSync(join(house, file), "utf8").split("\n");
      expect(lines[Number(line) - 1]?.trim()).toBeTruthy();
    },
  );

  test("names three things to try next", () => {
    const [, next = ""] = first.said.split("Try next:\n");
    expect(next.match(/^ {2}\S/gm)).toHaveLength(3);
  });

  test("finds the daemon the second time, and takes seconds", () => {
    const at = performance.now();
    const second = start();
    expect(second.said).toContain("start: a daemon answers on ");
    expect(second.status).toBe(0);
    expect(performance.now() - at).toBeLessThan(10_000);
  });
});

function readCommandLine(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return []; // it ended while we looked
  }
}
