/**
 * Command rmi: remove images.
 *
 * One after the other: the names of one image are not removed at the same time.
 *
 * Kernel interface: none; the daemon removes files.
 * Specification: docker image rm reference; Engine API v1.50, ImageDelete.
 * Invariants: none.
 * Left out: an image of several platforms, of which --platform would take one.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ApiError, imagePath, type Api } from "../api.ts";
import { ANY, type Command, type Context, type Input } from "../command.ts";
import { failureText, type Failure } from "../failure.ts";
import { PLATFORM_FLAG, platformQuery } from "../platform.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  flags: [
    {
      name: "force",
      short: "f",
      kind: "bool",
      help: "Also one that has several names, or that a stopped container was made from",
    },
    PLATFORM_FLAG,
    { name: "no-prune", kind: "bool", help: "Keep parents that have no name; here there are none" },
  ],
  arity: [1, ANY],
  interspersed: true,
  about:
    "By a name only that name goes, and the image with its last one; by its id the image goes. Layers " +
    "stay as long as another image or a container has them.",
  concepts: ["images", "layers"],
  completes: "images",
  run,
};

interface Gone {
  readonly Untagged?: string;
  readonly Deleted?: string;
}

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const failures: Failure[] = [];
  const platforms = platformQuery(flags.text("platform"));
  for (const image of await eachOnce(api, args)) {
    try {
      const gone = await api.json<readonly Gone[]>({
        method: "DELETE",
        path: imagePath(image),
        query: { force: flags.bool("force"), noprune: flags.bool("no-prune"), platforms },
      });
      console.out.write(goneLines(gone));
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      // With -f, what is not there is no failure: it is told all the same.
      if (flags.bool("force") && thrown.status === 404) console.err.write(`${thrown.message}\n`);
      else failures.push(thrown);
    }
  }
  for (const failure of failures) console.err.write(`${failureText(failure)}\n`);
  return failures.length === 0 ? 0 : 1;
}

/**
 * What to remove, each once. `images -q` prints an id once for each of its names: so who gives an
 * id as often as it has names means all of these.
 */
async function eachOnce(api: Api, args: readonly string[]): Promise<readonly string[]> {
  const once = [...new Set(args)];
  if (once.length === args.length) return once;
  const images = await api.json<readonly Listed[]>({ method: "GET", path: "/images/json" });
  return once.flatMap((reference) => {
    const times = args.filter((each) => each === reference).length;
    const digits = reference.replace(/^sha256:/, "");
    const found = images.find(({ Id }) => Id.startsWith(`sha256:${digits}`));
    const names = found?.RepoTags ?? [];
    return times > 1 && names.length === times ? names : [reference];
  });
}

interface Listed {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
}

/** What went, a line for each name and layer. */
export function goneLines(gone: readonly Gone[]): string {
  return gone
    .map(({ Untagged, Deleted }) =>
      Untagged === undefined ? `Deleted: ${Deleted}\n` : `Untagged: ${Untagged}\n`,
    )
    .join("");
}
