/**
 * Network text: what a process's network has, as /proc/PID/net shows it.
 *
 * Kernel interface: proc_pid_net(5).
 * Invariants: none; `kernel/conformance/namespaces.ts` compares with Linux.
 * Left out: every file but dev; the counters stay at zero, since nothing is sent in the model.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { devicesOf } from "../net/links.ts";
import type { Process } from "../state.ts";

/** Of the counters for what was received and for what was sent. */
const WIDTHS = [7, 7, 4, 4, 4, 5, 10, 9, 8, 7, 4, 4, 4, 5, 7, 10];

/** The text of /proc/PID/net/dev: two lines of titles, then one for each link. */
export function linksText({ namespaces }: Process): string {
  const zeros = WIDTHS.map((width) => ` ${"0".padStart(width)}`).join("");
  const rows = devicesOf(namespaces.net).map(({ name }) => `${name.padStart(6)}:${zeros}\n`);
  return [
    "Inter-|   Receive                                                |  Transmit\n",
    " face |bytes    packets errs drop fifo frame compressed multicast" +
      "|bytes    packets errs drop fifo colls carrier compressed\n",
    ...rows,
  ].join("");
}
