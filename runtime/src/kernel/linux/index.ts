export { FORK_FLAGS } from "./fork.ts";
export { createLinuxKernel } from "./linux-kernel.ts";
