export * from "./create-engine.ts";
export * from "./engine.ts";
export * from "./options.ts";
export * from "./planner.ts";
export type * from "./told.ts";
