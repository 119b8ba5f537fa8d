/**
 * Conformance of namespaces: making, joining, host names, id maps, links.
 *
 * Kernel interface: unshare(2), setns(2), sethostname(2), user_namespaces(7), rtnetlink(7).
 * Invariants: none.
 * Left out: time namespaces.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import type { Child, Kernel, NamespaceFlag } from "../port.ts";
import { equal, errnoOf, inChild, PLAIN, type Case } from "./case.ts";

/** A child that makes namespaces, says so, and waits until it is answered. */
async function holding(
  kernel: Kernel,
  flags: readonly NamespaceFlag[],
  hostname?: string,
): Promise<Child> {
  const child = kernel.spawn(PLAIN, (inside) => {
    inside.kernel.unshare(flags);
    if (hostname !== undefined) inside.kernel.setHostname(hostname);
    inside.ask("ready");
  });
  await new Promise<void>((resolve) => {
    child.onReport(() => resolve(), resolve);
  });
  return child;
}

async function release(child: Child): Promise<void> {
  child.answer("go");
  await child.exited;
}

const FILES: readonly (readonly [NamespaceFlag, string])[] = [
  ["CLONE_NEWNS", "mnt"],
  ["CLONE_NEWUTS", "uts"],
  ["CLONE_NEWIPC", "ipc"],
  ["CLONE_NEWNET", "net"],
  ["CLONE_NEWCGROUP", "cgroup"],
  ["CLONE_NEWUSER", "user"],
];

/** Namespaces: what every implementation must do. */
export const namespaceCases: readonly Case[] = [
  {
    name: "unshare() changes exactly the namespaces that it names",
    need: "root",
    run: async ({ kernel }) => {
      const links = (own: Kernel): string[] =>
        FILES.map(([, file]) => own.readlink(`/proc/self/ns/${file}`));
      for (const [flag] of FILES) {
        const before = links(kernel);
        const after = await inChild(kernel, PLAIN, (own) => {
          own.unshare([flag]);
          return links(own);
        });
        const changed = FILES.filter((_, at) => (after as string[])[at] !== before[at]);
        equal(
          changed.map(([name]) => name),
          [flag],
          "changed",
        );
      }
    },
  },
  {
    name: "setHostname() names the UTS namespace and no other",
    need: "root",
    run: async ({ kernel }) => {
      const outside = kernel.uname().nodename;
      const inside = await inChild(kernel, PLAIN, (own) => {
        own.unshare(["CLONE_NEWUTS"]);
        own.setHostname("boat");
        own.setDomainname("sea");
        const long = errnoOf(() => own.setHostname("x".repeat(65)));
        return [own.uname().nodename, own.readText("/proc/sys/kernel/domainname").trim(), long];
      });
      equal(inside, ["boat", "sea", "EINVAL"], "inside");
      equal(kernel.uname().nodename, outside, "outside");
    },
  },
  {
    name: "joinNamespaces() enters those of another process",
    need: "root",
    run: async ({ kernel }) => {
      const holder = await holding(kernel, ["CLONE_NEWUTS", "CLONE_NEWNET"], "harbour");
      const name = await inChild(kernel, PLAIN, (own) => {
        own.joinNamespaces(holder.hostPid, ["CLONE_NEWUTS", "CLONE_NEWNET"]);
        return [own.uname().nodename, own.listLinks().map((link) => link.name)];
      });
      equal(name, ["harbour", ["lo"]], "by pid");
      const path = `/proc/${holder.hostPid}/ns/uts`;
      const byPath = await inChild(kernel, PLAIN, (own) => {
        own.joinNamespacePath(path, "CLONE_NEWUTS");
        const wrong = errnoOf(() => own.joinNamespacePath(path, "CLONE_NEWNET"));
        return [own.uname().nodename, wrong];
      });
      equal(byPath, ["harbour", "EINVAL"], "by path");
      await release(holder);
      const gone = await inChild(kernel, PLAIN, (own) =>
        errnoOf(() => own.joinNamespaces(holder.hostPid, ["CLONE_NEWUTS"])),
      );
      equal(gone, "ENOENT", "gone");
    },
  },
  {
    name: "a new network namespace has only a loopback that is down, until setLinkUp()",
    need: "root",
    run: async ({ kernel }) => {
      const links = await inChild(kernel, PLAIN, (own) => {
        own.unshare(["CLONE_NEWNET"]);
        const states = (): unknown =>
          own
            .listLinks()
            .filter(({ name }) => name === "lo")
            .map(({ index, up }) => [index, up]);
        const before = states();
        own.setLinkUp("lo");
        return [before, states(), errnoOf(() => own.setLinkUp("none0"))];
      });
      equal(links, [[[1, false]], [[1, true]], "ENODEV"], "lo");
    },
  },
  {
    name: "writeIdMap() makes the child root of its user namespace",
    need: "root",
    run: async ({ kernel, scratch }) => {
      kernel.chmod(scratch, 0o777);
      const child = kernel.spawn(PLAIN, (inside) => {
        inside.kernel.unshare(["CLONE_NEWUSER"]);
        inside.report(String(inside.kernel.identity().effectiveUid));
        inside.ask("map");
        inside.kernel.setGid(0);
        inside.kernel.setUid(0);
        inside.kernel.writeFile(`${scratch}/f`, "", "create");
        inside.report(String(inside.kernel.identity().effectiveUid));
      });
      const lines: string[] = [];
      child.onReport(
        (line) => {
          lines.push(line);
          if (line !== "map") return;
          const map = [{ containerId: 0, hostId: 100_000, count: 65_536 }];
          kernel.writeIdMap(child.hostPid, "uid", map);
          kernel.writeIdMap(child.hostPid, "gid", map);
          const again = errnoOf(() => kernel.writeIdMap(child.hostPid, "uid", map));
          lines.push(again);
          child.answer("mapped");
        },
        () => undefined,
      );
      await child.exited;
      equal(lines, ["65534", "map", "EPERM", "0"], "a map is written once");
      const { hostUid, hostGid } = kernel.lstat(`${scratch}/f`);
      equal([hostUid, hostGid], [100_000, 100_000], "owner outside");
    },
  },
  {
    name: "joinNamespaces() enters a user namespace together with what it owns",
    need: "root",
    run: async ({ kernel }) => {
      const holder = kernel.spawn(PLAIN, (inside) => {
        inside.kernel.unshare(["CLONE_NEWUSER"]);
        inside.ask("map");
        inside.kernel.unshare(["CLONE_NEWUTS"]);
        inside.kernel.setHostname("harbour");
        inside.ask("ready");
      });
      await new Promise<void>((resolve) => {
        holder.onReport((line) => {
          if (line === "ready") return resolve();
          const map = [{ containerId: 0, hostId: 100_000, count: 65_536 }];
          kernel.writeIdMap(holder.hostPid, "uid", map);
          kernel.writeIdMap(holder.hostPid, "gid", map);
          holder.answer("mapped");
        }, resolve);
      });
      const seen = await inChild(kernel, PLAIN, (own) => {
        own.joinNamespaces(holder.hostPid, ["CLONE_NEWUSER", "CLONE_NEWUTS"]);
        own.setGid(0);
        own.setUid(0);
        const before = own.uname().nodename;
        own.setHostname("port");
        const outside = errnoOf(() => own.joinNamespacePath("/proc/1/ns/uts", "CLONE_NEWUTS"));
        return [before, own.uname().nodename, outside];
      });
      await release(holder);
      equal(seen, ["harbour", "port", "EACCES"], "root inside, nobody outside");
    },
  },
];
