/**
 * Volume change: `update -v`, said before it is done.
 *
 * A process sees the mounts that were made for it when it started. So the container is stopped and
 * started again with the same writable layer: that costs its processes, and a person should know
 * before.
 *
 * Kernel interface: none.
 * Specification: none; Docker has no such flag.
 * Invariants: none.
 * Left out: taking a mount away; ports, for which there is no network yet.
 * Docs: docs/concepts/volumes.md
 *
 * @module
 */
import { askNamed } from "./ambiguous.ts";
import { ApiError, pathPart } from "./api.ts";
import type { Context } from "./command.ts";
import { Failure } from "./failure.ts";
import { parseVolumes } from "./options/mounts.ts";
import { isConfirmed } from "./prune.ts";

/** What to do, and whether. */
export interface VolumeWish {
  /** As `-v` takes them. */
  readonly volumes: readonly string[];
  readonly answer: "ask" | "plan" | "force";
}

interface Inspected {
  readonly Name: string;
  readonly State: { readonly Running: boolean };
  readonly Config: { readonly StopSignal?: string; readonly StopTimeout?: number | null };
  readonly HostConfig: { readonly Binds: readonly string[] | null };
}

/** @throws Failure before anything is done */
export async function changeVolumes(
  context: Context,
  name: string,
  { volumes, answer }: VolumeWish,
): Promise<"done" | "not done"> {
  const { api, console } = context;
  const { binds, anonymous } = parseVolumes(console, volumes);
  const [unnamed] = Object.keys(anonymous);
  if (unnamed !== undefined) throw noSource(unnamed);
  const path = `/containers/${pathPart(name)}/json`;
  const found = await askNamed<Inspected>(api, { method: "GET", path });
  if (answer !== "force") console.out.write(planText(found, binds));
  const isWanted = answer === "force" || (answer === "ask" && (await isConfirmed(context, "")));
  if (!isWanted) return "not done";
  try {
    const changed = `/drydock/containers/${pathPart(name)}/volumes`;
    await api.json({ method: "POST", path: changed, body: { Binds: binds } });
  } catch (thrown) {
    if (!(thrown instanceof ApiError) || !/page not found/i.test(thrown.message)) throw thrown;
    throw new Failure({
      message: "drydock: this daemon cannot change the volumes of a container",
      exitCode: 1,
      hint: "Only a drydock daemon can; with Docker's, make another: inspect --as-run says how.",
      cause: thrown,
    });
  }
  return "done";
}

/** What happens, line by line. Pure. */
export function planText({ Name, State, Config, HostConfig }: Inspected, binds: readonly string[]) {
  const target = (bind: string): string => bind.split(":")[1] ?? "";
  const targets = new Set(binds.map(target));
  const gone = (HostConfig.Binds ?? []).filter((bind) => targets.has(target(bind)));
  const signal = Config.StopSignal || "SIGTERM";
  const stop = `stop it (${signal}, and SIGKILL after ${Config.StopTimeout ?? 10} s)`;
  const lines = [
    ...(State.Running ? [stop] : []),
    ...gone.map((bind) => `no longer mount ${bind}`),
    ...binds.map((bind) => `mount ${bind}`),
    ...(State.Running ? ["start it again"] : []),
  ];
  const steps = lines.map((line, at) => `  ${at + 1} ${line}\n`).join("");
  return `${Name.slice(1)} keeps its id, writable layer and log:\n${steps}`;
}

function noSource(path: string): Failure {
  return new Failure({
    message: `drydock: -v ${path} says where, but not what to mount`,
    exitCode: 1,
    hint: `Write -v SOURCE:${path}; a container's anonymous volumes are made when it is.`,
  });
}
