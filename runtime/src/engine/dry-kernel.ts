/**
 * Dry kernel: answers what a machine would answer, and changes nothing.
 *
 * A plan that no daemon makes still has to look at the machine, and looking begins with making:
 * what a cgroup can do is asked in a new one. Here a change is a thought. Of the directories that
 * would have been made it is remembered that they are there, and what the kernel would have put
 * into a new cgroup is read in its nearest neighbour.
 *
 * Kernel interface: cgroups(7), for the neighbour.
 * Specification: none.
 * Invariants:
 *   planning-changes-nothing   no call that could change the machine reaches it
 * Left out: where no cgroup exists beside the root of a hierarchy there is no neighbour to look at,
 *   and limits seem unsupported.
 * Docs: docs/concepts/explain.md
 *
 * @module
 */

import { CALLS, decorate } from "../kernel/index.ts";
import type { Kernel } from "../kernel/index.ts";
import { lookOr } from "./look.ts";

/** A kernel that only looks. */
export function createDryKernel(kernel: Kernel): Kernel {
  /** What would have been made, and where to look instead. */
  const made = new Map<string, string>();
  const redirect = (path: string): string => {
    const above = [...made.keys()].findLast((each) => `${path}/`.startsWith(`${each}/`));
    return above === undefined ? path : `${made.get(above) ?? ""}${path.slice(above.length)}`;
  };
  return decorate(kernel, ({ name, args, proceed }) => {
    const [path] = args;
    if (CALLS[name].kind === "change") {
      if (name === "mkdir" && typeof path === "string" && !exists(kernel, redirect(path))) {
        made.set(path, neighbourOf(kernel, redirect(path)));
      }
      return undefined;
    }
    return typeof path === "string" ? proceed([redirect(path), ...args.slice(1)]) : proceed();
  });
}

function exists(kernel: Kernel, path: string): boolean {
  return lookOr(() => kernel.lstat(path), null) !== null;
}

/** A cgroup beside the one that would be made; where there is none, the one above. */
function neighbourOf(kernel: Kernel, path: string): string {
  const above = path.slice(0, path.lastIndexOf("/"));
  if (!exists(kernel, `${above}/cgroup.procs`)) return path;
  return lookOr(() => {
    const names = kernel.readdir(above).map((name) => `${above}/${name}`);
    return names.find((each) => kernel.lstat(each).type === "directory") ?? above;
  }, above);
}
