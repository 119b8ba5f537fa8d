/**
 * Conformance of addresses, routes and neighbours: how a network knows where to send.
 *
 * Kernel interface: rtnetlink(7), arp(7).
 * Invariants: none.
 * Left out: what IPv6 gives itself.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Inside, Kernel, NewAddress, NewRoute } from "../port.ts";
import { equal, errnoOf, type Case } from "./case.ts";
import { inNetwork } from "./links.ts";

type Own = Inside["kernel"];

const one: NewAddress = { link: "a", address: "10.0.0.1", prefixLength: 24 };
const two: NewAddress = { ...one, address: "10.0.0.2" };
const six: NewAddress = { link: "a", address: "fd00::1", prefixLength: 64 };

/** A veth whose ends are up. */
function withLink(own: Own): void {
  own.createLink({ kind: "veth", name: "a", peer: { name: "b" } });
  own.changeLink("a", { up: true });
  own.changeLink("b", { up: true });
}

/** The routes that a case made, or that came with its addresses. */
const routes = (own: Kernel): readonly string[] =>
  own
    .listRoutes()
    .filter(({ destination }) => !destination.startsWith("fe80:"))
    .map(({ destination, gateway = "-", link, protocol }) =>
      [destination, gateway, link, protocol].join(" "),
    )
    .toSorted();

const addresses = (own: Kernel): readonly string[] =>
  own
    .listAddresses()
    .filter(({ address }) => !address.startsWith("fe80:"))
    .map(({ link, address, prefixLength, scope }) => `${link} ${address}/${prefixLength} ${scope}`);

const LOOPBACK = ["lo 127.0.0.1/8 host", "lo ::1/128 host"];

/** Addresses, routes and neighbours: what every implementation must do. */
export const addressCases: readonly Case[] = [
  {
    name: "changeLink() gives a loopback that goes up its two addresses",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        const before = addresses(own);
        own.changeLink("lo", { up: true });
        const up = addresses(own);
        own.changeLink("lo", { up: false });
        return [before, up, addresses(own)];
      });
      equal(seen, [[], LOOPBACK, LOOPBACK.slice(0, 1)], "down, up, down again");
    },
  },
  {
    name: "addAddress() brings a route to the address's network, while the link is up",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        own.createLink({ kind: "veth", name: "a", peer: { name: "b" } });
        own.addAddress(one);
        own.addAddress(six);
        const down = routes(own);
        own.changeLink("a", { up: true });
        const up = routes(own);
        own.changeLink("a", { up: false });
        return [down, up, routes(own), addresses(own)];
      });
      const came = ["10.0.0.0/24 - a kernel", "fd00::/64 - a kernel"];
      equal(seen, [[], came, [], ["a 10.0.0.1/24 global"]], "down, up, down, addresses left");
    },
  },
  {
    name: "addAddress() and deleteAddress() say what is there and what is not",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        withLink(own);
        own.addAddress(one);
        own.addAddress(six);
        return [
          () => own.addAddress(one),
          () => own.addAddress(six),
          () => own.addAddress({ ...one, prefixLength: 33 }),
          () => own.addAddress({ ...one, link: "none" }),
          () => own.addAddress({ ...one, address: "10.0.0" }),
          () => own.deleteAddress(two),
          () => own.deleteAddress({ ...one, prefixLength: 16 }),
          () => own.deleteAddress(one),
          () => own.deleteAddress(one),
          () => own.deleteAddress(six),
          () => own.deleteAddress(six),
        ].map(errnoOf);
      });
      const added = ["EEXIST", "EEXIST", "EINVAL", "ENODEV", "EINVAL"];
      const none = "EADDRNOTAVAIL";
      equal(seen, [...added, none, none, "OK", none, "OK", none], "errnos");
    },
  },
  {
    name: "deleteAddress() of the first of a network takes the others of that network with it",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        withLink(own);
        own.addAddress(one);
        own.addAddress(two);
        own.addAddress({ ...one, address: "10.1.0.1" });
        own.addRoute({ destination: "10.9.0.0/16", link: "a" });
        own.deleteAddress(one);
        const first = [addresses(own), routes(own)];
        own.deleteAddress({ ...one, address: "10.1.0.1" });
        return [...first, addresses(own), routes(own)];
      });
      const left = ["10.1.0.0/24 - a kernel", "10.9.0.0/16 - a boot"];
      equal(seen, [["a 10.1.0.1/24 global"], left, [], []], "with the last one every route");
    },
  },
  {
    name: "addRoute() finds the link of a gateway, and refuses one that is nobody's neighbour",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        withLink(own);
        own.addAddress(one);
        own.addAddress(six);
        const add = (route: NewRoute): string => errnoOf(() => own.addRoute(route));
        const said = [
          add({ destination: "0.0.0.0/0", gateway: "10.0.0.9" }),
          add({ destination: "::/0", gateway: "fd00::9" }),
          add({ destination: "0.0.0.0/0", gateway: "10.0.0.8" }),
          add({ destination: "10.9.0.0/16", gateway: "10.7.0.1" }),
          add({ destination: "fd09::/64", gateway: "fd07::1" }),
          add({ destination: "10.9.0.0/16", gateway: "10.0.0.9", link: "b" }),
          add({ destination: "10.9.0.0/16", link: "lo" }),
          add({ destination: "10.9.0.1/16", link: "a" }),
          add({ destination: "10.9.0.0/16" }),
          add({ destination: "10.9.0.0/16", gateway: "fd00::9" }),
        ];
        return [said, routes(own)];
      });
      const refused = ["EEXIST", "ENETUNREACH", "EHOSTUNREACH", "ENETUNREACH", "ENETDOWN"];
      const made = ["0.0.0.0/0 10.0.0.9 a boot", "10.0.0.0/24 - a kernel"];
      const sixes = ["::/0 fd00::9 a boot", "fd00::/64 - a kernel"];
      equal(
        seen,
        [
          ["OK", "OK", ...refused, "EINVAL", "ENODEV", "EINVAL"],
          [...made, ...sixes],
        ],
        "errnos and routes",
      );
    },
  },
  {
    name: "deleteRoute() deletes what fits, also what came with an address; ESRCH when nothing does",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        withLink(own);
        own.addAddress(one);
        own.addRoute({ destination: "0.0.0.0/0", gateway: "10.0.0.9" });
        const remove = (route: NewRoute): string => errnoOf(() => own.deleteRoute(route));
        return [
          remove({ destination: "10.9.0.0/16" }),
          remove({ destination: "0.0.0.0/0", gateway: "10.0.0.8" }),
          remove({ destination: "0.0.0.0/0", link: "b" }),
          remove({ destination: "0.0.0.0/0" }),
          remove({ destination: "10.0.0.0/24" }),
          routes(own),
        ];
      });
      equal(seen, ["ESRCH", "ESRCH", "ESRCH", "OK", "OK", []], "errnos and routes");
    },
  },
  {
    name: "addNeighbour() says where an address is, until the link goes down or is another one",
    need: "root",
    run: async ({ kernel }) => {
      const mac = "02:00:00:00:00:09";
      const four = { link: "a", address: "10.0.0.9", mac };
      const other = { link: "a", address: "fd00::9", mac };
      const seen = await inNetwork(kernel, (own) => {
        withLink(own);
        own.addNeighbour(four);
        own.addNeighbour(other);
        const listed = own.listNeighbours();
        const said = [
          () => own.addNeighbour({ ...four, mac: "02:00:00:00:00:08" }),
          () => own.addNeighbour({ ...four, mac: "no" }),
          () => own.deleteNeighbour({ link: "b", address: "10.0.0.9" }),
          () => own.deleteNeighbour({ link: "a", address: "10.0.0.9" }),
          () => own.deleteNeighbour({ link: "a", address: "10.0.0.9" }),
        ].map(errnoOf);
        const left = own.listNeighbours();
        own.changeLink("a", { mac: "02:00:00:00:00:0a" });
        return [listed, said, left, own.listNeighbours()];
      });
      const refused = ["EEXIST", "EINVAL", "ENOENT", "OK", "ENOENT"];
      equal(seen, [[four, other], refused, [other], []], "listed, errnos, left, after");
    },
  },
  {
    name: "/proc/sys/net says of the reader's network whether it passes packets on",
    need: "root",
    run: async ({ kernel }) => {
      const file = "/proc/sys/net/ipv4/ip_forward";
      const outside = kernel.readText(file);
      const seen = await inNetwork(kernel, (own) => {
        const before = own.readText(file);
        own.writeFile(file, "1\n", "existing");
        const said = errnoOf(() => own.writeFile(file, "yes", "existing"));
        return [before, own.readText(file), said];
      });
      equal(seen, ["0\n", "1\n", "EINVAL"], "before, after, errno");
      equal(kernel.readText(file), outside, "outside");
    },
  },
];
