/**
 * Terminals: commands about the terminal that one sits at.
 *
 * A terminal is one of the streams of the process.
 *
 * Kernel interface: tty(4), termios(3).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: the path of the terminal that is meant; stty.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { sayLines, type Applet } from "./tool.ts";

/** `tty [-s]` */
export const tty: Applet = async (tool) => {
  const isTerminal = tool.streams.stdin.isTerminal === true;
  if (!tool.args.includes("-s")) await sayLines(tool, [isTerminal ? "/dev/tty" : "not a tty"]);
  return isTerminal ? 0 : 1;
};
