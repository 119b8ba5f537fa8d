export type { Bearer, Expected, FosterParent } from "./foster.ts";
export { createBearer, createFosteringKernel, createLinuxKernel } from "./linux-kernel.ts";
