/**
 * Command images: list images.
 *
 * Kernel interface: none.
 * Specification: docker images reference; Engine API v1.50, ImageList.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Query } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { checkFilter, encodeFilters } from "../filters.ts";
import { IMAGE_LIST, imageRows, type ImageSummary } from "../image-list.ts";
import { imageTree, type ImageWithManifests } from "../image-tree.ts";
import { parseListFormat, printList } from "../listing.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  flags: [
    { name: "all", short: "a", kind: "bool", help: "Also those that only other images stand on" },
    { name: "digests", kind: "bool", help: "Also the digests under which registries know them" },
    {
      name: "filter",
      short: "f",
      kind: "list",
      check: checkFilter,
      help: "Only those that fit: dangling=true, label=K=V, reference=busy*, …",
    },
    {
      name: "format",
      kind: "string",
      help: "table, json, raw, 'table {{.ID}}' or a Go template for each",
    },
    { name: "no-trunc", kind: "bool", help: "Whole ids" },
    { name: "quiet", short: "q", kind: "bool", help: "Only ids" },
    { name: "tree", kind: "bool", help: "Platforms, users and sizes of each, as a tree" },
  ],
  arity: [0, 1],
  interspersed: true,
  about:
    "An image is a list of layers and a configuration: what to run, as whom, with which environment. " +
    "Its id is the digest of that configuration, so equal images have equal ids.",
  concepts: ["images", "layers"],
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const { console } = context;
  if (flags.bool("tree")) return showTree(context, { flags, args });
  const table = flags.bool("digests")
    ? "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
    : IMAGE_LIST.table;
  const kind = { ...IMAGE_LIST, table };
  const format = parseListFormat(kind, {
    format: flags.text("format"),
    quiet: flags.bool("quiet"),
  });
  const query = { digests: flags.bool("digests") };
  const images = await list<ImageSummary>(context, { flags, args }, query);
  const view = {
    truncated: !flags.bool("no-trunc"),
    digests: flags.bool("digests"),
    nowSeconds: console.nowMs() / 1000,
  };
  const rows = images.flatMap((image) => imageRows(image, view));
  console.out.write(printList(kind, format, rows));
  return 0;
}

function list<Image>(
  { api }: Context,
  { flags, args: [reference] }: Input,
  query: Query,
): Promise<readonly Image[]> {
  const wanted = reference === undefined ? [] : [`reference=${reference}`];
  const filters = encodeFilters([...flags.list("filter"), ...wanted]);
  const asked = { all: flags.bool("all"), ...query, filters };
  return api.json<readonly Image[]>({ method: "GET", path: "/images/json", query: asked });
}

/** How the lines of a list look, which those of a tree do not. */
const LIST_ONLY = ["quiet", "no-trunc", "digests", "format"];

async function showTree(context: Context, input: Input): Promise<number> {
  const refused = LIST_ONLY.find((name) => input.flags.changed(name));
  if (refused !== undefined) {
    const message = `--${refused} is not yet supported with --tree`;
    throw new Failure({ message, exitCode: 1 });
  }
  const images = await list<ImageWithManifests>(context, input, { manifests: true });
  context.console.out.write(imageTree(images));
  return 0;
}
