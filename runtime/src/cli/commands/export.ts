/**
 * Command export: all files of a container as a tar archive.
 *
 * Kernel interface: none.
 * Specification: docker export reference; Engine API v1.50, ContainerExport.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { withCandidates } from "../ambiguous.ts";
import { pathPart } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { copyBytes } from "../streams.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  flags: [{ name: "output", short: "o", kind: "string", help: "File to write instead of stdout" }],
  arity: [1, 1],
  interspersed: true,
  about:
    "The layers as one tree, without volumes and other mounts. The archive has no history and no " +
    "configuration: it is files.",
  concepts: ["archive", "layers"],
  completes: "containers",
  run,
};

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const output = flags.text("output");
  if (output === "" && console.out.isTerminal) {
    throw new Failure({
      message: "cowardly refusing to save to a terminal. Use the -o flag or redirect",
      exitCode: 1,
    });
  }
  if (output !== "" && console.files.kindOf(output) === true) {
    throw new Failure({
      message: "failed to export container: cannot write to a directory",
      exitCode: 1,
    });
  }
  try {
    const path = `/containers/${pathPart(args[0] ?? "")}/export`;
    const { body } = await api.stream({ method: "GET", path });
    if (output !== "") await console.files.save(output, body);
    else await copyBytes(console, body);
    return 0;
  } catch (thrown) {
    throw await withCandidates(api, thrown);
  }
}
