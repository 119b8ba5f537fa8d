/**
 * Recover: what an engine does before it serves anybody.
 *
 * The engine before it may have been killed at any instant. Four witnesses tell what happened: the
 * definitions on the disk (which containers there are), the keeper (what runs now), the exit
 * records (what ended meanwhile, and how) and the cgroups. They are put together in this order:
 *
 *   directory without definition           a creation or removal cut short: the rest is removed
 *   the keeper has it                      it runs, whatever its history says
 *   exit record newer than the history     it ended meanwhile, and we know how
 *   history says it runs, nobody has it    it ended with the keeper or the machine: 137, and why
 *   the keeper has or had an exec          it runs or ended, with its container
 *   the keeper has an unknown process      its container is gone: it is killed
 *   a cgroup of no running container       removed, with what is in it
 *
 * Kernel interface: none of its own.
 * Specification: none.
 * Invariants:
 *   recovery-is-complete   after a crash at any kernel call and a new start nothing is half made,
 *       and everything works
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { isFrozen, killCgroup, removeCgroup } from "../cgroups/index.ts";
import type { Cgroup } from "../cgroups/index.ts";
import { exitCodeOf, hasProcess, lastEndOf } from "../container/index.ts";
import type { ContainerState, ExitRecord, Kept } from "../container/index.ts";
import { ifThere } from "../kernel/index.ts";
import { removeTree } from "../layers/index.ts";
import { parseMountSpecs } from "../volumes/index.ts";
import { pause } from "./clean-up.ts";
import { Container } from "./container-table.ts";
import { notice } from "./context.ts";
import type { EngineContext } from "./context.ts";
import { restoreExec } from "./exec.ts";
import { onExecExit, settleExit, tellEnd, wasOomKilled } from "./exit.ts";
import { resumeHealth } from "./health.ts";
import { giveBackLayers } from "./image-changes.ts";
import { openJournal } from "./journal.ts";
import { cgroupOf, cgroupParentOf } from "./plan-facts.ts";
import { removeEnded } from "./remove.ts";
import { resumeRestart } from "./restart.ts";
import { saveHistory } from "./save.ts";
import { containersDirectory, filesOf, readExitRecord, readStore } from "./state-store.ts";
import type { Stored } from "./state-store.ts";
import { unmountLeftovers } from "./tree.ts";

/** The exit code of a process that was killed with its keeper. */
const KILLED = 137;
const CGROUP_ATTEMPTS = 20;
const CGROUP_PAUSE_MS = 10;

/** Loads every container and makes memory, disk and kernel agree. */
export async function recover(engine: EngineContext): Promise<void> {
  unmountLeftovers(engine);
  const store = readStore(engine.kernel, engine.root);
  for (const stored of store) load(engine, stored);
  // Which layers one has that cannot be read is not known.
  if (store.every(({ kind }) => kind !== "unreadable")) giveBackLayers(engine);
  const byId = await askKeeper(engine);
  for (const container of engine.containers.all())
    reconcile(engine, container, byId.get(container.id));
  for (const { id } of byId.values()) {
    if (engine.containers.get(id) === undefined) await killOrphan(engine, id);
  }
  await sweepCgroups(engine);
  for (const container of engine.containers.all()) await resume(engine, container);
}

/** What goes on by itself goes on. */
async function resume(engine: EngineContext, container: Container): Promise<void> {
  const { state } = container.history;
  const isOver = state.status === "exited" || state.status === "dead";
  if (isOver && container.definition.hostConfig.AutoRemove) await removeEnded(engine, container);
  else resumeRestart(engine, container);
  resumeHealth(engine, container);
}

/** The containers that run, by id; their execs find their way by themselves. */
async function askKeeper(engine: EngineContext): Promise<ReadonlyMap<string, Kept>> {
  const early = collectExits(engine);
  const kept = await engine.keeper.current.list();
  for (const process of kept) if (process.kind === "exec") restoreExec(engine, process);
  for (const record of early.take()) onExecExit(engine, record);
  return new Map(kept.filter(({ kind }) => kind === "container").map((k) => [k.id, k]));
}

/** Ends that are announced between the keeper's answer and the moment at which we read it. */
function collectExits({ keeper }: EngineContext): { take(): readonly ExitRecord[] } {
  let early: ExitRecord[] | null = [];
  keeper.current.onExit((record) => early?.push(record));
  return {
    take: () => {
      const taken = early ?? [];
      early = null;
      return taken;
    },
  };
}

function load(engine: EngineContext, stored: Stored): void {
  if (stored.kind === "unreadable") {
    return notice(engine, `Container ${stored.id} is left alone`, stored.reason);
  }
  if (stored.kind === "rubbish") {
    return removeTree(engine.kernel, `${containersDirectory(engine.root)}/${stored.id}`);
  }
  const { definition, history } = stored;
  const files = filesOf(engine.root, definition.id);
  const container = new Container({
    definition,
    history,
    files,
    journal: openJournal(engine, files.journal, definition.id),
    mounts: parseMountSpecs(definition.hostConfig, definition.inheritedMounts),
  });
  // An end that is announced before we know that it runs must not be lost.
  container.starting = { exit: null };
  engine.containers.add(container);
}

function reconcile(engine: EngineContext, container: Container, kept: Kept | undefined): void {
  const before = container.history.state;
  if (kept !== undefined) container.cgroup = cgroupOf(engine, container.definition);
  const state =
    kept === undefined ? withoutProcess(engine, container) : withProcess(engine, kept, container);
  if (state !== before) {
    container.history = { ...container.history, state };
    saveHistory(engine, container);
    // Who asks for what happened since then is told, though nobody was here when it did.
    if (state.status === "exited") tellEnd(engine, container);
  }
  const { starting } = container;
  container.starting = null;
  if (starting !== null && starting.exit !== null) settleExit(engine, container, starting.exit);
}

/** The freezer is asked: an engine that was killed may not have written down that it paused. */
function withProcess(
  { kernel }: EngineContext,
  { hostPid, startedAtMs }: Kept,
  container: Container,
): ContainerState {
  const before = container.history.state;
  const { cgroup } = container;
  const status = cgroup !== null && isFrozen(kernel, cgroup) ? "paused" : "running";
  const isKnown = hasProcess(before) && before.hostPid === hostPid && before.status === status;
  return isKnown ? before : { status, hostPid, startedAtMs };
}

function withoutProcess(engine: EngineContext, container: Container): ContainerState {
  const { state } = container.history;
  const record = readExitRecord(engine.kernel, container.files);
  const knownEndMs = lastEndOf(state)?.finishedAtMs ?? 0;
  const startedAtMs = hasProcess(state) ? state.startedAtMs : 0;
  if (record !== null && record.finishedAtMs > knownEndMs) {
    const { finishedAtMs, status } = record;
    // Its cgroup is there still: nobody was here to remove it.
    const oomKilled = wasOomKilled(engine.kernel, cgroupOf(engine, container.definition));
    const end = { finishedAtMs, exitCode: exitCodeOf(status), oomKilled, error: "" };
    // Nobody wrote down when it started; it was before it ended.
    return { status: "exited", ended: { ...end, startedAtMs: startedAtMs || finishedAtMs } };
  }
  if (!hasProcess(state) && !wasBegun(engine, container)) return state;
  const error = "The process was killed when its keeper or the machine went down.";
  const finishedAtMs = engine.kernel.nowMs();
  const end = { startedAtMs, finishedAtMs, exitCode: KILLED, oomKilled: false, error };
  return { status: "exited", ended: end };
}

/**
 * A container that removes itself has no exit record, and its start may not have been written down
 * yet; but the whole cgroup of that start is there, for nobody was here to remove it. What is only
 * prepared lacks a directory.
 */
function wasBegun(engine: EngineContext, { definition, history }: Container): boolean {
  if (!definition.hostConfig.AutoRemove || history.state.status !== "created") return false;
  const { directories } = cgroupOf(engine, definition);
  return directories.every(({ path }) => namesIn(engine.kernel, path).length > 0);
}

/** Its container was removed, or never came to be: nobody could ever stop it. */
async function killOrphan(engine: EngineContext, id: string): Promise<void> {
  engine.options.onNotice(`Process ${id} belongs to no container: it is killed`);
  await engine.keeper.current.signal(id, "SIGKILL");
}

/** Removes the cgroups below our parent that are not of a running container. */
async function sweepCgroups(engine: EngineContext): Promise<void> {
  const running = engine.containers.all().filter(({ history }) => hasProcess(history.state));
  const ids = new Set(running.map(({ id }) => id));
  for (const cgroup of leftovers(engine, ids)) {
    for (let attempt = 1; attempt <= CGROUP_ATTEMPTS; attempt++) {
      if (removeCgroup(engine.kernel, cgroup).length === 0) break;
      killCgroup(engine.kernel, cgroup);
      await pause(engine.kernel, CGROUP_PAUSE_MS);
    }
  }
}

function leftovers(engine: EngineContext, ids: ReadonlySet<string>): readonly Cgroup[] {
  const { machine, kernel } = engine;
  const parents = new Set([
    machine.cgroupParent,
    ...engine.containers
      .all()
      .map(({ definition }) => cgroupParentOf(engine, definition.hostConfig)),
  ]);
  return [...parents].flatMap(({ hierarchies, path }) =>
    hierarchies.flatMap(({ version, controllers, mountPoint }) =>
      // Only names that we give: another program may have put its own cgroup there.
      namesIn(kernel, `${mountPoint}${path}`)
        .filter((name) => /^[0-9a-f]{64}$/u.test(name) && !ids.has(name))
        .map((name) => ({
          directories: [{ version, controllers, path: `${mountPoint}${path}/${name}` }],
        })),
    ),
  );
}

function namesIn(kernel: EngineContext["kernel"], path: string): readonly string[] {
  return ifThere(() => kernel.readdir(path)) ?? [];
}

/** The keeper is gone, and with it every process: what ran has ended. */
export function markLost(engine: EngineContext): readonly Container[] {
  const lost = engine.containers.all().filter(({ history }) => hasProcess(history.state));
  for (const container of lost) {
    container.history = {
      ...container.history,
      state: withoutProcess(engine, container),
    };
    saveHistory(engine, container);
    for (const exec of container.execs.values()) {
      if (exec.status !== "running") continue;
      exec.status = "exited";
      exec.exitCode = KILLED;
    }
  }
  return lost;
}
