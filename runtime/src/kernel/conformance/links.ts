/**
 * Conformance of links: bridges, veths, and what becomes of them when their network ends.
 *
 * Kernel interface: rtnetlink(7), network_namespaces(7), veth(4).
 * Invariants: none.
 * Left out: kinds of links but these two.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Child, Inside, Kernel } from "../port.ts";
import { equal, errnoOf, eventually, inChild, PLAIN, type Case } from "./case.ts";

/** Acts in a child with a network of its own. */
export function inNetwork<T>(
  kernel: Kernel,
  body: (own: Inside["kernel"]) => T,
): Promise<T | undefined> {
  return inChild(kernel, PLAIN, (own) => {
    own.unshare(["CLONE_NEWNET"]);
    return body(own);
  });
}

/** A process that waits in a network of its own; the path names that. */
export function holdNetwork(
  kernel: Kernel,
  prepare: (own: Inside["kernel"]) => void = () => undefined,
): { readonly child: Child; readonly path: string } {
  const child = kernel.spawn(PLAIN, ({ kernel: own }) => {
    own.unshare(["CLONE_NEWNET"]);
    prepare(own);
    return own.execve("/bin/sleep", ["sleep", "1000"], []);
  });
  return { child, path: `/proc/${child.hostPid}/ns/net` };
}

/** The links that a case made: some kernels put tunnels of their own into each network. */
const names = (own: Kernel, made: readonly string[]): readonly string[] =>
  own.listLinks().flatMap(({ name }) => (made.includes(name) ? [name] : []));

const MACS = { one: "02:00:00:00:00:01", two: "02:00:00:00:00:02" };

/** Links: what every implementation must do. */
export const linkCases: readonly Case[] = [
  {
    name: "createLink() makes a veth with both ends, down, each knowing the other",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        const peer = { name: "b", mac: MACS.two };
        own.createLink({ kind: "veth", name: "a", mac: MACS.one, peer });
        const links = own.listLinks().filter(({ kind }) => kind === "veth");
        const nameAt = (index: number) => links.find((link) => link.index === index)?.name;
        return links
          .map(({ name, up, mtuBytes, mac: own, peer = { index: 0, isElsewhere: true } }) => {
            return [name, up, mtuBytes, own, nameAt(peer.index), peer.isElsewhere];
          })
          .toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1));
      });
      const ends = [
        ["a", false, 1500, MACS.one, "b", false],
        ["b", false, 1500, MACS.two, "a", false],
      ];
      equal(seen, ends, "both ends");
    },
  },
  {
    name: "createLink() takes hardware addresses in any letters, and lists them in small ones",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        const peer = { name: "b", mac: "02:00:00:00:00:bE" };
        own.createLink({ kind: "veth", name: "a", mac: "02:00:00:00:00:AE", peer });
        const macOf = (wanted: string) => own.listLinks().find(({ name }) => name === wanted)?.mac;
        return ["a", "b"].map(macOf);
      });
      equal(seen, ["02:00:00:00:00:ae", "02:00:00:00:00:be"], "both ends");
    },
  },
  {
    name: "createLink() refuses names that are taken or none, and hardware addresses of groups",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        const bridge = (name: string, mac?: string): string =>
          errnoOf(() =>
            own.createLink({ kind: "bridge", name, ...(mac === undefined ? {} : { mac }) }),
          );
        const peer = (name: string): string =>
          errnoOf(() => own.createLink({ kind: "veth", name: "v", peer: { name } }));
        const said = [bridge("a"), bridge("a"), peer("a"), bridge("b/c"), bridge("x".repeat(16))];
        said.push(bridge("m", "03:00:00:00:00:01"), bridge("m", "no"));
        return [...said, names(own, ["a", "v", "m"])];
      });
      const refused = ["EEXIST", "EEXIST", "EINVAL", "ERANGE", "EADDRNOTAVAIL", "EINVAL"];
      equal(seen, ["OK", ...refused, ["a"]], "errnos, and what is left");
    },
  },
  {
    name: "changeLink() renames, and changes MTU and hardware address, within bounds",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        own.createLink({ kind: "veth", name: "a", peer: { name: "b" } });
        own.changeLink("a", { name: "c" });
        own.changeLink("c", { mtuBytes: 1400 });
        own.changeLink("c", { mac: MACS.one });
        const link = own.listLinks().find(({ name }) => name === "c");
        const said = [
          () => own.changeLink("a", { up: true }),
          () => own.changeLink("c", { name: "b" }),
          () => own.changeLink("c", { mtuBytes: 67 }),
          () => own.changeLink("c", { mtuBytes: 65_536 }),
          () => own.changeLink("c", { mac: "03:00:00:00:00:01" }),
        ].map(errnoOf);
        return [link?.mtuBytes, link?.mac, ...said];
      });
      const refused = ["ENODEV", "EEXIST", "EINVAL", "EINVAL", "EADDRNOTAVAIL"];
      equal(seen, [1400, MACS.one, ...refused], "link, errnos");
    },
  },
  {
    name: "changeLink() makes a link a bridge's port, whose address and MTU the bridge takes over",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        own.createLink({ kind: "bridge", name: "br" });
        own.createLink({ kind: "veth", name: "a", mac: MACS.one, peer: { name: "b" } });
        own.changeLink("a", { mtuBytes: 1400 });
        own.changeLink("a", { master: "br" });
        const bridge = () => own.listLinks().find(({ name }) => name === "br");
        const port = own.listLinks().find(({ name }) => name === "a");
        const with1 = [port?.master, bridge()?.mac, bridge()?.mtuBytes];
        const entries = own.listForwarding().filter(({ isPermanent }) => isPermanent);
        const said = ["lo", "br"].map((name) =>
          errnoOf(() => own.changeLink(name, { master: "br" })),
        );
        said.push(errnoOf(() => own.changeLink("b", { master: "a" })));
        own.changeLink("a", { master: null });
        return [with1, entries, said, bridge()?.mac, bridge()?.mtuBytes];
      });
      const entry = { bridge: "br", link: "a", mac: MACS.one, isPermanent: true };
      const refused = ["EINVAL", "ELOOP", "EOPNOTSUPP"];
      equal(
        seen,
        [["br", MACS.one, 1400], [entry], refused, "00:00:00:00:00:00", 1500],
        "with a port, entries, errnos, without",
      );
    },
  },
  {
    name: "changeLink() moves one end of a veth to another network, where it arrives bare",
    need: "programs",
    run: async ({ kernel }) => {
      const there = holdNetwork(kernel);
      let seen: unknown;
      // It stays, since its links would go with it.
      const here = holdNetwork(kernel, (own) => {
        own.createLink({ kind: "veth", name: "a", peer: { name: "b", mac: MACS.two } });
        own.addAddress({ link: "b", address: "10.0.0.1", prefixLength: 24 });
        own.changeLink("b", { up: true });
        own.changeLink("b", { namespacePath: there.path });
        const left = own.listLinks().find(({ name }) => name === "a");
        const said = [
          () => own.changeLink("lo", { namespacePath: there.path }),
          () => own.changeLink("b", { up: true }),
          () => own.changeLink("a", { namespacePath: "/proc/self/ns/uts" }),
        ].map(errnoOf);
        seen = [left?.peer?.isElsewhere, said];
      });
      equal(seen, [true, ["EINVAL", "ENODEV", "EINVAL"]], "here");
      const arrived = await inChild(kernel, PLAIN, (own) => {
        own.joinNamespacePath(there.path, "CLONE_NEWNET");
        const link = own.listLinks().find(({ name }) => name === "b");
        return [link?.up, link?.mac, own.listAddresses()];
      });
      equal(arrived, [false, MACS.two, []], "there");
      for (const { child } of [here, there]) {
        kernel.kill(child.hostPid, "SIGKILL");
        await child.exited;
      }
    },
  },
  {
    name: "createLink() can make the other end in another network; who deletes one deletes both",
    need: "programs",
    run: async ({ kernel }) => {
      const { child, path } = holdNetwork(kernel);
      const seen = await inNetwork(kernel, (own) => {
        const peer = { name: "eth0", namespacePath: path };
        own.createLink({ kind: "veth", name: "a", peer });
        const home = "/proc/self/ns/net";
        own.createLink({ kind: "veth", name: "c", peer: { name: "d", namespacePath: home } });
        const before = names(own, ["a", "c", "d", "eth0"]);
        own.deleteLink("a");
        own.deleteLink("d");
        const after = names(own, ["a", "c", "d"]);
        const said = errnoOf(() => own.deleteLink("lo"));
        own.joinNamespacePath(path, "CLONE_NEWNET");
        return [before.toSorted(), after, said, names(own, ["eth0"])];
      });
      kernel.kill(child.hostPid, "SIGKILL");
      await child.exited;
      equal(seen, [["a", "c", "d"], [], "EOPNOTSUPP", []], "before, after, lo, there");
    },
  },
  {
    name: "a network that nobody is in any more takes its links with it, and their other ends",
    need: "programs",
    run: async ({ kernel }) => {
      const outer = holdNetwork(kernel);
      const inner = holdNetwork(kernel, (own) => {
        const peer = { name: "out", namespacePath: outer.path };
        own.createLink({ kind: "veth", name: "in", peer });
      });
      const outside = () =>
        inChild(kernel, PLAIN, (own) => {
          own.joinNamespacePath(outer.path, "CLONE_NEWNET");
          return names(own, ["out"]);
        });
      equal(await outside(), ["out"], "while it lives");
      kernel.kill(inner.child.hostPid, "SIGKILL");
      await inner.child.exited;
      await eventually(kernel, async () => (await outside())?.length === 0);
      kernel.kill(outer.child.hostPid, "SIGKILL");
      await outer.child.exited;
    },
  },
  {
    name: "changing a network takes CAP_NET_ADMIN over it; looking takes nothing",
    need: "root",
    run: async ({ kernel }) => {
      const seen = await inNetwork(kernel, (own) => {
        own.createLink({ kind: "bridge", name: "br" });
        const sets = own.getCapabilities();
        const effective = sets.effective.filter((name) => name !== "CAP_NET_ADMIN");
        own.setCapabilities({
          ...sets,
          permitted: effective,
          effective,
          inheritable: [],
          ambient: [],
        });
        const table = { family: "ip", name: "t" } as const;
        const said = [
          () => own.createLink({ kind: "bridge", name: "other" }),
          () => own.changeLink("br", { up: true }),
          () => own.changeLink("none", { up: true }),
          () => own.changeLink("none", { mtuBytes: 1400 }),
          () => own.deleteLink("br"),
          () => own.addAddress({ link: "br", address: "10.0.0.1", prefixLength: 24 }),
          () => own.addRoute({ destination: "10.0.0.0/8", link: "br" }),
          () => own.addNeighbour({ link: "br", address: "10.0.0.2", mac: MACS.two }),
          () => own.changeRuleset([{ change: "create-table", table }]),
          () => own.listRuleset(),
        ].map(errnoOf);
        return [names(own, ["br"]), own.listAddresses(), own.listRoutes(), said];
      });
      const denied = ["EPERM", "EPERM", "EPERM", "ENODEV", "EPERM", "EPERM", "EPERM", "EPERM"];
      equal(seen, [["br"], [], [], [...denied, "EPERM", "EPERM"]], "seen, errnos");
    },
  },
];
