export * from "./model-kernel.ts";
export type { Hop, Way } from "./net/reach.ts";
export { programFile } from "./processes/program.ts";
export type { ModelProgram, ProgramContext, Sink, Source, Streams } from "./state.ts";
export type { CgroupMode } from "./processes/boot.ts";
export type {
  CgroupSnapshot,
  FileSnapshot,
  LayerSnapshot,
  MountSnapshot,
  ProcessSnapshot,
  Snapshot,
} from "./snapshot.ts";
export { installUserland, USERLAND } from "./userland/index.ts";
