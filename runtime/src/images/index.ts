export * from "./base-image.ts";
export * from "./describe.ts";
export { parseElfHead, type ElfHead } from "./elf.ts";
export * from "./oci.ts";
export * from "./reference.ts";
export * from "./remove.ts";
export * from "./store.ts";
export * from "./change.ts";
