/**
 * Addresses: the calls of a process about the addresses of its links.
 *
 * Of the IPv4 addresses of one network on one link, the first is primary, and the others go with
 * it. With an address comes a route to its network; with the last IPv4 address of a link all its
 * routes go.
 *
 * Kernel interface: rtnetlink(7), ip-address(8).
 * Invariants: none.
 * Left out: duplicate address detection, lifetimes, labels.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import {
  formatAddress,
  isSameNetwork,
  isWithin,
  parseNetwork,
  type IpNetwork,
} from "../../ip-address.ts";
import type { Address, Addresses, NewAddress } from "../../port.ts";
import { call, refuse } from "../refusal.ts";
import type { Device, HeldAddress, HeldRoute, Process } from "../state.ts";
import { goingWith, neighboursOf, withAddress } from "./address-list.ts";
import { addConnected, deviceOf, dropRoutes } from "./devices.ts";
import { devicesOf, requireNetAdmin } from "./links.ts";

/** The calls of the port about addresses, made by a process. */
export function modelAddresses(process: Process): Addresses {
  const change = (given: NewAddress, act: (device: Device, address: IpNetwork) => void): void => {
    const { link, address, prefixLength } = given;
    call("rtnetlink", `${address}/${prefixLength} ${link}`, () => {
      const { net } = process.namespaces;
      const network = parseNetwork(`${address}/${prefixLength}`) ?? refuse("EINVAL");
      const device = deviceOf(net, link);
      requireNetAdmin(process, net);
      act(device, network);
    });
  };
  return {
    addAddress: (address) => change(address, addAddress),
    deleteAddress: (address) => change(address, deleteAddress),
    listAddresses: () => devicesOf(process.namespaces.net).flatMap(describeAddresses),
  };
}

/** The addresses of a device as the port tells them. */
export function describeAddresses(device: Device): readonly Address[] {
  return device.addresses.map((address) => ({
    link: device.name,
    address: formatAddress(address),
    prefixLength: address.prefixLength,
    scope: address.scope,
  }));
}

function addAddress(device: Device, network: IpNetwork): void {
  const { list, added } = withAddress(device.addresses, network);
  device.addresses = list;
  addConnected(device, added);
}

function deleteAddress(device: Device, network: IpNetwork): void {
  const { family } = network;
  const found = device.addresses.find((each) => isSameNetwork(each, network));
  if (found === undefined) return refuse("EADDRNOTAVAIL");
  const gone = goingWith(device.addresses, found);
  const keepsRoute = family === 6 && neighboursOf(device.addresses, found).length > 0;
  device.addresses = device.addresses.filter((each) => !gone.includes(each));
  const isLast = device.addresses.every((each) => each.family !== family);
  dropRoutes(device.namespace, (route) => {
    if (route.device !== device || route.destination.family !== family) return false;
    if (family === 4 && isLast) return true;
    return !keepsRoute && cameWith(route, found);
  });
}

function cameWith({ destination, protocol, source }: HeldRoute, address: HeldAddress): boolean {
  const isKernels = protocol === "kernel" && destination.prefixLength === address.prefixLength;
  const isFrom = address.family === 6 || source?.value === address.value;
  return isKernels && isFrom && isWithin(address, destination);
}
