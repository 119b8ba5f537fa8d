/**
 * Properties of security: seccomp programs, capabilities, users, limits and paths, as models and
 * on the real kernel. Real ones need root.
 */
import { fc, test } from "@fast-check/vitest";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import type { CapabilitySets } from "../runtime/src/kernel/index.ts";
import {
  actionValue,
  applyPathStep,
  assemble,
  BPF_MAX_INSTRUCTIONS,
  CAPABILITIES,
  compileFilter,
  createSeccompPlanner,
  DEFAULT_CAPABILITIES,
  defaultSeccompProfile,
  evaluateFilter,
  parseCapabilityMask,
  parseLimits,
  parsePasswd,
  parseSeccompProfile,
  parseUlimit,
  planCapabilities,
  planPaths,
  planResourceLimits,
  planSeccomp,
  printCapabilityMask,
  printUlimit,
  resolveFilter,
  resolveIdentity,
  runBpf,
  syscallNumbers,
  transformOnExec,
  X32_BIT,
} from "../runtime/src/security/index.ts";
import type {
  BpfNode,
  CapabilityRequest,
  SeccompAction,
  SeccompComparison,
  SeccompCondition,
  SeccompData,
  SeccompFilter,
  SeccompProfile,
  SeccompRule,
} from "../runtime/src/security/index.ts";
import {
  openRealKernel,
  outputOf,
  ownDirectory,
  runInChild,
  skipReal,
} from "./real-kernel.fixture.ts";

const NAMES = CAPABILITIES.map(({ name }) => name);
const anyCapabilities = fc.subarray(NAMES);

/** linux/audit.h: x86_64, i386, aarch64, arm, and s390x, which no filter of ours knows. */
const ARCHES = [0xc000003e, 0x40000003, 0xc00000b7, 0x40000028, 0x80000016];

const anyAction: fc.Arbitrary<SeccompAction> = fc.oneof(
  fc.constantFrom<SeccompAction>(
    { kind: "allow" },
    { kind: "log" },
    { kind: "trap" },
    { kind: "kill-thread" },
    { kind: "kill-process" },
  ),
  fc.constantFrom(1, 13, 38, 4095).map((errno) => ({ kind: "errno" as const, errno })),
  fc.nat(65535).map((message) => ({ kind: "trace" as const, message })),
);

/** Words at which 64-bit comparisons go wrong. */
const halves = [0n, 1n, 0x7fffffffn, 0x80000000n, 0xfffffffen, 0xffffffffn];
const anyWord = fc
  .tuple(fc.constantFrom(...halves), fc.constantFrom(...halves))
  .map(([high, low]) => (high << 32n) | low);

const COMPARISONS: readonly SeccompComparison[] = [
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_EQ",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];

const anyCondition: fc.Arbitrary<SeccompCondition> = fc.record({
  index: fc.nat(5),
  op: fc.constantFrom(...COMPARISONS),
  value: anyWord,
  valueTwo: anyWord,
});

const SCOPE = { caps: [], arches: [], minKernel: "" };
/** Few names, so that rules meet; some calls exist in one table only. */
const anyName = fc.constantFrom(
  ..."read write clone clone3 socket openat2 stime nope arch_prctl io_setup preadv".split(" "),
  ..."set_mempolicy_home_node waitpid cacheflush mseal".split(" "),
);
const anyRule: fc.Arbitrary<SeccompRule> = fc.record({
  names: fc.array(anyName, { minLength: 1, maxLength: 4 }),
  action: anyAction,
  args: fc.array(anyCondition, { maxLength: 3 }),
  includes: fc.constant(SCOPE),
  excludes: fc.constant(SCOPE),
});
const anyProfile: fc.Arbitrary<SeccompProfile> = fc.record({
  defaultAction: anyAction,
  rules: fc.array(anyRule, { maxLength: 12 }),
  architectures: fc.oneof(
    fc.constant(defaultSeccompProfile().architectures),
    fc.subarray(["SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_ARM"]),
  ),
});
const anyMachine = fc.constantFrom("x86_64", "aarch64");

/** What the arguments can be so that the conditions of a filter are decided either way. */
function wordsAround(profile: SeccompProfile): readonly bigint[] {
  const values = profile.rules.flatMap(({ args }) =>
    args.flatMap(({ value, valueTwo }) => [value, value + 1n, value - 1n, valueTwo]),
  );
  return [0n, 1n << 32n, ...values].map((value) => BigInt.asUintN(64, value));
}

/** Every number that a table could have, in every architecture, with arguments of a sequence. */
function* everyCall(words: readonly bigint[]): Generator<SeccompData> {
  let at = 0;
  const next = () => words[(at += 7) % words.length] ?? 0n;
  for (const arch of ARCHES) {
    for (const bits of arch === ARCHES[0] ? [0, X32_BIT] : [0]) {
      for (let number = 0; number < 480; number++) {
        const args = [next(), next(), next(), next(), next(), next()];
        yield { nr: number + bits, arch, instructionPointer: 0n, args };
      }
    }
    for (const nr of [0xffffffff, 983041, 983046, X32_BIT - 1]) {
      yield { nr, arch, instructionPointer: 0n, args: [] };
    }
  }
}

function expectAgreement(filter: SeccompFilter, words: readonly bigint[]): void {
  const program = compileFilter(filter);
  for (const data of everyCall(words)) {
    const decided = actionValue(evaluateFilter(filter, data));
    if (runBpf(program, data) === decided) continue;
    expect({ data, value: runBpf(program, data) }).toEqual({ data, value: decided });
  }
}

describe("seccomp programs", () => {
  const factsOf = (machine: string, capabilities: readonly string[] = []) => ({
    machine,
    kernelRelease: "6.1.0",
    capabilities,
  });

  test.prop({ profile: anyProfile, machine: anyMachine }, { numRuns: 60 })(
    "seccomp-compiles: program and rules agree on every call of random profiles",
    ({ profile, machine }) => {
      expectAgreement(resolveFilter(profile, factsOf(machine)), wordsAround(profile));
    },
  );

  test.prop({ capabilities: anyCapabilities, machine: anyMachine }, { numRuns: 20 })(
    "seccomp-compiles: program and rules agree on every call of the default profile",
    ({ capabilities, machine }) => {
      const profile = defaultSeccompProfile();
      const filter = resolveFilter(profile, factsOf(machine, capabilities));
      expectAgreement(filter, [...wordsAround(profile), 0x20000n, 0x10000000n, 0x1000000000n]);
    },
  );

  test.prop({ capabilities: anyCapabilities, machine: anyMachine }, { numRuns: 40 })(
    "seccomp-fits: the default profile is far below the limit for every capability set",
    ({ capabilities, machine }) => {
      const facts = factsOf(machine, capabilities);
      const length = planSeccomp({ profile: "default", privilege: "normal", facts })?.length ?? 0;
      expect(length).toBeGreaterThan(100);
      expect(length).toBeLessThan(BPF_MAX_INSTRUCTIONS / 4);
    },
  );

  test("seccomp-fits: no call takes more than 40 instructions of the default profile", () => {
    const facts = factsOf("x86_64", DEFAULT_CAPABILITIES);
    const program = planSeccomp({ profile: "default", privilege: "normal", facts }) ?? [];
    let steps = 0;
    const counting = new Proxy(program, {
      get: (target, at) => ((steps += 1), Reflect.get(target, at)),
    });
    for (const data of everyCall([0n, 7n, 40n])) {
      steps = 0;
      runBpf(counting, data);
      expect(steps).toBeLessThanOrEqual(40);
    }
  });

  const anyRequest = fc.record({
    profile: fc.constantFrom("default" as const, "unconfined" as const, {
      profile: '{"defaultAction":"SCMP_ACT_LOG"}',
    }),
    privilege: fc.constantFrom("normal" as const, "privileged" as const),
    facts: fc.record({
      machine: anyMachine,
      kernelRelease: fc.constantFrom("4.4", "6.1.0"),
      capabilities: fc.subarray(["CAP_SYS_ADMIN", "CAP_BPF"]),
    }),
  });
  test.prop({ requests: fc.array(anyRequest, { maxLength: 12 }) }, { numRuns: 20 })(
    "seccomp-plan-repeats: a planner that remembers two programs gives what planning anew gives",
    ({ requests }) => {
      const planner = createSeccompPlanner(2);
      for (const request of requests) expect(planner(request)).toEqual(planSeccomp(request));
    },
  );

  const vector = new URL("../../shared/vectors/docker-default-seccomp.json", import.meta.url);
  const isVectorMissing = !existsSync(vector);
  if (isVectorMissing) console.log(`skipped: seccomp-default-is-docker: no ${vector.pathname}`);
  const anyRelease = fc.constantFrom("3.10.0-1160", "4.7.9", "4.8", "5.15.0-generic", "6.18.44");
  const anyFacts = fc.record({
    machine: anyMachine,
    kernelRelease: anyRelease,
    capabilities: fc.oneof(anyCapabilities, fc.constant(DEFAULT_CAPABILITIES)),
  });
  describe.skipIf(isVectorMissing)("beside Docker's", () => {
    test.prop({ facts: anyFacts }, { numRuns: 60 })(
      "seccomp-default-is-docker: ours and theirs decide the same on every call",
      ({ facts }) => {
        const theirs = parseSeccompProfile(readFileSync(vector, "utf8"));
        const [ours, reference] = [defaultSeccompProfile(), theirs].map((profile) =>
          resolveFilter(profile, facts),
        ) as [SeccompFilter, SeccompFilter]; // Two profiles in, two filters out.
        const words = [...wordsAround(theirs), 0x20000n, 0x7e020000n, 0x10000000n];
        for (const data of everyCall(words)) {
          const decision = { data, action: evaluateFilter(ours, data) };
          if (JSON.stringify(decision.action) !== JSON.stringify(evaluateFilter(reference, data))) {
            expect(decision).toEqual({ data, action: evaluateFilter(reference, data) });
          }
        }
      },
    );
  });
});

/** What a graph decides, walked as it stands. */
function walk(root: BpfNode, data: SeccompData): number {
  let accumulator = 0;
  for (let node = root; ;) {
    if (node.op === "return") return node.value;
    if (node.op === "load") accumulator = node.offset === 0 ? data.nr : data.arch;
    if (node.op === "and") accumulator = (accumulator & node.mask) >>> 0;
    if (node.op !== "test") node = node.next;
    else {
      const isMore = accumulator > node.value;
      const isSame = accumulator === node.value;
      const holds = { equal: isSame, greater: isMore, greaterOrEqual: isMore || isSame }[node.test];
      node = holds ? node.yes : node.no;
    }
  }
}

interface GraphStep {
  readonly op: string;
  readonly test: "equal" | "greater" | "greaterOrEqual";
  readonly value: number;
  readonly far: number;
  readonly side: boolean;
}

/** A graph in which some edges lead far away. */
function graphOf(steps: readonly GraphStep[]): BpfNode {
  const leaf: BpfNode = { op: "return", value: 1000 };
  const nodes: BpfNode[] = [leaf];
  for (const { op, test: kind, value, far, side } of steps) {
    const next = nodes.at(-1) ?? leaf;
    const other = nodes[far % nodes.length] ?? leaf;
    const [yes, no] = side ? [next, other] : [other, next];
    if (op === "return") nodes.splice(far % nodes.length, 0, { op, value: nodes.length });
    else if (op === "load") nodes.push({ op, offset: side ? 0 : 4, next });
    else if (op === "and") nodes.push({ op, mask: value, next });
    else nodes.push({ op: "test", test: kind, value, yes, no });
  }
  return { op: "load", offset: 0, next: nodes.at(-1) ?? leaf };
}

function expectSameDecisions(root: BpfNode, calls: readonly (readonly [number, number])[]): void {
  const program = assemble(root);
  program.forEach(({ code, jt, jf, k }, at) => {
    const furthest = at + 1 + (code === 5 ? k : Math.max(jt, jf));
    expect(furthest).toBeLessThanOrEqual(code === 6 ? at + 1 : program.length - 1);
    expect(Math.max(jt, jf)).toBeLessThanOrEqual(255);
    expect(Math.min(jt, jf)).toBeGreaterThanOrEqual(0);
  });
  for (const [nr, arch] of calls) {
    const data = { nr, arch, instructionPointer: 0n, args: [] };
    expect(runBpf(program, data)).toBe(walk(root, data));
  }
}

describe("layout", () => {
  const anyStep = fc.record({
    op: fc.constantFrom("return", "load", "and", "test", "test", "test", "test"),
    test: fc.constantFrom("equal" as const, "greater" as const, "greaterOrEqual" as const),
    value: fc.nat(8),
    far: fc.nat(),
    side: fc.boolean(),
  });
  test.prop(
    {
      steps: fc.array(anyStep, { minLength: 1, maxLength: 1200, size: "max" }),
      calls: fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { minLength: 20, maxLength: 20 }),
    },
    // Shrinking a graph of a thousand nodes takes minutes; the seed is enough.
    { numRuns: 60, endOnFailure: true },
  )("bpf-layout: a program decides as the graph that it was made of", ({ steps, calls }) => {
    expectSameDecisions(graphOf(steps), calls);
  });

  test("bpf-layout: also where a jump just reaches, and where it just does not", () => {
    const far = (value: number): BpfNode => {
      return { op: "load", offset: 4, next: { op: "and", mask: 3, next: { op: "return", value } } };
    };
    for (let distance = 240; distance < 270; distance++) {
      const [yes, no] = [far(1), far(2)];
      const choice = (): BpfNode => ({ op: "test", test: "equal", value: 1, yes, no });
      // Laid out the other way round, so that `yes` is further away than `no`.
      let filler: BpfNode = { op: "test", test: "equal", value: 1, yes: no, no: yes };
      for (let at = 0; at < distance; at++) filler = { op: "and", mask: 7, next: filler };
      const split: BpfNode = { op: "test", test: "greater", value: 1, yes: choice(), no: filler };
      const calls = [0, 1, 2, 3].map((nr) => [nr, 0] as const);
      expectSameDecisions({ op: "load", offset: 0, next: split }, calls);
    }
  });
});

const anyCase = (name: string) =>
  fc.constantFrom(name, name.toLowerCase(), name.slice(4), name.slice(4).toLowerCase());
const anyWords = fc.array(
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...NAMES).chain(anyCase) }, fc.constant("all")),
  { maxLength: 5 },
);
const anyCapabilityRequest: fc.Arbitrary<CapabilityRequest> = fc.record({
  add: anyWords,
  drop: anyWords,
  privilege: fc.constantFrom("normal", "normal", "privileged"),
  owned: fc.oneof(fc.constant(NAMES), fc.subarray(NAMES, { minLength: 30 })),
});

const fullName = (word: string) => {
  const upper = word.toUpperCase();
  return upper === "ALL" || upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
};

/** Docker's rules for one capability. */
function isGiven(name: string, { add, drop, privilege }: CapabilityRequest): boolean {
  const added = new Set(add.map(fullName));
  const dropped = new Set(drop.map(fullName));
  if (privilege === "privileged" || added.has(name)) {
    // Adding ALL is the one case in which a drop beats an addition by name.
    return privilege === "privileged" || !(added.has("ALL") && dropped.has(name));
  }
  const isOffered = added.has("ALL") || (isDefault(name) && !dropped.has("ALL"));
  return isOffered && !dropped.has(name);
}

const isDefault = (name: string) => DEFAULT_CAPABILITIES.includes(name);

/** Sets that a thread can have: effective and ambient within permitted, ambient inheritable. */
const anySets: fc.Arbitrary<CapabilitySets> = fc
  .record({
    bounding: anyCapabilities,
    permitted: anyCapabilities,
    inheritable: anyCapabilities,
    pick: anyCapabilities,
    raise: anyCapabilities,
  })
  .map(({ bounding, permitted, inheritable, pick, raise }) => ({
    bounding,
    permitted,
    inheritable,
    effective: permitted.filter((name) => pick.includes(name)),
    ambient: permitted.filter((name) => inheritable.includes(name) && raise.includes(name)),
  }));

const anyExec = fc.record({
  user: fc.constantFrom("root" as const, "other" as const),
  noNewPrivileges: fc.constantFrom("set" as const, "unset" as const),
  filePermitted: fc.constant<readonly string[]>([]),
});

const isWithin = (left: readonly string[], right: readonly string[]) =>
  left.every((name) => right.includes(name));

describe("capabilities", () => {
  test.prop({ request: anyCapabilityRequest })(
    "capability-algebra: each capability is given as Docker's rules say, if it is ours",
    ({ request }) => {
      const { owned } = request;
      const isRefused =
        request.privilege === "normal" &&
        request.add.some((word) => fullName(word) !== "ALL" && !owned.includes(fullName(word)));
      if (isRefused) {
        expect(() => planCapabilities(request)).toThrow("the engine does not have it");
        return;
      }
      const plan = planCapabilities(request);
      const given = NAMES.filter((name) => isGiven(name, request));
      expect(plan.bounding).toEqual(given.filter((name) => owned.includes(name)));
      expect([...plan.bounding, ...plan.missing].toSorted()).toEqual(given.toSorted());
      expect(plan.root.effective).toEqual(plan.bounding);
      expect(plan.others).toMatchObject({ permitted: [], effective: [], bounding: plan.bounding });
      expect(parseCapabilityMask(printCapabilityMask(plan.bounding))).toEqual(plan.bounding);
    },
  );

  test.prop({ request: anyCapabilityRequest, more: anyWords })(
    "capability-algebra: order and repetition do not matter; dropping more never gives more",
    ({ request, more }) => {
      const all = { ...request, owned: NAMES };
      const { bounding } = planCapabilities(all);
      const shuffled = { add: all.add.toReversed(), drop: [...all.drop, ...all.drop] };
      expect(planCapabilities({ ...all, ...shuffled }).bounding).toEqual(bounding);
      const dropped = planCapabilities({ ...all, drop: [...all.drop, ...more] }).bounding;
      expect(isWithin(dropped, bounding)).toBe(true);
    },
  );

  test.prop({ sets: anySets, execs: fc.array(anyExec, { maxLength: 6 }) })(
    "capabilities-shrink: no sequence of execs without file capabilities adds any, but root's own",
    ({ sets, execs }) => {
      let before = sets;
      for (const facts of execs) {
        const after = transformOnExec(before, facts);
        expect(after.bounding).toEqual(before.bounding);
        // Root gets back what is within its bounding set; nobody else gets anything back.
        const ceiling =
          facts.user === "other" || facts.noNewPrivileges === "set"
            ? before.permitted
            : [...before.bounding, ...before.inheritable, ...before.ambient];
        expect(isWithin(after.permitted, ceiling)).toBe(true);
        expect(isWithin(after.effective, after.permitted)).toBe(true);
        expect(isWithin(after.ambient, before.ambient)).toBe(true);
        before = after;
      }
    },
  );
});

describe("users", () => {
  const anyId = fc.oneof(fc.nat(4), fc.nat(2 ** 31 - 1));
  const anyUserName = fc.stringMatching(/^[a-z_][a-z0-9_-]{0,7}$/);
  const anyPasswd = fc.uniqueArray(
    fc.record({
      name: anyUserName,
      uid: anyId,
      gid: anyId,
      home: fc.constantFrom("/", "/root", "/srv/app"),
    }),
    { selector: ({ name }) => name, maxLength: 6 },
  );
  const print = (users: readonly { name: string; uid: number; gid: number; home: string }[]) =>
    users.map(({ name, uid, gid, home }) => `${name}:x:${uid}:${gid}::${home}:/bin/sh\n`).join("");

  test.prop({ users: anyPasswd, uid: anyId, gid: anyId })(
    "user-numbers-pass: uid:gid resolves to itself, whatever the files say",
    ({ users, uid, gid }) => {
      // Names that look like the numbers, and mean others.
      const impostor = { name: String(uid), uid: uid + 1, gid: gid + 1, home: "/" };
      const members = users.map(({ name, gid: id }) => `${name}:x:${id}:${name}\n`).join("");
      const group = `${gid}:x:${gid + 1}:\n${members}`;
      const files = { passwd: print([impostor, ...users]), group };
      expect(resolveIdentity(`${uid}:${gid}`, [], files)).toMatchObject({
        uid,
        gid,
        groups: [gid],
      });
      const nobodyKnows = resolveIdentity(`${uid}:${gid}`, [], {
        passwd: undefined,
        group: undefined,
      });
      expect(nobodyKnows).toEqual({ uid, gid, groups: [gid], home: "/" });
    },
  );

  test.prop({ users: anyPasswd, noise: fc.constantFrom("", "# who\n", "\n\n", "broken:x:y:z\n") })(
    "user-round-trip: every user of passwd resolves by name, with the groups that list it",
    ({ users, noise }) => {
      const passwd = noise + print(users);
      expect(parsePasswd(passwd)).toEqual(users);
      const group = `wheel:x:10:${users.map(({ name }) => name).join(",")}\nempty:x:11:\n`;
      for (const { name, uid, gid, home } of users) {
        const identity = resolveIdentity(name, [], { passwd, group });
        expect(identity).toEqual({ uid, gid, groups: [...new Set([gid, 10])], home });
        expect(resolveIdentity(`${name}:empty`, ["wheel"], { passwd, group }).groups).toEqual([
          11, 10,
        ]);
      }
    },
  );
});

describe("limits", () => {
  const anyValue = fc.oneof(fc.constant(-1), fc.nat(5), fc.nat(2 ** 40));
  const asLimit = (value: number) => (value === -1 ? Infinity : value);
  const anyUlimit = fc
    .record({ Name: fc.constantFrom("nofile", "core", "stack"), Soft: anyValue, Hard: anyValue })
    .filter(({ Soft, Hard }) => asLimit(Soft) <= asLimit(Hard));

  test.prop({ ulimit: anyUlimit })("limits-round-trip: what is printed parses", ({ ulimit }) => {
    expect(parseUlimit(printUlimit(ulimit))).toEqual(ulimit);
  });

  test.prop({ ulimits: fc.array(anyUlimit, { maxLength: 4 }), ours: fc.nat(2 ** 40) })(
    "limits-within-ours: a plan never asks for more than we may give",
    ({ ulimits, ours }) => {
      const names = ["RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_STACK"];
      const own = names.map((name) => ({ name, soft: ours, hard: ours }));
      const isTooMuch = ulimits.some(({ Hard }) => asLimit(Hard) > ours);
      const plan = () => planResourceLimits(ulimits, { own, mayRaise: "no" });
      if (isTooMuch) expect(plan).toThrow("exceeds");
      else expect(plan().every(({ hard }) => hard <= ours)).toBe(true);
      const last = new Map(ulimits.map(({ Name, Hard }) => [Name, asLimit(Hard)]));
      const raised = planResourceLimits(ulimits, { own, mayRaise: "yes" });
      expect(raised.map(({ hard }) => hard)).toEqual([...last.values()]);
    },
  );
});

describe("paths", () => {
  const anyPaths = fc.option(
    fc.array(fc.constantFrom("/proc/a", "/proc/b", "/sys/c", "/usr"), { maxLength: 5 }),
  );
  test.prop({ masked: anyPaths, readOnly: anyPaths })(
    "masked-before-read-only: each path once, hidden ones first, nothing when unconfined",
    ({ masked, readOnly }) => {
      const steps = planPaths({ masked, readOnly, confinement: "confined" });
      expect(new Set(steps.map(({ path }) => path)).size).toBe(steps.length);
      expect(steps.map(({ op }) => op)).toEqual(steps.map(({ op }) => op).toSorted());
      for (const path of masked ?? []) expect(steps).toContainEqual({ op: "mask", path });
      expect(planPaths({ masked, readOnly, confinement: "unconfined" })).toEqual([]);
    },
  );
});

const nameOfErrno = new Map([
  [1, "EPERM"],
  [13, "EACCES"],
  [38, "ENOSYS"],
  [75, "EOVERFLOW"],
]);
const SIGNALS = { SIGCHLD: 17, SIGCONT: 18, SIGURG: 23, SIGWINCH: 28 };

describe.skipIf(skipReal("security on the real kernel"))("on the real kernel", () => {
  const kernel = openRealKernel();
  const owned = parseCapabilityMask(
    /^CapBnd:.*$/m.exec(kernel.readText("/proc/self/status"))?.[0] ?? "",
  );
  const { machine, release } = kernel.uname();
  const facts = { machine, kernelRelease: release, capabilities: DEFAULT_CAPABILITIES };

  test("seccomp-fits: the kernel takes the default profile, and a program runs", async () => {
    const program = planSeccomp({ profile: "default", privilege: "normal", facts }) ?? [];
    const status = await outputOf(kernel, ["/bin/cat", "/proc/self/status"], (inside) => {
      inside.kernel.installSeccomp(program);
    });
    expect(status).toMatch(/^Seccomp:\s2$/m);
    const errno = await runInChild(kernel, (inside) => {
      inside.kernel.installSeccomp(program);
      inside.kernel.setHostname("not-allowed");
      return "allowed";
    });
    expect(errno).toBe("EPERM");
  });

  const anySignalCondition = fc.record({
    index: fc.constant(1),
    op: fc.constantFrom(...COMPARISONS),
    value: fc.constantFrom(16n, 17n, 18n, 22n, 23n, 24n, 28n, 0xffffffff00000017n),
    valueTwo: fc.constantFrom(16n, 17n, 18n, 0n),
  });
  const anySignalRule = fc.record({
    names: fc.constant(["kill"]),
    action: fc
      .constantFrom(1, 13, 38, 75)
      .map((errno): SeccompAction => ({ kind: "errno", errno })),
    args: fc.array(anySignalCondition, { maxLength: 1 }),
    includes: fc.constant(SCOPE),
    excludes: fc.constant(SCOPE),
  });
  test.prop({ rules: fc.array(anySignalRule, { minLength: 1, maxLength: 4 }) }, { numRuns: 25 })(
    "seccomp-compiles: the kernel decides about kill(2) as the rules say",
    async ({ rules }) => {
      const profile: SeccompProfile = {
        defaultAction: { kind: "allow" },
        rules,
        architectures: [],
      };
      const filter = resolveFilter(profile, facts);
      const program = compileFilter(filter);
      const seen = await runInChild(kernel, (inside) => {
        const { hostPid } = inside.kernel.identity();
        inside.kernel.installSeccomp(program);
        const tryKill = (signal: string) => {
          try {
            inside.kernel.kill(hostPid, signal);
            return "allow";
          } catch (error) {
            return error instanceof Error && "errno" in error ? error.errno : String(error);
          }
        };
        return JSON.stringify(Object.keys(SIGNALS).map(tryKill));
      });
      const nr = syscallNumbers(machine === "x86_64" ? "X86_64" : "AARCH64").get("kill") ?? -1;
      const arch = (machine === "x86_64" ? ARCHES[0] : ARCHES[2]) ?? 0;
      const decided = Object.values(SIGNALS).map((signal) => {
        const args = [0n, BigInt(signal), 0n, 0n, 0n, 0n];
        const action = evaluateFilter(filter, { nr, arch, instructionPointer: 0n, args });
        return action.kind === "errno" ? nameOfErrno.get(action.errno) : action.kind;
      });
      expect(JSON.parse(seen)).toEqual(decided);
    },
  );

  /** Sets that a child of ours can give itself: everything within what we have. */
  const anyOwnSets = anySets.map((sets) => {
    const ours = (names: readonly string[]) => names.filter((name) => owned.includes(name));
    return {
      bounding: ours(sets.bounding),
      permitted: ours(sets.permitted),
      // capset(2) lets nobody add what the bounding set does not have.
      inheritable: ours(sets.inheritable).filter((name) => sets.bounding.includes(name)),
      effective: ours(sets.effective),
      ambient: ours(sets.ambient).filter((name) => sets.bounding.includes(name)),
    };
  });
  test.prop({ sets: anyOwnSets, exec: anyExec }, { numRuns: 40 })(
    "capabilities-shrink: the kernel's exec does what the model of it does",
    async ({ sets, exec }) => {
      const status = await outputOf(kernel, ["/bin/cat", "/proc/self/status"], (inside) => {
        inside.kernel.setBoundingSet(sets.bounding);
        if (exec.user === "other") inside.kernel.setUid(12345);
        inside.kernel.setCapabilities(sets);
        if (exec.noNewPrivileges === "set") inside.kernel.setNoNewPrivileges();
      });
      const maskOf = (label: string) =>
        parseCapabilityMask(new RegExp(`^${label}:.*$`, "m").exec(status)?.[0] ?? status);
      const after = transformOnExec(sets, exec);
      expect({
        bounding: maskOf("CapBnd"),
        permitted: maskOf("CapPrm"),
        effective: maskOf("CapEff"),
        inheritable: maskOf("CapInh"),
        ambient: maskOf("CapAmb"),
      }).toEqual(after);
    },
  );

  test.prop({ masked: fc.subarray(["file", "directory", "absent"]) }, { numRuns: 8 })(
    "masked-is-hidden: masked reads empty, read-only refuses writes, others do not change",
    async ({ masked }) => {
      using directory = ownDirectory();
      const root = directory.path;
      mkdirSync(join(root, "directory"));
      writeFileSync(join(root, "directory", "entry"), "seen");
      writeFileSync(join(root, "file"), "seen");
      const paths = ["file", "directory", "absent"].map((name) => join(root, name));
      const steps = planPaths({
        masked: masked.map((name) => join(root, name)),
        readOnly: paths,
        confinement: "confined",
      });
      const seen = await runInChild(kernel, ({ kernel: inside }) => {
        inside.unshare(["CLONE_NEWNS"]);
        const flags = ["MS_REC", "MS_PRIVATE"] as const;
        inside.mount({ source: "", target: "/", fstype: "", flags, data: "" });
        for (const step of steps) applyPathStep(inside, step);
        const errnoOf = (act: () => void) => {
          try {
            act();
            return "written";
          } catch (error) {
            return error instanceof Error && "errno" in error ? error.errno : String(error);
          }
        };
        return JSON.stringify({
          file: inside.readText(join(root, "file")),
          directory: inside.readdir(join(root, "directory")),
          write: errnoOf(() => inside.writeFile(join(root, "directory", "new"), "", "create")),
          beside: errnoOf(() => inside.writeFile(join(root, "beside"), "", "create")),
        });
      });
      expect(JSON.parse(seen)).toEqual({
        file: masked.includes("file") ? "" : "seen",
        directory: masked.includes("directory") ? [] : ["entry"],
        write: "EROFS",
        beside: "written",
      });
    },
  );

  test("limits-within-ours: the kernel refuses a child what the plan refuses", async () => {
    const own = parseLimits(kernel.readText("/proc/self/limits"));
    const files = own.find(({ name }) => name === "RLIMIT_NOFILE");
    expect(files).toBeDefined();
    const ask = (hard: number) =>
      runInChild(kernel, (inside) => {
        inside.kernel.setResourceLimit({ name: "RLIMIT_NOFILE", soft: 64, hard });
        return "taken";
      });
    const mayRaise = owned.includes("CAP_SYS_RESOURCE") ? "yes" : "no";
    for (const Hard of [files?.hard ?? 0, (files?.hard ?? 0) + 1]) {
      const plan = () =>
        planResourceLimits([{ Name: "nofile", Soft: 64, Hard }], { own, mayRaise });
      const answer = await ask(Hard);
      if (answer === "taken") expect(plan()).toHaveLength(1);
      else expect(plan).toThrow("exceeds");
    }
  });
});
