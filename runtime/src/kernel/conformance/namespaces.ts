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
import type { Child, Inside, Kernel, NamespaceFlag } from "../port.ts";
import { equal, errnoOf, eventually, inChild, PLAIN, unshareMounts, type Case } from "./case.ts";

/** A program that waits in the namespaces that `prepare` entered. */
function holding(kernel: Kernel, prepare: (own: Inside["kernel"]) => void): Child {
  return kernel.spawn(PLAIN, ({ kernel: own }) => {
    prepare(own);
    return own.execve("/bin/sleep", ["sleep", "1000"], []);
  });
}

async function release(kernel: Kernel, child: Child): Promise<void> {
  kernel.kill(child.hostPid, "SIGKILL");
  await child.exited;
}

const MAP = [{ containerId: 0, hostId: 100_000, count: 65_536 }];
const MAPS = { uid: MAP, gid: MAP };

const FILES: readonly (readonly [NamespaceFlag, string])[] = [
  ["CLONE_NEWNS", "mnt"],
  ["CLONE_NEWUTS", "uts"],
  ["CLONE_NEWIPC", "ipc"],
  ["CLONE_NEWNET", "net"],
  ["CLONE_NEWCGROUP", "cgroup"],
  ["CLONE_NEWUSER", "user"],
];

/** What /proc/net/dev says of a loopback that nobody has used. */
const NO_TRAFFIC = [
  "Inter-|   Receive                                                |  Transmit",
  " face |bytes    packets errs drop fifo frame compressed multicast" +
    "|bytes    packets errs drop fifo colls carrier compressed",
  "    lo:       0       0    0    0    0     0          0         0" +
    "        0       0    0    0    0     0       0          0",
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
        const changed = FILES.filter((_, at) => after?.[at] !== before[at]);
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
    need: "programs",
    run: async ({ kernel }) => {
      const holder = holding(kernel, (own) => {
        own.unshare(["CLONE_NEWUTS", "CLONE_NEWNET"]);
        own.setHostname("harbour");
      });
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
      await release(kernel, holder);
      const gone = await inChild(kernel, PLAIN, (own) =>
        errnoOf(() => own.joinNamespaces(holder.hostPid, ["CLONE_NEWUTS"])),
      );
      equal(gone, "ENOENT", "gone");
    },
  },
  {
    name: "a new network namespace has only a loopback that is down, until changeLink()",
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
        own.changeLink("lo", { up: true });
        return [before, states(), errnoOf(() => own.changeLink("none0", { up: true }))];
      });
      equal(links, [[[1, false]], [[1, true]], "ENODEV"], "lo");
    },
  },
  {
    name: "/proc/net/dev counts for each link of the reader's network namespace",
    need: "root",
    run: async ({ kernel }) => {
      const texts = await inChild(kernel, PLAIN, (own) => {
        own.unshare(["CLONE_NEWNET"]);
        const [titles, columns, ...rows] = own.readText("/proc/net/dev").trimEnd().split("\n");
        // Some kernels put tunnels of their own into each network.
        return [titles, columns, rows.find((row) => row.trim().startsWith("lo:"))];
      });
      equal(texts, NO_TRAFFIC, "lines");
      equal(kernel.readlink("/proc/net"), "self/net", "link");
    },
  },
  {
    name: "createUserNamespace() maps ids, and joinUserNamespace() makes the child its root",
    need: "root",
    run: async ({ kernel, scratch }) => {
      kernel.chmod(scratch, 0o777);
      const handle = kernel.createUserNamespace(MAPS);
      const seen = await inChild(kernel, PLAIN, (own) => {
        own.joinUserNamespace(handle);
        const before = own.identity().effectiveUid;
        own.setGid(0);
        own.setUid(0);
        own.writeFile(`${scratch}/f`, "", "create");
        const map = own.readText("/proc/self/uid_map").trim().split(/ +/);
        return [before, own.identity().effectiveUid, map];
      });
      equal(seen, [65_534, 0, ["0", "100000", "65536"]], "inside");
      const { hostUid, hostGid } = kernel.lstat(`${scratch}/f`);
      equal([hostUid, hostGid], [100_000, 100_000], "owner outside");
      kernel.closeUserNamespace(handle);
      const gone = await inChild(kernel, PLAIN, (own) =>
        errnoOf(() => own.joinUserNamespace(handle)),
      );
      equal(gone, "EBADF", "closed");
      const twice = [...MAP, ...MAP];
      equal(
        errnoOf(() => kernel.createUserNamespace({ uid: twice, gid: MAP })),
        "EINVAL",
        "a map that overlaps itself",
      );
    },
  },
  {
    name: "joinNamespaces() enters a user namespace together with what it owns",
    need: "programs",
    run: async ({ kernel }) => {
      const handle = kernel.createUserNamespace(MAPS);
      const holder = holding(kernel, (own) => {
        own.joinUserNamespace(handle);
        own.unshare(["CLONE_NEWUTS"]);
        own.setHostname("harbour");
      });
      kernel.closeUserNamespace(handle);
      const seen = await inChild(kernel, PLAIN, (own) => {
        own.joinNamespaces(holder.hostPid, ["CLONE_NEWUSER", "CLONE_NEWUTS"]);
        own.setGid(0);
        own.setUid(0);
        const before = own.uname().nodename;
        own.setHostname("port");
        const outside = errnoOf(() => own.joinNamespacePath("/proc/1/ns/uts", "CLONE_NEWUTS"));
        return [before, own.uname().nodename, outside];
      });
      await release(kernel, holder);
      equal(seen, ["harbour", "port", "EACCES"], "root inside, nobody outside");
    },
  },
  {
    name: "holdRoot() leads to a root and what is mounted in it after its process",
    need: "programs",
    run: async ({ kernel, scratch }) => {
      kernel.mkdir(`${scratch}/inner`, 0o755);
      const holder = holding(kernel, (own) => {
        unshareMounts(own);
        const target = `${scratch}/inner`;
        own.mount({ source: "tmpfs", target, fstype: "tmpfs", flags: [], data: "" });
        own.writeFile(`${target}/f`, "inside", "create");
      });
      const held = kernel.holdRoot(holder.hostPid);
      const path = `${held.path}${scratch}/inner/f`;
      equal(kernel.readText(path), "inside", "while it runs");
      await release(kernel, holder);
      await holder.unmounted;
      equal(kernel.readText(path), "inside", "after its end");
      equal(kernel.readdir(`${held.path}/.${scratch}`), ["inner"], "a directory");
      equal(kernel.stat(`${held.path}/.`).type, "directory", "what the path leads to");
      equal(
        errnoOf(() => kernel.holdRoot(holder.hostPid)),
        "ENOENT",
        "of nobody",
      );
      held[Symbol.dispose]();
      await eventually(kernel, () => errnoOf(() => kernel.readText(path)) === "ENOENT");
    },
  },
];
