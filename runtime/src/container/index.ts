export * from "./config.ts";
export * from "./init-plan.ts";
export * from "./keeper.ts";
