/**
 * Own routes: what Docker has no words for.
 *
 * `plan` answers what would be done for a container, and does none of it; `script` the same as a
 * script for a shell; `prune` what a prune would remove; `journal` answers what was done, call by
 * call; `why` what is known of how it came to this; `view` what a process sees and may do; `disk`
 * answers whose each byte is, and `fsck` what is nobody's or damaged. Plan and journal name the
 * line of source of each step, which is why this program is worth reading beside its output.
 * `stop-advice` answers why a stop would take all of its time, as far as the kernel shows it before
 * anybody has waited; null when it does not.
 *
 * Kernel interface: none.
 * Specification: none; these paths are Drydock's.
 * Invariants: none.
 * Left out: nothing known.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { parameter, queryOf, type ApiOptions, type Routes } from "../context.ts";
import { invalidRequest } from "../failure.ts";
import { fields, list, readJson, text, validate } from "../go-json.ts";
import { readBoolean, readFilters } from "../query.ts";
import { readCreateContainer, stopOptions } from "./containers.ts";

const volumesBody = fields({ Binds: list(text()) });

/** Adds what is told of containers, the plan of a prune, and what is on the disk. */
export function addOwnRoutes(routes: Routes, { engine, mapSource }: ApiOptions): void {
  routes.post("/drydock/plan", async (call) => {
    const { request, warnings } = await readCreateContainer(call);
    const plan = await engine.planContainer(request);
    const steps = plan.steps.map((step) => ({ ...step, source: mapSource(step.source) }));
    return call.json({ steps, warnings: [...plan.warnings, ...warnings] });
  });
  routes.post("/drydock/script", async (call) => {
    const { request, warnings } = await readCreateContainer(call);
    const plan = await engine.scriptContainer(request);
    return call.json({ ...plan, warnings: [...plan.warnings, ...warnings] });
  });
  routes.get("/drydock/containers/:id/why", async (call) =>
    call.json(await engine.whyContainer(parameter(call, "id"))),
  );
  routes.post("/drydock/containers/:id/volumes", async (call) => {
    const { Binds } = validate(volumesBody, await readJson(call.req.raw));
    if (Binds.length === 0) throw invalidRequest("Binds are needed: what to mount, and where");
    const { restarted } = await engine.changeVolumes(parameter(call, "id"), Binds);
    return call.json({ Restarted: restarted });
  });
  routes.get("/drydock/host/view", async (call) => call.json(await engine.viewProcess(null)));
  routes.get("/drydock/containers/:id/view", async (call) =>
    call.json(await engine.viewProcess(parameter(call, "id"))),
  );
  routes.get("/drydock/prune", async (call) => {
    const query = queryOf(call);
    const filters = readFilters(query);
    const { dangling: _, ...others } = filters;
    const kinds = (query.get("type") ?? "").split(",");
    return call.json(
      await engine.planPrune({
        containers: kinds.includes("container") ? others : null,
        images: kinds.includes("image") ? filters : null,
      }),
    );
  });
  routes.get("/drydock/disk", async (call) => call.json(await engine.explainDisk()));
  routes.post("/drydock/fsck", async (call) => {
    const repair = readBoolean(queryOf(call), "repair");
    return call.json(await engine.checkDisk({ repair }));
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
