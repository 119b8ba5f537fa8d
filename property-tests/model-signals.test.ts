/**
 * Properties of the model's PID namespaces and signals: random programs on the model and on Linux.
 * Processes are born in namespaces, new, nested or joined; they are killed from outside and from
 * inside; they have handlers or none; and after each step it is compared who lives, by which
 * numbers, under which parent, and how the others ended.
 *
 * Linux keeps who ended until its parent asks; the model does not. So a zombie counts as gone, and
 * nobody is sent a signal who has ended.
 */
import { fc } from "@fast-check/vitest";
import { describe, test } from "vitest";
import type { ByteSource, Child, Kernel, Program, Self } from "../runtime/src/kernel/index.ts";
import {
  createModelKernel,
  type ModelProgram,
  programFile,
} from "../runtime/src/kernel/model/index.ts";
import { answer, runs } from "./model.fixture.ts";
import { openRealKernel, skipReal } from "./real-kernel.fixture.ts";

const skip = skipReal("comparing the model's PID namespaces");

type Own = Kernel & Self;
type ProgramContext = Parameters<ModelProgram>[0];

/** What a process does: a script for the real shell, and the same for the model's. */
interface Behaviour {
  readonly script: string;
  readonly inModel: ModelProgram;
}

const forever = (): Promise<number> => new Promise(() => undefined);

const say = (context: ProgramContext, text: string): void =>
  void context.stdout.write(new TextEncoder().encode(`${text}\n`));

const sleeping = (own: Own): Program => own.execve("/bin/sleep", ["sleep", "1000"], []);

const NO_STDIO = { stdio: "null", stdin: false } as const;

/** A child that sleeps; its parent waits for it, and ends then. */
function withChild(before: (own: Own) => void): ModelProgram {
  return async (context) => {
    const child = context.kernel.spawn(
      { ...NO_STDIO, pidNamespace: "inherit" },
      ({ kernel: own }) => {
        before(own);
        return sleeping(own);
      },
    );
    say(context, "ready");
    await child.exited;
    return 0;
  };
}

const BEHAVIOURS = {
  sleeper: {
    script: "echo ready; exec sleep 1000",
    inModel: (context) => {
      say(context, "ready");
      return forever();
    },
  },
  handler: {
    script: 'trap "exit 7" TERM; echo ready; read x',
    inModel: (context) =>
      new Promise((resolve) => {
        context.onSignal("SIGTERM", () => resolve(7));
        say(context, "ready");
      }),
  },
  deaf: {
    script: 'trap "" TERM; echo ready; read x',
    inModel: (context) => {
      context.onSignal("SIGTERM", () => undefined);
      say(context, "ready");
      return forever();
    },
  },
  parent: { script: "sleep 1000 & echo ready; wait", inModel: withChild(() => undefined) },
  bound: {
    script: "setpriv --pdeathsig TERM sleep 1000 & echo ready; wait",
    inModel: withChild((own) => own.setParentDeathSignal("SIGTERM")),
  },
  tied: {
    script: "setpriv --pdeathsig KILL sleep 1000 & echo ready; wait",
    inModel: withChild((own) => own.setParentDeathSignal("SIGKILL")),
  },
} satisfies Readonly<Record<string, Behaviour>>;
type Kind = keyof typeof BEHAVIOURS;

/** Sends one signal. */
const KILL: Behaviour = {
  script: 'kill -s "$1" "$2"',
  inModel: async ({ kernel, argv, stderr }) => {
    const [signal = "", pid = ""] = argv.slice(4);
    const said = answer(() => (kernel.kill(Number(pid), `SIG${signal}`), ""));
    void stderr.write(new TextEncoder().encode(said));
    return said === "" ? 0 : 1;
  },
};

/** What the shell says of an errno. */
const WORDS: Readonly<Record<string, string>> = {
  "No such process": "ESRCH",
  "Operation not permitted": "EPERM",
};

/** Shows the proc of its own namespace; mounting takes a child, so one more number. */
const LOOK: Behaviour = {
  script: [
    "mount -t proc proc /proc; cd /proc",
    "for pid in [0-9]*; do while read key value; do case $key in",
    "State:|PPid:|NSpid:) echo $pid $key $value;; esac; done < $pid/status; done",
  ].join("\n"),
  inModel: async ({ kernel, stdout }) => {
    kernel.spawn({ ...NO_STDIO, pidNamespace: "inherit" }, () => undefined);
    kernel.mount({ source: "proc", target: "/proc", fstype: "proc", flags: [], data: "" });
    const lines = kernel
      .readdir("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) =>
        kernel
          .readText(`/proc/${pid}/status`)
          .split("\n")
          .filter((line) => /^(State|PPid|NSpid):/.test(line))
          .map((line) => `${pid} ${line.replaceAll("\t", " ")}\n`),
      );
    void stdout.write(new TextEncoder().encode(lines.join("")));
    return 0;
  },
};

const shell: ModelProgram = (context) => {
  const all: readonly Behaviour[] = [...Object.values(BEHAVIOURS), KILL, LOOK];
  const found = all.find(({ script }) => script === context.argv[2]);
  return found === undefined ? Promise.resolve(127) : found.inModel(context);
};

function createMachine(): Kernel {
  const model = createModelKernel({
    clock: realKernel,
    programs: { sh: shell, sleep: forever },
  });
  model.writeFile("/bin/sh", programFile("sh"), "create", 0o755);
  model.writeFile("/bin/sleep", programFile("sleep"), "create", 0o755);
  return model;
}

/** Where a process is born, and what it then does. Numbers are of processes, by their birth. */
interface Birth {
  readonly do: "spawn";
  readonly where: "inherit" | "new" | number;
  readonly kind: Kind;
  /** Whether its children are born in a namespace below its own. */
  readonly nests: boolean;
  readonly uid: number;
}
interface Signal {
  readonly do: "kill";
  /** Outside, or in the namespace of a process. */
  readonly from: "outside" | number;
  readonly to: number;
  readonly signal: string;
  readonly uid: number;
}
interface Look {
  readonly do: "look";
  readonly from: number;
}
type Step = Birth | Signal | Look;

/** A process of a case on one kernel. */
interface Tracked {
  readonly hostPid: number;
  /** Its namespace and those above, by numbers of the case; the outermost first. */
  readonly namespaces: readonly number[];
  isGone: boolean;
  /** How it ended; only its parent learns that. */
  status: string;
}

interface Side {
  readonly kernel: Kernel;
  readonly tracked: Tracked[];
  readonly children: Child[];
}

const decoder = new TextDecoder();

/** Everything that a stream says until it ends. */
function heard(source: ByteSource | undefined): { text: string; readonly ended: Promise<void> } {
  const said = { text: "", ended: Promise.resolve() };
  said.ended = new Promise((resolve) => {
    source?.listen((bytes) => (said.text += decoder.decode(bytes)), resolve);
  });
  return said;
}

const PATIENCE_MS = 2000;

async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function statusLines(kernel: Kernel, pid: number | string): Readonly<Record<string, string>> {
  const text = answer(() => kernel.readText(`/proc/${pid}/status`));
  return Object.fromEntries(
    text.split("\n").map((line): [string, string] => {
      const [key = "", ...rest] = line.split(/:?\s+/);
      return [key, rest.join(" ")];
    }),
  );
}

/** The child of a process, once it has become what it is to be. */
async function childOf(kernel: Kernel, parent: number): Promise<number> {
  let found = 0;
  await until(`a child of ${parent}`, () => {
    const pids = kernel.readdir("/proc").filter((name) => /^\d+$/.test(name));
    const child = pids.find((pid) => statusLines(kernel, pid)["PPid"] === String(parent));
    found = Number(child ?? 0);
    return (
      child !== undefined && answer(() => kernel.readText(`/proc/${child}/comm`)) === "sleep\n"
    );
  });
  return found;
}

interface Errand {
  readonly where: Birth["where"];
  readonly uid: number;
  readonly argv: readonly string[];
  readonly before?: (own: Own) => void;
}

/** Starts the shell somewhere. */
function startShell({ kernel, tracked }: Side, { where, uid, argv, before }: Errand): Child {
  const pidNamespace = typeof where === "number" ? (tracked[where]?.hostPid ?? 0) : where;
  return kernel.spawn({ pidNamespace, stdio: "pipes", stdin: true }, ({ kernel: own }) => {
    before?.(own);
    if (uid !== 0) own.setUid(uid);
    return own.execve("/bin/sh", ["sh", "-c", ...argv], ["PATH=/bin:/usr/bin"]);
  });
}

let namespaceCount = 0;

async function bear(side: Side, { where, kind, nests, uid }: Birth): Promise<string> {
  const { kernel, tracked } = side;
  const { script } = BEHAVIOURS[kind];
  // Into another's namespace goes a helper's child, and what the helper unshares is for that one.
  const isBelow = nests && typeof where === "string";
  const before = (own: Own): void => {
    if (isBelow) own.unshare(["CLONE_NEWPID"]);
  };
  const above = typeof where === "number" ? (tracked[where]?.namespaces ?? []) : [0];
  const child = startShell(side, { where, uid, argv: [script], before });
  const namespaces = where === "new" ? [...above, ++namespaceCount] : above;
  const own: Tracked = { hostPid: child.hostPid, namespaces, isGone: false, status: "" };
  void child.exited.then((status) => (own.status = JSON.stringify(status)));
  tracked.push(own);
  side.children.push(child);
  const output = heard(child.stdout);
  heard(child.stderr);
  await until("ready", () => output.text === "ready\n");
  if (!["parent", "bound", "tied"].includes(kind)) return "born";
  const hostPid = await childOf(kernel, child.hostPid);
  const below = isBelow ? [...namespaces, ++namespaceCount] : namespaces;
  tracked.push({ hostPid, namespaces: below, isGone: false, status: "" });
  return "born with a child";
}

/** Beyond the greatest that a kernel gives: a smaller one may be somebody of this machine. */
const NOBODY = 2 ** 22 + 1;

/** The number of a process in the namespace of another; one that nobody has, if it is not there. */
function numberIn({ kernel, tracked }: Side, viewer: number, target: number): number {
  const [from, to] = [tracked[viewer], tracked[target]];
  if (from === undefined || to === undefined || to.isGone) return NOBODY;
  const level = from.namespaces.length - 1;
  if (to.namespaces[level] !== from.namespaces[level]) return NOBODY;
  const numbers = (statusLines(kernel, to.hostPid)["NSpid"] ?? "").split(" ");
  return Number(numbers.at(level - to.namespaces.length));
}

async function send(side: Side, { from, to, signal, uid }: Signal): Promise<string> {
  const target = side.tracked[to];
  if (from === "outside") {
    if (target === undefined || target.isGone) return "nobody";
    return answer(() => (side.kernel.kill(target.hostPid, `SIG${signal}`), ""));
  }
  const argv = [KILL.script, "sh", signal, String(numberIn(side, from, to))];
  const killer = startShell(side, { where: from, uid, argv });
  const errors = heard(killer.stderr);
  heard(killer.stdout);
  await Promise.all([killer.exited, errors.ended]);
  const [, errno = errors.text] =
    Object.entries(WORDS).find(([words]) => errors.text.includes(words)) ?? [];
  return errno;
}

async function look(side: Side, { from }: Look): Promise<string> {
  // In the outermost namespace stands the rest of the machine too.
  if (side.tracked[from]?.namespaces.length === 1) return "";
  const before = (own: Own): void => {
    own.unshare(["CLONE_NEWNS"]);
    const everything = { source: "", target: "/", fstype: "", data: "" };
    own.mount({ ...everything, flags: ["MS_REC", "MS_PRIVATE"] });
  };
  const looker = startShell(side, { where: from, uid: 0, argv: [LOOK.script], before });
  const output = heard(looker.stdout);
  heard(looker.stderr);
  await Promise.all([looker.exited, output.ended]);
  const lines = output.text.trimEnd().split("\n");
  const dead = lines.filter((line) => /^\d+ State: Z/.test(line)).map((line) => line.split(" ")[0]);
  return lines
    .filter((line) => !dead.includes(line.split(" ")[0]) && !line.includes("State:"))
    .toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .join("\n");
}

function perform(side: Side, step: Step): Promise<string> {
  if (step.do === "spawn") return bear(side, step);
  return step.do === "kill" ? send(side, step) : look(side, step);
}

/** What can be seen of all processes from outside. */
function overview({ kernel, tracked }: Side): string {
  const byHost = new Map(
    tracked.map(({ hostPid, isGone }, index) => [isGone ? 0 : hostPid, index]),
  );
  return tracked
    .map(({ hostPid, namespaces, isGone, status }) => {
      const { State = "", PPid, NSpid = "" } = isGone ? {} : statusLines(kernel, hostPid);
      if (status !== "" || State === "" || /^[ZX]/.test(State)) return `gone ${status}`;
      const parent = byHost.get(Number(PPid)) ?? "another";
      const inner = NSpid.split(" ").slice(1).slice(-namespaces.length);
      return `${inner.join(" ")} under ${parent}`;
    })
    .join("; ");
}

/** Linux takes a moment to carry a signal out. */
async function sameOverview(real: Side, model: Side, when: string): Promise<void> {
  const [is, should] = [() => overview(real), () => overview(model)];
  try {
    await until(when, () => is() === should());
  } catch {
    throw new Error(`${when}: the model says ${should()}, Linux says ${is()}`);
  }
  const now = should().split("; ");
  for (const { tracked } of [real, model]) {
    for (const [index, each] of tracked.entries())
      each.isGone ||= now[index]?.startsWith("gone") === true;
  }
}

async function close({ kernel, tracked, children }: Side): Promise<void> {
  for (const { hostPid, isGone } of tracked) {
    if (!isGone) answer(() => (kernel.kill(hostPid, "SIGKILL"), "ok"));
  }
  await Promise.all(children.map(({ exited }) => exited));
}

/** Whether a step speaks of processes that there are and that live. */
function isPossible({ tracked }: Side, step: Step): boolean {
  const lives = (index: number): boolean => tracked[index]?.isGone === false;
  if (step.do === "spawn") return typeof step.where === "string" || lives(step.where);
  return typeof step.from === "string" ? lives((step as Signal).to) : lives(step.from);
}

const realKernel = openRealKernel();

async function compare(steps: readonly Step[]): Promise<void> {
  const open = (kernel: Kernel): Side => ({ kernel, tracked: [], children: [] });
  const [real, model] = [open(realKernel), open(createMachine())];
  try {
    for (const step of steps) {
      if (!isPossible(model, step)) continue;
      const text = JSON.stringify(step);
      const first = namespaceCount;
      const is = await perform(real, step);
      namespaceCount = first;
      const should = await perform(model, step);
      if (is !== should) throw new Error(`${text}: the model says ${should}, Linux says ${is}`);
      await sameOverview(real, model, text);
    }
  } finally {
    await Promise.all([real, model].map(close));
  }
}

const someone = fc.nat({ max: 4 });
const uid = fc.constantFrom(0, 0, 1000);
const inside = fc.oneof(fc.constant("outside" as const), { weight: 2, arbitrary: someone });
const place = fc.oneof(fc.constantFrom("inherit" as const, "new", "new"), someone);

const births = (kinds: readonly Kind[]): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constant("spawn" as const),
    where: place,
    kind: fc.constantFrom(...kinds),
    nests: fc.boolean(),
    uid: fc.constant(0),
  });

const kills = (signals: readonly string[]): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constant("kill" as const),
    from: inside,
    to: someone,
    signal: fc.constantFrom(...signals),
    uid,
  });

const looks: fc.Arbitrary<Step> = fc.record({ do: fc.constant("look" as const), from: someone });

const program = (...steps: readonly fc.Arbitrary<Step>[]): fc.Arbitrary<readonly Step[]> =>
  fc.array(fc.oneof(...steps), { minLength: 2, maxLength: 9 });

describe.skipIf(skip)("the model and Linux", () => {
  test("pid-namespaces-agree, new, nested and joined", async () => {
    const steps = program(births(["sleeper", "parent", "parent"]), kills(["KILL"]), looks);
    const property = fc.asyncProperty(steps, compare);
    await fc.assert(property, { numRuns: runs(100) });
  });

  test("signals-agree, from inside and outside, with handlers and without", async () => {
    const kinds = ["sleeper", "handler", "deaf", "bound", "tied"] as const;
    const signals = ["TERM", "TERM", "HUP", "KILL", "CHLD"];
    const born = births(kinds).chain((birth) => uid.map((id) => ({ ...birth, uid: id }) as Step));
    const property = fc.asyncProperty(program(born, kills(signals), kills(signals)), compare);
    await fc.assert(property, { numRuns: runs(100) });
  });
});
