/**
 * Shell: starts one shell in a process that was prepared, and says what it printed.
 *
 * All examples do this. What differs is the list of steps that the new process takes before it
 * becomes the shell, and that list is what they are about.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import type { ByteSource, Kernel, Self, SpawnOptions } from "../runtime/src/kernel/index.ts";

/** What an example gets: a kernel, a directory of its own, and somebody who listens. */
export interface Stage {
  readonly kernel: Kernel;
  readonly scratch: string;
  readonly say: (line: string) => void;
}

/** Something that the new process does to itself before it becomes the shell. */
export type Step = (kernel: Kernel & Self, scratch: string) => void;

/** What to run, and as whom. */
export interface Wish {
  readonly steps: readonly Step[];
  readonly pidNamespace: SpawnOptions["pidNamespace"];
  readonly command: string;
}

/** Runs a command in a prepared process, and waits for its end. */
export async function runShell({ kernel, scratch, say }: Stage, wish: Wish): Promise<void> {
  const { steps, pidNamespace, command } = wish;
  const child = kernel.spawn({ pidNamespace, stdio: "pipes", stdin: false }, (inside) => {
    for (const step of steps) step(inside.kernel, scratch);
    return inside.kernel.execve("/bin/sh", ["sh", "-c", `exec 2>&1; ${command}`], ["PATH=/bin"]);
  });
  const text = await textOf(child.stdout);
  await child.exited;
  for (const line of text.trimEnd().split("\n")) say(line);
}

function textOf(source: ByteSource | undefined): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  return new Promise((resolve) => {
    source?.listen(
      (bytes) => (text += decoder.decode(bytes, { stream: true })),
      () => resolve(text),
    );
  });
}
