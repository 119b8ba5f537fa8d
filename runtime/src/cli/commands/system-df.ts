/**
 * Command system df: how much of the disk images and containers take.
 *
 * Kernel interface: none.
 * Specification: docker system df reference; Engine API v1.50, SystemDataUsage.
 * Invariants: none.
 * Left out: --verbose's templates; the lines of build caches, of which there are none.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Command, Context, Input } from "../command.ts";
import { CONTAINER_LIST, containerRow, type ContainerSummary } from "../container-list.ts";
import { diskReport } from "../disk-report.ts";
import { humanSize } from "../human.ts";
import { IMAGE_LIST, imageRows, type ImageSummary } from "../image-list.ts";
import { parseListFormat, printList, type ListKind } from "../listing.ts";
import { evaluate, parseFormat } from "../template/evaluate.ts";
import { GO_TYPE, type Row } from "../template/go-value.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS]",
  flags: [
    { name: "format", kind: "string", help: "table, json or a Go template for each line" },
    { name: "explain", kind: "bool", help: "Each byte below the root with its owner" },
    { name: "verbose", short: "v", kind: "bool", help: "Each image and container" },
  ],
  arity: [0, 0],
  interspersed: true,
  about:
    "Images share layers and a layer is stored once, so the sum is less than the sizes of the images. " +
    "What could be got back is what no container uses.",
  concepts: ["layers"],
  run,
};

interface Usage {
  readonly LayersSize: number;
  readonly Images: readonly ImageSummary[] | null;
  readonly Containers: readonly ContainerSummary[] | null;
  readonly Volumes:
    | readonly { readonly Name?: string; readonly UsageData?: { Size: number; RefCount: number } }[]
    | null;
  readonly BuildCache: readonly { readonly Size: number; readonly InUse: boolean }[] | null;
}

const KIND: ListKind = {
  goType: "*formatter.diskUsageContext",
  table: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
  raw: "",
  quiet: "",
  headers: {
    Type: "TYPE",
    TotalCount: "TOTAL",
    Active: "ACTIVE",
    Size: "SIZE",
    Reclaimable: "RECLAIMABLE",
  },
};

async function run({ api, console }: Context, { flags }: Input): Promise<number> {
  if (flags.bool("explain")) {
    console.out.write(await diskReport(api));
    return 0;
  }
  const usage = await api.json<Usage>({ method: "GET", path: "/system/df" });
  if (flags.bool("verbose")) {
    console.out.write(
      verbose(usage, { format: flags.text("format"), now: console.nowMs() / 1000 }),
    );
    return 0;
  }
  const format = parseListFormat(KIND, { format: flags.text("format"), quiet: false });
  console.out.write(printList(KIND, format, summaryRows(usage)));
  return 0;
}

function summaryRows(usage: Usage): readonly Row[] {
  const images = usage.Images ?? [];
  const containers = usage.Containers ?? [];
  const volumes = usage.Volumes ?? [];
  const caches = usage.BuildCache ?? [];
  const used = images.filter(({ Containers = 0 }) => Containers > 0);
  const usedBytes = used.reduce((sum, { Size, SharedSize = 0 }) => sum + Size - SharedSize, 0);
  const running = containers.filter(({ State }) => /^(running|paused|restarting)$/.test(State));
  const sizeOf = (some: readonly ContainerSummary[]): number =>
    some.reduce((sum, { SizeRw = 0 }) => sum + SizeRw, 0);
  const volumeBytes = (active: boolean): number =>
    volumes
      .filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0 || !active)
      .reduce((sum, { UsageData }) => sum + (UsageData?.Size ?? 0), 0);
  const activeVolumes = volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) > 0);
  const cacheBytes = (some: Usage["BuildCache"]): number =>
    (some ?? []).reduce((sum, { Size }) => sum + Size, 0);
  const busy = caches.filter(({ InUse }) => InUse);
  return [
    row("Images", [images.length, used.length], usage.LayersSize, usage.LayersSize - usedBytes),
    row(
      "Containers",
      [containers.length, running.length],
      sizeOf(containers),
      sizeOf(containers) - sizeOf(running),
    ),
    row(
      "Local Volumes",
      [volumes.length, activeVolumes.length],
      volumeBytes(false),
      volumeBytes(false) - volumeBytes(true),
    ),
    row(
      "Build Cache",
      [caches.length, busy.length],
      cacheBytes(caches),
      cacheBytes(caches) - cacheBytes(busy),
    ),
  ];
}

function row(
  Type: string,
  [total, active]: readonly [number, number],
  bytes: number,
  reclaimable: number,
): Row {
  const free = Math.max(0, reclaimable);
  const share =
    bytes > 0 && Type !== "Build Cache" ? ` (${Math.trunc((free * 100) / bytes)}%)` : "";
  return {
    [GO_TYPE]: KIND.goType,
    Type,
    TotalCount: String(total),
    Active: String(active),
    Size: humanSize(bytes, 4),
    Reclaimable: humanSize(free, 4) + share,
  };
}

const DETAILS = {
  images: {
    ...IMAGE_LIST,
    table: `${IMAGE_LIST.table}\t{{.SharedSize}}\t{{.UniqueSize}}\t{{.Containers}}`,
  },
  containers: {
    ...CONTAINER_LIST,
    table:
      "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.LocalVolumes}}\t{{.Size}}\t{{.RunningFor}}\t{{.Status}}\t{{.Names}}",
  },
} satisfies Readonly<Record<string, ListKind>>;

interface VerboseWish {
  /** Empty or "table": tables; else a Go template over all of it. */
  readonly format: string;
  /** In seconds. */
  readonly now: number;
}

function verbose(usage: Usage, { format, now: nowSeconds }: VerboseWish): string {
  const images = (usage.Images ?? []).flatMap((image) =>
    imageRows(image, { truncated: true, digests: false, nowSeconds }),
  );
  // What an image gives is not the container's: only what it wrote is counted here.
  const containers = (usage.Containers ?? []).map((each) =>
    containerRow({ ...each, SizeRootFs: 0 }, { truncated: true, nowSeconds }),
  );
  if (format !== "" && format !== "table") return inOne({ usage, images, containers }, format);
  const table = (kind: ListKind, rows: readonly Row[]): string =>
    printList(kind, parseListFormat(kind, { format: "", quiet: false }), rows);
  const cached = (usage.BuildCache ?? []).reduce((sum, { Size }) => sum + Size, 0);
  return (
    `Images space usage:\n\n${table(DETAILS.images, images)}\n` +
    `Containers space usage:\n\n${table(DETAILS.containers, containers)}\n` +
    "Local Volumes space usage:\n\nVOLUME NAME   LINKS     SIZE\n" +
    (usage.Volumes ?? []).map(volumeLine).join("") +
    `\nBuild cache usage: ${humanSize(cached, 4)}\n\n` +
    "CACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED\n"
  );
}

/** With -v a template is asked once, and has all lists. */
function inOne(
  {
    usage,
    images,
    containers,
  }: Readonly<Record<"images" | "containers", readonly Row[]>> & {
    readonly usage: Usage;
  },
  format: string,
): string {
  const Volumes = (usage.Volumes ?? []).map(({ Name = "", UsageData }) => ({
    Name,
    Links: String(UsageData?.RefCount ?? 0),
    Size: humanSize(UsageData?.Size ?? 0, 4),
  }));
  const all = {
    Images: images,
    Containers: containers,
    Volumes,
    BuildCache: usage.BuildCache ?? [],
  };
  if (format === "json") return `${JSON.stringify(all)}\n`;
  return `${evaluate(parseFormat("", format), { ...all, [GO_TYPE]: "*formatter.DiskUsageContext" })}\n`;
}

function volumeLine({ Name = "", UsageData }: NonNullable<Usage["Volumes"]>[number]): string {
  const { Size = 0, RefCount = 0 } = UsageData ?? {};
  return `${Name.padEnd(14)}${String(RefCount).padEnd(10)}${humanSize(Size, 4)}\n`;
}
