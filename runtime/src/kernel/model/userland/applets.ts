/**
 * Applets: the commands by name, and busybox, which is all of them in one file.
 *
 * The program looks at the name that it was called by. So one file and a link for each name make
 * the whole userland, and the names stand in the file as busybox keeps them: whoever makes an image
 * of a machine's busybox finds them there.
 *
 * Kernel interface: execve(2).
 * Invariants: none; userland.test.ts compares with the busybox of the machine.
 * Left out: what a container's first hour does not need: vi, awk, tar, wget, top and many others.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import type { ModelProgram } from "../state.ts";
import * as bytes from "./bytes.ts";
import * as changing from "./changing.ts";
import { test } from "./conditions.ts";
import * as expressions from "./expressions.ts";
import * as isolation from "./isolation.ts";
import * as listing from "./listing.ts";
import * as machine from "./machine.ts";
import * as print from "./print.ts";
import { printf } from "./printf.ts";
import * as processes from "./process-commands.ts";
import { createSh } from "./shell/sh.ts";
import * as terminals from "./terminals.ts";
import * as text from "./text.ts";
import { complain, runApplet, sayLines, toolOf, type Applet, type Tool } from "./tool.ts";

const { pivotRoot, ...isolating } = isolation;
const { reversed, ...reading } = text;
const { chown, mknod, ...changes } = changing;
const { grep, ...editing } = expressions;
const sh = createSh(() => APPLETS);

/** The commands by name. */
export const APPLETS: Readonly<Record<string, Applet>> = {
  ...print,
  ...listing,
  ...changes,
  ...bytes,
  ...reading,
  ...editing,
  ...machine,
  ...processes,
  ...isolating,
  ...terminals,
  test,
  "[": test,
  "[[": test,
  ash: sh,
  chgrp: chown,
  chown,
  egrep: grep,
  fgrep: grep,
  grep,
  false: () => 1,
  mkfifo: mknod,
  mknod,
  pivot_root: pivotRoot,
  printf,
  rev: reversed,
  sh,
  tac: reversed,
  true: () => 0,
};

const NAMES: readonly string[] = ["busybox", ...Object.keys(APPLETS)].toSorted();

/** The names as busybox keeps them: sorted, each ended by a zero byte, an empty one at the end. */
export const APPLET_TABLE = `\0${NAMES.map((name) => `${name}\0`).join("")}\0`;

/** The whole userland as one program. */
export const busybox: ModelProgram = async (context) => {
  const tool = toolOf(context, context, context.argv, context.env);
  const login = tool.name.replace(/^-/, "");
  if (login !== "busybox") return run({ ...tool, name: login, speaker: tool.name });
  const [name, ...args] = tool.args;
  if (name === undefined || name === "--help") {
    await sayLines(tool, [
      "BusyBox (Drydock's model)",
      "",
      "Currently defined functions:",
      "",
      `\t${NAMES.join(", ")}`,
    ]);
    return 0;
  }
  if (name === "--list") {
    await sayLines(tool, NAMES);
    return 0;
  }
  return run({ ...tool, name, speaker: name, args });
};

async function run(tool: Tool): Promise<number> {
  const applet = Object.hasOwn(APPLETS, tool.name) ? APPLETS[tool.name] : undefined;
  if (applet !== undefined) return runApplet(applet, tool);
  await complain(tool, "applet not found");
  return 127;
}
