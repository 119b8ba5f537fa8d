/**
 * Command history: the steps by which an image was made.
 *
 * Kernel interface: none.
 * Specification: docker image history reference; Engine API v1.50, ImageHistory.
 * Invariants: none.
 * Left out: --platform, since an image here is built for one.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { imagePath } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { ellipsis, humanDuration, humanSize, rfc3339Local, shortId } from "../human.ts";
import { parseListFormat, printList, type ListKind } from "../listing.ts";
import { PLATFORM_FLAG, platformQuery } from "../platform.ts";
import { GO_TYPE, type Row } from "../template/go-value.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] IMAGE",
  flags: [
    { name: "format", kind: "string", help: "table, json or a Go template for each step" },
    { name: "human", short: "H", kind: "bool", initial: true, help: "Sizes and ages in words" },
    { name: "no-trunc", kind: "bool", help: "Whole ids and commands" },
    PLATFORM_FLAG,
    { name: "quiet", short: "q", kind: "bool", help: "Only ids" },
  ],
  arity: [1, 1],
  interspersed: true,
  about:
    "The newest step first. Only a step that changed files has a layer, and so a size; the others " +
    "changed the configuration.",
  concepts: ["images", "layers"],
  completes: "images",
  run,
};

const HISTORY: ListKind = {
  goType: "*history.historyContext",
  table:
    "{{.ID}}\t{{if .CreatedSince}}{{.CreatedSince}}{{end}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}",
  raw: "",
  quiet: "{{.ID}}",
  headers: {
    ID: "IMAGE",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    CreatedBy: "CREATED BY",
    Size: "SIZE",
    Comment: "COMMENT",
  },
};

interface Step {
  readonly Id: string;
  readonly Created: number;
  readonly CreatedBy: string;
  readonly Size: number;
  readonly Comment: string;
}

const COMMAND_LENGTH = 45;

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const wish = { format: flags.text("format"), quiet: flags.bool("quiet") };
  const human = flags.bool("human");
  // Exact times are known by another name.
  const table = human ? HISTORY.table : HISTORY.table.replaceAll("CreatedSince", "CreatedAt");
  const format = parseListFormat({ ...HISTORY, table }, wish);
  const path = `${imagePath(args[0] ?? "")}/history`;
  const query = { platform: platformQuery(flags.text("platform")) };
  const steps = await api.json<readonly Step[]>({ method: "GET", path, query });
  const whole = flags.bool("no-trunc");
  const nowSeconds = console.nowMs() / 1000;
  const rowOf = ({ Id, Created, CreatedBy, Size, Comment }: Step): Row => {
    const by = CreatedBy.replaceAll("\t", " ");
    return {
      [GO_TYPE]: HISTORY.goType,
      ID: whole || Id === "<missing>" ? Id : shortId(Id),
      get CreatedAt() {
        return Created === 0 ? "" : rfc3339Local(Created);
      },
      get CreatedSince() {
        return Created === 0 ? "" : `${humanDuration(nowSeconds - Created)} ago`;
      },
      CreatedBy: whole ? by : ellipsis(by, COMMAND_LENGTH),
      Size: human ? humanSize(Size, 3) : String(Size),
      Comment,
    };
  };
  console.out.write(printList(HISTORY, format, steps.map(rowOf)));
  return 0;
}
