/**
 * Machine: the entry of the file that a playground loads: Drydock on the model of the kernel, and
 * the examples as a command of that machine.
 *
 * @module
 */
import { openPlayground } from "../../../runtime/src/playground/index.ts";
import type { Playground, PlaygroundOptions } from "../../../runtime/src/playground/index.ts";
import { example } from "../../../examples/program.ts";

/** Boots the machine of a page. */
export function openMachine(options: PlaygroundOptions = {}): Promise<Playground> {
  return openPlayground({ ...options, programs: { example } });
}
