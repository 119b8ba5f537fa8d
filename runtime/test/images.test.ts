/**
 * Images made, named and removed by the docker CLI and by ours; what they leave on the disk.
 */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { launcher, run, skipped, until, whyNoDocker } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip = skipped("images by the docker CLI", whyNoDocker());
const daemon = shareDaemon(skip);

const docker = (...args: string[]) => daemon.docker(...args);
const must = (...args: string[]): Promise<string> => daemon.mustDocker(...args);
const drydock = (...args: string[]) => daemon.drydock(...args);

const idOf = (image: string): Promise<string> => must("inspect", "-f", "{{.Id}}", image);

/** A container `made` that has changed its files, and the image `NAME` made of it. */
async function commit(name: string, script = "echo hi > /note"): Promise<string> {
  await must("run", "--name", "made", "busybox", "sh", "-c", script);
  const id = await must("commit", "-c", 'CMD ["cat","/note"]', "made", name);
  await must("rm", "made");
  return id;
}

const layers = (): readonly string[] => readdirSync(join(daemon.root, "layers"));

/** A list without the ages of what was made a moment ago, and the room that they take. */
function ageless(list: string): string {
  return list
    .replace(/(Less than a second|About a \w+|\d+ (second|minute)s?) ago/g, "")
    .replace(/ +/g, " ");
}

describe.skipIf(skip)("images", () => {
  afterEach(async () => {
    await daemon.removeContainers();
    await must("image", "prune", "-af");
    await must("pull", "-q", "busybox");
    await until("one layer is left", layers, (left) => left.length === 1);
  });

  test("E31: by name that name goes, the image with its last one", async () => {
    const id = await commit("one:1");
    await must("tag", "one:1", "two:2");
    expect(await must("rmi", "one:1")).toBe("Untagged: one:1");
    expect(await must("run", "--rm", "two:2")).toBe("hi");
    const gone = (await must("rmi", "two:2")).split("\n");
    expect(gone.slice(0, 2)).toEqual(["Untagged: two:2", `Deleted: ${id}`]);
    expect(gone).toHaveLength(3);
    const missing = await docker("rmi", "two:2");
    expect([missing.code, missing.stderr]).toEqual([
      1,
      expect.stringContaining("Error response from daemon: No such image: two:2"),
    ]);
  });

  test("images --tree shows platform, users and sizes, with the docker CLI and with ours", async () => {
    await must("create", "--name", "user", "busybox");
    const theirs = (await must("images", "--tree")).split("\n");
    const platform = theirs.find((line) => line.includes("linux/")) ?? "";
    expect(platform).toMatch(/└─ linux\/\w+ +[0-9a-f]{12} +[\d.]+MB +[\d.]+MB +U/);
    const [head, name, own = ""] = (await drydock("images", "--tree")).stdout.split("\n");
    expect(head).toMatch(/^IMAGE +ID +DISK USAGE +CONTENT SIZE +IN USE$/);
    expect(name).toMatch(/^busybox:latest +[0-9a-f]{12} .* by 1$/);
    expect(own.split(/ +/).slice(0, 5)).toEqual(platform.split(/ +/).slice(0, 5));
  });

  test("E31: by id an image of two names needs force, and loses both", async () => {
    const id = await commit("one:1");
    await must("tag", "one:1", "two:2");
    const short = id.slice(7, 19);
    const refused = await docker("rmi", short);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(
        `conflict: unable to delete ${short} (must be forced) - ` +
          "image is referenced in multiple repositories",
      ),
    ]);
    const gone = await must("rmi", "-f", short);
    expect(gone).toMatch(/^Untagged: one:1\nUntagged: two:2\nDeleted: sha256:/);
  });

  test("an image in use is refused in Docker's words, and with force its container lives", async () => {
    const id = await commit("one:1");
    const container = await must("create", "--name", "user", "one:1");
    const named = await docker("rmi", "one:1");
    expect(named.stderr).toContain(
      'conflict: unable to remove repository reference "one:1" (must force) - ' +
        `container ${container.slice(0, 12)} is using its referenced image ${id.slice(7, 19)}`,
    );
    const byId = await docker("rmi", id);
    expect(byId.stderr).toContain(
      `(must be forced) - image is being used by stopped container ${container.slice(0, 12)}`,
    );
    await must("rmi", "-f", id);
    expect(await must("start", "-a", "user")).toBe("hi");
    expect(await must("ps", "-a", "--format", "{{.Image}}")).toBe(id.slice(7, 19));
    await must("rm", "user");
    await until("its layer is given back", layers, (left) => left.length === 1);
  });

  test("an image that runs cannot be forced by id; by name it only loses the name", async () => {
    const id = await commit("one:1");
    await must("run", "-d", "--name", "user", "one:1", "sleep", "100");
    const refused = await docker("rmi", "-f", id);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("(cannot be forced) - image is being used by running container"),
    ]);
    expect(await must("rmi", "-f", "one:1")).toBe("Untagged: one:1");
    expect(await must("images", "-q", "--no-trunc", "-f", "dangling=true")).toBe(id);
    await must("exec", "user", "cat", "/note");
  });

  test("M10: import makes an image of what export wrote, also compressed", async () => {
    await must("run", "--name", "made", "busybox", "sh", "-c", "echo hi > /note");
    for (const [name, filter] of [
      ["plain:1", "cat"],
      ["packed:1", "gzip"],
    ]) {
      const change = `-c 'CMD ["cat","/note"]' -c 'ENV A=b' -m why`;
      const script = `docker export made | ${filter} | docker import ${change} - ${name}`;
      const { code, stdout } = await run("sh", ["-c", script], { env: daemon.environment });
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/)]);
      expect(await must("run", "--rm", name ?? "")).toBe("hi");
      const format = "{{len .RootFS.Layers}} {{json .Config.Env}} {{.Comment}}";
      expect(await must("inspect", "-f", format, name ?? "")).toBe('1 ["A=b"] why');
    }
    const bad = await run("docker", ["import", "-", "bad:1"], {
      env: daemon.environment,
      input: "no tar at all",
    });
    expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining("invalid tar")]);
    expect(await must("images", "-q", "bad")).toBe("");
  });

  test("M08: prune says by name what would go, and that goes", async () => {
    await commit("one:1");
    await must("create", "--name", "stopped", "busybox");
    const planned = await drydock("system", "prune", "-a", "--dry-run");
    expect(planned.stdout).toMatch(
      /^container +\w{12} +stopped +0B\nimage +\w{12} +\S+ +\S+\nimage +\w{12} +\S+ +\S+\nRoom that this makes: /,
    );
    expect(planned.stdout).toContain("one:1");
    expect(await must("ps", "-aq")).not.toBe("");
    const asked = await run("node", [launcher, "system", "prune"], {
      env: daemon.environment,
      input: "n\n",
    });
    expect([asked.code, asked.stdout]).toEqual([0, expect.stringContaining("stopped")]);
    expect(await must("ps", "-aq")).not.toBe("");
    const done = await drydock("system", "prune", "-a", "-f");
    expect(done.stdout).toMatch(
      /^Deleted Containers:\n\w{64}\n\nDeleted Images:\nuntagged: [^]*Total reclaimed space: \S+\n$/,
    );
    const room = /Room that this makes: (\S+)/.exec(planned.stdout)?.[1];
    expect(done.stdout).toContain(`Total reclaimed space: ${room}\n`);
    expect(await must("images", "-aq")).toBe("");
  });

  test("M08: docker's own prunes find everything they ask for", async () => {
    await commit("one:1");
    await commit("one:1", "echo other > /note");
    expect(await must("image", "prune", "-f")).toMatch(/^Deleted Images:\ndeleted: sha256:/);
    expect(await must("system", "prune", "-f")).toBe("Total reclaimed space: 0B");
    for (const kind of ["network", "volume", "builder"]) await must(kind, "prune", "-f");
  });

  test("events tell of tags and removals", async () => {
    const since = String(Date.now() / 1000 - 0.001);
    const listening = spawn(
      "docker",
      ["events", "--since", since, "--format", "{{.Type}} {{.Action}}"],
      {
        env: daemon.environment,
      },
    );
    let told = "";
    listening.stdout.on("data", (bytes: Uint8Array) => (told += new TextDecoder().decode(bytes)));
    await must("tag", "busybox", "b:1");
    await must("rmi", "b:1");
    const id = await commit("one:1");
    await must("rmi", id);
    await until(
      "they are told",
      () => told,
      (text) => text.includes("image delete"),
    );
    listening.kill();
    const images = told.split("\n").filter((line) => line.startsWith("image"));
    const actions = ["tag", "untag", "tag", "untag", "delete"];
    expect(images).toEqual(actions.map((action) => `image ${action}`));
  });

  test("both programs print the same of images", async () => {
    await commit("one:1");
    for (const words of [
      ["images"],
      ["images", "-a", "--no-trunc", "--digests"],
      ["history", "one:1"],
      ["history", "--no-trunc", "-H=false", "busybox"],
      ["image", "ls", "--format", "{{.Repository}} {{.Size}}"],
      ["system", "df"],
      ["system", "df", "-v"],
    ]) {
      const [theirs, ours] = [await docker(...words), await drydock(...words)];
      expect([words, ageless(ours.stdout)]).toEqual([words, ageless(theirs.stdout)]);
    }
    const same = await idOf("one:1");
    expect((await drydock("inspect", "-f", "{{.Id}}", "one:1")).stdout.trim()).toBe(same);
  });

  test("the embedded image stays away when it was removed, and comes back by name", async () => {
    await must("rmi", "busybox");
    await daemon.kill("SIGTERM");
    await daemon.start();
    expect(await must("images", "-q")).toBe("");
    const ran = await docker("run", "--rm", "busybox", "echo", "back");
    expect([ran.stdout, ran.stderr]).toEqual([
      "back\n",
      expect.stringContaining("Unable to find image 'busybox:latest' locally"),
    ]);
  });

  test("df --explain counts every file, logs too; fsck has nothing to say", async () => {
    await must("run", "--name", "loud", "busybox", "seq", "10000");
    const { stdout } = await drydock("system", "df", "--explain");
    expect(stdout).toMatch(/^OWNER +WHAT +SIZE +WHERE\n/);
    expect(stdout).toMatch(/^loud +printed by the container +\d+(\.\d+)?[kM]B /m);
    expect(stdout).toMatch(/^busybox:latest +image, unpacked +/m);
    expect(await drydock("system", "fsck")).toMatchObject({
      code: 0,
      stdout: "Everything is as it should be.\n",
    });
  });
});
