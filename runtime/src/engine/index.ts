export * from "./engine.ts";
export * from "./options.ts";
