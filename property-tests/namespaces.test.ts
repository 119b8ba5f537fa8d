/**
 * Properties of namespaces: plans for every request, id maps, and what the real kernel makes of
 * them. Real ones need root.
 */
import { fc, test } from "@fast-check/vitest";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import type { IdMap, Inside, Kernel } from "../runtime/src/kernel/index.ts";
import {
  applyNamespaceStep,
  containerIdOf,
  differingKinds,
  HOST_NAMESPACES,
  hostIdOf,
  ID_MAP_LIMITS,
  NAMESPACE_FLAGS,
  NAMESPACE_KINDS,
  OVERFLOW_ID,
  parseIdMap,
  planIdMaps,
  planNamespaces,
  printIdMap,
  readNamespaces,
  validateIdMap,
} from "../runtime/src/namespaces/index.ts";
import type {
  NamespaceChoice,
  NamespaceInodes,
  NamespaceKind,
  NamespacePlan,
  NamespaceRequest,
} from "../runtime/src/namespaces/index.ts";
import { UndoStack } from "../runtime/src/undo/index.ts";
import {
  openRealKernel,
  ownDirectory,
  runInChild,
  skipReal,
  spawnWaiting,
} from "./real-kernel.fixture.ts";
import type { Waiting } from "./real-kernel.fixture.ts";

/** Every request there is, with two processes to join: 4^7. */
function* everyRequest(): Generator<NamespaceRequest> {
  const choices: readonly NamespaceChoice[] = ["host", "private", { join: 7 }, { join: 8 }];
  for (let number = 0; number < choices.length ** NAMESPACE_KINDS.length; number++) {
    const request: Record<NamespaceKind, NamespaceChoice> = { ...HOST_NAMESPACES };
    NAMESPACE_KINDS.forEach((kind, at) => {
      const choice = choices[Math.floor(number / choices.length ** at) % choices.length];
      if (choice !== undefined) request[kind] = choice;
    });
    yield request;
  }
}

/** Every way into a namespace that a plan takes, in order: `new user`, `join net 7`. */
function entriesOf(plan: NamespacePlan): readonly string[] {
  const kindOf = (flag: string) => NAMESPACE_KINDS.find((kind) => NAMESPACE_FLAGS[kind] === flag);
  const { pidNamespace } = plan;
  const pid =
    pidNamespace === "inherit"
      ? []
      : [pidNamespace === "new" ? "new pid" : `join pid ${pidNamespace}`];
  const steps = [...plan.entering, ...plan.afterCgroup].flatMap((step) => {
    if (step.op === "enter-user-namespace") return ["new user"];
    return step.flags.map((flag) =>
      step.op === "unshare" ? `new ${kindOf(flag)}` : `join ${kindOf(flag)} ${step.hostPid}`,
    );
  });
  return [...pid, ...steps];
}

function wantedEntries(request: NamespaceRequest): readonly string[] {
  return NAMESPACE_KINDS.flatMap((kind) => {
    const choice = request[kind];
    if (choice === "host") return [];
    return [choice === "private" ? `new ${kind}` : `join ${kind} ${choice.join}`];
  });
}

describe("plans", () => {
  test("plan-is-total: each requested namespace is entered once, for all 16384 requests", () => {
    for (const request of everyRequest()) {
      const entries = entriesOf(planNamespaces(request));
      expect(entries.toSorted()).toEqual(wantedEntries(request).toSorted());
    }
  });

  test("userns-first: only the PID namespace is made before it", () => {
    for (const request of everyRequest()) {
      const plan = planNamespaces(request);
      const made = entriesOf(plan).filter((entry) => /^new (?!pid)/.test(entry));
      if (request.user === "private") expect(made[0]).toBe("new user");
      else expect(made).not.toContain("new user");
    }
  });

  test("joins-first: nothing is joined after something was made; user namespaces come last", () => {
    for (const request of everyRequest()) {
      const steps = planNamespaces(request).entering;
      const firstNew = steps.findIndex(({ op }) => op !== "join-namespaces");
      const joins = steps.filter(({ op }) => op === "join-namespaces");
      const before = steps.slice(0, firstNew === -1 ? steps.length : firstNew);
      expect(before).toEqual(joins);
      const withUser = joins.findIndex(
        (step) => "flags" in step && step.flags.includes("CLONE_NEWUSER"),
      );
      if (withUser !== -1) expect(withUser).toBe(joins.length - 1);
    }
  });
});

/** Extents that may overlap, be empty or too large: about half of the maps are valid. */
const edge = fc.constantFrom(
  0,
  1,
  2,
  3,
  1000,
  65535,
  65536,
  100000,
  2 ** 31,
  2 ** 32 - 2,
  2 ** 32 - 1,
);
const anyExtent = fc.record({
  containerId: fc.oneof(fc.integer({ min: 0, max: 300 }), edge),
  hostId: fc.oneof(fc.integer({ min: 0, max: 300 }), edge),
  count: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }) }, edge),
});
/** Many extents of one id each, at a distance. */
function stripes(length: number, distance: number): readonly IdMap[] {
  return Array.from({ length }, (_, at) => ({
    containerId: at * distance,
    hostId: at * distance,
    count: 1,
  }));
}

/** Lines of 16 bytes, some of 15: maps whose text is just short enough for a page, or not. */
const pageOfText = fc
  .record({ lines: fc.integer({ min: 255, max: 257 }), short: fc.nat(3) })
  .map(({ lines, short }): readonly IdMap[] =>
    Array.from({ length: lines }, (_, at) => ({
      containerId: 200_000 + 10 * at,
      hostId: (at < short ? 10_000 : 100_000) + 10 * at,
      count: 1,
    })),
  );

const anyMap = fc.oneof(
  fc.array(anyExtent, { minLength: 1, maxLength: 4 }),
  fc.integer({ min: 335, max: 345 }).map((length) => stripes(length, 2)),
  pageOfText,
  fc.integer({ min: 1, max: 340 }).map((length) => stripes(length, 10_000_000)),
);

/** Where an off-by-one would hide: the last ids, ranges that touch, ranges that share one id. */
const EDGES: readonly (readonly IdMap[])[] = [
  [{ containerId: 0, hostId: 2 ** 32 - 2, count: 1 }],
  [{ containerId: 0, hostId: 2 ** 32 - 1, count: 1 }],
  [{ containerId: 2 ** 32 - 1, hostId: 0, count: 1 }],
  [{ containerId: 0, hostId: 0, count: 2 ** 32 - 1 }],
  ...[9, 10].map((containerId): readonly IdMap[] => [
    { containerId: 0, hostId: 0, count: 10 },
    { containerId, hostId: 10, count: 5 },
  ]),
  ...[4, 5].map((hostId): readonly IdMap[] => [
    { containerId: 10, hostId: 0, count: 5 },
    { containerId: 0, hostId, count: 10 },
  ]),
];
const examples = EDGES.map((map) => ({ map: [...map] }));

/** Valid by construction: lengths and gaps on both sides, in a random order. */
const validMap = fc
  .array(
    fc.record({ count: fc.integer({ min: 1, max: 1000 }), gap: fc.nat(50), order: fc.nat() }),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((pieces): readonly IdMap[] => {
    let containerId = 0;
    const inside = pieces.map(({ count, gap, order }) => {
      const extent = { containerId: containerId + gap, count, order };
      containerId = extent.containerId + count;
      return extent;
    });
    let hostId = 100;
    return inside
      .toSorted((left, right) => left.order - right.order)
      .map(({ containerId: start, count }, at) => {
        const extent = { containerId: start, hostId: hostId + at, count };
        hostId = extent.hostId + count;
        return extent;
      });
  });

function isValid(map: readonly IdMap[]): boolean {
  try {
    validateIdMap(map);
    return true;
  } catch {
    return false;
  }
}

describe("id maps", () => {
  test.prop({ map: validMap, ids: fc.array(fc.nat(14_000), { minLength: 30, maxLength: 30 }) })(
    "id-map-bijective: out and back is the identity, and what has no mapping is nobody",
    ({ map, ids }) => {
      expect(isValid(map)).toBe(true);
      const total = map.reduce((sum, { count }) => sum + count, 0);
      const all = map.flatMap(({ containerId, count }) =>
        Array.from({ length: count }, (_, at) => containerId + at),
      );
      const known = new Set(all);
      const hostIds = all.map((id) => hostIdOf(map, id));
      expect(new Set(hostIds).size).toBe(total);
      expect(hostIds.map((id) => containerIdOf(map, id ?? -1))).toEqual(all);
      const ends = map.flatMap(({ hostId, count }) => [hostId - 1, hostId, hostId + count]);
      for (const id of [...ids, ...ends]) {
        const isMapped = map.some(
          (extent) => id >= extent.hostId && id < extent.hostId + extent.count,
        );
        const inside = containerIdOf(map, id);
        if (isMapped) expect(hostIdOf(map, inside)).toBe(id);
        else expect(inside).toBe(OVERFLOW_ID);
        if (!known.has(id)) expect(hostIdOf(map, id)).toBeUndefined();
      }
    },
  );

  test.prop({ map: anyMap }, { examples })(
    "id-map-text: what was printed parses to the same map",
    ({ map }) => {
      expect(parseIdMap(printIdMap(map))).toEqual(map);
    },
  );

  const ranges = fc.array(
    fc.record({ hostId: fc.nat(200_000), count: fc.integer({ min: 1, max: 70_000 }) }),
    { maxLength: 3 },
  );
  test.prop({
    owner: fc.oneof(fc.nat(5), fc.nat(70_000)),
    pieces: ranges,
    mapping: fc.constantFrom("subordinate" as const, "keep-id" as const),
  })("id-map-plans-valid: planned maps are valid, keep-id keeps", ({ owner, pieces, mapping }) => {
    let next = 0;
    const subordinate = pieces.map(({ hostId, count }) => {
      const range = { user: "engine", hostId: next + hostId, count };
      next = range.hostId + count;
      return range;
    });
    const maps = planIdMaps(mapping, {
      hostUid: owner,
      hostGid: owner,
      subordinateUids: subordinate,
      subordinateGids: subordinate,
    });
    expect(isValid(maps.uid)).toBe(true);
    expect(maps.gid).toEqual(maps.uid);
    if (mapping === "keep-id") expect(hostIdOf(maps.uid, owner)).toBe(owner);
    else expect(hostIdOf(maps.uid, 0)).toBeDefined();
    expect(idsOf(maps.uid)).toBe(idsToHandOut(mapping, owner, subordinate));
    for (const { hostId, count } of maps.uid) {
      const isOwn = count === 1 && hostId === owner;
      const isGiven = subordinate.some(
        (range) => hostId >= range.hostId && hostId < range.hostId + range.count,
      );
      const isDefault = owner === 0 && subordinate.length === 0 && hostId === 2 ** 31;
      expect(isOwn || isGiven || isDefault).toBe(true);
    }
  });
});

const idsOf = (ranges: readonly { readonly count: number }[]): number =>
  ranges.reduce((sum, { count }) => sum + count, 0);

/** None that may be handed out is lost; but a range that holds the engine's own is left alone. */
function idsToHandOut(
  mapping: "subordinate" | "keep-id",
  owner: number,
  ranges: readonly { readonly hostId: number; readonly count: number }[],
): number {
  const isDefault = owner === 0 && ranges.length === 0;
  const holdsOwner = ({ hostId, count }: { readonly hostId: number; readonly count: number }) =>
    owner >= hostId && owner < hostId + count;
  if (mapping === "keep-id") {
    return 1 + (isDefault ? 65_536 : idsOf(ranges.filter((range) => !holdsOwner(range))));
  }
  return isDefault ? 65_536 : Math.max(1, idsOf(ranges));
}

const WHOLE: readonly IdMap[] = [{ containerId: 0, hostId: 0, count: ID_MAP_LIMITS.ids }];

function spawnPlanned(kernel: Kernel, request: NamespaceRequest): Waiting {
  const plan = planNamespaces(request);
  return withUserNamespace(kernel, WHOLE, (handle) =>
    spawnWaiting(kernel, plan.pidNamespace, (inside) => {
      for (const step of [...plan.entering, ...plan.afterCgroup]) {
        applyNamespaceStep(inside.kernel, step, handle);
      }
      return "ready";
    }),
  );
}

function withUserNamespace<T>(
  kernel: Kernel,
  map: readonly IdMap[],
  act: (handle: number) => T,
): T {
  const handle = kernel.createUserNamespace({ uid: map, gid: WHOLE });
  try {
    return act(handle);
  } finally {
    kernel.closeUserNamespace(handle);
  }
}

describe.skipIf(skipReal("namespaces on the real kernel"))("on the real kernel", () => {
  const kernel = openRealKernel();
  const own = readNamespaces(kernel, "self");
  const choice = fc.constantFrom<"host" | "private" | "join">("host", "private", "join");
  const anyChoices = fc.record({
    user: choice,
    mnt: choice,
    uts: choice,
    ipc: choice,
    net: choice,
    pid: choice,
    cgroup: choice,
  });
  const holderChoices = fc.subarray([...NAMESPACE_KINDS]);

  test.prop({ choices: anyChoices, owned: holderChoices }, { numRuns: 40 })(
    "plan-is-total: a process ends up in exactly the namespaces that were planned",
    async ({ choices, owned }) => {
      await using holder = spawnPlanned(kernel, {
        ...HOST_NAMESPACES,
        ...Object.fromEntries(owned.map((kind) => [kind, "private"])),
      });
      const theirs = readNamespaces(kernel, holder.hostPid);
      expect(differingKinds(own, theirs).toSorted()).toEqual(owned.toSorted());
      const request: Record<NamespaceKind, NamespaceChoice> = { ...HOST_NAMESPACES };
      for (const kind of NAMESPACE_KINDS) {
        // Joining the user namespace that one is in is EINVAL, so nobody asks for that.
        const isPointless = kind === "user" && !owned.includes(kind);
        const wanted = choices[kind];
        if (wanted === "private") request[kind] = "private";
        if (wanted === "join" && !isPointless) request[kind] = { join: holder.hostPid };
      }
      await using child = spawnPlanned(kernel, request);
      const entered = readNamespaces(kernel, child.hostPid);
      for (const kind of NAMESPACE_KINDS)
        expectPlace(kind, request[kind], entered, { own, theirs });
    },
  );

  test.prop({ map: anyMap }, { numRuns: 60, examples })(
    "id-map-text: the kernel takes exactly the maps that validation takes",
    async ({ map }) => {
      let taken = true;
      try {
        await using child = withUserNamespace(kernel, map, (handle) =>
          spawnWaiting(kernel, "inherit", (inside) => {
            inside.kernel.joinUserNamespace(handle);
            return "entered";
          }),
        );
        expect(parseIdMap(kernel.readText(`/proc/${child.hostPid}/uid_map`))).toEqual(map);
      } catch (error) {
        expect(error).toMatchObject({ errno: "EINVAL" });
        taken = false;
      }
      expect(taken).toBe(isValid(map));
    },
  );

  const step = fc.record({
    op: fc.constantFrom("enter", "enter", "leave", "mount", "unmount", "open", "close"),
    which: fc.nat(3),
  });
  /** A handle that was opened through a mount, which is then busy. */
  const busy = (["enter", "mount", "leave", "open", "unmount", "close"] as const).map((op) => {
    return { op, which: 0 };
  });
  test.prop(
    { program: fc.array(step, { minLength: 3, maxLength: 14 }) },
    { numRuns: 15, examples: [{ program: busy }] },
  )(
    "namespace-lives-while-used: by a process, an open handle or a bind mount, and no longer",
    async ({ program }) => {
      await using world = openWorld(kernel);
      for (const { op, which } of program) {
        await world.step(op, which);
        expect(await world.exists(), `after ${op}`).toBe(world.references() > 0);
        // Whatever refers to it shows the same number.
        expect(new Set(world.inodes()).size).toBe(Math.min(1, world.references()));
      }
      await world.close();
      expect(await world.exists()).toBe(false);
    },
  );
});

function expectPlace(
  kind: NamespaceKind,
  choice: NamespaceChoice,
  entered: NamespaceInodes,
  { own, theirs }: { own: NamespaceInodes; theirs: NamespaceInodes },
): void {
  const inode = entered[kind];
  if (choice === "host") expect({ kind, inode }).toEqual({ kind, inode: own[kind] });
  else if (choice === "private") expect([own[kind], theirs[kind]]).not.toContain(inode);
  else expect({ kind, inode }).toEqual({ kind, inode: theirs[kind] });
}

/**
 * A user namespace in which one UTS namespace may exist at a time. Whether it exists shows when
 * somebody tries to make another: the kernel says ENOSPC as long as it does.
 */
function openWorld(kernel: Kernel) {
  const directory = ownDirectory();
  const owner = withUserNamespace(kernel, WHOLE, (handle) =>
    spawnWaiting(kernel, "inherit", (inside) => {
      inside.kernel.joinUserNamespace(handle);
      inside.kernel.writeFile("/proc/sys/user/max_uts_namespaces", "1", "existing");
      return "ready";
    }),
  );
  const processes: Waiting[] = [];
  const mounts: string[] = [];
  const handles: number[] = [];
  let made = 0;
  const ofProcess = () => {
    const [process] = processes;
    return process === undefined ? null : `/proc/${process.hostPid}/ns/uts`;
  };
  const ofHandle = () => (handles[0] === undefined ? null : `/proc/self/fd/${handles[0]}`);
  const pathOf = () => ofProcess() ?? mounts[0] ?? ofHandle();
  const intoNewUts = (inside: Inside) => {
    inside.kernel.joinNamespaces(owner.hostPid, ["CLONE_NEWUSER"]);
    inside.kernel.unshare(["CLONE_NEWUTS"]);
    return inside.kernel.readlink("/proc/self/ns/uts");
  };
  /** By whatever refers to it: a process, a mount or a handle. */
  const intoUts = (inside: Inside) => {
    const [process] = processes;
    const path = mounts[0] ?? ofHandle();
    if (process !== undefined) {
      inside.kernel.joinNamespaces(process.hostPid, ["CLONE_NEWUSER", "CLONE_NEWUTS"]);
    } else if (path === null) return intoNewUts(inside);
    else {
      inside.kernel.joinNamespaces(owner.hostPid, ["CLONE_NEWUSER"]);
      inside.kernel.joinNamespacePath(path, "CLONE_NEWUTS");
    }
    return inside.kernel.readlink("/proc/self/ns/uts");
  };
  /** Gives one up; what could not be given up is still known when the world is closed. */
  const giveUp = async <T>(from: T[], which: number, how: (one: T) => unknown) => {
    const at = which % from.length;
    const one = from[at];
    if (one === undefined) return;
    await how(one);
    from.splice(at, 1);
  };
  const end = (process: Waiting) => process[Symbol.asyncDispose]();
  // MNT_DETACH: a mount through which a handle was opened is busy (EBUSY) as long as that is open.
  const unmount = (target: string) => kernel.umount(target, "detach");
  const steps: Readonly<Record<string, (which: number) => Promise<void> | void>> = {
    enter: () => {
      processes.push(spawnWaiting(kernel, "inherit", intoUts));
      expect(new Set(processes.map(({ line }) => line)).size).toBe(1);
    },
    leave: (which) => giveUp(processes, which, end),
    mount: () => {
      const source = pathOf();
      if (source === null) return;
      const target = join(directory.path, String(made++));
      kernel.writeFile(target, "", "create");
      kernel.mount({ source, target, fstype: "", flags: ["MS_BIND"], data: "" });
      mounts.push(target);
    },
    unmount: (which) => giveUp(mounts, which, unmount),
    open: () => {
      const path = pathOf();
      if (path !== null) handles.push(openSync(path, "r"));
    },
    close: (which) => giveUp(handles, which, closeSync),
  };
  const close = async () => {
    await using undo = new UndoStack();
    for (const process of processes.splice(0)) undo.push("end process", () => end(process));
    for (const target of mounts.splice(0)) undo.push("unmount", () => unmount(target));
    for (const handle of handles.splice(0)) undo.push("close", () => closeSync(handle));
  };
  return {
    step: async (op: string, which: number) => steps[op]?.(which),
    inodes: () => [
      ...processes.map(({ hostPid }) => readNamespaces(kernel, hostPid).uts),
      ...mounts.map((target) => kernel.stat(target).inode),
      ...handles.map((handle) => kernel.stat(`/proc/self/fd/${handle}`).inode),
    ],
    references: () => processes.length + mounts.length + handles.length,
    exists: async () => (await runInChild(kernel, intoNewUts)) === "ENOSPC",
    close,
    [Symbol.asyncDispose]: async () => {
      await using undo = new UndoStack();
      undo.push("remove directory", () => directory[Symbol.dispose]());
      undo.push("end owner", () => end(owner));
      undo.push("close", close);
    },
  };
}
