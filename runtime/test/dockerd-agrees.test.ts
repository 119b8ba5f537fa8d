/**
 * The same requests to Docker's daemon and to ours: inspect and ps must show the same.
 *
 * Where they differ on purpose, or because theirs is an older one, the difference is listed here
 * with its reason; any other fails.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { skipped, type Ran } from "./daemon.ts";
import { Dockerd, whyNoDockerd } from "./dockerd.fixture.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip = skipped("answers beside dockerd's", whyNoDockerd());
const daemon = shareDaemon(skip);

/** Paths whose values differ, as patterns, and why. Types must agree all the same. */
const OWN_VALUES: readonly (readonly [RegExp, string])[] = [
  [/^\.(Id|Created|Image|\w+Path)$/, "each has its own"],
  [/^\.GraphDriver\.|^\.Config\.Hostname$|^\.State\.(Pid|\w+At)$/, "each has its own"],
  [/^\.NetworkSettings\.Sandbox/, "ours is the namespace's file of the process"],
  [/^\.HostConfig\.Runtime$/, "the runtime is the engine itself"],
  [/^\.HostConfig\.NetworkMode$/, "default is called bridge since Docker 26"],
  [/^\.HostConfig\.MaskedPaths$/, "Docker 28 hides two more"],
  [/^\.State\.Error$/, "another frame around the same words since Docker 23"],
  [/^\.HostConfig\.SecurityOpt$/, "label=disable is said where there is no SELinux"],
  [/^\.HostConfig\.BlkioWeight$/, "theirs does not know the file of this kernel (bfq)"],
  [/^\.NetworkSettings\.Networks\.\w+\.(NetworkID|EndpointID)$/, "networks come later"],
];

/** Fields that only one has, and why. */
const OWN_FIELDS: readonly (readonly [RegExp, string])[] = [
  [/^\.NetworkSettings\.Networks\.\w+\.(DNSNames|GwPriority)$/, "newer than their API"],
  [/^\.ImageManifestDescriptor$|^\.GraphDriver\.Data\.ID$/, "newer than their API"],
  [/^\.HostConfig\.(KernelMemory|KernelMemoryTCP)$/, "gone from newer versions"],
];

const isExcused = (list: typeof OWN_VALUES, path: string): boolean =>
  list.some(([form]) => form.test(path));

function differences(ours: unknown, theirs: unknown, path = ""): readonly string[] {
  if (isObject(ours) && isObject(theirs)) {
    const keys = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
    return [...keys].flatMap((key) => differences(ours[key], theirs[key], `${path}.${key}`));
  }
  if (ours === undefined || theirs === undefined) {
    const who = ours === undefined ? "only theirs" : "only ours";
    return isExcused(OWN_FIELDS, path) ? [] : [`${path}: ${who}`];
  }
  return isExcused(OWN_VALUES, path) ? [] : differentValues(ours, theirs, path);
}

function differentValues(ours: unknown, theirs: unknown, path: string): readonly string[] {
  if (Array.isArray(ours) && Array.isArray(theirs) && ours.length === theirs.length) {
    return ours.flatMap((each, at) => differences(each, theirs[at], `${path}[${at}]`));
  }
  const [mine, others] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return mine === others ? [] : [`${path}: ours ${mine}, theirs ${others}`];
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const MANY =
  "--hostname h --domainname d -e A=b -l x=y -u 7 -w /tmp -m 64m --memory-reservation 32m " +
  "--memory-swap 100m --cpus 0.5 --cpu-shares 100 --cpuset-cpus 0 --pids-limit 9 " +
  "--cap-add NET_ADMIN --cap-drop CHOWN --security-opt no-new-privileges --read-only " +
  "--tmpfs /t:size=1m -v /etc:/e:ro --ulimit nofile=10:20 --shm-size 8m --init " +
  "--stop-signal INT --stop-timeout 3 --restart on-failure:3 --health-cmd true " +
  "--health-interval 5s --log-opt max-size=1m --oom-score-adj 100 --group-add 5 " +
  "--device /dev/null:/dev/n0:r --device-cgroup-rule c_1:3_r --pid host --ipc shareable " +
  "--cgroup-parent /drydock-dockerd-test/zz --expose 80 --add-host a:1.2.3.4 --dns 1.1.1.1 " +
  "--dns-search x.y --dns-opt ndots:2 --entrypoint /bin/sh -it";

const CASES: readonly (readonly [what: string, words: string])[] = [
  ["nothing asked for", "create --name NAME busybox true"],
  ["many options", `create --name NAME --net none ${MANY} busybox -c true`],
  ["one that runs", "run -d --name NAME --net none busybox sleep 100"],
  ["one that failed", "run --name NAME --net none busybox sh -c false"],
  ["a command that is not there", "run --name NAME --net none busybox nosuch"],
  ["privileged", "create --name NAME --net none --privileged -P -p 80:8080 --userns host busybox"],
];

describe.skipIf(skip)("dockerd and ours", () => {
  const dockerd = new Dockerd();

  beforeAll(async () => {
    await dockerd.start(daemon);
  });

  afterEach(async () => {
    await dockerd.removeContainers();
  });

  afterAll(async () => {
    await dockerd[Symbol.asyncDispose]();
  });

  const both = (...words: string[]): Promise<readonly [Ran, Ran]> =>
    Promise.all([daemon.docker(...words), dockerd.docker(...words)]);

  test.each(CASES)("inspect shows the same: %s", async (what, words) => {
    const name = what.replaceAll(" ", "-");
    const given = words.replace("NAME", name).split(" ");
    await both(...given.map((word) => (word === "c_1:3_r" ? "c 1:3 r" : word)));
    const [ours, theirs] = (await both("inspect", name)).map(
      ({ stdout }) => (JSON.parse(stdout) as unknown[])[0],
    );
    expect(differences(ours, theirs)).toEqual([]);
  });

  const firstLine = ({ code, stdout, stderr }: Ran): readonly [number | null, string] => [
    code,
    ((stdout + stderr).split("\n")[0] ?? "").trim(),
  ];

  test.each([
    "rm --link words",
    "rm --link words/x",
    "rm --link nosuch",
    "exec -w rel words pwd",
    "create --net none --ipc container:nosuch busybox",
    "create --net none --pid container:nosuch busybox",
    "start net-of-nobody",
  ])("%s is refused in the same words", async (line) => {
    await both("run", "-d", "--net", "none", "--name", "words", "busybox", "sleep", "100");
    await both("create", "--net", "container:nosuch", "--name", "net-of-nobody", "busybox");
    const [ours, theirs] = await both(...line.split(" "));
    expect(firstLine(ours)).toEqual(firstLine(theirs));
    expect(ours.code).not.toBe(0);
    await daemon.docker("rm", "-f", "words", "net-of-nobody");
  });

  test("shares that the kernel would bend are refused at start, as by runc", async () => {
    await both("create", "--net", "none", "--name", "shares", "-c", "1", "busybox", "true");
    const [ours, theirs] = await both("start", "shares");
    expect([ours.code, theirs.code]).toEqual([1, 1]);
    for (const { stderr } of [ours, theirs]) {
      expect(stderr).toContain("the minimum allowed cpu-shares is 2");
    }
    const ended = await both("inspect", "-f", "{{.State.ExitCode}} {{.State.Status}}", "shares");
    expect(ended.map(({ stdout }) => stdout)).toEqual(["128 created\n", "128 created\n"]);
    await daemon.docker("rm", "shares");
  });

  const FILTERS =
    "name=f1 name=^/f1$ name=f label=k label=k=v exited=3 exited=0 status=paused status=created " +
    "status=running status=exited status=dead ancestor=busybox ancestor=nosuch before=f3 since=f3 " +
    "volume=/e volume=/etc volume=x network=none network=host network=nosuch publish=8080 " +
    "expose=80 health=healthy health=none health=unhealthy is-task=true is-task=false label= name=";

  test("ps shows the same for every filter and column", async () => {
    for (const words of [
      "run -d --net none --name f1 -l k=v busybox sleep 1000",
      "run -d --net none --name f2 -v /etc:/e -l k busybox sleep 1000",
      "create --net host --name f3 -p 8080:80 busybox true",
      "run --net none --name f4 busybox sh -c exit\t3",
      "run -d --net none --name f5 busybox sleep 1000",
      "pause f5",
    ])
      await both(...words.split(" ").map((word) => word.replace("\t", " ")));
    for (const filter of FILTERS.split(" ")) {
      const words = ["ps", "-a", "--filter", filter, "--format", "{{.Names}}"];
      const [ours, theirs] = await both(...words);
      expect([filter, ours.code, ours.stdout]).toEqual([filter, theirs.code, theirs.stdout]);
    }
    for (const words of [
      [],
      ["-a"],
      ["-a", "--no-trunc"],
      ["-n", "2"],
      ["-l"],
      ["-a", "--format", "table {{.Names}}\t{{.Labels}}\t{{.Mounts}}\t{{.Networks}}\t{{.State}}"],
      ["-a", "--format", '{{.Label "k"}} {{.Command}} {{.LocalVolumes}} {{.Image}} {{.Ports}}'],
    ]) {
      const [ours, theirs] = await both("ps", ...words);
      expect([words, ageless(ours.stdout)]).toEqual([words, ageless(theirs.stdout)]);
    }
  });
});

/** Without ids and ages, and the room that they take. */
function ageless(list: string): string {
  return list
    .replace(/\b[0-9a-f]{12}(?:[0-9a-f]{52})?\b/g, "ID")
    .replace(/Less than a second|About a minute|\d+ (?:second|minute)s?/g, "T")
    .replace(/ +/g, " ");
}
