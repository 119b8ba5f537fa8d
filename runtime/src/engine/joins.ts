/**
 * Joins: whose namespaces a container shares, and what comes with them.
 *
 * `--net`, `--ipc` and `--pid container:NAME` name a donor. Its process must run, for a namespace
 * lives as long as its processes. Who joins a network gets the donor's name files, who joins an ipc
 * namespace its /dev/shm, which the donor must have made shareable from the beginning: a mount that
 * only its own mount namespace has cannot be given to anybody later. A donor may be a guest itself:
 * then everything is that of the first of the chain.
 *
 * Kernel interface: setns(2), namespaces(7).
 * Specification: Docker Engine API v1.50, HostConfig: NetworkMode, IpcMode, PidMode.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/namespaces.md
 *
 * @module
 */

import type { PlanInput } from "../container/index.ts";
import { RuntimeError } from "../errors/index.ts";
import type { ErrorClass } from "../errors/index.ts";
import type { HostPid } from "../kernel/index.ts";
import type { NamespaceKind, NamespaceModes } from "../namespaces/index.ts";
import type { Container } from "./container-table.ts";
import type { EngineContext } from "./context.ts";
import type { Definition } from "./record.ts";
import { filesOf } from "./state-store.ts";

/** The kinds that can be shared, in the order in which Docker looks at them. */
const SHARED_KINDS = ["net", "ipc", "pid"] as const;

type SharedKind = (typeof SHARED_KINDS)[number];

/**
 * The processes to join.
 *
 * @throws RuntimeError namespace-target-invalid, container-not-found in Docker's words
 */
export function readJoins(engine: EngineContext, modes: NamespaceModes): PlanInput["joins"] {
  const joins: Partial<Record<NamespaceKind, HostPid>> = {};
  for (const kind of SHARED_KINDS) {
    const mode = modes.kinds[kind];
    if (mode.mode === "container") joins[kind] = processToJoin(engine, kind, mode.container);
  }
  return joins;
}

function processToJoin(engine: EngineContext, kind: SharedKind, reference: string): HostPid {
  const donor = findDonor(engine, kind, reference);
  const { state } = donor.history;
  if (state.status === "restarting") {
    const wait = `Container ${reference} is restarting, wait until the container is running`;
    throw refusal(kind, "conflict", wait, "Wait for it.");
  }
  if (state.status !== "running" && state.status !== "paused") {
    const said =
      kind === "net"
        ? `cannot join network of a non running container: ${reference}`
        : `container ${reference} is not running`;
    const hint = `A namespace lives as long as its processes: start ${donor.name} first.`;
    throw refusal(kind, "conflict", said, hint);
  }
  if (kind === "ipc" && sharedMemoryOf(engine, donor.definition) === null) {
    throw refusal(
      kind,
      "invalid",
      `container ${reference}: non-shareable IPC ` +
        "(hint: use IpcMode:shareable for the donor container)",
      `Make ${donor.name} again with --ipc shareable.`,
    );
  }
  return state.hostPid;
}

function findDonor(engine: EngineContext, kind: SharedKind, reference: string): Container {
  try {
    return engine.containers.find(reference);
  } catch (cause) {
    if (kind === "net" || !(cause instanceof RuntimeError)) throw cause;
    throw refusal(kind, "invalid", cause.message, cause.hint ?? "");
  }
}

const WHILE: Readonly<Record<SharedKind, string>> = {
  net: "",
  ipc: "failed to join IPC namespace: ",
  pid: "failed to join PID namespace: ",
};

function refusal(
  kind: SharedKind,
  errorClass: ErrorClass,
  said: string,
  hint: string,
): RuntimeError {
  return new RuntimeError({
    code: "namespace-target-invalid",
    // dockerd takes a refusal of this kind for a failure of its own.
    class: kind === "pid" ? "internal" : errorClass,
    message: `${WHILE[kind]}${said}`,
    operation: "join namespace",
    hint,
  });
}

/** Where a container's /dev/shm comes from on the host; null: it has one that nobody can join. */
export function sharedMemoryOf(engine: EngineContext, definition: Definition): string | null {
  const { id, hostConfig } = firstOfChain(engine, definition, "IpcMode");
  if (hostConfig.IpcMode === "host") return "/dev/shm";
  return hostConfig.IpcMode === "shareable" ? filesOf(engine.root, id).sharedMemory : null;
}

/** The id of the container whose network it is. */
export function networkOwner(engine: EngineContext, definition: Definition): string {
  return firstOfChain(engine, definition, "NetworkMode").id;
}

/** Guests of guests. Names may have changed hands, so a chain can lead back to where it began. */
function firstOfChain(
  engine: EngineContext,
  definition: Definition,
  mode: "IpcMode" | "NetworkMode",
): Definition {
  const seen = new Set<Definition>();
  let at = definition;
  for (;;) {
    const text = at.hostConfig[mode];
    if (!text.startsWith(SHARES) || seen.has(at)) return at;
    seen.add(at);
    at = engine.containers.find(text.slice(SHARES.length)).definition;
  }
}

const SHARES = "container:";
