/**
 * Properties of the model's links and bridges that need no second kernel.
 */
import { fc } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import {
  addDevice,
  createNetNamespace,
  setMaster,
} from "../runtime/src/kernel/model/net/devices.ts";
import { hearersOf } from "../runtime/src/kernel/model/net/segment.ts";
import type { Device, UserNamespace } from "../runtime/src/kernel/model/state.ts";
import { runs } from "./model.fixture.ts";

const owner: UserNamespace = {
  kind: "user",
  inode: 1,
  parent: undefined,
  level: 0,
  ownerUid: 0,
  uidMap: [],
  gidMap: [],
};

/** Some bridges, and cables whose ends are plugged into one of them or into none. */
const cabling = fc.record({
  upBridges: fc.array(fc.constantFrom(true, true, true, false), { minLength: 1, maxLength: 4 }),
  cables: fc.array(
    fc.record({
      ends: fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 })),
      isUp: fc.tuple(
        fc.constantFrom(true, true, true, false),
        fc.constantFrom(true, true, true, false),
      ),
    }),
    { minLength: 1, maxLength: 8 },
  ),
});

/** All devices, made in one namespace: where they are does not matter to who hears whom. */
function build({ upBridges, cables }: typeof cabling extends fc.Arbitrary<infer T> ? T : never) {
  const net = createNetNamespace(2, owner);
  const device = (name: string, kind: "bridge" | "veth", up: boolean): Device => {
    const made = addDevice(net, { kind, name, mac: "02:00:00:00:00:01", hasOwnMac: true });
    made.up = up;
    return made;
  };
  const bridges = upBridges.map((up, number) => device(`br${number}`, "bridge", up));
  const ends = cables.flatMap(({ ends, isUp }, number) => {
    const [one, two] = ["a", "b"].map((side, at) =>
      device(`${side}${number}`, "veth", isUp[at] ?? true),
    );
    if (one === undefined || two === undefined) return [];
    one.peer = two;
    two.peer = one;
    for (const [at, end] of [one, two].entries()) setMaster(end, bridges[ends[at] ?? 9]);
    return [one, two];
  });
  return { bridges, ends };
}

/** What is one piece: a bridge with its ports, and the two ends of a cable that is up. */
function piecesOf(devices: readonly Device[]): ReadonlyMap<Device, Device> {
  const heads = new Map(devices.map((each) => [each, each]));
  const headOf = (each: Device): Device => {
    const above = heads.get(each) ?? each;
    return above === each ? each : headOf(above);
  };
  const join = (one: Device, other: Device | undefined): void => {
    if (other !== undefined && one.up && other.up) heads.set(headOf(one), headOf(other));
  };
  for (const each of devices) {
    join(each, each.peer);
    join(each, each.master);
  }
  return new Map(devices.map((each) => [each, headOf(each)]));
}

describe("the model alone", () => {
  test("bridge-floods exactly what is one piece of cable and bridges with it", () => {
    fc.assert(
      fc.property(cabling, (made) => {
        const { bridges, ends } = build(made);
        const all = [...bridges, ...ends];
        const pieces = piecesOf(all);
        // Whoever takes up a packet: bridges for their host, and ends that are nobody's port.
        const hosts = all.filter(({ up, master }) => up && master === undefined);
        for (const sender of hosts) {
          const should = hosts.filter(
            (each) => each !== sender && pieces.get(each) === pieces.get(sender),
          );
          const names = (list: readonly Device[]) => list.map(({ name }) => name).toSorted();
          expect(names(hearersOf(sender))).toEqual(names(should));
        }
      }),
      { numRuns: runs(300) },
    );
  });
});
