/**
 * Layers: the files of a container, and beside them the stack of directories that they come from.
 *
 * The file under the cursor (the pointer, or the focus) is looked up in every layer.
 */
import { useId, useState } from "react";
import type { ReactNode } from "react";
import { fileRows, overlays, partsOf } from "../views/layers.ts";
import type { FileRow, Overlay, Part } from "../views/layers.ts";
import { FileTree } from "./FileTree.tsx";
import { bytesText, markedClass } from "./mark.tsx";
import type { PictureProps } from "./types.ts";

export function Layers({ now, before, asTable }: PictureProps): ReactNode {
  const id = useId();
  const [wish, setWish] = useState<string>();
  const [path, setPath] = useState("/");
  const found = overlays(now);
  const overlay = found.find(({ fileSystem }) => fileSystem === wish) ?? found.at(-1);
  if (overlay === undefined) {
    return (
      <p className="pg-empty">
        No overlay is mounted. Start a container that stays, and its layers are here:{" "}
        <code>drydock run -d busybox sleep 1000</code>
      </p>
    );
  }
  const list = (directory: string): readonly FileRow[] => fileRows(overlay, directory, now, before);
  return (
    <>
      <p className="pg-choice">
        <label htmlFor={id}>The files of</label>{" "}
        <select id={id} value={overlay.fileSystem} onChange={({ target }) => setWish(target.value)}>
          {found.map(({ fileSystem, hostname, path: where }) => (
            <option key={fileSystem} value={fileSystem}>
              {`${hostname}, mounted on ${where}`}
            </option>
          ))}
        </select>
      </p>
      {asTable ? (
        <LayerTable overlay={overlay} list={list} />
      ) : (
        <div className="pg-layers">
          <FileTree key={overlay.fileSystem} overlay={overlay} list={list} onLook={setPath} />
          <Stack overlay={overlay} path={path} />
        </div>
      )}
    </>
  );
}

const SAYS: Readonly<Record<Part, string>> = {
  shown: "comes from here",
  merged: "a part of it is here",
  hidden: "is here too, hidden by what is above",
  whiteout: "a whiteout: deleted here",
  absent: "nothing",
};

/** The layers, the topmost above, and what each has under the path. */
function Stack({ overlay, path }: { overlay: Overlay; path: string }): ReactNode {
  const parts = partsOf(path, overlay.layers);
  return (
    <div className="pg-stack">
      <p className="pg-stack-path" aria-live="polite">
        <code>{path}</code>
      </p>
      <ol aria-label={`Layers, the topmost first, and what each has at ${path}`}>
        {overlay.layers.map(({ name, path: where, kind }, at) => {
          const part = parts[at] ?? "absent";
          return (
            <li key={where} className={`pg-layer pg-layer-${kind} pg-part-${part}`}>
              <strong>{name}</strong>
              <span>{SAYS[part]}</span>
              <span className="pg-quiet pg-layer-where" title={where}>
                {kind === "upper" ? "takes what is written" : "never written to"}
              </span>
            </li>
          );
        })}
      </ol>
    </div>
  );
}

interface LayerTableProps {
  readonly overlay: Overlay;
  readonly list: (directory: string) => readonly FileRow[];
}

/** Every name down to the second level, and all that the container changed. */
function LayerTable({ overlay, list }: LayerTableProps): ReactNode {
  const rows = tableRows(list, "/", 0);
  return (
    <table>
      <caption>
        The names of the first two levels, all that the container changed, and their layers
      </caption>
      <thead>
        <tr>
          <th scope="col">path</th>
          <th scope="col">is a</th>
          <th scope="col">size</th>
          <th scope="col">comes from</th>
          <th scope="col">since then</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ path, type, layer, sizeBytes, change }) => (
          <tr key={path} className={markedClass("", change)}>
            <th scope="row">{path}</th>
            <td>{layer === undefined ? "whiteout" : type}</td>
            <td>{type === "file" ? bytesText(sizeBytes) : ""}</td>
            <td>{layer === undefined ? "deleted" : overlay.layers[layer]?.name}</td>
            <td>{change}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function tableRows(
  list: LayerTableProps["list"],
  directory: string,
  depth: number,
): readonly FileRow[] {
  return list(directory).flatMap((row) => {
    const isShown = depth < 2 || row.layer === 0 || row.layer === undefined;
    const isOpen = row.type === "directory" && (depth < 1 || row.layer === 0);
    const below = isOpen ? tableRows(list, row.path, depth + 1) : [];
    return isShown ? [row, ...below] : below;
  });
}
