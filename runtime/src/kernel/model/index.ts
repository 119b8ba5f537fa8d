export * from "./model-kernel.ts";
export { programFile } from "./processes/spawn.ts";
export type { ModelProgram, ProgramContext } from "./state.ts";
export type {
  CgroupSnapshot,
  FileSnapshot,
  LayerSnapshot,
  MountSnapshot,
  ProcessSnapshot,
  Snapshot,
} from "./snapshot.ts";
