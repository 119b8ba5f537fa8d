/**
 * Program: the examples as a command of the playground's machine, `example 03`.
 *
 * What `run.ts` is on Linux: it gives an example a kernel, a directory of its own, and somebody who
 * listens.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import { KernelError, type Kernel } from "../runtime/src/kernel/index.ts";
import type { ProgramContext } from "../runtime/src/kernel/model/index.ts";
import { EXAMPLES, USAGE } from "./list.ts";

/** The command. @param kernel what the example works on */
export async function example(context: ProgramContext, kernel: Kernel): Promise<number> {
  const say = (line: string): void =>
    void context.stdout.write(new TextEncoder().encode(`${line}\n`));
  const chosen = EXAMPLES.get(context.argv[1] ?? "");
  if (chosen === undefined) {
    USAGE.forEach(say);
    return 1;
  }
  const scratch = makeScratch(context.kernel);
  try {
    await chosen.run({ kernel, scratch, say });
    return 0;
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    say(`example: ${error.message}`);
    return 1;
  } finally {
    await remove(context, scratch);
  }
}

/** mkdtemp(3) */
function makeScratch(kernel: Kernel): string {
  const letters = Array.from(kernel.random(6), (byte) => (byte % 36).toString(36)).join("");
  const path = `/tmp/drydock-example-${letters}`;
  kernel.mkdir(path, 0o700);
  return path;
}

/** Removes a directory with all that is in it: the machine has a command for that. */
async function remove(context: ProgramContext, path: string): Promise<void> {
  const rm = { path: "/bin/rm", argv: ["rm", "-r", path], env: [] };
  await context.fork(context, (own) => own.exec(rm, own)).exited;
}
