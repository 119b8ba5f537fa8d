/**
 * Device: the numbers of file systems that have no device.
 *
 * Kernel interface: stat(2), proc_pid_mountinfo(5).
 * Invariants: none.
 * Left out: numbers are not used again.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { nextNumber, type World } from "../state.ts";

/** The next one. */
export function nextDevice(world: World): readonly [number, number] {
  return [0, nextNumber(world, "device", 20)];
}
