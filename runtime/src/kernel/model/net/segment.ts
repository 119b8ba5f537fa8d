/**
 * Segment: who hears a frame that a device sends.
 *
 * What goes into one end of a veth comes out of the other. A bridge gives a frame to each of its
 * ports but the one that it came from, and to itself; a frame for a hardware address that it knows
 * goes there alone, which changes nothing for who takes it up.
 *
 * Kernel interface: veth(4), bridge(8), arp(7).
 * Invariants:
 *   bridge-floods   what comes into a port of a bridge goes to all its other ports, never back, and
 *                   never to another bridge
 * Left out: what bridges learn; spanning trees: a circle of bridges is walked once.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { formatAddress, isLoopback, isSameAddress, type IpAddress } from "../../ip-address.ts";
import type { Device } from "../state.ts";
import { portsOf } from "./devices.ts";
import { holderOf } from "./routes.ts";

/** The devices whose namespace hears what a device sends to all. */
export function hearersOf(sender: Device): readonly Device[] {
  const heard: Device[] = [];
  const passed = new Set<Device>();
  const send = (device: Device): void => {
    if (!device.up) return;
    if (device.kind === "bridge") spread(device, undefined);
    else if (device.peer?.up === true) receive(device.peer);
  };
  const receive = (device: Device): void => {
    const { master } = device;
    if (master === undefined) heard.push(device);
    else if (master.up) {
      if (!passed.has(master)) heard.push(master);
      spread(master, device);
    }
  };
  const spread = (bridge: Device, from: Device | undefined): void => {
    if (passed.has(bridge)) return;
    passed.add(bridge);
    for (const port of portsOf(bridge)) if (port !== from) send(port);
  };
  send(sender);
  return heard.filter((device) => device !== sender);
}

/** Who has an address, on a link. */
interface Question {
  readonly sender: Device;
  readonly to: IpAddress;
  /** As whom the sender asks, when it has an address for that. */
  readonly from: IpAddress | undefined;
}

/** Who takes up what is sent to an address on a link; undefined when nobody answers for it. */
export function receiverOf(question: Question): Device | "nobody" | undefined {
  const { sender, to } = question;
  const hearers = hearersOf(sender);
  const said = sender.neighbours.get(formatAddress(to));
  if (said === undefined) return hearers.find((device) => answersFor(device, question));
  return hearers.find((device) => hasMac(device, said)) ?? "nobody";
}

/**
 * ARP: a namespace answers for all its addresses, but not to itself. With IPv6 a link answers for
 * its own, and sends the answer to where it believes the other to be.
 */
function answersFor(device: Device, { sender, to, from }: Question): boolean {
  if (to.family === 6) {
    const believed = from && device.neighbours.get(formatAddress(from));
    const isRight = believed === undefined || believed === sender.mac;
    return isRight && device.addresses.some((held) => isSameAddress(held, to));
  }
  const isAskedByItself = from !== undefined && hasAddress(device, from);
  return !isLoopback(to) && !isAskedByItself && holderOf(device.namespace, to) !== undefined;
}

/** Whether an address is one of a device's namespace. */
export function hasAddress({ namespace }: Device, address: IpAddress): boolean {
  return [...namespace.devices.values()].some(({ addresses }) =>
    addresses.some((held) => isSameAddress(held, address)),
  );
}

const hasMac = (device: Device, mac: string): boolean =>
  device.mac === mac ||
  (device.kind === "bridge" && portsOf(device).some((port) => port.mac === mac));
