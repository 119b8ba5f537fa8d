/**
 * Conformance of the machine: time, chance, identity.
 *
 * Kernel interface: clock_gettime(2), getrandom(2), uname(2).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { equal, type Case } from "./case.ts";

/** Machine and clock: what every implementation must do. */
export const machineCases: readonly Case[] = [
  {
    name: "monotonicUs() never goes back, and after() calls once, not early, and not when cancelled",
    need: "nothing",
    run: async ({ kernel }) => {
      const start = kernel.monotonicUs();
      let calls = 0;
      const cancel = kernel.after(5, () => {
        calls += 100;
      });
      cancel();
      await new Promise<void>((resolve) => {
        kernel.after(20, () => {
          calls += 1;
          resolve();
        });
      });
      equal(calls, 1, "calls");
      equal(kernel.monotonicUs() - start >= 19_000, true, "not early");
    },
  },
  {
    name: "after(0) calls when what runs now is through, with all that it promised",
    need: "nothing",
    run: async ({ kernel }) => {
      const seen: string[] = [];
      const later = new Promise<void>((resolve) => {
        kernel.after(0, () => {
          seen.push("later");
          resolve();
        });
      });
      const cancel = kernel.after(0, () => void seen.push("never"));
      cancel();
      await Promise.resolve();
      await Promise.resolve();
      seen.push("promised");
      await later;
      equal(seen, ["promised", "later"], "order");
    },
  },
  {
    name: "nowMs() is a time of this century, with a fraction",
    need: "nothing",
    run: ({ kernel }) => {
      const now = kernel.nowMs();
      equal(now > 946_684_800_000 && now < 4_102_444_800_000, true, "now");
    },
  },
  {
    name: "random() gives as many bytes as asked, and not the same again",
    need: "nothing",
    run: ({ kernel }) => {
      equal(
        [0, 1, 16, 1000].map((count) => kernel.random(count).length),
        [0, 1, 16, 1000],
        "count",
      );
      equal([...kernel.random(16)].join() === [...kernel.random(16)].join(), false, "twice");
    },
  },
  {
    name: "uname() and identity() say who runs this",
    need: "nothing",
    run: ({ kernel }) => {
      const { sysname, release, machine } = kernel.uname();
      equal([sysname, release !== "", machine !== ""], ["Linux", true, true], "uname");
      equal(kernel.identity().hostPid > 0, true, "pid");
    },
  },
];
