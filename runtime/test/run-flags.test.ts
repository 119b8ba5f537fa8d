/**
 * Every flag of run, set by the docker CLI and by ours, and its effect seen inside and in inspect.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCgroupLayout } from "../src/cgroups/index.ts";
import { createLinuxKernel } from "../src/kernel/linux/index.ts";
import { run, skipped, until, whyNoDocker, type Ran } from "./daemon.ts";
import { FLAG_ROWS, NOT_SHOWN, REFUSED_FLAGS } from "./run-flags.fixture.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip = skipped("the flags of run", whyNoDocker());
const daemon = shareDaemon(skip);
const directory = join(daemon.directory, "flags");

/** A disk of this machine; machines whose root is a network have none. */
const disk = readFileSync("/proc/partitions", "utf8").match(/\b(?:[vs]d[a-z]|nvme\d+n\d+)$/m)?.[0];

const PLACES: Readonly<Record<string, string>> = {
  $DIR: directory,
  $DISK: disk === undefined ? "/no/disk" : `/dev/${disk}`,
  ...Object.fromEntries(
    ["uts", "pid", "ipc", "user", "cgroup"].map((kind) => [
      `$HOST_${kind.toUpperCase()}`,
      skip ? "" : readlinkSync(`/proc/self/ns/${kind}`),
    ]),
  ),
};

function fill(text: string): string {
  return text.replace(/\$[A-Z]+(?:_[A-Z]+)?/g, (name) => PLACES[name] ?? name);
}

function matcherOf(wanted: string | RegExp): unknown {
  const exactly = (text: string): RegExp => new RegExp(`^${text.replace(/[^\w\s]/g, "\\$&")}$`);
  return expect.stringMatching(typeof wanted === "string" ? exactly(fill(wanted)) : wanted);
}

/** Words as a shell would have them, with single quotes. */
function wordsOf(text: string): readonly string[] {
  return (fill(text).match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ""));
}

const PROGRAMS: readonly (readonly [string, (...words: string[]) => Promise<Ran>])[] = [
  ["docker", (...words) => daemon.docker(...words)],
  ["drydock", (...words) => daemon.drydock(...words)],
];

/** With a filter that lets everything pass but mkdir(2). */
const PROFILE = {
  defaultAction: "SCMP_ACT_ALLOW",
  syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO" }],
};

describe.skipIf(skip)("flags of run", () => {
  beforeAll(() => {
    mkdirSync(directory);
    writeFileSync(join(directory, "env"), "FROM_FILE=yes\n");
    writeFileSync(join(directory, "labels"), "x=y\n");
    writeFileSync(join(directory, "profile.json"), JSON.stringify(PROFILE));
  });

  afterAll(async () => {
    // What a user named as a parent is the user's to remove.
    const layout = readCgroupLayout(createLinuxKernel());
    for (const { mountPoint } of layout.hierarchies) {
      const path = `${mountPoint}/drydock-flags-test`;
      await until("the cgroup is empty", () => isRemoved(path), Boolean);
    }
  });

  describe.each(PROGRAMS)("%s", (program, call) => {
    const must = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await call(...words);
      if (code !== 0) throw new Error(`${program} ${words.join(" ")}: ${code}\n${stderr}`);
      return stdout.trimEnd();
    };

    const rows = FLAG_ROWS.filter(({ needs }) => needs === undefined || existsSync(fill(needs)));
    test.each(rows)("P09 to P24: $words", async ({ words, shell, out, inspect }) => {
      const name = `${program}-flags`;
      const given = wordsOf(words);
      if (existsSync(join(directory, "cid"))) await run("rm", [join(directory, "cid")]);
      const printed =
        shell === undefined
          ? await must("create", "--name", name, ...createWords(given), "busybox").then(() => "")
          : await must("run", "--name", name, ...given, "busybox", "sh", "-c", shell);
      const [template = null, value = ""] = inspect ?? [];
      const seen = template === null ? "" : await must("inspect", "-f", template, name);
      expect([printed, seen]).toEqual([matcherOf(out ?? ""), matcherOf(value)]);
    });

    test.each(REFUSED_FLAGS)("cannot have %s: exit %d", async (words, code, err) => {
      const ran = await call("run", ...wordsOf(words), "busybox", "true");
      expect([ran.code, ran.stderr]).toEqual([code, expect.stringMatching(err)]);
    });
  });

  test.each(PROGRAMS)("%s --volumes-from mounts what another container mounts", async (_, call) => {
    const binds = ["-v", `${directory}:/data`, "-v", "/etc/hostname:/name:ro"];
    await daemon.mustDocker("create", "--name", "donor", ...binds, "busybox", "true");
    const heir = ["run", "--volumes-from", "donor:ro", "-v", "/etc:/name", "--name", "heir"];
    const shell = "cat /data/labels; touch /data/new; test -d /name && echo covered";
    const ran = await call(...heir, "busybox", "sh", "-c", shell);
    expect(ran.stdout).toBe("x=y\ncovered\n");
    expect(ran.stderr).toContain("/data/new: Read-only file system");
    const format = "{{json .HostConfig.VolumesFrom}} {{range .Mounts}}{{.Destination}} {{end}}";
    expect(await daemon.mustDocker("inspect", "-f", format, "heir")).toBe(
      '["donor:ro"] /data /name',
    );
    // What was there when it was made stays, also for a daemon that was not.
    await daemon.mustDocker("rm", "donor");
    await daemon.kill("SIGKILL");
    await daemon.start();
    const again = await call("start", "-a", "heir");
    expect(again.stdout).toBe("x=y\ncovered\n");
    for (const [name, why] of [
      ["gone", "No such container: gone"],
      ["heir:shared", "invalid mode: shared"],
    ] as const) {
      const refused = await call("create", "--volumes-from", name, "busybox");
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining(why)]);
    }
  });

  test("every flag that docker has is ours too, and is looked at above", async () => {
    const { stdout } = await daemon.docker("run", "--help");
    const flags = [...stdout.matchAll(/^ +(?:(-\w), )?--([a-z0-9-]+)/gm)];
    expect(flags.length).toBeGreaterThan(90);
    const looked = [
      ...FLAG_ROWS.map(({ words }) => words),
      ...REFUSED_FLAGS.map(([words]) => words),
    ]
      .join(" ")
      .split(/[ =]/);
    const missing = flags.filter(
      ([, short = "-", name = ""]) =>
        !looked.includes(`--${name}`) && !looked.includes(short) && !(name in NOT_SHOWN),
    );
    expect(missing.map(([, , name]) => name)).toEqual([]);
    const ours = (await daemon.drydock("run", "--help")).stdout;
    expect(flags.filter(([, , name]) => !ours.includes(`--${name}`) && name !== "help")).toEqual(
      [],
    );
  });

  test("X17: --cgroup-conf sets any file of a controller, and says which it cannot", async () => {
    const { mode } = readCgroupLayout(createLinuxKernel());
    const [file, path] =
      mode === "v2" ? ["memory.high", "memory.high"] : ["cpu.shares", "cpu/cpu.shares"];
    const words = ["--rm", "--cgroup-conf", `${file}=65536`, "busybox"];
    const { stdout } = await daemon.drydock("run", ...words, "cat", `/sys/fs/cgroup/${path}`);
    expect(stdout).toBe("65536\n");
    for (const [setting, why] of [
      ["memory.nosuch=1", "a cgroup has no such file"],
      ["nosuch.file=1", "no cgroup hierarchy with nosuch is mounted"],
    ] as const) {
      const ran = await daemon.drydock("run", "--cgroup-conf", setting, "busybox");
      expect([ran.code, ran.stderr]).toEqual([125, expect.stringContaining(why)]);
    }
    const bad = await daemon.drydock("run", "--cgroup-conf", "../x=1", "busybox");
    expect([bad.code, bad.stderr]).toEqual([125, expect.stringContaining("CONTROLLER.FILE=VALUE")]);
  });

  test("M13: what update does not name stays as it was", async () => {
    const limits = ["--device", "/dev/null:/dev/n:r", "--ulimit", "nofile=100:200", "-m", "64m"];
    await daemon.mustDocker("create", "--name", "kept", ...limits, "busybox", "true");
    await daemon.mustDocker("update", "-m", "96m", "--memory-swap", "96m", "kept");
    const format = "{{.HostConfig.Memory}} {{len .HostConfig.Devices}} {{len .HostConfig.Ulimits}}";
    expect(await daemon.mustDocker("inspect", "-f", format, "kept")).toBe(`${96 << 20} 1 1`);
  });
});

function isRemoved(path: string): boolean {
  try {
    if (existsSync(path)) rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** What only run has means nothing for a container that is only made. */
function createWords(words: readonly string[]): string[] {
  return words.filter((word) => word !== "-a");
}
