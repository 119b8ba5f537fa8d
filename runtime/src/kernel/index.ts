export * from "./port.ts";
export * from "./signals.ts";
