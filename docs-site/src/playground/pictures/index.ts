/**
 * Pictures: what can be drawn of a snapshot, by the name that a page uses.
 */
import type { ReactNode } from "react";
import type { Snapshot } from "../../../../runtime/src/kernel/model/index.ts";
import { Cgroups } from "./Cgroups.tsx";
import { Layers } from "./Layers.tsx";
import { Mounts } from "./Mounts.tsx";
import { Processes } from "./Processes.tsx";
import type { PictureProps } from "./types.ts";

interface PictureKind {
  readonly label: string;
  readonly Picture: (props: PictureProps) => ReactNode;
  /** Whether it would look other. */
  readonly hasChanged: (now: Snapshot, before: Snapshot) => boolean;
}

export type PictureName = "processes" | "mounts" | "layers" | "cgroups";

export const PICTURES: Readonly<Record<PictureName, PictureKind>> = {
  processes: {
    label: "Processes",
    Picture: Processes,
    hasChanged: (now, before) => now.processes !== before.processes,
  },
  mounts: {
    label: "Mounts",
    Picture: Mounts,
    hasChanged: (now, before) => now.mounts !== before.mounts,
  },
  layers: {
    label: "Layers",
    Picture: Layers,
    hasChanged: haveLayersChanged,
  },
  cgroups: {
    label: "Cgroups",
    Picture: Cgroups,
    hasChanged: (now, before) => now.cgroups !== before.cgroups,
  },
};

/** Whether there are other overlays, or one holds something else. */
function haveLayersChanged(now: Snapshot, before: Snapshot): boolean {
  const names = new Set([...overlayNames(now), ...overlayNames(before)]);
  return [...names].some((name) => now.files[name] !== before.files[name]);
}

function overlayNames({ mounts }: Snapshot): readonly string[] {
  return Object.values(mounts).flatMap((table) =>
    table.flatMap(({ layers, fileSystem }) => (layers === undefined ? [] : [fileSystem])),
  );
}
