export * from "./undo-stack.ts";
