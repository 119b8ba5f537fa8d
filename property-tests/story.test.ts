/**
 * Properties of what is told about containers: plans and stories.
 *
 * @module
 */
import { fc, test } from "@fast-check/vitest";
import { spawnSync } from "node:child_process";
import { expect } from "vitest";
import { parse } from "yaml";
import { composeFile } from "../runtime/src/cli/compose-file.ts";
import { compareTables, type Comparison } from "../runtime/src/cli/comparison.ts";
import { startFailureCode } from "../runtime/src/cli/exit-code.ts";
import { reasonsFor, type End, type Facts } from "../runtime/src/cli/reasons.ts";
import { runCommandLine } from "../runtime/src/cli/program.fixture.ts";
import { flagWords, wordsFor, type RunRequest } from "../runtime/src/cli/run-words.ts";
import { shellLine } from "../runtime/src/wire/shell-words.ts";
import { sectionsOf, storyText, type Step } from "../runtime/src/cli/story.ts";
import { wish, type Wish } from "../runtime/src/engine/engine.fixture.ts";
import { createContainerView } from "../runtime/src/engine/container-view.ts";
import { adviceFor } from "../runtime/src/engine/program-advice.ts";
import { createPlanner } from "../runtime/src/engine/index.ts";
import { decorate, KernelError } from "../runtime/src/kernel/index.ts";
import type { Kernel } from "../runtime/src/kernel/index.ts";
import { createLinuxKernel } from "../runtime/src/kernel/linux/index.ts";
import {
  createModel,
  createModelKernel,
  installUserland,
  USERLAND,
} from "../runtime/src/kernel/model/index.ts";

// --- stories

const anyExec = fc.constantFrom(
  undefined,
  { id: "e1", command: ["true"], exitCode: 0 },
  { id: "e2", command: ["sh", "-c", "x"], exitCode: null },
);

const anySteps: fc.Arbitrary<readonly Step[]> = fc
  .array(
    fc.record({
      where: fc.constantFrom("engine", "keeper", "init"),
      concept: fc.constantFrom(undefined, "layers", "cgroups", "process"),
      operation: fc.constantFrom(
        "create container",
        "prepare container",
        "start container",
        "remove cgroup",
      ),
      call: fc.constantFrom("mount", "spawn", "writeEach"),
      args: fc.constant(["/x"]),
      source: fc.constantFrom(undefined, "runtime/src/volumes/plan.ts:3"),
      exec: anyExec,
    }),
    { maxLength: 40 },
  )
  .map((steps) => steps.map((step, at) => ({ ...step, number: at + 1 })));

const numbersIn = (text: string): readonly number[] =>
  [...text.matchAll(/^ +(\d+) (?:engine|keeper|init)/gm)].map(([, number]) => Number(number));

test.prop([anySteps])("story-tells-all", (steps) => {
  const all = steps.map(({ number }) => number);
  const sections = sectionsOf(steps);
  for (const order of ["concept", "time"] as const) {
    const told = numbersIn(storyText(sections, order));
    expect(told.toSorted((left, right) => left - right)).toEqual(all);
  }
  for (const { title, steps: mine } of sections) {
    const numbers = numbersIn(storyText([{ title, steps: mine }], "time"));
    expect(numbers).toEqual(numbers.toSorted((left, right) => left - right));
    expect(new Set(mine.map(({ exec }) => exec?.id)).size).toBe(1);
  }
});

test.prop([anySteps, fc.integer({ min: 40, max: 120 })])(
  "story-fits-the-terminal",
  (steps, columns) => {
    const sections = sectionsOf(steps);
    const narrow = storyText(sections, "concept", columns);
    for (const line of narrow.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
    const signs = (text: string): string => text.replaceAll(/\s/g, "");
    expect(signs(narrow)).toBe(signs(storyText(sections, "concept")));
  },
);

// --- plans

const anyWish: fc.Arbitrary<Wish> = fc.record({
  cmd: fc.array(fc.constantFrom("true", "sh", "-c"), { minLength: 1, maxLength: 3 }),
  config: fc.record({ Tty: fc.boolean(), User: fc.constantFrom("", "nobody") }),
  hostConfig: fc.record({
    Memory: fc.constantFrom(0, 64 << 20),
    CpusetCpus: fc.constantFrom("", "0"),
    PidsLimit: fc.constantFrom(null, 20),
    Binds: fc.constantFrom([], ["/etc:/mnt:ro"], ["/not-there:/mnt"]),
    Privileged: fc.boolean(),
    PidMode: fc.constantFrom("", "host"),
  }),
});

/** The same machine for somebody who may not look into the engine's store. */
function withClosedStore(kernel: Kernel): Kernel {
  return decorate(kernel, ({ name, args: [path], proceed }) => {
    if (typeof path !== "string" || !path.startsWith("/var/lib/drydock/images/")) return proceed();
    throw new KernelError(name, "EACCES", path);
  });
}

test.prop([anyWish, fc.constantFrom("v1", "v2", "hybrid"), fc.boolean()], { numRuns: 30 })(
  "planning-changes-nothing",
  async (wanted, cgroups, mayLook) => {
    const model = createModel({ clock: createLinuxKernel(), programs: USERLAND, cgroups });
    installUserland(model.kernel, "model");
    const before = JSON.stringify(model.snapshot());
    const options = { root: "/var/lib/drydock", cgroupParent: "/drydock", programVersion: "0" };
    const kernel = mayLook ? model.kernel : withClosedStore(model.kernel);
    const planner = createPlanner({ kernel, ...options });
    const { steps, warnings } = await planner.planContainer(wish(wanted));
    expect(steps.length).toBeGreaterThan(30);
    expect(steps.some(({ concept }) => concept === "cgroups")).toBe(true);
    expect(warnings.join()).toContain("cannot be looked at without the daemon");
    expect(JSON.stringify(model.snapshot())).toBe(before);
  },
);

// --- advice

const anyName = fc.constantFrom("sh", "bin", "app", "run", "cat", "x y", "..", "");
const anyPath = fc.array(anyName, { maxLength: 3 }).map((names) => `/${names.join("/")}`);
const anyHead = fc.oneof(
  fc.constantFrom("", "echo", "#!/bin/sh\r\n", "#!/bin/bash\n", "#! \n", "#!sh"),
  fc.uint8Array({ maxLength: 80 }),
  fc.uint8Array({ minLength: 60, maxLength: 80 }).map((rest) => {
    const bytes = Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, ...rest]);
    bytes[18] = 62;
    return bytes;
  }),
);
const anyTree = fc.array(fc.tuple(anyPath, anyHead, fc.constantFrom(0o644, 0o700, 0o755)), {
  maxLength: 6,
});

/** What Docker says first, whatever follows. */
const anyRefusal = fc.constantFrom(
  "executable file not found in $PATH",
  "/x: no such file or directory",
  "permission denied",
  "is a directory",
  "exec format error",
);

test.prop([anyTree, anyRefusal, fc.oneof(anyName, anyPath), fc.constantFrom("", "www")], {
  numRuns: 1000,
})("advice-keeps-the-exit-code", (files, refusal, command, user) => {
  const kernel = createModelKernel({ clock: createLinuxKernel() });
  kernel.mkdir("/r", 0o755);
  for (const name of ["bin", "app"]) kernel.mkdir(`/r/${name}`, 0o755);
  for (const [path, content, mode] of files) {
    try {
      kernel.writeFile(`/r${path}`, content, "create", mode);
    } catch {
      continue;
    }
  }
  const about = { command, user, path: "/bin:/app", workingDir: "/app", architecture: "amd64" };
  const advice = adviceFor(createContainerView(kernel, "/r"), about);
  const lines = [`exec: "${command}": ${refusal}`, ...advice];
  expect(startFailureCode(lines.join("\n"))).toBe(startFailureCode(refusal));
  expect(advice.every((line) => line !== "" && !line.includes("\n"))).toBe(true);
});

// --- reasons

const anySignal = fc.constantFrom(null, "SIGKILL", "SIGTERM", "SIGSEGV", "SIGRTMIN+3");

const anyRequest = fc.record({
  by: fc.constantFrom("stop", "health", "kill", "timeout"),
  signal: fc.constantFrom("SIGKILL", "SIGTERM", "SIGINT"),
  atMs: fc.nat(),
  patienceSeconds: fc.constantFrom(0, 1, 10),
});

const anyEnd = fc.record({
  exitCode: fc.nat(255),
  oomKilled: fc.boolean(),
  startedAtMs: fc.nat(5000),
  finishedAtMs: fc.nat(9000),
  signal: anySignal,
  requests: fc.option(fc.array(anyRequest, { maxLength: 4 })),
  memory: fc.option(
    fc.record({ peakBytes: fc.nat(), limitBytes: fc.option(fc.integer({ min: 1 })) }),
  ),
  isPrevious: fc.boolean(),
});

const anyFacts: fc.Arbitrary<Facts> = fc.record({
  name: fc.constant("web"),
  command: fc.constantFrom([], ["sh"], ["/bin/sh", "-c", "x"], ["sleep", "1"]),
  terminal: fc.boolean(),
  init: fc.boolean(),
  status: fc.constantFrom("created", "running", "paused", "restarting", "exited", "dead"),
  error: fc.constantFrom("", "it broke"),
  startedAtMs: fc.option(fc.nat()),
  end: fc.option(anyEnd),
  restart: fc.record({
    policy: fc.constantFrom("no", "always", "on-failure", "unless-stopped"),
    maximum: fc.nat(3),
    count: fc.nat(5),
    delayMs: fc.nat(),
    isStopped: fc.boolean(),
  }),
  health: fc.constant(null),
  held: fc.constant([]),
  zombies: fc.array(
    fc.record({
      pid: fc.nat(),
      name: fc.constant("sleep"),
      parentPid: fc.nat(),
      parentName: fc.constantFrom("", "sh"),
    }),
    { maxLength: 2 },
  ),
});

test.prop([anyFacts], { numRuns: 2000 })("every-end-has-a-reason", (facts) => {
  const reasons = reasonsFor(facts, 10_000);
  const [first = "", ...more] = reasons.map(({ what }) => what);
  const sentences = reasons.flatMap(({ what, advice = "" }) => [what, advice]).join();
  expect(first).toMatch(/^web /);
  expect(sentences).not.toMatch(/undefined|NaN|null|Infinity/);
  const { end, status } = facts;
  if (end === null || !["exited", "restarting"].includes(status)) return;
  expect(first).toContain(end.signal ?? `exit code ${end.exitCode}`);
  if (!end.isPrevious) expectCause(end, more.join("\n"));
});

/** Who kills for memory is the kernel, whatever else was asked. */
function expectCause({ oomKilled, signal, requests }: End, told: string): void {
  expect(told.includes("Memory ran out")).toBe(oomKilled);
  if (oomKilled === true || signal !== "SIGKILL") return;
  // No daemon was there to write down who asked.
  if (requests === null) return expect(told).toContain("is not known");
  const forced = requests.findLast((request) => request.signal === "SIGKILL");
  expect(told).toContain(FORCED[forced?.by ?? "nobody"]);
}

const FORCED = {
  nobody: "Nobody asked the engine",
  timeout: "did not end within",
  kill: "killed through the engine",
  stop: "killed through the engine",
  health: "killed through the engine",
};

// --- comparisons

const anyTable = fc.dictionary(
  fc.oneof(fc.constantFrom("mnt", "pid", "/proc", "constructor"), fc.string({ maxLength: 2 })),
  fc.constantFrom("1", "2", ""),
  { maxKeys: 6 },
);

const namesOf = (parts: Comparison): readonly string[] =>
  [parts.same, parts.different, parts.onlyLeft, parts.onlyRight].flatMap((part) =>
    Object.keys(part),
  );

test.prop([anyTable, anyTable])("comparison-is-whole", (left, right) => {
  const parts = compareTables(left, right);
  const names = namesOf(parts);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(names)).toEqual(new Set([...Object.keys(left), ...Object.keys(right)]));
  const firsts = Object.entries(parts.different).map(([name, [one]]) => [name, one]);
  const seconds = Object.entries(parts.different).map(([name, [, other]]) => [name, other]);
  expect({ ...parts.same, ...parts.onlyLeft, ...Object.fromEntries(firsts) }).toEqual(left);
  expect({ ...parts.same, ...parts.onlyRight, ...Object.fromEntries(seconds) }).toEqual(right);
  const swapped = compareTables(right, left);
  expect(swapped.onlyLeft).toEqual(parts.onlyRight);
  expect(swapped.same).toEqual(parts.same);
  const alone = compareTables(left, left);
  expect(namesOf({ ...alone, same: {} })).toEqual([]);
});

// --- run words

const anyWord = fc.oneof(
  fc.constantFrom(
    "a",
    "K=v",
    "K",
    "x y",
    "it's",
    "$HOME",
    "--rm",
    "-",
    "a,b",
    'q"q',
    "\n",
    "no",
    "12:30",
  ),
  fc.string({ minLength: 1, maxLength: 5 }),
);

const withValue = (names: string, values: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> =>
  fc.tuple(fc.constantFrom(...names.split(" ").map((name) => `--${name}`)), values);

const SWITCHES = "rm init privileged read-only tty interactive publish-all no-healthcheck".split(
  " ",
);

const anyFlag: fc.Arbitrary<readonly string[]> = fc.oneof(
  withValue("env label hostname user workdir entrypoint domainname volume tmpfs", anyWord),
  withValue("cap-add cap-drop group-add dns dns-search dns-option add-host link", anyWord),
  withValue("pid ipc", fc.constantFrom("host", "container:x", "")),
  withValue("cgroupns uts userns", fc.constantFrom("host", "")),
  withValue("memory memory-reservation shm-size", fc.constantFrom("0", "64m", "1g", "12345", "1k")),
  withValue("memory-swap", fc.constantFrom("-1", "128m")),
  withValue("cpus", fc.constantFrom("0.1", "1.5", "2", "0.000000001")),
  withValue("cpu-shares cpu-quota pids-limit oom-score-adj", fc.constantFrom("0", "-1", "512")),
  withValue("ulimit", fc.constantFrom("nofile=10", "core=1:-1", "nproc=3:4")),
  withValue("device", fc.constantFrom("/dev/null", "/dev/null:/dev/x:r", "/dev/a:/dev/b")),
  withValue("device-read-bps device-write-bps", fc.constantFrom("/dev/sda:1mb", "/dev/sdb:7")),
  withValue(
    "publish",
    fc.constantFrom("80", "8080:80", "127.0.0.1::53/udp", "[::1]:1:2", "1-3:4-6"),
  ),
  withValue("expose", fc.constantFrom("80", "53/udp", "7-9")),
  withValue("health-cmd", anyWord),
  withValue("health-interval health-timeout", fc.constantFrom("1s", "1.5s", "7ns", "2m")),
  withValue("restart", fc.constantFrom("no", "always", "on-failure:3", "unless-stopped")),
  withValue("network", fc.constantFrom("host", "none", "mine", "name=mine,alias=a,ip=10.0.0.2")),
  withValue("log-driver", fc.constantFrom("json-file", "none")),
  withValue("log-opt", fc.constantFrom("max-size=1m", "max-file=2")),
  withValue("security-opt", fc.constantFrom("no-new-privileges", "systempaths=unconfined")),
  withValue("sysctl", fc.constantFrom("net.ipv4.ip_forward=1", "kernel.msgmax=7")),
  withValue(
    "mount",
    fc.constantFrom(
      "type=bind,source=/a,target=/b,readonly",
      'type=bind,"source=/a,b",target=/c,bind-propagation=rslave',
      "type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=1770",
      "type=volume,source=v,target=/v,volume-nocopy,volume-label=a=b",
    ),
  ),
  withValue("stop-timeout", fc.constantFrom("0", "7")),
  withValue("stop-signal", fc.constantFrom("INT", "9")),
  fc.constantFrom(...SWITCHES).map((name) => [`--${name}`]),
  fc.constant(["--init=false"]),
);

async function bodyOf(words: readonly string[]): Promise<RunRequest | undefined> {
  const reply = { status: 201, json: { Id: "1" } };
  const { asked } = await runCommandLine(["create", ...words], () => reply);
  // What was sent is a request to create a container.
  return asked.at(-1)?.body as RunRequest | undefined;
}

test.prop([fc.array(anyFlag, { maxLength: 6 }), fc.array(anyWord, { maxLength: 3 })], {
  numRuns: 400,
})("run-words-round-trip", async (flags, command) => {
  const body = await bodyOf([...flags.flat(), "busybox", ...command]);
  fc.pre(body !== undefined);
  const { words, unsaid } = wordsFor(body);
  expect(unsaid).toEqual([]);
  expect(await bodyOf(words)).toEqual(body);
});

/** Flags and their values; a switch has "true" or "false". */
function pairsOf(words: readonly string[]): readonly (readonly [string, string])[] {
  const [first, ...rest] = words;
  if (first === undefined) return [];
  const [, name = "", value] = /^--([a-z-]+)(?:=(true|false))?$/.exec(first) ?? [];
  if (SWITCHES.includes(name)) return [[name, value ?? "true"], ...pairsOf(rest)];
  return [[name, rest[0] ?? ""], ...pairsOf(rest.slice(1))];
}

/** Every text, number and key below a value. */
function leavesOf(value: unknown): readonly string[] {
  if (typeof value !== "object" || value === null) return [String(value)];
  return Object.entries(value).flatMap(([key, each]) => [key, ...leavesOf(each)]);
}

/** As compose reads it: two dollar signs are one. */
function withDollars(value: unknown): unknown {
  const text = JSON.stringify(value);
  expect(text.replaceAll("$$", "")).not.toContain("$");
  return JSON.parse(text.replaceAll("$$", "$"));
}

/** These are counted in another unit there. */
const CONVERTED = /^(cpus|health-(interval|timeout)|stop-timeout|device-(read|write)-bps)$/;

test.prop([fc.array(anyFlag, { maxLength: 6 }), fc.array(anyWord, { maxLength: 3 })], {
  numRuns: 400,
})("compose-says-all: each flag is in the file, or told apart", async (flags, command) => {
  const body = await bodyOf([...flags.flat(), "busybox", ...command]);
  fc.pre(body !== undefined);
  const { text, unsaid } = composeFile([{ name: "web", request: body }], "from");
  const file = parse(text, { version: "1.1" }) as { readonly services: { readonly web: object } };
  const service = withDollars(file.services.web) as Readonly<Record<string, unknown>>;
  expect(service).toMatchObject({ image: "busybox", container_name: "web" });
  expect([service["command"] ?? null, service["entrypoint"] ?? null]).toEqual([
    body.Cmd ?? null,
    body.Entrypoint ?? null,
  ]);
  const leaves = new Set(leavesOf(service).flatMap((leaf) => [leaf, ...leaf.split(/[=:,"]/)]));
  for (const [flag, value] of pairsOf(flagWords(body))) {
    const isTold = unsaid.some((sentence) => sentence.includes(` says --${flag} `));
    // A mount's fields have other names there; what they say is the same.
    const said = flag === "mount" ? value.replace(/(^|,)"?[a-z-]+/g, "") : value;
    const parts = CONVERTED.test(flag) ? [] : said.split(/[=:,"]/).filter((part) => part !== "");
    const isThere = leaves.has(value) || parts.every((part) => leaves.has(part));
    expect([flag, value, isTold || isThere]).toEqual([flag, value, true]);
  }
});

test.prop([fc.array(anyWord, { minLength: 1, maxLength: 5 })], { numRuns: 30 })(
  "shell-line-round-trip",
  (words) => {
    const script = `printf '%s\\0' ${shellLine(words)}`;
    const { stdout } = spawnSync("/bin/sh", ["-c", script], { encoding: "utf8" });
    expect(stdout.split("\0").slice(0, -1)).toEqual(words);
  },
);
