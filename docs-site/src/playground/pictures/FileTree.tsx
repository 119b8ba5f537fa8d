/**
 * File tree: directories that open, moved through with the arrow keys.
 *
 * The keys are those of the tree pattern of the ARIA Authoring Practices: up and down move, right
 * opens, left closes or goes to the directory above. One stop of Tab for the whole tree.
 */
import { useRef, useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import type { FileRow, Overlay } from "../views/layers.ts";
import { atDepth, Mark, markedClass } from "./mark.tsx";

interface FileTreeProps {
  readonly overlay: Overlay;
  readonly list: (directory: string) => readonly FileRow[];
  /** The file under the cursor is another one. */
  readonly onLook: (path: string) => void;
}

interface OpenRow extends FileRow {
  readonly level: number;
}

export function FileTree({ overlay, list, onLook }: FileTreeProps): ReactNode {
  const tree = useRef<HTMLUListElement>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState<string>();
  const rows = openRows(list, open, "/", 1);
  const current = rows.find(({ path }) => path === focused) ?? rows[0];

  const look = (path: string | undefined): void => {
    if (path === undefined) return;
    setFocused(path);
    onLook(path);
    tree.current?.querySelector<HTMLElement>(`[data-path="${CSS.escape(path)}"]`)?.focus();
  };
  const toggle = (path: string): void => {
    const next = new Set(open);
    if (!next.delete(path)) next.add(path);
    setOpen(next);
  };
  const pressKey = (event: KeyboardEvent): void => {
    if (current === undefined) return;
    const ask = KEYS.get(event.key);
    if (ask === undefined) return;
    const wish = ask({ rows, current, open }, rows.indexOf(current));
    event.preventDefault();
    if (wish.toggle !== undefined) toggle(wish.toggle);
    look(wish.look);
  };
  return (
    <ul className="pg-files" role="tree" aria-label="Files" ref={tree} onKeyDown={pressKey}>
      {rows.map((row) => {
        const { path, name, type, level, layer, change } = row;
        return (
          <li
            key={path}
            role="treeitem"
            data-path={path}
            aria-level={level}
            aria-selected={path === current?.path}
            {...(type === "directory" ? { "aria-expanded": open.has(path) } : {})}
            tabIndex={path === current?.path ? 0 : -1}
            className={markedClass(layer === undefined ? "pg-file pg-deleted" : "pg-file", change)}
            style={atDepth(level - 1)}
            onFocus={() => look(path)}
            onMouseEnter={() => onLook(path)}
            onClick={() => {
              look(path);
              if (type === "directory") toggle(path);
            }}
          >
            <code>{type === "directory" ? `${name}/` : name}</code>
            <span className={layer === 0 ? "pg-from pg-from-upper" : "pg-from"}>
              {layer === undefined ? "deleted" : overlay.layers[layer]?.name}
            </span>
            <Mark change={change} />
          </li>
        );
      })}
    </ul>
  );
}

function openRows(
  list: FileTreeProps["list"],
  open: ReadonlySet<string>,
  directory: string,
  level: number,
): readonly OpenRow[] {
  return list(directory).flatMap((row) => [
    { ...row, level },
    ...(open.has(row.path) ? openRows(list, open, row.path, level + 1) : []),
  ]);
}

interface TreeState {
  readonly rows: readonly OpenRow[];
  readonly current: OpenRow;
  readonly open: ReadonlySet<string>;
}

interface Wish {
  readonly look?: string | undefined;
  readonly toggle?: string;
}

/** What each key asks of the tree. */
const KEYS: ReadonlyMap<string, (state: TreeState, at: number) => Wish> = new Map(
  Object.entries({
    ArrowDown: ({ rows }, at) => ({ look: rows[at + 1]?.path }),
    ArrowUp: ({ rows }, at) => ({ look: rows[at - 1]?.path }),
    Home: ({ rows }) => ({ look: rows[0]?.path }),
    End: ({ rows }) => ({ look: rows.at(-1)?.path }),
    ArrowRight: ({ rows, current: { path, type }, open }, at) => {
      if (type !== "directory") return {};
      return open.has(path) ? { look: rows[at + 1]?.path } : { toggle: path };
    },
    ArrowLeft: ({ rows, current: { path, level }, open }, at) => {
      if (open.has(path)) return { toggle: path };
      return { look: rows.slice(0, at).findLast((row) => row.level < level)?.path };
    },
    Enter: ({ current }) => press(current),
    " ": ({ current }) => press(current),
  }),
);

function press({ path, type }: OpenRow): Wish {
  return type === "directory" ? { toggle: path } : {};
}
