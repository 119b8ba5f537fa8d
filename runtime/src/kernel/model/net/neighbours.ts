/**
 * Neighbours: the calls of a process about hardware addresses.
 *
 * Kernel interface: rtnetlink(7), arp(7), bridge(8).
 * Invariants: none.
 * Left out: neighbours and entries of bridges that are found by themselves; those of a loopback.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { formatAddress, parseAddress } from "../../ip-address.ts";
import { formatMac, parseMac } from "../../mac-address.ts";
import type { ForwardingEntry, Neighbour, Neighbours } from "../../port.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { Device, NetNamespace, Process } from "../state.ts";
import { deviceOf, NO_MAC, portsOf } from "./devices.ts";
import { devicesOf, requireNetAdmin } from "./links.ts";

/** The calls of the port about neighbours, made by a process. */
export function modelNeighbours(process: Process): Neighbours {
  const find = ({ link, address }: Omit<Neighbour, "mac">) => {
    const { net } = process.namespaces;
    const device = deviceOf(net, link);
    const key = formatAddress(parseAddress(address) ?? refuse("EINVAL"));
    requireNetAdmin(process, net);
    return { device, key };
  };
  return {
    addNeighbour: (neighbour) =>
      call("rtnetlink", neighbour.address, () => {
        const { device, key } = find(neighbour);
        const mac = parseMac(neighbour.mac) ?? refuse("EINVAL");
        refuseIf(device.neighbours.has(key), "EEXIST");
        device.neighbours.set(key, formatMac(mac));
      }),
    deleteNeighbour: (neighbour) =>
      call("rtnetlink", neighbour.address, () => {
        const { device, key } = find(neighbour);
        refuseIf(!device.neighbours.delete(key), "ENOENT");
      }),
    listNeighbours: () => listNeighbours(process.namespaces.net),
    listForwarding: () => devicesOf(process.namespaces.net).flatMap(forwardingOf),
  };
}

/** The neighbours of a namespace as the port tells them. */
export function listNeighbours(net: NetNamespace): readonly Neighbour[] {
  return devicesOf(net).flatMap(({ name, neighbours }) =>
    [...neighbours].map(([address, mac]) => ({ link: name, address, mac })),
  );
}

/** What a bridge knows without having learned it: where its ports and itself are. */
export function forwardingOf(bridge: Device): readonly ForwardingEntry[] {
  if (bridge.kind !== "bridge") return [];
  // A bridge that has lost its last port has lost its address, too.
  const known = [...portsOf(bridge), bridge].filter(({ mac }) => mac !== NO_MAC);
  const macs = new Map(known.toReversed().map(({ mac, name }) => [mac, name]));
  return [...macs].map(([mac, link]) => ({ bridge: bridge.name, link, mac, isPermanent: true }));
}
