/**
 * Processes: a box for each view of the machine, boxes in boxes, processes in them.
 */
import type { ReactNode } from "react";
import { KINDS, processRows, viewBoxes } from "../views/processes.ts";
import type { ProcessRow, ViewBox } from "../views/processes.ts";
import { bytesText, Mark, markedClass } from "./mark.tsx";
import type { PictureProps } from "./types.ts";

/** What a kind of namespace is a view of. */
const VIEW_OF: Readonly<Record<string, string>> = {
  mnt: "files",
  pid: "process numbers",
  uts: "machine name",
  net: "network",
  ipc: "shared memory",
  user: "users",
  cgroup: "place among cgroups",
  time: "clocks",
};

export function Processes({ now, before, asTable }: PictureProps): ReactNode {
  if (asTable) return <ProcessTable rows={processRows(now, before)} />;
  const boxes = viewBoxes(now, before);
  return (
    <ul className="pg-boxes">
      {boxes.map((box) => (
        <Box key={box.key} box={box} isOutermost={true} />
      ))}
    </ul>
  );
}

function Box({ box, isOutermost }: { box: ViewBox; isOutermost: boolean }): ReactNode {
  return (
    <li className={markedClass(isOutermost ? "pg-box pg-box-machine" : "pg-box", box.change)}>
      <p className="pg-box-name">
        <strong>{box.hostname}</strong>
        <span className="pg-quiet">{isOutermost ? "the machine" : `a view of its own`}</span>
        <Mark change={box.change} />
      </p>
      {!isOutermost && (
        <ul className="pg-chips" aria-label="Namespaces of its own">
          {box.own.map(({ kind, inode }) => (
            <li key={kind} className="pg-chip" title={`${kind}:[${inode}]`}>
              <b>{kind}</b> {VIEW_OF[kind]}
            </li>
          ))}
        </ul>
      )}
      <ul className="pg-processes" aria-label={`Processes of ${box.hostname}`}>
        {box.processes.map((row) => (
          <Process key={row.hostPid} row={row} />
        ))}
      </ul>
      {box.inside.length > 0 && (
        <ul className="pg-boxes">
          {box.inside.map((inner) => (
            <Box key={inner.key} box={inner} isOutermost={false} />
          ))}
        </ul>
      )}
    </li>
  );
}

function Process({ row }: { row: ProcessRow }): ReactNode {
  const { pid, hostPid, comm, uid, change, capabilities, memoryBytes } = row;
  return (
    <li className={markedClass("pg-process", change)}>
      <span className="pg-pid">{pid}</span>
      <code>{comm}</code>
      <span className="pg-quiet">
        {[
          ...(pid === hostPid ? [] : [`on the machine ${hostPid}`]),
          uid === 0 ? "root" : `user ${uid}`,
          `${capabilities.length} capabilities`,
          ...(memoryBytes > 0 ? [bytesText(memoryBytes)] : []),
        ].join(" · ")}
      </span>
      <Mark change={change} />
    </li>
  );
}

function ProcessTable({ rows }: { rows: readonly ProcessRow[] }): ReactNode {
  return (
    <table>
      <caption>Every process, and the inode of each namespace that it is in</caption>
      <thead>
        <tr>
          <th scope="col">program</th>
          <th scope="col">on the machine</th>
          <th scope="col">inside</th>
          <th scope="col">user</th>
          <th scope="col">capabilities</th>
          {KINDS.map((kind) => (
            <th scope="col" key={kind}>
              {kind}
            </th>
          ))}
          <th scope="col">since then</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ hostPid, pid, comm, uid, capabilities, namespaces, change }) => (
          <tr key={hostPid} className={markedClass("", change)}>
            <th scope="row">{comm}</th>
            <td>{hostPid}</td>
            <td>{pid}</td>
            <td>{uid}</td>
            <td>{capabilities.length}</td>
            {KINDS.map((kind) => (
              <td key={kind}>{namespaces[kind]}</td>
            ))}
            <td>{change}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
