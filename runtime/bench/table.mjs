/** Table: medians and ratios, one line for each piece of work, as Markdown that also reads well. */

const peers = ["docker", "podman", "runc"];

/** Prints what was measured; a peer that took no part has a dash. */
export function printTable(rows) {
  const head = ["work", "drydock", ...peers.flatMap((peer) => [peer, "ratio"]), "goal"];
  const body = rows.map((row) => [row.title, ...cells(row), row.goal]);
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((line) => line[i].length)));
  const pad = (line) => `| ${line.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  console.log(`\n${pad(head)}\n|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`);
  for (const line of body) console.log(pad(line));
  for (const { title, medians, unit } of rows.filter((row) => row.medians.process !== undefined)) {
    console.log(`${title}; the same program without a container: ${format(medians.process, unit)}`);
  }
}

/** Less growth than this for one container cannot be told from the collector's noise. */
const memoryNoise = 50_000;

function cells({ medians, unit }) {
  const ours = unit === "MB" ? Math.max(medians.drydock, memoryNoise) : medians.drydock;
  const peerCells = peers.flatMap((peer) => {
    if (medians[peer] === undefined) return ["–", "–"];
    return [format(medians[peer], unit), (ours / medians[peer]).toFixed(2)];
  });
  return [format(ours, unit), ...peerCells];
}

function format(value, unit) {
  if (unit === "MB" && value <= memoryNoise) return "< 0.05 MB";
  if (unit === "MB") return `${(value / 1e6).toFixed(2)} MB`;
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return `${value.toFixed(value < 100 ? 1 : 0)} ms`;
}
