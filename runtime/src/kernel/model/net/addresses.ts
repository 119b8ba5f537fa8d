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
import { formatAddress, isWithin, parseNetwork, type IpNetwork } from "../../ip-address.ts";
import type { Address, Addresses, NewAddress } from "../../port.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { Device, HeldAddress, Process } from "../state.ts";
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

const isSame = (one: IpNetwork, other: IpNetwork): boolean =>
  one.family === other.family && one.value === other.value;

function scopeOf({ family, value }: IpNetwork): HeldAddress["scope"] {
  if (family === 4) return value >> 24n === 127n ? "host" : "global";
  if (value === 1n) return "host";
  return value >> 118n === 0x3fan ? "link" : "global";
}

function addAddress(device: Device, network: IpNetwork): void {
  const added = { ...network, scope: scopeOf(network), isSecondary: false };
  if (network.family === 6) addSix(device, added);
  else addFour(device, added);
}

function addSix(device: Device, added: HeldAddress): void {
  refuseIf(
    device.addresses.some((each) => isSame(each, added)),
    "EEXIST",
  );
  device.addresses = [...device.addresses, added];
  addConnected(device, added);
}

function addFour(device: Device, wished: HeldAddress): void {
  const fours = device.addresses.filter(({ family }) => family === 4);
  const alike = fours.filter(
    (each) => each.prefixLength === wished.prefixLength && isWithin(wished, each),
  );
  for (const each of alike) {
    refuseIf(isSame(each, wished), "EEXIST");
    refuseIf(each.scope !== wished.scope, "EINVAL");
  }
  const added = { ...wished, isSecondary: alike.length > 0 };
  // Primaries stand before secondaries, and those that are known further before the others.
  const reach = { global: 0, link: 1, host: 2 };
  const last = fours.findLastIndex(
    (each) => !each.isSecondary && reach[added.scope] <= reach[each.scope],
  );
  const at = added.isSecondary ? fours.length : last + 1;
  const sixes = device.addresses.filter(({ family }) => family === 6);
  device.addresses = [...fours.toSpliced(at, 0, added), ...sixes];
  addConnected(device, added);
}

function deleteAddress(device: Device, network: IpNetwork): void {
  const found = device.addresses.find(
    (each) => isSame(each, network) && each.prefixLength === network.prefixLength,
  );
  if (found === undefined) return refuse("EADDRNOTAVAIL");
  const alike = device.addresses.filter(
    (each) => each.prefixLength === found.prefixLength && each !== found && isWithin(each, found),
  );
  const isPrimary = found.family === 4 && !found.isSecondary;
  const gone = isPrimary ? [found, ...alike.filter(({ isSecondary }) => isSecondary)] : [found];
  device.addresses = device.addresses.filter((each) => !gone.includes(each));
  const isLast = device.addresses.every(({ family }) => family !== found.family);
  const keepsRoute = found.family === 6 && alike.length > 0;
  dropRoutes(device.namespace, (route) => {
    if (route.device !== device || route.destination.family !== found.family) return false;
    if (found.family === 4 && isLast) return true;
    const isOwn =
      route.protocol === "kernel" && route.destination.prefixLength === found.prefixLength;
    const isFrom = found.family === 6 || route.source?.value === found.value;
    return isOwn && isFrom && !keepsRoute && isWithin(found, route.destination);
  });
}
