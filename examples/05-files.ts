/**
 * 05, files of its own: a stack of directories becomes the root.
 *
 * The "image" is a directory with one program, busybox, which is a hundred commands under as many
 * names. It stays as it is: an overlay puts an empty directory on top that takes all changes. Then
 * the two roots are exchanged, and the machine's is let go.
 *
 * Docs: docs/concepts/eight-steps.md
 *
 * @module
 */
import type { Files } from "../runtime/src/kernel/index.ts";
import { ownName } from "./02-name.ts";
import { ownMounts, ownProc } from "./04-mounts.ts";
import { runShell } from "./shell.ts";
import type { Stage, Step } from "./shell.ts";

const COMMANDS = ["sh", "cat", "cut", "echo", "grep", "hostname", "id", "ls", "sleep", "tail"];

/** Makes the image, and the directories that an overlay needs besides. */
export function makeImage(kernel: Files, scratch: string): void {
  for (const name of ["image", "image/bin", "image/proc", "changes", "work", "root"]) {
    kernel.mkdir(`${scratch}/${name}`, 0o755);
  }
  const busybox = kernel.readFile("/bin/busybox");
  kernel.writeFile(`${scratch}/image/bin/busybox`, busybox, "create", 0o755);
  for (const name of COMMANDS) kernel.symlink("busybox", `${scratch}/image/bin/${name}`);
}

/** Stacks the layers and makes the stack the root. */
export const ownFiles: Step = (kernel, scratch) => {
  const target = `${scratch}/root`;
  const data = `lowerdir=${scratch}/image,upperdir=${scratch}/changes,workdir=${scratch}/work`;
  kernel.mount({ source: "overlay", target, fstype: "overlay", flags: [], data });
  kernel.chdir(target);
  kernel.pivotRoot(".", ".");
  kernel.umount(".", "detach");
  kernel.chdir("/");
};

/** Looks at the root from inside, and at the changes from outside. */
export async function run(stage: Stage): Promise<void> {
  const { kernel, scratch, say } = stage;
  makeImage(kernel, scratch);
  await runShell(stage, {
    steps: [ownName, ownMounts, ownFiles, ownProc],
    pidNamespace: "new",
    command: "echo mine > /note; echo my files: $(ls /)",
  });
  say(`what it changed: ${kernel.readdir(`${scratch}/changes`).join(" ")}`);
  say(`the image has: ${kernel.readdir(`${scratch}/image`).join(" ")}`);
}
