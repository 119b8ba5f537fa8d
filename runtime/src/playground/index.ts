// oxlint-disable-next-line import/no-unassigned-import -- loaded first, for its effect
import "./disposal.ts";
export {
  openPlayground,
  type HostProgram,
  type Playground,
  type PlaygroundOptions,
} from "./playground.ts";
export type { PlaygroundCall } from "./recorder.ts";
export type { Shell, ShellIo } from "./shell.ts";
