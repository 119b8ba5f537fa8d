export * from "./create-engine.ts";
export * from "./engine.ts";
export * from "./options.ts";
export * from "./planner.ts";
export { checkPruneFilters } from "./prune-filters.ts";
export type * from "./told.ts";
