/**
 * Picture: what every picture is given.
 */
import type { Snapshot } from "../../../../runtime/src/kernel/model/index.ts";

/** Two snapshots, and whether a table is wanted instead of the drawing. */
export interface PictureProps {
  readonly now: Snapshot;
  readonly before: Snapshot;
  readonly asTable: boolean;
}
