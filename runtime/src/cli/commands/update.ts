/**
 * Command update: other limits and volumes for containers that exist.
 *
 * Kernel interface: cgroups(7), by the daemon.
 * Specification: docker update reference; Engine API v1.50, ContainerUpdate.
 * Invariants: none.
 * Left out: ports.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { CONTAINER_FLAGS } from "../options/flags.ts";
import { parseRestartPolicy } from "../options/life-cycle.ts";
import type { Flags } from "../grammar.ts";
import { forEachTarget } from "../targets.ts";

/** What can be changed, with the field that carries it. */
const FIELDS: Readonly<Record<string, string>> = {
  "blkio-weight": "BlkioWeight",
  "cpu-period": "CpuPeriod",
  "cpu-quota": "CpuQuota",
  "cpu-rt-period": "CpuRealtimePeriod",
  "cpu-rt-runtime": "CpuRealtimeRuntime",
  "cpu-shares": "CpuShares",
  cpus: "NanoCpus",
  "cpuset-cpus": "CpusetCpus",
  "cpuset-mems": "CpusetMems",
  memory: "Memory",
  "memory-reservation": "MemoryReservation",
  "memory-swap": "MemorySwap",
  "pids-limit": "PidsLimit",
};

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  flags: [
    ...CONTAINER_FLAGS.filter(({ name }) => Object.hasOwn(FIELDS, name)),
    { name: "restart", kind: "string", help: "Restart policy to apply when it exits" },
    {
      name: "volume",
      short: "v",
      kind: "list",
      help: "Mount a directory of the host too (stops it, and starts it again)",
    },
    { name: "publish", short: "p", kind: "list", help: "Not yet: publish a port" },
    { name: "plan", kind: "bool", help: "Say what -v would do, and do nothing" },
    { name: "force", short: "f", kind: "bool", help: "Do not ask before -v stops it" },
  ],
  arity: [1, ANY],
  interspersed: true,
  about:
    "A limit is a number in a file of the cgroup; another number is another limit, at once and without " +
    "a restart. What is not named stays as it is. Mounts belong to the namespace that a process starts in: " +
    "-v stops the container and starts it again, with the same writable layer.",
  concepts: ["cgroups", "volumes"],
  completes: "containers",
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const texts = new Set(["cpuset-cpus", "cpuset-mems"]);
  const changed = Object.entries(FIELDS).filter(([flag]) => flags.changed(flag));
  refusePorts(flags);
  const isLimit = changed.length > 0 || flags.changed("restart");
  if (!isLimit && !flags.changed("volume")) {
    throw new Failure({
      message: "you must provide one or more flags when using this command",
      exitCode: 1,
    });
  }
  const body: Record<string, unknown> = Object.fromEntries(
    changed.map(([flag, field]) => [
      field,
      texts.has(flag) ? flags.text(flag) : flags.number(flag),
    ]),
  );
  if (flags.changed("restart")) body["RestartPolicy"] = parseRestartPolicy(flags.text("restart"));
  if (flags.bool("plan") && isLimit) throw onlyVolumes();
  if (flags.changed("volume") && args.length > 1) throw oneAtATime();
  return forEachTarget(context, args, async (name) => {
    if (isLimit) await changeLimits(context, name, body);
    if (!flags.changed("volume")) return name;
    const { changeVolumes } = await import("../volume-change.ts");
    const answer = flags.bool("plan") ? "plan" : flags.bool("force") ? "force" : "ask";
    const wish = { volumes: flags.list("volume"), answer } as const;
    return (await changeVolumes(context, name, wish)) === "done" ? name : null;
  });
}

async function changeLimits(
  { api, console }: Context,
  name: string,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const path = `/containers/${pathPart(name)}/update`;
  const answer = await api.json<{ readonly Warnings: readonly string[] | null }>({
    method: "POST",
    path,
    body,
  });
  for (const warning of answer.Warnings ?? []) console.err.write(`${warning}\n`);
}

function refusePorts(flags: Flags): void {
  if (!flags.changed("publish")) return;
  throw new Failure({
    message: "drydock: update -p cannot publish a port yet",
    exitCode: 1,
    hint:
      "This version gives containers a loopback link only, so there is no network to publish to; " +
      "--network host of a new container serves on the host's own address.",
  });
}

function oneAtATime(): Failure {
  return new Failure({
    message: "drydock: update -v takes one container",
    exitCode: 1,
    hint: "It is stopped and started again, so each is to be agreed to.",
  });
}

function onlyVolumes(): Failure {
  return new Failure({
    message: "drydock: --plan tells what -v would do; a limit is changed at once",
    exitCode: 1,
    hint: "Leave --plan away, or give -v alone.",
  });
}
