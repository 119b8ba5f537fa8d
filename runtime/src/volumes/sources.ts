/**
 * Volumes: the host's side of a bind mount.
 *
 * `--mount type=bind` wants its source to exist when the container is created; `-v` makes a missing
 * directory when the container starts. The second is a convenience of early Docker that everybody
 * relies on and that turns a misspelt path into an empty directory.
 *
 * Kernel interface: stat(2), mkdir(2).
 * Invariants:
 *   sources-are-undone   directories made for a container that does not start are removed again
 * Left out: nothing.
 * Docs: docs/concepts/volumes.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { Files, Kernel } from "../kernel/index.ts";
import { KernelError, within } from "../kernel/index.ts";
import type { UndoStack } from "../undo/index.ts";
import type { MountSpec } from "./mount-spec.ts";
import { refuse } from "./mount-spec.ts";

/** How long a file system may take to say whether a path is there. */
const ANSWER_MS = 5000;

/**
 * Waits until the file system of each source has answered. Asking one whose server is gone holds up
 * whoever asks, and the engine must not be held up: so this goes before every other look.
 *
 * @throws RuntimeError `volume-unreachable` when one is silent for 5 s
 */
export async function reachSources(
  kernel: Pick<Kernel, "reach" | "after">,
  specs: readonly MountSpec[],
): Promise<void> {
  const paths = specs.flatMap((spec) => (spec.type === "bind" ? [spec.hostPath] : []));
  await Promise.all(paths.map((path) => reachSource(kernel, path)));
}

async function reachSource(kernel: Pick<Kernel, "reach" | "after">, path: string): Promise<void> {
  if ((await within(kernel, ANSWER_MS, kernel.reach(path))) !== "late") return;
  throw new RuntimeError({
    code: "volume-unreachable",
    class: "unavailable",
    operation: "look at mount source",
    subject: path,
    message: `mount source path '${path}' does not answer: its file system was silent for 5 s`,
    hint: "Is the server that it comes from there? findmnt -T PATH names it.",
  });
}

/**
 * Refuses sources that must exist and do not. For the time when a container is created.
 *
 * @throws RuntimeError `volume-invalid` in Docker's words
 */
export function checkSources(kernel: Files, specs: readonly MountSpec[]): void {
  for (const spec of specs) {
    if (spec.type !== "bind" || spec.whenMissing !== "refuse") continue;
    if (kernel.statIfPresent(spec.hostPath) !== undefined) continue;
    const problem = `bind source path does not exist: ${spec.hostPath}`;
    refuse(spec.hostPath, `invalid mount config for type "bind": ${problem}`, {
      hint: "Make it on the host first, or use -v, which makes a missing directory.",
    });
  }
}

/**
 * Makes the directories that are missing on the host. For the time when a container starts.
 *
 * @param undo takes the removal of each directory made, as long as it is empty
 * @throws RuntimeError `volume-invalid` when a directory cannot be made
 */
export function makeSources(kernel: Files, specs: readonly MountSpec[], undo: UndoStack): void {
  checkSources(kernel, specs);
  for (const spec of specs) {
    if (spec.type !== "bind" || kernel.statIfPresent(spec.hostPath) !== undefined) continue;
    makeSource(kernel, spec.hostPath, undo);
  }
}

function makeSource(kernel: Files, hostPath: string, undo: UndoStack): void {
  const parts = hostPath.slice(1).split("/");
  try {
    for (let depth = 1; depth <= parts.length; depth++) {
      const path = `/${parts.slice(0, depth).join("/")}`;
      if (kernel.statIfPresent(path) !== undefined) continue;
      kernel.mkdir(path, 0o755);
      undo.push(`remove mount source ${path}`, () => removeIfEmpty(kernel, path));
    }
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause;
    throw new RuntimeError({
      code: "volume-invalid",
      class: "invalid",
      operation: "make mount source",
      subject: hostPath,
      errno: cause.errno,
      message: `error while creating mount source path '${hostPath}': ${cause.message}`,
      hint: "Make the directory yourself, or name one that exists.",
      cause,
    });
  }
}

function removeIfEmpty(kernel: Files, path: string): void {
  try {
    kernel.rmdir(path);
  } catch (error) {
    const isHarmless =
      error instanceof KernelError && ["ENOENT", "ENOTEMPTY"].includes(error.errno);
    if (!isHarmless) throw error;
  }
}
