export * from "./nearest.ts";
export * from "./runtime-error.ts";
