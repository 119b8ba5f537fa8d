/**
 * Table button: the same as a table, or as a drawing again.
 */
import type { ReactNode } from "react";

interface TableButtonProps {
  readonly asTable: boolean;
  readonly onPress: (asTable: boolean) => void;
}

export function TableButton({ asTable, onPress }: TableButtonProps): ReactNode {
  return (
    <button
      type="button"
      className="pg-button"
      aria-pressed={asTable}
      onClick={() => onPress(!asTable)}
    >
      Table
    </button>
  );
}
