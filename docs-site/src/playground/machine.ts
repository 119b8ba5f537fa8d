/**
 * Machine: the entry of the file that a playground loads: Drydock on the model of the kernel.
 *
 * @module
 */
export { openPlayground } from "../../../runtime/src/playground/index.ts";
