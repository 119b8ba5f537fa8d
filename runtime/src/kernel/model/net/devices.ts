/**
 * Devices: what happens to the rest when a network device comes, goes, or changes.
 *
 * Addresses hang on devices, and routes lead through them. A device that is set down keeps its IPv4
 * addresses and loses those of IPv6; its routes go, and only those that came with an address come
 * back. A device that moves to another namespace arrives there with nothing but its name, its MTU
 * and its hardware address.
 *
 * Kernel interface: network_namespaces(7), rtnetlink(7), veth(4).
 * Invariants: none.
 * Left out: names with a `%`, which Linux fills in; link-local addresses that IPv6 gives itself;
 *   carriers; an MTU that is too small for IP.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { isSameAddress, isSameNetwork, networkOf } from "../../ip-address.ts";
import { refuse, refuseIf } from "../refusal.ts";
import type {
  Device,
  HeldAddress,
  HeldRoute,
  NetNamespace,
  UserNamespace,
  World,
} from "../state.ts";
import { withAddress } from "./address-list.ts";

const LOOPBACK_MTU = 65_536;
const ETHERNET_MTU = 1500;
const NAME_MAX_BYTES = 15;
/** The hardware address of what has none. */
export const NO_MAC = "00:00:00:00:00:00";

/** A network namespace with nothing but a loopback that is down. */
export function createNetNamespace(inode: number, owner: UserNamespace): NetNamespace {
  const namespace: NetNamespace = {
    kind: "net",
    inode,
    owner,
    devices: new Map(),
    nextIndex: 1,
    routes: [],
    tables: [],
    forwards: { 4: false, 6: false },
    listeners: new Set(),
  };
  addDevice(namespace, { kind: "loopback", name: "lo", mac: NO_MAC, hasOwnMac: true });
  return namespace;
}

/** What a device is made with. */
export type NewDevice = Pick<Device, "kind" | "name" | "mac" | "hasOwnMac">;

/** Makes a device. @throws Refusal EINVAL, ERANGE, EEXIST for its name */
export function addDevice(namespace: NetNamespace, made: NewDevice): Device {
  checkName(made.name);
  refuseIf(findDevice(namespace, made.name) !== undefined, "EEXIST");
  const device: Device = {
    ...made,
    index: freeIndex(namespace),
    namespace,
    up: false,
    mtuBytes: made.kind === "loopback" ? LOOPBACK_MTU : ETHERNET_MTU,
    hasOwnMtu: false,
    master: undefined,
    peer: undefined,
    addresses: [],
    neighbours: new Map(),
  };
  namespace.devices.set(device.index, device);
  return device;
}

/** @throws Refusal EINVAL, ERANGE for what is no name of a device */
export function checkName(name: string): void {
  checkLength(name);
  refuseIf(name === "." || name === ".." || !/^[^\s/:]+$/.test(name), "EINVAL");
}

/** @throws Refusal ERANGE for what is too long for a name */
export function checkLength(name: string): void {
  refuseIf(new TextEncoder().encode(name).length > NAME_MAX_BYTES, "ERANGE");
}

function freeIndex(namespace: NetNamespace): number {
  let index = namespace.nextIndex;
  while (namespace.devices.has(index)) index += 1;
  namespace.nextIndex = index + 1;
  return index;
}

/** The device of a name. */
export function findDevice(namespace: NetNamespace, name: string): Device | undefined {
  return [...namespace.devices.values()].find((device) => device.name === name);
}

/** The device of a name. @throws Refusal ENODEV, ERANGE */
export function deviceOf(namespace: NetNamespace, name: string): Device {
  checkLength(name);
  return findDevice(namespace, name) ?? refuse("ENODEV");
}

/** Sets a device up: the routes of its addresses come, and the addresses of a loopback. */
export function setUp(device: Device): void {
  if (device.up) return;
  device.up = true;
  if (device.kind === "loopback") {
    for (const network of LOOPBACK) {
      const has = device.addresses.some((each) => isSameAddress(each, network));
      if (!has) device.addresses = withAddress(device.addresses, network).list;
    }
  }
  for (const address of device.addresses) addConnected(device, address);
}

/** What a loopback has when it is up: 127.0.0.1/8 and ::1/128. */
const LOOPBACK = [
  { family: 4, value: (127n << 24n) + 1n, prefixLength: 8 },
  { family: 6, value: 1n, prefixLength: 128 },
] as const;

/** Sets a device down: its routes go, and what IPv6 had. */
export function setDown(device: Device): void {
  if (!device.up) return;
  device.up = false;
  device.addresses = device.addresses.filter(({ family }) => family === 4);
  device.neighbours.clear();
  dropRoutes(device.namespace, (route) => route.device === device);
}

/** The route that comes with an address, where there is one. */
export function addConnected(device: Device, address: HeldAddress): void {
  const { namespace } = device;
  if (!device.up || !hasRoute(device, address)) return;
  const { family, value } = address;
  const isFour = family === 4;
  const route: HeldRoute = {
    destination: networkOf(address),
    gateway: undefined,
    device,
    protocol: "kernel",
    metric: isFour ? 0 : 256,
    source: isFour ? { family, value } : undefined,
  };
  if (!namespace.routes.some((each) => isSameRoute(each, route))) {
    namespace.routes = [...namespace.routes, route];
  }
}

/** What IPv4 has on a loopback is local, as an address alone is: that is in another table. */
function hasRoute({ kind }: Device, address: HeldAddress): boolean {
  if (address.family === 6) return address.scope !== "host";
  const isLocal = kind === "loopback" || address.prefixLength === 32;
  return !isLocal && !address.isSecondary && networkOf(address).value !== 0n;
}

function isSameRoute(one: HeldRoute, other: HeldRoute): boolean {
  return (
    one.device === other.device &&
    one.metric === other.metric &&
    one.protocol === other.protocol &&
    one.gateway === undefined &&
    isSameNetwork(one.destination, other.destination) &&
    one.source?.value === other.source?.value
  );
}

/** Takes routes away. */
export function dropRoutes(namespace: NetNamespace, isGone: (route: HeldRoute) => boolean): void {
  if (namespace.routes.some(isGone)) {
    namespace.routes = namespace.routes.filter((route) => !isGone(route));
  }
}

/** Makes a device the port of a bridge, or nobody's. @throws Refusal as ip-link(8) has it */
export function setMaster(device: Device, master: Device | undefined): void {
  if (device.master === master) return;
  const before = device.master;
  device.master = undefined;
  if (before !== undefined) followPorts(before);
  if (master === undefined) return;
  refuseIf(master.kind !== "bridge", "EOPNOTSUPP");
  refuseIf(device.kind === "loopback" || device.mac === NO_MAC, "EINVAL");
  refuseIf(device.kind === "bridge", "ELOOP");
  device.master = master;
  followPorts(master);
}

/** The ports of a bridge. */
export function portsOf(bridge: Device): readonly Device[] {
  return [...bridge.namespace.devices.values()].filter(({ master }) => master === bridge);
}

/** A bridge has the smallest MTU and the lowest hardware address of its ports, unless told. */
export function followPorts(bridge: Device): void {
  const ports = portsOf(bridge);
  if (!bridge.hasOwnMtu) {
    const isAlone = ports.length === 0;
    bridge.mtuBytes = isAlone ? ETHERNET_MTU : Math.min(...ports.map(({ mtuBytes }) => mtuBytes));
  }
  if (bridge.hasOwnMac) return;
  const [lowest = NO_MAC] = ports.map(({ mac }) => mac).toSorted();
  if (lowest !== bridge.mac) setMac(bridge, lowest);
}

/** Gives a device another hardware address: what was said of its neighbours is forgotten. */
export function setMac(device: Device, mac: string): void {
  device.mac = mac;
  device.neighbours.clear();
}

/** Takes a device away, with what depends on it: the other end of a veth, and a bridge's ports. */
export function removeDevice(device: Device): void {
  const { namespace, peer } = device;
  if (namespace.devices.get(device.index) !== device) return;
  detach(device);
  for (const port of portsOf(device)) setMaster(port, undefined);
  namespace.devices.delete(device.index);
  if (peer !== undefined) removeDevice(peer);
}

/** Takes everything from a device that belongs to where it is. */
function detach(device: Device): void {
  setDown(device);
  setMaster(device, undefined);
  device.addresses = [];
}

/** Moves a device to another namespace. @throws Refusal EINVAL, EEXIST */
export function moveDevice(device: Device, to: NetNamespace): void {
  if (device.namespace === to) return;
  refuseIf(device.kind !== "veth", "EINVAL");
  refuseIf(findDevice(to, device.name) !== undefined, "EEXIST");
  detach(device);
  device.namespace.devices.delete(device.index);
  if (to.devices.has(device.index)) device.index = freeIndex(to);
  device.namespace = to;
  to.devices.set(device.index, device);
}

/** A network without processes goes with its devices, unless a file somewhere stands for it. */
export function releaseNetwork(world: World, namespace: NetNamespace): void {
  for (const { namespaces } of world.processes.values()) if (namespaces.net === namespace) return;
  const file = world.namespaceFiles.get(namespace);
  if (file !== undefined && file.dentry.fs.mounts.size > 1) return;
  for (const device of namespace.devices.values()) removeDevice(device);
  namespace.listeners.clear();
}
