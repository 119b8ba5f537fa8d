/**
 * Command why: why a container ended, restarts or is unhealthy.
 *
 * Kernel interface: none; the daemon looks.
 * Specification: none; GET /drydock/containers/NAME/why.
 * Invariants: none.
 * Left out: other objects than containers.
 * Docs: docs/concepts/why.md
 *
 * @module
 */
import { askNamed } from "../ambiguous.ts";
import { pathPart, readText } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { reasonsFor, type Facts } from "../reasons.ts";
import { createFrameReader } from "../../wire/index.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  flags: [{ name: "json", kind: "bool", help: "What is known and what follows from it, as data" }],
  arity: [1, 1],
  interspersed: true,
  about:
    "What an exit code means; whether memory ran out, and how much there was; who asked for the end and " +
    "whether it was obeyed; what the restart policy makes of it; what the health check said; which " +
    "processes are zombies, and whose.",
  concepts: ["why", "container", "restart", "health"],
  completes: "containers",
  run,
};

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const name = pathPart(args[0] ?? "");
  const path = `/drydock/containers/${name}/why`;
  const facts = await askNamed<Facts>(api, { method: "GET", path });
  const reasons = reasonsFor(facts, console.nowMs());
  if (flags.bool("json")) {
    console.out.write(`${JSON.stringify({ ...facts, reasons })}\n`);
    return 0;
  }
  const lines = reasons.flatMap(({ what, advice }) =>
    advice === undefined ? [what] : [what, `  → ${advice}`],
  );
  console.out.write(`${lines.join("\n")}\n`);
  if (hasFailed(facts)) console.out.write(await lastWords({ api, name, facts }));
  return 0;
}

function hasFailed({ status, end }: Facts): boolean {
  const isOver = status === "exited" || status === "restarting";
  return isOver && end !== null && end.exitCode !== 0;
}

interface Asked extends Pick<Context, "api"> {
  readonly name: string;
  readonly facts: Facts;
}

/** The end of its log, which often says it best; a log that cannot be read says nothing. */
async function lastWords({ api, name, facts }: Asked): Promise<string> {
  const query = { stdout: true, stderr: true, tail: 5 };
  const path = `/containers/${name}/logs`;
  try {
    const { body } = await api.stream({ method: "GET", path, query });
    const text = await readText(facts.terminal ? body : payloadsOf(body));
    if (text.trim() === "") return "";
    const lines = text.trimEnd().split("\n");
    return `Its last words:\n${lines.map((line) => `  ${line.trimEnd()}`).join("\n")}\n`;
  } catch {
    return "";
  }
}

async function* payloadsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = createFrameReader();
  for await (const bytes of body) {
    for (const { payload } of reader.push(bytes)) yield payload;
  }
}
