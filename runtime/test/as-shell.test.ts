/**
 * `run --as-shell`: the script is run beside a container of the engine, and what a process finds in
 * both must be the same.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { launcher, run, skipped, whyNoContainers } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip =
  skipped("scripts that make containers", whyNoContainers()) ||
  skipped("scripts that make containers", whyNoTools());
const daemon = shareDaemon(skip);

function whyNoTools(): string | null {
  const tools = ["unshare", "nsenter", "setpriv", "pivot_root", "prlimit", "ip", "hostname"];
  const missing = tools.filter((tool) => {
    try {
      execFileSync("/bin/sh", ["-c", `command -v ${tool}`]);
      return false;
    } catch {
      return true;
    }
  });
  return missing.length === 0 ? null : `this machine has no ${missing.join(", ")}`;
}

/** All that a process can find out about where it is; ids are not the same in two containers. */
const PROBE = `
  sed 's/[0-9a-f]\\{64\\}/ID/g' /proc/self/cgroup
  awk '$3 == "overlay" { $4 = "" } { print $2, $3, $4 }' /proc/mounts | sort
  ls -ln /dev | sed 's/[A-Z][a-z][a-z] .*:[0-9][0-9]//'
  grep -e ^Uid -e ^Gid -e ^Groups -e ^Cap -e ^NoNewPrivs /proc/self/status
  cat /proc/self/limits
  hostname; cat /etc/hostname /etc/hosts /etc/resolv.conf
  pwd; umask; env | grep -v ^SHLVL | sort
  cat /proc/1/comm
  ip addr | grep -o '^[0-9].*UP'
  cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null
  ls -l /proc/self/fd 2>/dev/null | grep -c -e ready -e /go
  cat
`;

const WISHES: readonly (readonly string[])[] = [
  [],
  ["--user", "1000:5", "--group-add", "7", "--workdir", "/srv/it's here"],
  ["--memory", "64m", "--cpus", "0.5", "--ulimit", "nofile=100:200", "--pids-limit", "50"],
  ["--read-only", "--tmpfs", "/t:size=1m", "--cap-drop", "ALL", "--cap-add", "NET_RAW"],
  ["--security-opt", "no-new-privileges", "--env", "A=b  c", "--env", "HOME=/x"],
  ["--volume", "LENT:/data:ro", "--network", "host", "--uts", "host"],
  ["--privileged"],
];

describe.skipIf(skip)("run --as-shell", () => {
  const lent = (): string => join(daemon.directory, "lent");

  beforeAll(async () => {
    mkdirSync(lent());
    // From here on the image is unpacked.
    await daemon.mustDrydock("create", "busybox");
  });

  test.each(WISHES.map((wish) => [wish.join(" "), wish] as const))(
    "a script for %s makes what the engine makes",
    async (_, wish) => {
      const flags = wish.map((word) => word.replace("LENT", lent()));
      const named = flags.includes("--uts") ? flags : ["--hostname", "box", ...flags];
      const words = [...named, "busybox", "sh", "-c", PROBE];
      const written = await daemon.mustDrydock("run", "--as-shell", ...words);
      const script = join(daemon.directory, "by-hand.sh");
      writeFileSync(script, written);
      const input = "from outside\n";
      const made = await run(process.execPath, [launcher, "run", "-i", "--rm", ...words], {
        env: daemon.environment,
        input,
      });
      const byHand = await run("/bin/sh", [script], { input });
      expect(byHand.stderr).toBe("");
      const id = (text: string): string => text.replaceAll(/[0-9a-f]{64}/g, "ID");
      expect(id(byHand.stdout)).toBe(id(made.stdout));
      expect(made.stdout).toContain("from outside");
      expect(byHand.code).toBe(0);
      expect(readdirSync("/tmp").filter((name) => name.startsWith("by-hand."))).toEqual([]);
    },
  );

  test("the exit code is the program's", async () => {
    const written = await daemon.mustDrydock("run", "--as-shell", "busybox", "sh", "-c", "exit 7");
    expect((await run("/bin/sh", ["-c", written])).code).toBe(7);
  });

  test("a user namespace is refused, with the reason", async () => {
    const ran = await daemon.drydock("run", "--as-shell", "--userns", "private", "busybox");
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toContain("cannot be written as a script");
    expect(ran.stderr).toContain("--plan shows where");
  });
});
