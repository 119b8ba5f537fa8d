export * from "./model-kernel.ts";
