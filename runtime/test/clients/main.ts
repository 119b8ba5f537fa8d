/**
 * `npm run test:clients`: other people's programs against our daemon, as a table.
 *
 *     --quick           only what `npm test` runs
 *     --client NAME     only the programs whose name holds NAME
 *     --socket PATH     against the daemon that listens there
 *     --json FILE       all outcomes as JSON, besides the table
 *
 * Exit code 1 when something failed.
 *
 * @module
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { whyNoContainers } from "../daemon.ts";
import { CLIENTS, countOf, runClients, type Report } from "./clients.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    client: { type: "string", default: "" },
    socket: { type: "string" },
    json: { type: "string" },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function tell({ name, outcomes }: Report): void {
  for (const { name: scenario, result, why } of outcomes) {
    if (result !== "passed") say(`${result}: ${name}: ${scenario}\n    ${why ?? ""}`);
  }
}

function row(name: string, ...cells: readonly string[]): string {
  return [name.padEnd(34), ...cells.map((cell) => cell.padStart(9))].join("");
}

const reason = values.socket === undefined ? whyNoContainers() : null;
if (reason === null) {
  const reports = await runClients({
    quick: values.quick,
    clients: CLIENTS.filter(({ name }) => name.includes(values.client)),
    socketPath: values.socket ?? null,
    onReport: tell,
  });
  say(`\n${row("program", "version", "passed", "failed", "skipped")}`);
  for (const report of reports) {
    const counts = (["passed", "failed", "skipped"] as const).map((result) =>
      String(countOf(report, result)),
    );
    say(row(report.name, report.version ?? "-", ...counts));
  }
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(reports, null, 2));
  if (reports.some((report) => countOf(report, "failed") > 0)) process.exitCode = 1;
} else {
  say(`skipped: other people's programs against our daemon: ${reason}`);
}
