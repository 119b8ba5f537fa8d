/**
 * Network settings: /proc/sys/net, as far as packets are passed on.
 *
 * Each file is about the network namespace of whoever reads or writes it.
 *
 * Kernel interface: proc_sys_net(5), ip(7).
 * Invariants: none; `kernel/conformance/addresses.ts` compares with Linux.
 * Left out: all other settings; any number but 0 is shown as 1.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { requireNetAdmin } from "../net/links.ts";
import { refuseIf } from "../refusal.ts";
import type { GeneratedInode, World } from "../state.ts";
import { generatedDirectory, generatedFile } from "./generated-file-system.ts";

/** The directory `net` of /proc/sys. */
export function networkSettings(world: World): GeneratedInode {
  const directory = (children: Readonly<Record<string, GeneratedInode>>): GeneratedInode =>
    generatedDirectory(world, children);
  return directory({
    ipv4: directory({ ip_forward: forwarding(world, 4) }),
    ipv6: directory({ conf: directory({ all: directory({ forwarding: forwarding(world, 6) }) }) }),
  });
}

function forwarding(world: World, family: 4 | 6): GeneratedInode {
  return generatedFile(world, {
    read: ({ namespaces }) => (namespaces.net.forwards[family] ? "1\n" : "0\n"),
    write: (by, text) => {
      const { net } = by.namespaces;
      requireNetAdmin(by, net);
      refuseIf(!/^\s*-?\d+\s*$/.test(text), "EINVAL");
      net.forwards[family] = Number(text) !== 0;
    },
  });
}
