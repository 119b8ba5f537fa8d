export * from "./runtime-error.ts";
