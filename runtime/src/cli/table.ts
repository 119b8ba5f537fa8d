/**
 * Table: columns that line up, as Go's tabwriter lays them out.
 *
 * A cell ends with a tab; the last one of a line has none and belongs to no column. Lines that
 * follow each other and have a cell in the same place form a column, and only those: one line
 * without it begins a new column below. (The inventors call this elastic tabstops.)
 *
 * Kernel interface: write(2).
 * Specification: Go text/tabwriter with minimum width 10 and padding 3.
 * Invariants:
 *   table-keeps-cells   the cells of a table, read back from its lines, are those written
 * Left out: alignment to the right, escapes, wide characters (each counts as one).
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** How a table is laid out. */
export interface Layout {
  readonly minimumWidth: number;
  readonly padding: number;
}

/** The layout of Docker's lists. */
export const LIST_LAYOUT: Layout = { minimumWidth: 10, padding: 3 };

/**
 * Lays out lines of tab-separated cells.
 *
 * @param text lines, each ended by a newline
 * @example layOut("NAME\tSIZE\nweb\t2B\n", LIST_LAYOUT) // "NAME      SIZE\nweb       2B\n"
 */
export function layOut(text: string, layout: Layout): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map((): number[] => []);
  measure(lines, widths, layout);
  return lines
    .map((cells, row) => cells.map((cell, column) => pad(cell, widths[row]?.[column])).join(""))
    .join("\n");
}

/** Fills in the width of each cell that ends with a tab. */
function measure(lines: readonly string[][], widths: number[][], layout: Layout): void {
  const columns = Math.max(...lines.map((cells) => cells.length));
  for (let column = 0; column < columns - 1; column += 1) {
    const closed = (row: number): boolean => (lines[row]?.length ?? 0) > column + 1;
    let row = 0;
    while (row < lines.length) {
      let end = row;
      while (closed(end)) end += 1;
      const block = lines.slice(row, end).map((cells) => [...(cells[column] ?? "")].length);
      const widest = Math.max(0, ...block);
      // A column of empty cells takes no room at all.
      const width = widest === 0 ? 0 : Math.max(layout.minimumWidth, widest + layout.padding);
      for (let each = row; each < end; each += 1) widths[each]?.push(width);
      row = Math.max(end, row + 1);
    }
  }
}

function pad(cell: string, width: number | undefined): string {
  const length = [...cell].length;
  return width === undefined || width <= length ? cell : cell + " ".repeat(width - length);
}
