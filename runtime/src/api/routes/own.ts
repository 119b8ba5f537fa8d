/**
 * Own routes: what Docker has no words for.
 *
 * `plan` answers what would be done for a container, and does none of it; `journal` answers what
 * was done, call by call; `why` what is known of how it came to this; `view` what a process sees
 * and may do. The first two name the line of source of each step, which is why this program is
 * worth reading beside its output.
 *
 * Kernel interface: none.
 * Specification: none; these paths are Drydock's.
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { parameter, type ApiOptions, type Routes } from "../context.ts";
import { readCreateContainer } from "./containers.ts";

/** Adds `POST /drydock/plan` and `GET /drydock/containers/{id}/…`: `journal`, `why`, `view`. */
export function addOwnRoutes(routes: Routes, { engine, mapSource }: ApiOptions): void {
  routes.post("/drydock/plan", async (call) => {
    const { request, warnings } = await readCreateContainer(call);
    const plan = await engine.planContainer(request);
    const steps = plan.steps.map((step) => ({ ...step, source: mapSource(step.source) }));
    return call.json({ steps, warnings: [...plan.warnings, ...warnings] });
  });
  routes.get("/drydock/containers/:id/why", async (call) =>
    call.json(await engine.whyContainer(parameter(call, "id"))),
  );
  routes.get("/drydock/host/view", async (call) => call.json(await engine.viewProcess(null)));
  routes.get("/drydock/containers/:id/view", async (call) =>
    call.json(await engine.viewProcess(parameter(call, "id"))),
  );
  routes.get("/drydock/containers/:id/journal", async (call) => {
    const journal = await engine.journalOf(parameter(call, "id"));
    return call.json(
      journal.map(({ source, ...made }) =>
        source === undefined ? made : { ...made, source: mapSource(source) },
      ),
    );
  });
}
