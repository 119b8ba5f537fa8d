/**
 * npm start, as a reader meets it: a daemon, a first container, and a story that names real lines.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { until } from "./daemon.ts";

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

  /** Daemon or keeper: whatever has this root and the word on its command line. */
  const processesOf = (word: string): readonly number[] =>
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .filter((name) => [root, word].every((part) => readCommandLine(name).includes(part)))
      .map(Number);

  const end = async (word: string) => {
    for (const pid of processesOf(word)) process.kill(pid, "SIGTERM");
    const none = (pids: readonly number[]) => pids.length === 0;
    await until("it has ended", () => processesOf(word), none);
  };

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), "drydock-start-"));
    first = start();
  });

  afterAll(async () => {
    await end("daemon"); // first: it would miss its keeper
    await end("keeper");
    rmSync(root, { recursive: true });
  });

  test("runs a first container and shows what it printed", () => {
    expect(first.said).toContain("\nhello from a container\nI am process 1 on ");
    expect(first.status).toBe(0);
  });

  test.each(["namespaces", "cgroup", "layers", "security", "process"])(
    "tells of %s, with a line of source that exists",
    (concept) => {
      const story = new RegExp(
        `^  ${concept} .*\\n(?: +decided in \\S+\\n)? +(?:done in )?(runtime/src/\\S+\\.ts):(\\d+)`,
        "m",
      );
      const [, file = "", line = ""] = story.exec(first.said) ?? [];
      const lines = readFileSync(join(house, file), "utf8").split("\n");
      expect(lines[Number(line) - 1]?.trim()).toBeTruthy();
    },
  );

  test("names three things to try next", () => {
    const [, next = ""] = first.said.split("Try next:\n");
    expect(next.match(/^ {2}\S/gm)).toHaveLength(3);
  });

  test("finds the daemon the second time, and builds nothing", () => {
    const second = start();
    expect(second.said).toContain("start: nothing to build");
    expect(second.said).toContain("start: a daemon answers on ");
    expect(second.status).toBe(0);
  });
});

function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it ended while we looked
  }
}
