/**
 * Cgroups: the tree, with who is in it, what they use, and what they may.
 */
import type { ReactNode } from "react";
import { shortIds } from "../views/calls.ts";
import { cgroupRows } from "../views/cgroups.ts";
import type { CgroupRow, Share } from "../views/cgroups.ts";
import { atDepth, bytesText, Mark, markedClass } from "./mark.tsx";
import type { PictureProps } from "./types.ts";

export function Cgroups({ now, before, asTable }: PictureProps): ReactNode {
  const rows = cgroupRows(now, before);
  return asTable ? <CgroupTable rows={rows} /> : <CgroupTree rows={rows} />;
}

const plain = (value: number): string => String(value);

function CgroupTree({ rows }: { rows: readonly CgroupRow[] }): ReactNode {
  return (
    <ul className="pg-tree" aria-label="Tree of cgroups">
      {rows.map((row) => (
        <li
          key={row.path}
          className={markedClass("pg-row pg-cgroup", row.change)}
          style={atDepth(row.depth)}
        >
          <p className="pg-cgroup-name">
            <code className="pg-path" title={row.path}>
              {shortIds(row.name)}
            </code>
            {row.isFrozen && <span className="pg-type">frozen</span>}
            <Mark change={row.change} />
          </p>
          <div className="pg-shares">
            <ShareBar name="memory" share={row.memory} text={bytesText} />
            <ShareBar name="processes" share={row.pids} text={plain} />
            {row.processors !== undefined && (
              <span className="pg-share">{row.processors} of a processor at most</span>
            )}
          </div>
          <Members row={row} />
        </li>
      ))}
    </ul>
  );
}

function Members({ row: { processes } }: { row: CgroupRow }): ReactNode {
  if (processes.length === 0) return null;
  return (
    <p className="pg-members">
      {processes.map(({ hostPid, comm }) => (
        <span key={hostPid} className="pg-chip">
          <b>{hostPid}</b> {comm}
        </span>
      ))}
    </p>
  );
}

interface ShareBarProps {
  readonly name: string;
  readonly share: Share;
  readonly text: (value: number) => string;
}

function ShareBar({ name, share: { used, most }, text }: ShareBarProps): ReactNode {
  const part = most === undefined ? undefined : Math.min(1, used / Math.max(1, most));
  return (
    <span className={most === undefined ? "pg-share" : "pg-share pg-share-limited"}>
      <span>
        {name} {text(used)}
        {most === undefined ? "" : ` of ${text(most)}`}
      </span>
      {part !== undefined && (
        <span className="pg-bar" aria-hidden="true">
          <span
            className={part > 0.9 ? "pg-bar-used pg-bar-full" : "pg-bar-used"}
            style={{ inlineSize: `${part * 100}%` }}
          />
        </span>
      )}
    </span>
  );
}

function CgroupTable({ rows }: { rows: readonly CgroupRow[] }): ReactNode {
  const most = ({ most: limit }: Share, text: (value: number) => string): string =>
    limit === undefined ? "no limit" : text(limit);
  return (
    <table>
      <caption>Every cgroup: what is used by it and all below, and the limits of its own</caption>
      <thead>
        <tr>
          <th scope="col">cgroup</th>
          <th scope="col">members</th>
          <th scope="col">memory</th>
          <th scope="col">at most</th>
          <th scope="col">processes</th>
          <th scope="col">at most</th>
          <th scope="col">processors</th>
          <th scope="col">since then</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ path, processes, memory, pids, processors, isFrozen, change }) => (
          <tr key={path} className={markedClass("", change)}>
            <th scope="row">{path}</th>
            <td>{processes.map(({ hostPid, comm }) => `${comm} (${hostPid})`).join(", ")}</td>
            <td>{bytesText(memory.used)}</td>
            <td>{most(memory, bytesText)}</td>
            <td>{pids.used}</td>
            <td>{most(pids, plain)}</td>
            <td>{processors ?? "no limit"}</td>
            <td>{isFrozen ? `${change}, frozen` : change}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
