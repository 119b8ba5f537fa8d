/**
 * Disk report: `system df --explain`, each byte with its owner.
 *
 * Kernel interface: none.
 * Specification: none; the report is Drydock's.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/images.md
 *
 * @module
 */
import type { Api } from "./api.ts";
import { humanSize } from "./human.ts";
import { layOut, LIST_LAYOUT } from "./table.ts";

interface DiskEntry {
  readonly Kind: "image" | "layer" | "container" | "log" | "record" | "orphan";
  readonly Owner: string;
  readonly Path: string;
  readonly Size: number;
}

/** What each kind is, in the order of the report. */
const KINDS = {
  image: "image, as it is stored",
  layer: "image, unpacked",
  container: "written by the container",
  log: "printed by the container",
  record: "records and journals",
  orphan: "belongs to nothing",
} as const;

/** The lines of the report. */
export async function diskReport(api: Api): Promise<string> {
  const entries = await api.json<readonly DiskEntry[]>({ method: "GET", path: "/drydock/disk" });
  const groups = Object.entries(KINDS).flatMap(([kind, what]) => {
    const mine = entries.filter(({ Kind }) => Kind === kind);
    const owners = [...new Set(mine.map(({ Owner }) => Owner))];
    return owners.flatMap((owner) => {
      const parts = mine.filter(({ Owner }) => Owner === owner);
      if (sizeOf(parts) === 0 && kind !== "orphan") return [];
      const [first] = parts;
      const where =
        parts.length === 1 && first !== undefined ? first.Path : `${parts.length} places`;
      return [[owner || "-", what, humanSize(sizeOf(parts), 4), where]];
    });
  });
  const rows = [["OWNER", "WHAT", "SIZE", "WHERE"], ...groups];
  const orphans = sizeOf(entries.filter(({ Kind }) => Kind === "orphan"));
  const hint = orphans === 0 ? "" : "`drydock system fsck --repair` removes what is nobody's.\n";
  const table = layOut(rows.map((cells) => `${cells.join("\t")}\n`).join(""), LIST_LAYOUT);
  return `${table}\nAll together: ${humanSize(sizeOf(entries), 4)}\n${hint}`;
}

function sizeOf(entries: readonly DiskEntry[]): number {
  return entries.reduce((sum, { Size }) => sum + Size, 0);
}
