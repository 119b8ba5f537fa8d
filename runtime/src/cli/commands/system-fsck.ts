/**
 * Command system fsck: find what is nobody's on the disk, and what is damaged.
 *
 * Kernel interface: none; the daemon looks.
 * Specification: none; the command is Drydock's.
 * Invariants: none.
 * Left out: repairing what is damaged: remove the image and make or fetch it again.
 * Docs: docs/concepts/images.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { humanSize } from "../human.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: [{ name: "repair", kind: "bool", help: "Remove what belongs to nothing" }],
  arity: [0, 0],
  interspersed: true,
  about:
    "Every file below the root belongs to an image, a container or the engine, and every blob is what " +
    "its name says. What is not so is listed; the exit code is 1 when something is left.",
  concepts: ["images", "layers"],
  run,
};

interface Problem {
  readonly Path: string;
  readonly Problem: string;
  readonly Size: number;
  readonly IsRepaired: boolean;
}

async function run({ api, console }: Context, { flags }: Input): Promise<number> {
  const problems = await api.json<readonly Problem[]>({
    method: "POST",
    path: "/drydock/fsck",
    query: { repair: flags.bool("repair") },
  });
  for (const { Path, Problem, Size, IsRepaired } of problems) {
    const end = IsRepaired ? `: removed, ${humanSize(Size, 4)}` : ` (${humanSize(Size, 4)})`;
    console.out.write(`${Path} ${Problem}${end}\n`);
  }
  const left = problems.filter(({ IsRepaired }) => !IsRepaired).length;
  if (problems.length === 0) console.out.write("Everything is as it should be.\n");
  else if (left > 0 && !flags.bool("repair")) {
    console.out.write("`drydock system fsck --repair` removes what belongs to nothing.\n");
  }
  return left === 0 ? 0 : 1;
}
