/**
 * Volumes: what other containers mount, for one more.
 *
 * `--volumes-from web:ro` means: what web has mounted, I want too, at the same places. It is asked
 * once, when the container is made, and kept with it: web may be removed afterwards.
 *
 * Kernel interface: none; this file is pure.
 * Specification: Docker Engine API v1.50, HostConfig.VolumesFrom.
 * Invariants:
 *   inherits-without-gaining   what was read-only stays so, and `:ro` makes everything read-only
 * Left out: a tmpfs, which belongs to the one container that has it.
 * Docs: docs/concepts/volumes.md
 *
 * @module
 */
import { isMode, refuse, type MountSpec } from "./mount-spec.ts";

/**
 * The mounts that the named containers have. Of two at one place the later one counts.
 *
 * @param sources each NAME[:MODE], NAME a name or an id of a container
 * @param mountsOf what a container mounts; throws when there is no such container
 * @throws RuntimeError `volume-invalid` in Docker's words
 * @example inheritMounts(["web:ro"], () => parseMountSpecs({ Binds: ["/a:/b"] }))[0]?.isReadOnly
 *   // true
 */
export function inheritMounts(
  sources: readonly string[],
  mountsOf: (name: string) => readonly MountSpec[],
): readonly MountSpec[] {
  const byTarget = new Map<string, MountSpec>();
  for (const text of sources) {
    const { name, isReadOnly } = parseSource(text);
    for (const mount of mountsOf(name)) {
      if (mount.type === "tmpfs") continue;
      const both = { ...mount, isReadOnly: mount.isReadOnly || isReadOnly };
      byTarget.set(mount.containerPath, both);
    }
  }
  return [...byTarget.values()];
}

function parseSource(text: string): { readonly name: string; readonly isReadOnly: boolean } {
  if (text === "") refuse(text, "volumes-from specification cannot be an empty string");
  const at = text.indexOf(":");
  const [name, mode] = at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  const words = mode.split(",");
  const isOwn = words.some((word) => word === "nocopy" || /^r?(private|shared|slave)$/.test(word));
  if (!isMode(mode) || isOwn) refuse(text, `invalid mode: ${mode}`);
  return { name, isReadOnly: words.includes("ro") };
}
