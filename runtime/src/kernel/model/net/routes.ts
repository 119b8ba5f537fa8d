/**
 * Routes: the calls of a process about its main routing table, and the search in it.
 *
 * Kernel interface: rtnetlink(7), ip-route(8).
 * Invariants: none.
 * Left out: other tables, metrics that somebody chooses, routes over several gateways, the caches.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import {
  formatAddress,
  formatNetwork,
  isSameAddress,
  isSameNetwork,
  isWithin,
  networkOf,
  parseAddress,
  parseNetwork,
  type IpAddress,
  type IpNetwork,
} from "../../ip-address.ts";
import type { NewRoute, Route, Routes } from "../../port.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { Device, HeldRoute, NetNamespace, Process } from "../state.ts";
import { deviceOf } from "./devices.ts";
import { requireNetAdmin } from "./links.ts";

const METRIC = { 4: 0, 6: 1024 } as const;

/** The calls of the port about routes, made by a process. */
export function modelRoutes(process: Process): Routes {
  const change = (route: NewRoute, act: (net: NetNamespace, wished: Wished) => void): void =>
    call("rtnetlink", route.destination, () => {
      const { net } = process.namespaces;
      const wished = readWish(net, route);
      requireNetAdmin(process, net);
      act(net, wished);
    });
  return {
    addRoute: (route) => change(route, addRoute),
    deleteRoute: (route) => change(route, deleteRoute),
    listRoutes: () => listRoutes(process.namespaces.net),
  };
}

/** The routes of a namespace as the port tells them. */
export function listRoutes({ routes }: NetNamespace): readonly Route[] {
  return routes.map(({ destination, gateway, device, protocol, metric }) => ({
    destination: formatNetwork(destination),
    ...(gateway === undefined ? {} : { gateway: formatAddress(gateway) }),
    link: device.name,
    protocol,
    metric,
  }));
}

interface Wished {
  readonly destination: IpNetwork;
  readonly gateway: IpAddress | undefined;
  readonly device: Device | undefined;
}

function readWish(net: NetNamespace, { destination, gateway, link }: NewRoute): Wished {
  const network = parseNetwork(destination) ?? refuse("EINVAL");
  const over = gateway === undefined ? undefined : (parseAddress(gateway) ?? refuse("EINVAL"));
  refuseIf(over !== undefined && over.family !== network.family, "EINVAL");
  const device = link === undefined ? undefined : deviceOf(net, link);
  // IPv6 forgives bits behind the prefix.
  return {
    destination: network.family === 6 ? networkOf(network) : network,
    gateway: over,
    device,
  };
}

function checkBits(destination: IpNetwork): void {
  refuseIf(networkOf(destination).value !== destination.value, "EINVAL");
}

function addRoute(net: NetNamespace, { destination, gateway, device }: Wished): void {
  checkBits(destination);
  const { family } = destination;
  const through = gateway === undefined ? device : deviceToward(net, gateway, device);
  if (through === undefined) return refuse("ENODEV");
  refuseIf(!through.up, "ENETDOWN");
  const metric = METRIC[family];
  const known = net.routes.filter((route) => isSameNetwork(route.destination, destination));
  refuseIf(
    known.some((route) => route.metric === metric),
    "EEXIST",
  );
  const route = { destination, gateway, device: through, metric, source: undefined } as const;
  net.routes = [...net.routes, { ...route, protocol: "boot" }];
}

/** The device behind which a gateway is a neighbour. @throws Refusal when it is not */
function deviceToward(net: NetNamespace, gateway: IpAddress, wished: Device | undefined): Device {
  const errno = gateway.family === 4 ? "ENETUNREACH" : "EHOSTUNREACH";
  const own = holderOf(net, gateway);
  if (own !== undefined) {
    refuseIf(gateway.family === 6, "EINVAL");
    refuseIf(wished !== undefined && wished !== own, errno);
    return own;
  }
  const onLink = net.routes.filter((route) => route.gateway === undefined);
  const within = wished === undefined ? onLink : onLink.filter(({ device }) => device === wished);
  const found = bestOf(within, gateway)?.device ?? refuse(errno);
  refuseIf(found.kind === "loopback" && gateway.family === 6, "EINVAL");
  return found;
}

function deleteRoute(net: NetNamespace, wished: Wished): void {
  const { destination, gateway, device } = wished;
  checkBits(destination);
  const fits = (route: HeldRoute): boolean =>
    isSameNetwork(route.destination, destination) &&
    (gateway === undefined || route.gateway?.value === gateway.value) &&
    (device === undefined || route.device === device);
  const [found] = net.routes.filter(fits).toSorted((a, b) => a.metric - b.metric);
  if (found === undefined) return refuse(hasPlaceholder(net, wished) ? "ENOENT" : "ESRCH");
  net.routes = net.routes.filter((route) => route !== found);
}

/** Where IPv6 has no default route it has something in its place, which cannot be deleted. */
function hasPlaceholder(net: NetNamespace, { destination, gateway, device }: Wished): boolean {
  const isDefault = destination.family === 6 && destination.prefixLength === 0;
  const isFree = !net.routes.some((route) => isSameNetwork(route.destination, destination));
  const fits = gateway === undefined && (device === undefined || device.kind === "loopback");
  return isDefault && isFree && fits;
}

/** The device that has an address, or for a loopback, its network. */
export function holderOf(net: NetNamespace, address: IpAddress): Device | undefined {
  return [...net.devices.values()].find((device) =>
    device.addresses.some((held) => {
      const isWhole = device.kind === "loopback" && device.up && held.family === 4;
      return isWhole ? isWithin(address, held) : isSameAddress(address, held);
    }),
  );
}

/** The route to an address: the longest prefix, then the lowest metric, then the oldest. */
export function bestOf(routes: readonly HeldRoute[], to: IpAddress): HeldRoute | undefined {
  const fitting = routes.filter(({ destination }) => isWithin(to, destination));
  const [best] = fitting.toSorted(
    (a, b) => b.destination.prefixLength - a.destination.prefixLength || a.metric - b.metric,
  );
  return best;
}
