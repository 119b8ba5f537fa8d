export * from "./modes.ts";
export * from "./plan.ts";
export * from "./id-map.ts";
export * from "./id-map-plan.ts";
export * from "./read.ts";
