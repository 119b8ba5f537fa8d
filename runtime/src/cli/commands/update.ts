/**
 * Command update: other limits for containers that exist.
 *
 * Kernel interface: cgroups(7), by the daemon.
 * Specification: docker update reference; Engine API v1.50, ContainerUpdate.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { pathPart } from "../api.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { CONTAINER_FLAGS } from "../options/flags.ts";
import { parseRestartPolicy } from "../options/life-cycle.ts";
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
  ],
  arity: [1, ANY],
  interspersed: true,
  about:
    "A limit is a number in a file of the cgroup; another number is another limit, at once and without " +
    "a restart. What is not named stays as it is.",
  concepts: ["cgroups"],
  completes: "containers",
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const texts = new Set(["cpuset-cpus", "cpuset-mems"]);
  const changed = Object.entries(FIELDS).filter(([flag]) => flags.changed(flag));
  if (changed.length === 0 && !flags.changed("restart")) {
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
  return forEachTarget(context, args, async (name) => {
    const path = `/containers/${pathPart(name)}/update`;
    const answer = await context.api.json<{ readonly Warnings: readonly string[] | null }>({
      method: "POST",
      path,
      body,
    });
    for (const warning of answer.Warnings ?? []) context.console.err.write(`${warning}\n`);
    return name;
  });
}
