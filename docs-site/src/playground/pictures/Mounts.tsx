/**
 * Mounts: the mount table of a process that the reader chooses.
 */
import { useId, useState } from "react";
import type { ReactNode } from "react";
import { mountRows } from "../views/mounts.ts";
import type { MountRow } from "../views/mounts.ts";
import { hostnameOf, processRows } from "../views/processes.ts";
import { atDepth, Mark, markedClass } from "./mark.tsx";
import type { PictureProps } from "./types.ts";

export function Mounts({ now, before, asTable }: PictureProps): ReactNode {
  const id = useId();
  const [wish, setWish] = useState<number>();
  const running = processRows(now);
  // Who did not choose sees the newest process: the container that was just started.
  const chosen = running.find(({ hostPid }) => hostPid === wish) ?? running.at(-1);
  if (chosen === undefined) return null;
  const rows = mountRows(chosen.hostPid, now, before);
  return (
    <>
      <p className="pg-choice">
        <label htmlFor={id}>What is mounted for</label>{" "}
        <select
          id={id}
          value={chosen.hostPid}
          onChange={({ target }) => setWish(Number(target.value))}
        >
          {running.map(({ hostPid, comm, namespaces }) => (
            <option key={hostPid} value={hostPid}>
              {`${comm} (${hostPid}) on ${hostnameOf(namespaces, now)}`}
            </option>
          ))}
        </select>
      </p>
      {asTable ? <MountTable rows={rows} /> : <MountTree rows={rows} />}
    </>
  );
}

function MountTree({ rows }: { rows: readonly MountRow[] }): ReactNode {
  return (
    <ul className="pg-tree" aria-label="Mount table">
      {rows.map(({ id, depth, path, type, source, readOnly, propagation, change }) => (
        <li key={id} className={markedClass("pg-row", change)} style={atDepth(depth)}>
          <code className="pg-path">{path}</code>
          <span className={`pg-type pg-type-${type}`}>{type}</span>
          {readOnly && <span className="pg-type">read-only</span>}
          <span className="pg-quiet">
            {source !== type && source !== "" && `from ${source} · `}
            {propagation}
          </span>
          <Mark change={change} />
        </li>
      ))}
    </ul>
  );
}

function MountTable({ rows }: { rows: readonly MountRow[] }): ReactNode {
  return (
    <table>
      <caption>The mount table, in the order in which one hangs on the other</caption>
      <thead>
        <tr>
          <th scope="col">path</th>
          <th scope="col">level</th>
          <th scope="col">type</th>
          <th scope="col">source</th>
          <th scope="col">may write</th>
          <th scope="col">propagation</th>
          <th scope="col">since then</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ id, depth, path, type, source, readOnly, propagation, change }) => (
          <tr key={id} className={markedClass("", change)}>
            <th scope="row">{path}</th>
            <td>{depth}</td>
            <td>{type}</td>
            <td>{source}</td>
            <td>{readOnly ? "no" : "yes"}</td>
            <td>{propagation}</td>
            <td>{change}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
