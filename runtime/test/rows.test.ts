/**
 * Rows of the feature list that no other file tries: done with the docker CLI and with ours, as a
 * user would, and seen from outside.
 */
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { run, skipped, until, whyNoDocker, type Ran } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip = skipped("rows of the feature list", whyNoDocker());
const daemon = shareDaemon(skip);
const directory = join(daemon.directory, "rows");
const disk = readFileSync("/proc/partitions", "utf8").match(/\b(?:[vs]d[a-z]|nvme\d+n\d+)$/m)?.[0];

const PROGRAMS: readonly (readonly [string, (...words: string[]) => Promise<Ran>])[] = [
  ["docker", (...words) => daemon.docker(...words)],
  ["drydock", (...words) => daemon.drydock(...words)],
];

describe.skipIf(skip)("rows", () => {
  beforeAll(() => {
    mkdirSync(directory);
    writeFileSync(join(directory, "file"), "content\n");
    chownSync(join(directory, "file"), 12, 34);
  });

  describe.each(PROGRAMS)("%s", (program, call) => {
    const must = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await call(...words);
      if (code !== 0) throw new Error(`${words.join(" ")}: ${code}\n${stderr}`);
      return stdout.trimEnd();
    };
    const start = (name: string, ...words: string[]): Promise<string> =>
      must("run", "-d", "--net", "none", "--name", name, ...words, "busybox", "sleep", "1000");
    const refused = async (...words: string[]): Promise<readonly [number | null, string]> => {
      const { code, stderr } = await call(...words);
      return [code, stderr];
    };
    const saying = (text: string): unknown => expect.stringContaining(text);

    test("M04: cp -a keeps owners, and a place that is not there is named", async () => {
      await start("box");
      await must("cp", "-a", join(directory, "file"), "box:/tmp/kept");
      expect(await must("exec", "box", "stat", "-c", "%u:%g", "/tmp/kept")).toBe("12:34");
      // The refusal comes while the archive is still being sent.
      writeFileSync(join(directory, "big"), new Uint8Array(8 << 20));
      expect(await refused("cp", join(directory, "big"), "box:/nosuch/x")).toEqual([
        1,
        saying("Could not find the file /nosuch in container box"),
      ]);
      expect(await refused("cp", join(directory, "file"), "box:")).toEqual([
        1,
        saying("no such directory"),
      ]);
    });

    test("X20: a container runs and is gone well under a second", async () => {
      const times: number[] = [];
      for (let round = 0; round < 5; round++) {
        const begin = performance.now();
        await must("run", "--rm", "--net", "none", "busybox", "true");
        times.push(performance.now() - begin);
      }
      // The best of them: the machine may have other things to do.
      expect(Math.min(...times)).toBeLessThan(500);
    });

    test("M06: top has the columns of ps, and its letters for a state", async () => {
      await start("box");
      const wish = ["-o", "pid,user,group,nice,etimes,stat,lstart,psr"];
      const [titles = "", row = ""] = (await must("top", "box", ...wish)).split("\n");
      expect(titles.trim().split(/\s{2,}/)).toEqual(
        "PID USER GROUP NI ELAPSED STAT STARTED PSR".split(" "),
      );
      expect(row).toMatch(
        /^\d+ +root +root +-?\d+ +\d+ +S[<N]?s +\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} +\d/,
      );
      expect(await must("top", "box", "aux")).toMatch(/ S[<N]?s +\d\d:\d\d +0:00 +sleep 1000$/);
    });

    test("M08: prune takes --volumes, and no for an answer", async () => {
      await must("create", "--name", "old", "busybox");
      const asked = await call("system", "prune", "--volumes");
      expect([asked.code, asked.stdout]).toEqual([0, saying("all anonymous volumes")]);
      expect(await must("ps", "-aq", "--filter", "name=old")).not.toBe("");
      expect(await refused("system", "prune", "-f", "--volumes", "--filter", "until=1h")).toEqual([
        1,
        saying('The "until" filter is not supported with "--volumes"'),
      ]);
      expect(await must("system", "prune", "-f", "--volumes")).toContain("Deleted Containers:");
    });

    test("M10: import for another platform; a file that is not there is no missing daemon", async () => {
      await must("create", "--name", "box", "busybox");
      const tree = join(directory, "tree.tar");
      await must("export", "-o", tree, "box");
      await must("import", "--platform", "linux/arm64/v8", tree, "arm:1");
      const format = "{{.Os}}/{{.Architecture}}/{{.Variant}}";
      expect(await must("image", "inspect", "-f", format, "arm:1")).toBe("linux/arm64/v8");
      await must("rmi", "arm:1");
      expect(await refused("import", join(directory, "nosuch"))).toEqual([
        1,
        saying("no such file or directory"),
      ]);
      expect(await refused("export", "-o", directory, "box")).toEqual([
        1,
        saying("cannot write to a directory"),
      ]);
    });

    test("M12, M09: what is not paused, and names that cannot be given", async () => {
      await must("create", "--name", "box", "busybox");
      expect(await refused("unpause", "box")).toEqual([1, saying("is not paused")]);
      expect(await refused("rename", "box", "box")).toEqual([
        1,
        saying("Error: failed to rename container named box"),
      ]);
      expect(await refused("rename", "", "x")).toEqual([
        1,
        saying("Error: Neither old nor new names may be empty"),
      ]);
    });

    test("M16: a restart stops before it starts", async () => {
      const id = await start("box");
      await must("restart", "-t", "0", "box");
      // A moment that is given as "0s" ago is the second's begin.
      const until = String(Math.floor(Date.now() / 1000) + 1);
      const words = ["--since", "1m", "--until", until, "--filter", `container=${id}`];
      const told = await must("events", ...words, "--format", "{{.Action}} {{.From}}");
      expect(told.split("\n").slice(-5)).toEqual(
        ["kill", "die", "stop", "start", "restart"].map((action) => `${action} busybox`),
      );
      expect(await refused("events", ...words, "--format", "{{.Nosuch}}")).toEqual([
        64,
        saying("Error parsing format"),
      ]);
    });

    test("M17: df -v takes a template over all of it", async () => {
      await must("create", "--name", "box", "busybox");
      const format = "{{range .Containers}}{{.Names}} {{.Image}};{{end}}";
      expect(await must("system", "df", "-v", "--format", format)).toBe("box busybox;");
    });

    test("M21: a health check is a change of commit, and goes into what is committed", async () => {
      await start("box");
      await must("commit", "-c", "HEALTHCHECK --interval=100ms CMD echo fine", "box", "checked:1");
      await must("run", "-d", "--net", "none", "--name", "well", "checked:1", "sleep", "1000");
      const status = (): Promise<string> =>
        must("inspect", "-f", "{{.State.Health.Status}}", "well");
      await until("it is healthy", status, (text) => text === "healthy");
      await must("commit", "-c", "ONBUILD RUN make", "well", "checked:2");
      const format = "{{json .Config.Healthcheck}} {{json .Config.OnBuild}}";
      expect(await must("inspect", "-f", format, "checked:2")).toBe(
        '{"Test":["CMD-SHELL","echo fine"],"Interval":100000000} ["RUN make"]',
      );
      await must("commit", "-c", "HEALTHCHECK NONE", "well", "checked:3");
      await must("run", "-d", "--net", "none", "--name", "calm", "checked:3", "sleep", "1000");
      expect(await must("inspect", "-f", "{{json .State.Health}}", "calm")).toBe("null");
      await must("rm", "-f", "well", "calm", "box");
      await must("rmi", "checked:1", "checked:2", "checked:3");
    });

    test("P09: with --read-only the files that name hosts are so too", async () => {
      const shell = ["busybox", "sh", "-c", "echo x >>/etc/hosts"];
      expect(await refused("run", "--rm", "--read-only", ...shell)).toEqual([
        1,
        saying("Read-only file system"),
      ]);
      await must("run", "--rm", ...shell);
    });

    test("P18: logs --details shows what options of the driver chose", async () => {
      const words = ["-l", "a=1", "-e", "B=2", "--log-opt", "labels=a", "--log-opt", "env=B"];
      await must("run", "--name", "told", ...words, "busybox", "echo", "hi");
      expect(await must("logs", "--details", "told")).toBe("B=2,a=1 hi");
      expect(await must("logs", "told")).toBe("hi");
    });

    test("P24: an image of another platform is not there", async () => {
      for (const words of [["image", "inspect"], ["history"], ["rmi"]]) {
        expect(await refused(...words, "--platform", "linux/s390x", "busybox")).toEqual([
          1,
          saying("does not provide the specified platform (linux/s390x)"),
        ]);
      }
      const format = ["--format", "{{.CreatedBy}}"];
      expect(await must("history", "--platform", "linux/amd64", ...format, "busybox")).toMatch(
        /CMD/,
      );
    });

    test.skipIf(disk === undefined)("X16: a weight that a disk's scheduler ignores", async () => {
      const queue = `/sys/block/${disk}/queue/scheduler`;
      if (!existsSync(queue) || readFileSync(queue, "utf8").includes("[bfq]")) return;
      const words = ["--blkio-weight-device", `/dev/${disk}:200`, "busybox", "true"];
      const ran = await call("run", "--rm", ...words);
      expect([ran.code, ran.stderr]).toEqual([0, saying("Weight-device discarded")]);
    });

    test("flags that must be there, and what they say", async () => {
      await start("box");
      const cid = join(directory, "no", "cid");
      const cidCode = program === "docker" ? 127 : 125;
      for (const [words, code, why] of [
        [["start", "--checkpoint", "x", "box"], 1, "with experimental features enabled"],
        [["rm", "-f", "nosuch"], 0, "No such container: nosuch"],
        [["port", "box", "80"], 1, "Error: No public port '80' published for box"],
        [["port", "box", "bad"], 1, "Error: invalid port (bad)"],
        [
          ["tag", "busybox", "BAD"],
          1,
          'Error parsing reference: "BAD" is not a valid repository/tag',
        ],
        [
          ["run", "--cidfile", cid, "busybox"],
          // Docker takes the words of its own message for a sign of a missing program.
          cidCode,
          "failed to create the container ID file: open",
        ],
        [["run", "--platform", "a/b/c/d", "busybox"], 125, "error parsing specified platform"],
        [["exec", "-u", "nosuch", "box", "true"], 128, "unable to find user nosuch"],
        [
          ["exec", "-d", "box", "nosuch"],
          1,
          "OCI runtime exec failed: exec failed: unable to start",
        ],
      ] as const) {
        const ran = await call(...words);
        expect([words, ran.code, ran.stderr + ran.stdout]).toEqual([words, code, saying(why)]);
      }
    });
  });

  test.skipIf(!existsSync("/usr/bin/tini-static"))(
    "P10: no advice is given for an init that waits for signals",
    async () => {
      const words = ["-d", "--net", "none", "--init", "--name", "kept", "busybox", "sleep", "1000"];
      await daemon.mustDrydock("run", ...words);
      const inside = ["exec", "kept", "cat", "/proc/1/wchan"];
      await until(
        "it waits",
        () => daemon.docker(...inside),
        ({ stdout }) => /sigtimed/.test(stdout),
      );
      const stopped = await daemon.drydock("stop", "kept");
      expect([stopped.code, stopped.stderr]).toEqual([0, ""]);
    },
  );

  test("Q14: the archive of a path carries its stat, also for HEAD", async () => {
    await daemon.mustDocker("create", "--name", "box", "busybox");
    const head = await daemon.api("HEAD", "/containers/box/archive?path=/etc/passwd");
    const stat = JSON.parse(atob(String(head.headers["x-docker-container-path-stat"])));
    expect([head.status, head.text, stat]).toEqual([
      200,
      "",
      expect.objectContaining({ name: "passwd", linkTarget: "" }),
    ]);
    const address = "http://d/containers/box/archive?path=/etc/passwd";
    const tar = await run("curl", ["-s", "--unix-socket", daemon.socketPath, address]);
    expect(tar.stdout.slice(0, 6)).toBe("passwd");
  });
});
