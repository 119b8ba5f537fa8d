export * from "./capability-table.ts";
export * from "./capability-plan.ts";
export * from "./user.ts";
export * from "./paths.ts";
export * from "./resource-limits.ts";
export * from "./security-options.ts";
