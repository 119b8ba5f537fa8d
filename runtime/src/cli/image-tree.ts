/**
 * Image tree: each image with the platforms that it has, who uses them and what they take.
 *
 * A name may stand for several images, one a platform; a person sees one line for the name and
 * below it one for each platform. An image of one daemon of ours has one. What a line says is
 * counted from what the daemon answers, also when that is Docker's.
 *
 * Kernel interface: none.
 * Specification: docker image ls reference, `--tree`; Engine API v1.50, ImageManifestSummary.
 * Invariants: none.
 * Left out: colours; the platforms that are not here, which Docker's newest client shows faintly.
 * Docs: docs/concepts/images.md
 *
 * @module
 */
import type { ImageSummary } from "./image-list.ts";
import { humanSize, shortId } from "./human.ts";
import { layOut, LIST_LAYOUT } from "./table.ts";

/** A manifest as the list of images tells it. */
interface Manifest {
  readonly ID: string;
  readonly Available: boolean;
  readonly Size: { readonly Content: number; readonly Total: number };
  /** `image`, or what was said of one, which is no image. */
  readonly Kind: string;
  readonly ImageData?: {
    readonly Platform: {
      readonly os: string;
      readonly architecture: string;
      readonly variant?: string;
    };
    readonly Containers: readonly string[] | null;
  };
}

/** One image of the list with `manifests`. */
export interface ImageWithManifests extends ImageSummary {
  /** Absent: the daemon keeps no manifests. */
  readonly Manifests?: readonly Manifest[] | null;
}

const HEAD = "IMAGE\tID\tDISK USAGE\tCONTENT SIZE\tIN USE\n";

/** The whole tree, the last line ended. Pure. */
export function imageTree(images: readonly ImageWithManifests[]): string {
  return layOut(HEAD + images.map(linesOf).join(""), LIST_LAYOUT).replaceAll(/ +$/gm, "");
}

function linesOf(image: ImageWithManifests): string {
  const parts = (image.Manifests ?? []).flatMap(({ Kind, ImageData: data, ...manifest }) =>
    Kind === "image" && data !== undefined ? [{ ...manifest, data }] : [],
  );
  const content = parts.reduce((bytes, { Size }) => bytes + Size.Content, 0);
  const isTold = image.Manifests !== undefined && image.Manifests !== null;
  const used = parts.flatMap(({ data }) => data.Containers ?? []).length;
  const names = (image.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>");
  const top = [
    shortId(image.Id),
    humanSize(image.Size, 3),
    isTold ? humanSize(content, 3) : "N/A",
    inUse(used + Math.max(0, image.Containers ?? 0)),
  ];
  const [first = "<untagged>", ...others] = names;
  const children = parts.map(({ ID, Size, data }, at) => {
    const { os, architecture, variant } = data.Platform;
    const platform = [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
    const branch = at === parts.length - 1 ? "└─" : "├─";
    const sizes = [humanSize(Size.Total, 3), humanSize(Size.Content, 3)];
    const users = inUse((data.Containers ?? []).length);
    return [`${branch} ${platform}`, shortId(ID), ...sizes, users];
  });
  // Other names of the same image stand under each other, without saying the rest again.
  const rows = [[first, ...top], ...others.map((name) => [name, "", "", "", ""]), ...children];
  return rows.map((cells) => `${cells.join("\t")}\n`).join("");
}

function inUse(containers: number): string {
  return containers === 0 ? "" : `by ${containers}`;
}
