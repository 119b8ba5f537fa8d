/**
 * Links: the calls of a process about network devices.
 *
 * Kernel interface: rtnetlink(7), veth(4).
 * Invariants:
 *   network-agrees   links, addresses, routes, neighbours and bridges are after every program of
 *                    calls as they are on Linux, in each of several namespaces
 * Left out: kinds of links but veth and bridge.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { formatMac, parseMac } from "../../mac-address.ts";
import type { Link, LinkChange, Links, NewLink } from "../../port.ts";
import { requireCapability } from "../files/permission.ts";
import { namespaceAt } from "../processes/namespaces.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { Device, NetNamespace, Process } from "../state.ts";
import {
  addDevice,
  checkLength,
  checkName,
  deviceOf,
  findDevice,
  followPorts,
  moveDevice,
  removeDevice,
  setDown,
  setMac,
  setMaster,
  setUp,
  type NewDevice,
} from "./devices.ts";

const MTU_MIN = 68;
const MTU_MAX = 65_535;

/** @throws Refusal EPERM without power over a network */
export function requireNetAdmin({ credentials }: Process, { owner }: NetNamespace): void {
  requireCapability(credentials, owner, "CAP_NET_ADMIN");
}

/** The link calls of the port, made by a process. */
export function modelLinks(process: Process): Links {
  const here = (): NetNamespace => process.namespaces.net;
  return {
    createLink: (link) => call("rtnetlink", link.name, () => createLink(process, link)),
    changeLink: (name, change) =>
      call("rtnetlink", name, () => {
        if ("up" in change) requireNetAdmin(process, here());
        const device = deviceOf(here(), name);
        changeLink(process, device, change);
      }),
    deleteLink: (name) =>
      call("rtnetlink", name, () => {
        requireNetAdmin(process, here());
        const device = deviceOf(here(), name);
        refuseIf(device.kind === "loopback", "EOPNOTSUPP");
        removeDevice(device);
      }),
    listLinks: () => devicesOf(here()).map(describe),
  };
}

/** The devices of a namespace, by index. */
export function devicesOf({ devices }: NetNamespace): readonly Device[] {
  return [...devices.values()].toSorted((a, b) => a.index - b.index);
}

/** A device as the port tells it. */
export function describe(device: Device): Link {
  const { name, index, kind, up, mtuBytes, mac, master, peer, namespace } = device;
  return {
    name,
    index,
    kind,
    up,
    mtuBytes,
    mac,
    ...(master === undefined ? {} : { master: master.name }),
    ...(peer === undefined
      ? {}
      : { peer: { index: peer.index, isElsewhere: peer.namespace !== namespace } }),
  };
}

/** The network namespace that a path leads to. @throws Refusal EINVAL, EPERM */
function networkAt(process: Process, path: string): NetNamespace {
  const namespace = namespaceAt(process, path);
  return namespace?.kind === "net" ? namespace : refuse("EINVAL");
}

/** Linux looks at what it was told before it looks at what is there. */
function createLink(process: Process, link: NewLink): void {
  const { net } = process.namespaces;
  const peer = link.kind === "veth" ? link.peer : undefined;
  const there = peer?.namespacePath === undefined ? net : networkAt(process, peer.namespacePath);
  requireNetAdmin(process, net);
  const own = readEnd(link);
  const far = peer && readEnd(peer);
  requireNetAdmin(process, there);
  refuseIf(findDevice(net, link.name) !== undefined, "EEXIST");
  const { name, mac = randomMac(process) } = own;
  const hasOwnMac = far !== undefined || own.mac !== undefined;
  const made = { kind: link.kind, name, mac, hasOwnMac };
  if (far === undefined) return void addDevice(net, made);
  const end = { ...made, name: far.name, mac: far.mac ?? randomMac(process) };
  // The other end comes first; without it there is no device either.
  const other = addDevice(there, end);
  const device = addDeviceOr(net, made, () => removeDevice(other));
  device.peer = other;
  other.peer = device;
}

function addDeviceOr(net: NetNamespace, made: NewDevice, undo: () => void): Device {
  try {
    return addDevice(net, made);
  } catch (error) {
    undo();
    throw error;
  }
}

/** What is said of one end of a new link. @throws Refusal ERANGE, EINVAL, EADDRNOTAVAIL */
function readEnd(end: { readonly name: string; readonly mac?: string }) {
  checkLength(end.name);
  return { name: end.name, mac: end.mac === undefined ? undefined : readMac(end.mac) };
}

/**
 * A hardware address in its one form.
 *
 * @throws Refusal EINVAL for what is none, EADDRNOTAVAIL for one of a group or of nobody
 */
function readMac(text: string): string {
  const bytes = parseMac(text) ?? refuse("EINVAL");
  const [first = 0] = bytes;
  refuseIf((first & 1) === 1 || bytes.every((byte) => byte === 0), "EADDRNOTAVAIL");
  return formatMac(bytes);
}

/** One of those that everybody may use: the second bit of the first byte says so. */
function randomMac({ world }: Process): string {
  const [first = 0, ...rest] = world.clock.random(6);
  return formatMac(Uint8Array.of((first & 0xfc) | 2, ...rest));
}

function changeLink(process: Process, device: Device, change: LinkChange): void {
  const { namespace } = device;
  if ("up" in change) {
    if (change.up) setUp(device);
    else setDown(device);
  } else if ("namespacePath" in change) {
    const there = networkAt(process, change.namespacePath);
    requireNetAdmin(process, namespace);
    requireNetAdmin(process, there);
    moveDevice(device, there);
  } else if ("master" in change) {
    const master = change.master === null ? undefined : deviceOf(namespace, change.master);
    requireNetAdmin(process, namespace);
    setMaster(device, master);
  } else {
    requireNetAdmin(process, namespace);
    changeAttribute(device, change);
  }
}

type AttributeChange = Extract<
  LinkChange,
  { name: string } | { mtuBytes: number } | { mac: string }
>;

function changeAttribute(device: Device, change: AttributeChange): void {
  const { namespace, master } = device;
  if ("name" in change) {
    if (change.name === device.name || change.name === "") return;
    checkName(change.name);
    refuseIf(findDevice(namespace, change.name) !== undefined, "EEXIST");
    device.name = change.name;
  } else if ("mtuBytes" in change) {
    const isFree = device.kind === "loopback";
    const fits = change.mtuBytes >= MTU_MIN && change.mtuBytes <= MTU_MAX;
    refuseIf(!isFree && !fits, "EINVAL");
    device.mtuBytes = change.mtuBytes;
    device.hasOwnMtu = true;
  } else {
    const mac = readMac(change.mac);
    device.hasOwnMac = true;
    setMac(device, mac);
  }
  if (master !== undefined) followPorts(master);
}
