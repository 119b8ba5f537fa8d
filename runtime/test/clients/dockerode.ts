/**
 * dockerode: what Node programs do with containers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import Docker from "dockerode";
import { runAll, type Client } from "./scenario.ts";

/** What a scenario works with: its containers are removed at its end. */
interface Bench {
  readonly docker: Docker;
  readonly create: (options: Partial<Docker.ContainerCreateOptions>) => Promise<Docker.Container>;
  /** Creates and starts. */
  readonly start: (
    Cmd: string[],
    options?: Partial<Docker.ContainerCreateOptions>,
  ) => Promise<Docker.Container>;
}

interface Scenario {
  readonly name: string;
  readonly quick?: true;
  readonly run: (bench: Bench) => Promise<void>;
}

const SLEEP = ["sleep", "100"];

/** The status and message that a promise fails with. */
async function refusal(promise: Promise<unknown>): Promise<{ status: number; message: string }> {
  try {
    await promise;
  } catch (error) {
    const { statusCode, message } = error as Error & { statusCode: number };
    return { status: statusCode, message };
  }
  throw new Error("was not refused");
}

/** Both outputs of a stream in frames, until it ends. */
async function outputs(docker: Docker, stream: NodeJS.ReadableStream): Promise<[string, string]> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  docker.modem.demuxStream(stream, out, err);
  stream.on("end", () => [out, err].forEach((each) => each.end()));
  return [await text(out), await text(err)];
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "create, attach, start, wait, remove",
    quick: true,
    run: async ({ docker, create }) => {
      const container = await create({ Cmd: ["sh", "-c", "echo out; echo err >&2; exit 3"] });
      const stream = await container.attach({ stream: true, stdout: true, stderr: true });
      const said = outputs(docker, stream);
      const ended = container.wait({ condition: "next-exit" });
      await container.start();
      assert.deepEqual(await said, ["out\n", "err\n"]);
      assert.equal(((await ended) as { StatusCode: number }).StatusCode, 3);
      await container.remove();
      assert.equal((await refusal(container.inspect())).status, 404);
    },
  },
  {
    name: "docker.run pipes the output and returns the exit code",
    run: async ({ docker }) => {
      const out = new PassThrough();
      const said = text(out);
      const words = ["sh", "-c", "echo hi; exit 2"];
      const [result, container] = (await docker.run("busybox", words, out, { Tty: true })) as [
        { StatusCode: number },
        Docker.Container,
      ];
      assert.equal(result.StatusCode, 2);
      assert.equal(await said, "hi\r\n");
      await container.remove();
    },
  },
  {
    name: "attach with input: its end reaches the program",
    quick: true,
    run: async ({ docker, create }) => {
      const container = await create({ Cmd: ["wc", "-c"], OpenStdin: true, StdinOnce: true });
      const line = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };
      const stream = await container.attach(line);
      const said = outputs(docker, stream);
      await container.start();
      stream.end("x".repeat(100_000));
      assert.deepEqual(await said, ["100000\n", ""]);
    },
  },
  {
    name: "exec: output, exit code, inspect",
    quick: true,
    run: async ({ docker, start }) => {
      const container = await start(SLEEP);
      const exec = await container.exec({
        Cmd: ["sh", "-c", "cat; echo $A >&2; exit 5"],
        Env: ["A=b"],
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
      });
      const stream = await exec.start({ hijack: true, stdin: true });
      const said = outputs(docker, stream);
      stream.end("typed");
      assert.deepEqual(await said, ["typed", "b\n"]);
      const { ExitCode, Running, ContainerID } = await exec.inspect();
      assert.deepEqual([ExitCode, Running, ContainerID], [5, false, container.id]);
    },
  },
  {
    name: "terminals are resized, the container's and an exec's",
    quick: true,
    run: async ({ docker, start }) => {
      const container = await start(["cat"], { Tty: true, OpenStdin: true });
      await container.resize({ h: 31, w: 91 });
      const exec = await container.exec({
        Cmd: ["sh"],
        Tty: true,
        AttachStdin: true,
        AttachStdout: true,
      });
      const stream = await exec.start({ hijack: true, stdin: true, Tty: true });
      await exec.resize({ h: 32, w: 92 });
      stream.write("stty size; stty size < /proc/1/fd/0; exit\n");
      const screen = await text(stream);
      assert.match(screen, /32 92\r\n31 91\r\n/);
      assert.equal((await refusal(docker.getExec("nosuch").inspect())).status, 404);
    },
  },
  {
    name: "statuses: 304, 404, 409, 400",
    quick: true,
    run: async ({ docker, create, start }) => {
      const container = await start(SLEEP);
      const { Name } = await container.inspect();
      assert.equal((await refusal(container.start())).status, 304);
      assert.equal((await refusal(container.remove())).status, 409);
      assert.equal((await refusal(container.unpause())).status, 409);
      const taken = docker.createContainer({ name: Name.slice(1), Image: "busybox" });
      assert.equal((await refusal(taken)).status, 409);
      await container.stop({ t: 0 });
      assert.equal((await refusal(container.stop())).status, 304);
      assert.equal((await refusal(container.kill())).status, 409);
      assert.equal((await refusal(create({ Image: "no/such" }))).status, 404);
      assert.equal((await refusal(docker.getContainer("nosuch").start())).status, 404);
      assert.equal((await refusal(create({ HostConfig: { Memory: 1 } }))).status, 400);
    },
  },
  {
    name: "list with filters",
    quick: true,
    run: async ({ docker, create, start }) => {
      const label = `role=${process.pid}`;
      const Labels = { role: String(process.pid) };
      const running = await start(SLEEP, { Labels });
      const made = await create({ Labels });
      const ids = async (filters: Record<string, string[]>) =>
        (await docker.listContainers({ all: true, filters })).map(({ Id }) => Id);
      assert.deepEqual(await ids({ label: [label] }), [made.id, running.id]);
      assert.deepEqual(await ids({ label: [label], status: ["running"] }), [running.id]);
      assert.deepEqual(await ids({ label: [label], status: ["created", "exited"] }), [made.id]);
      assert.equal((await refusal(ids({ nosuch: ["1"] }))).status, 400);
      const [summary] = await docker.listContainers({ filters: { label: [label] } });
      assert.deepEqual([summary?.State, summary?.Image], ["running", "busybox"]);
    },
  },
  {
    name: "logs: both outputs, the tail, with times, followed",
    run: async ({ docker, start }) => {
      const container = await start(["sh", "-c", "echo 1; echo 2 >&2; sleep 0.4; echo 3"]);
      const followed = await container.logs({ follow: true, stdout: true, stderr: true });
      assert.deepEqual(await outputs(docker, followed), ["1\n3\n", "2\n"]);
      const bytes = await container.logs({ stdout: true, tail: 1, timestamps: true });
      assert.match(bytes.subarray(8).toString(), /^\d{4}-\S+Z 3\n$/);
    },
  },
  {
    name: "events as they happen",
    quick: true,
    run: async ({ docker, start }) => {
      const filters = JSON.stringify({ type: ["container"], event: ["start", "die"] });
      const stream = await docker.getEvents({ filters });
      const container = await start(["true"]);
      const seen: string[] = [];
      for await (const chunk of stream) {
        for (const line of String(chunk).trim().split("\n")) {
          const event = JSON.parse(line) as { Action: string; Actor: { ID: string } };
          if (event.Actor.ID === container.id) seen.push(event.Action);
        }
        if (seen.length === 2) break;
      }
      assert.deepEqual(seen, ["start", "die"]);
    },
  },
  {
    name: "pause, unpause, rename, restart, update, top, changes",
    run: async ({ start }) => {
      const container = await start(["sh", "-c", "touch /made; sleep 100"]);
      await container.pause();
      assert.equal((await container.inspect()).State.Status, "paused");
      await container.unpause();
      await container.rename({ name: `renamed-${process.pid}` });
      assert.equal((await container.inspect()).Name, `/renamed-${process.pid}`);
      const { Pid } = (await container.inspect()).State;
      await container.restart({ t: 0 });
      assert.notEqual((await container.inspect()).State.Pid, Pid);
      await container.update({ Memory: 64 << 20, MemorySwap: -1 });
      assert.equal((await container.inspect()).HostConfig.Memory, 64 << 20);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const { Titles, Processes } = (await container.top()) as {
        Titles: string[];
        Processes: string[][];
      };
      assert.equal(Titles[0], "UID");
      assert.ok(Processes.some((fields) => fields.at(-1) === "sleep 100"));
      const changes = (await container.changes()) as { Kind: number; Path: string }[];
      assert.ok(changes.some(({ Kind, Path }) => Kind === 1 && Path === "/made"));
    },
  },
  {
    name: "stats, once and as a stream",
    run: async ({ start }) => {
      const container = await start(SLEEP);
      const once = await container.stats({ stream: false });
      assert.ok(once.memory_stats.usage > 0 && once.pids_stats?.current === 1);
      const stream = await container.stats({ stream: true });
      let seen = 0;
      for await (const chunk of stream) {
        seen += String(chunk).trim().split("\n").length;
        if (seen >= 2) break;
      }
      assert.ok(seen >= 2);
    },
  },
  {
    name: "archives in and out, export",
    quick: true,
    run: async ({ create }) => {
      const container = await create({ Cmd: ["true"] });
      const archive = await container.getArchive({ path: "/etc/passwd" });
      const chunks: Uint8Array[] = [];
      for await (const chunk of archive) chunks.push(chunk as Uint8Array);
      const tar = Buffer.concat(chunks);
      assert.equal(tar.subarray(0, 6).toString(), "passwd");
      await container.putArchive(tar, { path: "/tmp" });
      const info = (await container.infoArchive({ path: "/tmp/passwd" })) as {
        headers: Record<string, string>;
      };
      const stat = JSON.parse(
        Buffer.from(info.headers["x-docker-container-path-stat"] ?? "", "base64").toString(),
      ) as { name: string };
      assert.equal(stat.name, "passwd");
      assert.equal((await refusal(container.getArchive({ path: "/no" }))).status, 404);
      let bytes = 0;
      for await (const chunk of await container.export()) bytes += (chunk as Uint8Array).length;
      assert.ok(bytes > 100_000);
    },
  },
  {
    name: "commit, run the image, remove it",
    run: async ({ docker, start, create }) => {
      const container = await start(["sh", "-c", "echo kept > /kept"]);
      await container.wait();
      const repo = `made-${process.pid}`;
      const { Id } = (await container.commit({ repo, tag: "1", comment: "why" })) as { Id: string };
      const image = docker.getImage(`${repo}:1`);
      assert.equal((await image.inspect()).Id, Id);
      const second = await create({ Image: `${repo}:1`, Cmd: ["grep", "-q", "kept", "/kept"] });
      await second.start();
      assert.equal(((await second.wait()) as { StatusCode: number }).StatusCode, 0);
      await second.remove();
      await image.remove();
      assert.equal((await refusal(image.inspect())).status, 404);
    },
  },
  {
    name: "images: tag, list, history, refused and forced removal, prune, import",
    quick: true,
    run: async ({ docker, create }) => {
      const container = await create({ Cmd: ["true"] });
      const repo = `named-${process.pid}`;
      await container.commit({ repo, tag: "1" });
      const image = docker.getImage(`${repo}:1`);
      await image.tag({ repo, tag: "2" });
      const filters = JSON.stringify({ reference: [repo] });
      const [listed] = await docker.listImages({ filters });
      assert.deepEqual(listed?.RepoTags?.toSorted(), [`${repo}:1`, `${repo}:2`]);
      const steps = (await image.history()) as unknown[];
      assert.ok(steps.length >= 2);
      await create({ Image: `${repo}:1` });
      assert.deepEqual(await docker.getImage(`${repo}:2`).remove(), [{ Untagged: `${repo}:2` }]);
      assert.equal((await refusal(image.remove())).status, 409);
      const gone = (await image.remove({ force: true })) as { Deleted?: string }[];
      assert.ok(gone.some(({ Deleted }) => Deleted === listed?.Id));
      const archive = await container.export();
      await text(await docker.importImage(archive, { repo, tag: "flat" }));
      const { Id } = await docker.getImage(`${repo}:flat`).inspect();
      await docker.getImage(`${repo}:flat`).remove();
      const { ImagesDeleted } = await docker.pruneImages({});
      assert.ok(!(ImagesDeleted ?? []).some(({ Deleted }) => Deleted === Id));
    },
  },
  {
    name: "wait for the next exit, and for removal",
    run: async ({ create }) => {
      const container = await create({ Cmd: ["true"], HostConfig: { AutoRemove: true } });
      const next = container.wait({ condition: "next-exit" });
      const removed = container.wait({ condition: "removed" });
      await container.start();
      const codes = (await Promise.all([next, removed])) as { StatusCode: number }[];
      assert.deepEqual(
        codes.map(({ StatusCode }) => StatusCode),
        [0, 0],
      );
      assert.equal((await refusal(container.inspect())).status, 404);
    },
  },
  {
    name: "prune, ping, version, info, disk use",
    run: async ({ docker, create }) => {
      const container = await create({ Labels: { prune: String(process.pid) } });
      const filters = { label: [`prune=${process.pid}`] };
      const { ContainersDeleted } = await docker.pruneContainers({ filters });
      assert.deepEqual(ContainersDeleted, [container.id]);
      assert.equal(String(await docker.ping()), "OK");
      assert.match((await docker.version()).ApiVersion, /^1\.\d+$/);
      const info = (await docker.info()) as { OSType: string };
      assert.equal(info.OSType, "linux");
      const use = (await docker.df()) as { Images: unknown[] };
      assert.ok(use.Images.length > 0);
    },
  },
];

async function carryOut(docker: Docker, scenario: Scenario): Promise<void> {
  const made: Docker.Container[] = [];
  const create: Bench["create"] = async (options) => {
    const container = await docker.createContainer({ Image: "busybox", ...options });
    made.push(container);
    return container;
  };
  const start: Bench["start"] = async (Cmd, options = {}) => {
    const container = await create({ Cmd, ...options });
    await container.start();
    return container;
  };
  try {
    await scenario.run({ docker, create, start });
  } finally {
    await Promise.allSettled(made.map((container) => container.remove({ force: true, v: true })));
  }
}

/** dockerode, as installed. */
export const dockerode: Client = {
  name: "dockerode",
  look: async () => {
    const file = createRequire(import.meta.url).resolve("dockerode/package.json");
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
    return { version };
  },
  run: async ({ host, quick }) => {
    const docker = new Docker({ socketPath: host.replace("unix://", "") });
    const chosen = SCENARIOS.filter((scenario) => scenario.quick === true || !quick);
    return runAll(chosen, (scenario) => carryOut(docker, scenario));
  },
};
