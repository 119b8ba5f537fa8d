/**
 * Command top: the processes in a container.
 *
 * Kernel interface: proc(5), by the daemon.
 * Specification: docker top reference; Engine API v1.50, ContainerTop.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { askNamed } from "../ambiguous.ts";
import { pathPart } from "../api.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { layOut } from "../table.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "CONTAINER [ps OPTIONS]",
  flags: [],
  arity: [1, ANY],
  interspersed: false,
  about:
    "As the host numbers them: the process that is 1 inside has another pid outside. Options as for " +
    "ps: -ef, aux, or -o pid,comm. What is <defunct> has ended, and its parent has not asked how.",
  concepts: ["namespaces"],
  completes: "running-containers",
  run,
};

const LAYOUT = { minimumWidth: 20, padding: 1 };

async function run({ api, console }: Context, { args }: Input): Promise<number> {
  const [name = "", ...options] = args;
  const answer = await askNamed<{
    readonly Titles: readonly string[];
    readonly Processes: readonly (readonly string[])[] | null;
  }>(api, {
    method: "GET",
    path: `/containers/${pathPart(name)}/top`,
    query: { ps_args: options.join(" ") },
  });
  const lines = [answer.Titles, ...(answer.Processes ?? [])].map((cells) => cells.join("\t"));
  console.out.write(layOut(`${lines.join("\n")}\n`, LAYOUT));
  const zombies = lines.filter((line) => line.endsWith(" <defunct>")).length;
  if (zombies > 0) console.err.write(zombieHint(zombies, name));
  return 0;
}

function zombieHint(count: number, name: string): string {
  const these = count === 1 ? "One process is" : `${count} processes are`;
  const whose = count === 1 ? "its parent has" : "their parents have";
  return `${these} <defunct>: ended, and ${whose} not asked how. \`drydock why ${name}\` says what to do.\n`;
}
