/**
 * Command tag: give an image one more name.
 *
 * Kernel interface: none.
 * Specification: docker image tag reference; Engine API v1.50, ImageTag.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { imagePath } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { Failure, messageOf } from "../failure.ts";
import { repositoryAndTag } from "../reference.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  flags: [],
  arity: [2, 2],
  interspersed: true,
  about: "Nothing is copied: a name is an entry in the index of the store. Another image loses it.",
  concepts: ["images"],
  completes: "images",
  run,
};

async function run({ api }: Context, { args }: Input): Promise<number> {
  const [source = "", target = ""] = args;
  const query = queryFor(target);
  await api.json<undefined>({ method: "POST", path: `${imagePath(source)}/tag`, query });
  return 0;
}

function queryFor(target: string): ReturnType<typeof repositoryAndTag> {
  try {
    return repositoryAndTag(target);
  } catch (cause) {
    const problem = `${JSON.stringify(target)} is not a valid repository/tag: ${messageOf(cause)}`;
    throw new Failure({ message: `Error parsing reference: ${problem}`, exitCode: 1, cause });
  }
}
