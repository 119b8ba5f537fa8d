/**
 * Terminals: commands about the terminal that one sits at.
 *
 * A terminal is one of the streams of the process; stty takes flags away and gives them back.
 *
 * Kernel interface: tty(4), termios(3).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: of stty all that the model's terminals cannot do.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { TerminalFlags } from "../state.ts";
import { Failure, sayLines, type Applet } from "./tool.ts";

/** `tty [-s]` */
export const tty: Applet = async (tool) => {
  const terminal = tool.context.terminal(tool.streams.stdin);
  if (!tool.args.includes("-s")) await sayLines(tool, [terminal?.path ?? "not a tty"]);
  return terminal === undefined ? 1 : 0;
};

const RAW: TerminalFlags = {
  lines: false,
  echo: false,
  signals: false,
  enterIsNewline: false,
  newlineReturns: false,
};
const SANE: TerminalFlags = {
  lines: true,
  echo: true,
  signals: true,
  enterIsNewline: true,
  newlineReturns: true,
};

const FLAG_NAMES: Readonly<Record<string, keyof TerminalFlags>> = {
  icanon: "lines",
  echo: "echo",
  isig: "signals",
  icrnl: "enterIsNewline",
  opost: "newlineReturns",
};

/** `stty [size | sane | raw | -echo | …]` */
export const stty: Applet = async (tool) => {
  const terminal = tool.context.terminal(tool.streams.stdin);
  if (terminal === undefined) throw new Failure("standard input: Not a tty");
  for (const word of tool.args) {
    const { rows, columns } = terminal.size();
    const name = FLAG_NAMES[word.replace(/^-/, "")];
    if (word === "size") await sayLines(tool, [`${rows} ${columns}`]);
    else if (word === "sane" || word === "-raw") terminal.setFlags(SANE);
    else if (word === "raw") terminal.setFlags(RAW);
    else if (name === undefined) throw new Failure(`invalid argument '${word}'`);
    else terminal.setFlags({ [name]: !word.startsWith("-") });
  }
  if (tool.args.length > 0) return 0;
  const flags = terminal.flags();
  const shown = Object.entries(FLAG_NAMES).map(([word, name]) => (flags[name] ? word : `-${word}`));
  await sayLines(tool, [shown.join(" ")]);
  return 0;
};
