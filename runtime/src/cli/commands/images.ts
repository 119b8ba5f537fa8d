/**
 * Command images: list images.
 *
 * Kernel interface: none.
 * Specification: docker images reference; Engine API v1.50, ImageList.
 * Invariants: none.
 * Left out: the tree view.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { checkFilter, encodeFilters } from "../filters.ts";
import { IMAGE_LIST, imageRows, type ImageSummary } from "../image-list.ts";
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
  ],
  arity: [0, 1],
  interspersed: true,
  about:
    "An image is a list of layers and a configuration: what to run, as whom, with which environment. " +
    "Its id is the digest of that configuration, so equal images have equal ids.",
  concepts: ["images", "layers"],
  run,
};

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const table = flags.bool("digests")
    ? "{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}"
    : IMAGE_LIST.table;
  const kind = { ...IMAGE_LIST, table };
  const format = parseListFormat(kind, {
    format: flags.text("format"),
    quiet: flags.bool("quiet"),
  });
  const [reference] = args;
  const wanted = reference === undefined ? [] : [`reference=${reference}`];
  const images = await api.json<readonly ImageSummary[]>({
    method: "GET",
    path: "/images/json",
    query: {
      all: flags.bool("all"),
      digests: flags.bool("digests"),
      filters: encodeFilters([...flags.list("filter"), ...wanted]),
    },
  });
  const view = {
    truncated: !flags.bool("no-trunc"),
    digests: flags.bool("digests"),
    nowSeconds: console.nowMs() / 1000,
  };
  const rows = images.flatMap((image) => imageRows(image, view));
  console.out.write(printList(kind, format, rows));
  return 0;
}
