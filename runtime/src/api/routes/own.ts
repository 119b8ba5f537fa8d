/**
 * Own routes: what Docker has no words for.
 *
 * `plan` answers what would be done for a container, and does none of it; `journal` answers what
 * was done, call by call. Both name the line of source of each step, which is why this program is
 * worth reading beside its output. `stop-advice` answers why a stop would take all of its time, as
 * far as the kernel shows it before anybody has waited; null when it does not.
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
import { readCreateContainer, stopOptions } from "./containers.ts";

/** Adds `POST /drydock/plan`, `GET /drydock/containers/{id}/journal` and `…/stop-advice`. */
export function addOwnRoutes(routes: Routes, { engine, mapSource }: ApiOptions): void {
  routes.post("/drydock/plan", async (call) => {
    const { request, warnings } = await readCreateContainer(call);
    const plan = await engine.planContainer(request);
    const steps = plan.steps.map((step) => ({ ...step, source: mapSource(step.source) }));
    return call.json({ steps, warnings: [...plan.warnings, ...warnings] });
  });
  routes.get("/drydock/containers/:id/journal", async (call) => {
    const journal = await engine.journalOf(parameter(call, "id"));
    return call.json(
      journal.map(({ source, ...made }) =>
        source === undefined ? made : { ...made, source: mapSource(source) },
      ),
    );
  });
  routes.get("/drydock/containers/:id/stop-advice", async (call) => {
    return call.json(await engine.stopAdvice(parameter(call, "id"), stopOptions(call)));
  });
}
