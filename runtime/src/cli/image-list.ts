/**
 * Image list: the columns of images.
 *
 * Kernel interface: none.
 * Specification: docker images reference, "Format the output"; docker/cli formatter.ImageContext.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { goTime, humanDuration, humanSize, shortId } from "./human.ts";
import type { ListKind } from "./listing.ts";
import { familiarName, parseReference } from "./reference.ts";
import { GO_TYPE, type Row } from "./template/go-value.ts";

/** One image of the API's list. */
export interface ImageSummary {
  readonly Id: string;
  readonly RepoTags: readonly string[] | null;
  readonly RepoDigests: readonly string[] | null;
  readonly Created: number;
  readonly Size: number;
  readonly SharedSize?: number;
  readonly Containers?: number;
}

/** The list of images. */
export const IMAGE_LIST: ListKind = {
  goType: "*formatter.imageContext",
  table: "{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}",
  raw:
    "repository: {{.Repository}}\ntag: {{.Tag}}\nimage_id: {{.ID}}\ncreated_at: {{.CreatedAt}}\n" +
    "virtual_size: {{.Size}}\n",
  quiet: "{{.ID}}",
  headers: {
    ID: "IMAGE ID",
    Repository: "REPOSITORY",
    Tag: "TAG",
    Digest: "DIGEST",
    CreatedSince: "CREATED",
    CreatedAt: "CREATED AT",
    Size: "SIZE",
    Containers: "CONTAINERS",
    VirtualSize: "SIZE",
    SharedSize: "SHARED SIZE",
    UniqueSize: "UNIQUE SIZE",
  },
};

/** How rows are shown. */
export interface ImageView {
  readonly truncated: boolean;
  /** Whether digests have lines of their own. */
  readonly digests: boolean;
  readonly nowSeconds: number;
}

interface Name {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

const NONE = "<none>";

/** One line for each name of an image; one without a name has one line too. */
export function imageRows(image: ImageSummary, view: ImageView): Row[] {
  return namesOf(image, view.digests).map((name) => rowOf(image, name, view));
}

function namesOf(image: ImageSummary, digests: boolean): Name[] {
  const tags = (image.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>").map(parseReference);
  const known = (image.RepoDigests ?? [])
    .filter((digest) => digest !== "<none>@<none>")
    .map(parseReference);
  const named = tags.flatMap((tag): Name[] => {
    const repository = familiarName(tag);
    const mine = known.filter((digest) => familiarName(digest) === repository);
    const shown = digests && mine.length > 0 ? mine.map((each) => each.digest ?? NONE) : [NONE];
    return shown.map((digest) => ({ repository, tag: tag.tag ?? NONE, digest }));
  });
  if (named.length > 0) return named;
  const bare = known.map((digest): Name => {
    return { repository: familiarName(digest), tag: NONE, digest: digest.digest ?? NONE };
  });
  if (bare.length === 0) return [{ repository: NONE, tag: NONE, digest: NONE }];
  return digests ? bare : bare.slice(0, 1);
}

function rowOf(image: ImageSummary, name: Name, view: ImageView): Row {
  const unknown = (count: number | undefined, shown: (value: number) => string): string =>
    count === undefined || count < 0 ? "N/A" : shown(count);
  return {
    [GO_TYPE]: IMAGE_LIST.goType,
    Containers: unknown(image.Containers, String),
    get CreatedAt() {
      return goTime(image.Created);
    },
    get CreatedSince() {
      return `${humanDuration(view.nowSeconds - image.Created)} ago`;
    },
    Digest: name.digest,
    ID: view.truncated ? shortId(image.Id) : image.Id,
    Repository: name.repository,
    SharedSize: unknown(image.SharedSize, humanSize),
    Size: humanSize(image.Size, 3),
    Tag: name.tag,
    UniqueSize: unknown(image.SharedSize, (shared) => humanSize(image.Size - shared)),
    VirtualSize: humanSize(image.Size),
  };
}
