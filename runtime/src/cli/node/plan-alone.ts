/**
 * Plan alone: an API that can make plans and nothing else, for where there is no daemon.
 *
 * On Linux the plan is for this machine. Elsewhere there is no kernel that could run a container:
 * there it is for the machine that the playground has in memory.
 *
 * Kernel interface: proc(5), cgroups(7), for looking only.
 * Specification: none.
 * Invariants: none.
 * Left out: the daemon's configuration file: its root and cgroup parent are those of the defaults.
 * Docs: docs/concepts/explain.md
 *
 * @module
 */
import { createApi } from "../../api/index.ts";
import { createPlanner, type Engine } from "../../engine/index.ts";
import { PROGRAM_VERSION } from "../index.ts";
import { createLinuxKernel } from "../../kernel/linux/index.ts";

/** Where a daemon would have its things. */
const DEFAULTS = {
  root: "/var/lib/drydock",
  cgroupParent: "/drydock",
  programVersion: PROGRAM_VERSION,
};

/**
 * The daemon's answer to `POST /drydock/plan` or `/drydock/script`.
 *
 * @param path of the route @param body of the request @param platform as `process.platform`
 */
export async function planAlone(
  path: string,
  body: unknown,
  platform: string = process.platform,
): Promise<Response> {
  const request = new Request(`http://drydock${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return platform === "linux" ? planHere(request) : planOnModel(request);
}

function planHere(request: Request): Promise<Response> {
  const planner = createPlanner({ kernel: createLinuxKernel(), ...DEFAULTS });
  // The routes that are asked call these methods.
  const engine = planner as Engine;
  const onBug = (error: unknown): void => {
    throw error;
  };
  return createApi({ engine, mapSource: String, onBug })(request, {});
}

async function planOnModel(request: Request): Promise<Response> {
  const { openPlayground } = await import("../../playground/index.ts");
  const playground = await openPlayground();
  try {
    return await playground.api(request);
  } finally {
    await playground.close();
  }
}
