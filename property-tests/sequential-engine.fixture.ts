/**
 * What an engine may answer, if it did one thing after the other: and a search for the order.
 *
 * Each call is a few steps, and each step is done at once. Most have one. Who ends a process has
 * more: he asks, it dies, the end is noticed; others may come in between, also with Docker.
 */

/** What is known of a container. */
interface Known {
  /** Number of the call that made it. */
  readonly maker: number;
  readonly name: string;
  readonly status: "created" | "running" | "paused" | "exited" | "gone";
  /** How many processes it has had. */
  readonly run: number;
  /** The present one is dead, and nobody has noticed. */
  readonly isDead: boolean;
}

/** All containers that ever were. */
export type World = readonly Known[];

/** Something that somebody asks for. */
export interface Call {
  readonly does:
    | "create"
    | "start"
    | "stop"
    | "kill"
    | "restart"
    | "pause"
    | "unpause"
    | "remove"
    | "remove by force"
    | "rename"
    | "exec"
    | "inspect"
    | "die";
  readonly name: string;
  /** Of rename. */
  readonly newName: string;
}

/** A call that was made. */
export interface Made {
  readonly number: number;
  readonly call: Call;
  readonly calledAt: number;
  /** Infinity: whoever would have answered is dead. */
  readonly answeredAt: number;
  readonly answer: string;
  /** Of die: whose process, and which of its. */
  readonly victim?: { readonly maker: number; readonly run: number };
}

/** How far a call is. */
interface Local {
  readonly at: number;
  readonly maker: number;
  readonly run: number;
}

type Step = (world: World, local: Local, made: Made) => Done;
/** The world after it, and the answer when there are no more steps; null: not yet possible. */
type Done = readonly [World, Partial<Local>, string?] | null;

const find = (world: World, maker: number): Known => {
  const found = world.find((one) => one.maker === maker);
  if (found === undefined) throw new Error("no such container");
  return found;
};
const change = (world: World, maker: number, changes: Partial<Known>): World =>
  world.map((one) => (one.maker === maker ? { ...one, ...changes } : one));
const named = (world: World, name: string): Known | undefined =>
  world.find((one) => one.name === name && one.status !== "gone");
const has = ({ status }: Known): boolean => status === "running" || status === "paused";

const lookUp: Step = (world, _, { call }) => {
  const found = named(world, call.name);
  return found === undefined ? [world, {}, "container-not-found"] : [world, { maker: found.maker }];
};

/** A look at the container that was found: by its status, the answer and what changes. */
const judge =
  (rules: Readonly<Record<Known["status"], readonly [string, Partial<Known>?]>>): Step =>
  (world, { maker }) => {
    const [answer, changes = {}] = rules[find(world, maker).status];
    return [change(world, maker, changes), {}, answer];
  };

const beginRun: Step = (world, { maker }) => {
  const { status, run } = find(world, maker);
  const refused = {
    running: "container-already-started",
    paused: "container-paused",
    gone: "container-being-removed",
  };
  if (status in refused) return [world, {}, Reflect.get(refused, status) as string];
  return [change(world, maker, { status: "running", run: run + 1, isDead: false }), {}, "ok"];
};

/** Asks for the end of the present process. */
const askToEnd =
  (otherwise: string | null): Step =>
  (world, { maker }) => {
    const container = find(world, maker);
    if (has(container)) return [world, { run: container.run }];
    // A process that never was needs no end.
    return otherwise === null ? [world, { run: -1 }] : [world, {}, otherwise];
  };

const isMeant = (container: Known, { run }: Local): boolean =>
  has(container) && container.run === run;

/** A frozen process is let go, so that it sees the signal. */
const thaw: Step = (world, local) => {
  const container = find(world, local.maker);
  const isFrozen = isMeant(container, local) && container.status === "paused";
  return [isFrozen ? change(world, local.maker, { status: "running" }) : world, {}];
};

const die: Step = (world, local) => {
  const isIt = isMeant(find(world, local.maker), local);
  return [isIt ? change(world, local.maker, { isDead: true }) : world, {}];
};

const notice: Step = (world, local) => {
  const container = find(world, local.maker);
  if (!isMeant(container, local)) return [world, {}];
  return container.isDead
    ? [change(world, local.maker, { status: "exited", isDead: false }), {}]
    : null;
};

const END = [thaw, die, notice];
const finish: Step = (world) => [world, {}, "ok"];

const remove = judge({
  created: ["ok", { status: "gone" }],
  exited: ["ok", { status: "gone" }],
  running: ["container-running"],
  paused: ["container-paused"],
  // Who came first has done it.
  gone: ["ok"],
});

const refusedAll = (code: string) => ({
  created: ["container-not-running"] as const,
  exited: ["container-not-running"] as const,
  gone: [code] as const,
});

const STEPS: Readonly<Record<Call["does"], readonly Step[]>> = {
  create: [
    (world, _, { call: { name }, number: maker }) =>
      named(world, name) === undefined
        ? [[...world, { maker, name, status: "created", run: 0, isDead: false }], {}, "ok"]
        : [world, {}, "container-name-taken"],
  ],
  start: [lookUp, beginRun],
  stop: [lookUp, askToEnd("container-already-stopped"), ...END, finish],
  kill: [lookUp, askToEnd("container-not-running"), ...END, finish],
  restart: [lookUp, askToEnd(null), ...END, beginRun],
  pause: [
    lookUp,
    judge({
      ...refusedAll("container-being-removed"),
      running: ["ok", { status: "paused" }],
      paused: ["container-paused"],
    }),
  ],
  unpause: [
    lookUp,
    judge({
      ...refusedAll("container-being-removed"),
      created: ["container-not-paused"],
      exited: ["container-not-paused"],
      running: ["container-not-paused"],
      paused: ["ok", { status: "running" }],
    }),
  ],
  remove: [lookUp, remove],
  "remove by force": [lookUp, askToEnd(null), ...END, remove],
  rename: [
    (world, local, made) => {
      const isSame = made.call.name === made.call.newName;
      const isThere = named(world, made.call.name) !== undefined;
      return isSame && isThere ? [world, {}, "container-name-invalid"] : lookUp(world, local, made);
    },
    (world, { maker }, { call: { newName } }) => {
      if (find(world, maker).status === "gone") return [world, {}, "container-not-found"];
      const isFree = named(world, newName) === undefined;
      if (!isFree) return [world, {}, "container-name-taken"];
      return [change(world, maker, { name: newName }), {}, "ok"];
    },
  ],
  exec: [
    lookUp,
    (world, { maker }) => {
      const container = find(world, maker);
      if (container.status === "paused") return [world, {}, "container-paused"];
      return has(container) ? [world, {}] : [world, {}, "container-not-running"];
    },
    (world, { maker }) => {
      const container = find(world, maker);
      if (container.status === "paused") return [world, {}, "container-paused"];
      const isAlive = has(container) && !container.isDead;
      return [world, {}, isAlive ? "ok" : "container-not-running"];
    },
  ],
  inspect: [
    lookUp,
    (world, { maker }) => {
      const { status } = find(world, maker);
      return [world, {}, status === "gone" ? "container-not-found" : status];
    },
  ],
  die: [
    (world, _, { victim }) => {
      // Its start is known to the keeper before the engine hears of it.
      const known = world.find(({ maker }) => maker === victim?.maker);
      if (victim === undefined || known === undefined || known.run < victim.run) return null;
      return [world, { ...victim }];
    },
    die,
    notice,
    finish,
  ],
};

interface Place {
  readonly world: World;
  /** For each call how far it is; null: it has been answered. */
  readonly locals: readonly (Local | null)[];
}

/**
 * Looks for an order of the steps in which each call has the answer that it had, no call begins
 * that was made after the answer of one that is not over, and the end is as it was found.
 */
export function explains(before: World, calls: readonly Made[], found: string): World | null {
  const seen = new Set<string>();
  const fresh: Local = { at: 0, maker: -1, run: -1 };
  const places: Place[] = [{ world: before, locals: calls.map(() => fresh) }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const key = JSON.stringify(place);
    if (seen.has(key)) continue;
    seen.add(key);
    const isOver = place.locals.every(
      (local, index) => local === null || calls[index]?.answeredAt === Infinity,
    );
    if (isOver && describeWorld(place.world) === found) return settled(place.world);
    for (const [index, made] of calls.entries())
      places.push(...stepsFrom(place, index, made, calls));
  }
  return null;
}

function stepsFrom(
  { world, locals }: Place,
  index: number,
  made: Made,
  calls: readonly Made[],
): readonly Place[] {
  const local = locals[index];
  if (local === null || local === undefined) return [];
  const waitsFor = (other: Made, at: number): boolean =>
    other.answeredAt < made.calledAt && locals[at] !== null;
  if (calls.some(waitsFor)) return [];
  const [next, changes, answer] = STEPS[made.call.does][local.at]?.(world, local, made) ?? [];
  if (next === undefined || !isSaid(made, answer)) return [];
  const after = answer === undefined ? { ...local, ...changes, at: local.at + 1 } : null;
  return [{ world: next, locals: locals.toSpliced(index, 1, after) }];
}

/** Whether that is what the call was answered, if it was. */
function isSaid(made: Made, answer: string | undefined): boolean {
  return answer === undefined || made.answeredAt === Infinity || answer === made.answer;
}

/** Everybody has noticed. */
function settled(world: World): World {
  return world.map((one) => (one.isDead ? { ...one, status: "exited", isDead: false } : one));
}

/** What an engine shows of a world when nothing happens any more. */
export function describeWorld(world: World): string {
  return describeFound(
    settled(world)
      .filter(({ status }) => status !== "gone")
      .map(({ name, status }) => [name, status]),
  );
}

/** The same of what was found: names with their statuses. */
export function describeFound(found: readonly (readonly [string, string])[]): string {
  return found
    .map(([name, status]) => `${name} is ${status}`)
    .toSorted()
    .join(", ");
}
