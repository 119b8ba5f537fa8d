/**
 * Source address: as whom a namespace speaks when nobody said.
 *
 * Kernel interface: ip(7), ip-route(8), "src".
 * Invariants: none.
 * Left out: the rules of RFC 6724 beyond these; addresses of scope link.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { isWithin, type IpAddress } from "../../ip-address.ts";
import type { Device, HeldAddress, HeldRoute } from "../state.ts";
import { devicesOf } from "./links.ts";

/** The address of a device that is nearest to another, or undefined when it has none. */
function addressOn(device: Device, toward: IpAddress): IpAddress | undefined {
  const own = device.addresses.filter(({ family, isSecondary, scope }) => {
    return family === toward.family && !isSecondary && scope === "global";
  });
  const found: HeldAddress | undefined = own.find((each) => isWithin(toward, each)) ?? own[0];
  return found && { family: found.family, value: found.value };
}

/** As whom a packet leaves by a device: by its address, or else by the first of another. */
export function addressBy(device: Device, toward: IpAddress): IpAddress | undefined {
  const others = devicesOf(device.namespace).filter((each) => each !== device);
  const all = [device, ...others].map((each) => addressOn(each, toward));
  return all.find((address) => address !== undefined);
}

/** As whom a packet goes by a route: the address that the route came with, or the nearest. */
export function sourceFor(route: HeldRoute, to: IpAddress): IpAddress | undefined {
  return route.source ?? addressBy(route.device, route.gateway ?? to);
}
