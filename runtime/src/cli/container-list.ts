/**
 * Container list: the columns of ps.
 *
 * Kernel interface: none.
 * Specification: docker ps reference, "Format the output"; docker/cli formatter.ContainerContext.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ellipsis, goTime, humanDuration, humanSize, shortId } from "./human.ts";
import type { ListKind } from "./listing.ts";
import { familiarName, parseReference } from "./reference.ts";
import { quoteGo } from "./template/go-strings.ts";
import { GO_TYPE, type Row } from "./template/go-value.ts";

/** One container of the API's list. */
export interface ContainerSummary {
  readonly Id: string;
  readonly Names: readonly string[] | null;
  readonly Image: string;
  readonly ImageID: string;
  readonly Command: string;
  readonly Created: number;
  readonly Ports: readonly Port[] | null;
  readonly Labels: Readonly<Record<string, string>> | null;
  readonly State: string;
  readonly Status: string;
  readonly SizeRw?: number;
  readonly SizeRootFs?: number;
  readonly Mounts?: readonly {
    readonly Name?: string;
    readonly Source: string;
    readonly Driver?: string;
  }[];
  readonly NetworkSettings?: {
    readonly Networks?: Readonly<Record<string, unknown>> | null;
  } | null;
}

/** One port, published or only exposed. */
export interface Port {
  readonly IP?: string;
  readonly PrivatePort: number;
  readonly PublicPort?: number;
  readonly Type: string;
}

/** The list of containers. */
export const CONTAINER_LIST: ListKind = {
  goType: "*formatter.ContainerContext",
  table: "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}",
  raw:
    "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\n" +
    "state: {{- pad .State 1 0}}\nstatus: {{- pad .Status 1 0}}\nnames: {{.Names}}\n" +
    "labels: {{- pad .Labels 1 0}}\nports: {{- pad .Ports 1 0}}\n",
  quiet: "{{.ID}}",
  headers: {
    ID: "CONTAINER ID",
    Names: "NAMES",
    Image: "IMAGE",
    Command: "COMMAND",
    CreatedAt: "CREATED AT",
    RunningFor: "CREATED",
    Ports: "PORTS",
    State: "STATE",
    Status: "STATUS",
    Size: "SIZE",
    Labels: "LABELS",
    Mounts: "MOUNTS",
    LocalVolumes: "LOCAL VOLUMES",
    Networks: "NETWORKS",
    Platform: "PLATFORM",
  },
};

/** How rows are shown. */
export interface ListView {
  /** Whether long values are cut. */
  readonly truncated: boolean;
  readonly nowSeconds: number;
}

/** The fields of one line; each is worked out when it is asked for. */
export function containerRow(container: ContainerSummary, view: ListView): Row {
  const { truncated } = view;
  const labels = container.Labels ?? {};
  return {
    [GO_TYPE]: CONTAINER_LIST.goType,
    get Command() {
      return quoteGo(truncated ? ellipsis(container.Command, 20) : container.Command);
    },
    get CreatedAt() {
      return goTime(container.Created);
    },
    ID: truncated ? shortId(container.Id) : container.Id,
    Image: shownImage(container, truncated),
    Label: (name: unknown) => labels[String(name)] ?? "",
    get Labels() {
      return Object.entries(labels)
        .map(([key, value]) => `${key}=${value}`)
        .toSorted()
        .join(",");
    },
    LocalVolumes: String((container.Mounts ?? []).filter((each) => each.Driver === "local").length),
    Mounts: shownMounts(container, truncated),
    Names: shownNames(container.Names ?? [], truncated),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
    Platform: null,
    get Ports() {
      return shownPorts(container.Ports ?? []);
    },
    get RunningFor() {
      return `${humanDuration(view.nowSeconds - container.Created)} ago`;
    },
    get Size() {
      return shownSize(container);
    },
    State: container.State,
    Status: container.Status,
  };
}

function shownImage({ Image, ImageID }: ContainerSummary, truncated: boolean): string {
  if (Image === "") return "<no image>";
  if (!truncated) return Image;
  if (shortId(Image) === shortId(ImageID)) return shortId(Image);
  if (!Image.includes("@")) return Image;
  const reference = parseReference(Image);
  return familiarName(reference) + (reference.tag === undefined ? "" : `:${reference.tag}`);
}

function shownMounts({ Mounts = [] }: ContainerSummary, truncated: boolean): string {
  const names = Mounts.map(({ Name, Source }) =>
    Name === undefined || Name === "" ? Source : Name,
  );
  return names.map((name) => (truncated ? ellipsis(name, 15) : name)).join(",");
}

/** The name without its slash; a second slash marks another container's link to this one. */
function shownNames(names: readonly string[], truncated: boolean): string {
  const bare = names.map((name) => name.replace(/^\//, ""));
  return truncated ? (bare.find((name) => !name.includes("/")) ?? "") : bare.join(",");
}

function shownSize({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  const own = humanSize(SizeRw, 3);
  return SizeRootFs > 0 ? `${own} (virtual ${humanSize(SizeRootFs, 3)})` : own;
}

/**
 * Ports as ps shows them: neighbours joined, mappings to another number at the end.
 *
 * @example shownPorts([{ PrivatePort: 80, Type: "tcp" }]) // "80/tcp"
 */
export function shownPorts(ports: readonly Port[]): string {
  const sorted = ports.toSorted(
    (left, right) =>
      left.PrivatePort - right.PrivatePort ||
      compareText(left.IP ?? "", right.IP ?? "") ||
      (left.PublicPort ?? 0) - (right.PublicPort ?? 0) ||
      compareText(left.Type, right.Type),
  );
  const mapped: string[] = [];
  const closed: string[] = [];
  const open = new Map<string, { readonly first: number; last: number }>();
  for (const port of sorted) {
    const { IP, PrivatePort, PublicPort, Type } = port;
    const isMapped = IP !== undefined && IP !== "";
    if (isMapped && PublicPort !== PrivatePort) {
      mapped.push(`${joinAddress(IP, String(PublicPort ?? 0))}->${PrivatePort}/${Type}`);
      continue;
    }
    const key = isMapped ? `${IP}/${Type}` : Type;
    const group = open.get(key);
    if (group !== undefined && PrivatePort === group.last + 1) {
      group.last = PrivatePort;
      continue;
    }
    if (group !== undefined) closed.push(shownGroup(key, group));
    open.set(key, { first: PrivatePort, last: PrivatePort });
  }
  const rest = [...open].map(([key, group]) => shownGroup(key, group));
  return [...closed, ...rest, ...mapped].join(", ");
}

function shownGroup(key: string, { first, last }: { first: number; last: number }): string {
  const range = first === last ? String(first) : `${first}-${last}`;
  const [left = "", right] = key.split("/");
  if (right === undefined) return `${range}/${left}`;
  return `${joinAddress(left, range)}->${range}/${right}`;
}

function joinAddress(ip: string, port: string): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
