export { createLinuxKernel } from "./linux-kernel.ts";
