export { openPlayground, type Playground, type PlaygroundOptions } from "./playground.ts";
export type { PlaygroundCall } from "./recorder.ts";
export type { Shell, ShellIo } from "./shell.ts";
