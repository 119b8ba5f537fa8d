/**
 * Platform: which of the machines that an image was built for is meant.
 *
 * People write `linux/arm64/v8`; the API's newer questions want the parts as JSON.
 *
 * Kernel interface: none.
 * Specification: OCI image-spec v1.1, image-index.md, "platform"; Engine API v1.50, ImageInspect.
 * Invariants: none.
 * Left out: versions of Windows; an architecture alone, which Docker completes.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "./failure.ts";
import type { Flag } from "./grammar.ts";

/** The flag of the commands that look at images. */
export const PLATFORM_FLAG: Flag = {
  name: "platform",
  kind: "string",
  help: "Only where it is built for this platform, for example linux/arm64",
};

/** The parts; what is not said is absent. */
export interface WantedPlatform {
  readonly os: string;
  readonly architecture?: string;
  readonly variant?: string;
}

/**
 * Reads `os[/architecture[/variant]]`; nothing said is nothing wanted.
 *
 * @throws Failure in Docker's words
 * @example parsePlatform("linux/arm64") // { os: "linux", architecture: "arm64" }
 */
export function parsePlatform(text: string): WantedPlatform | undefined {
  if (text === "") return undefined;
  const [, os, architecture, variant] = FORM.exec(text.toLowerCase()) ?? [];
  if (os === undefined) {
    const message = `${JSON.stringify(text)}: cannot parse platform specifier: invalid argument`;
    throw new Failure({ message, exitCode: 1 });
  }
  return {
    os,
    ...(architecture === undefined ? {} : { architecture }),
    ...(variant === undefined ? {} : { variant }),
  };
}

const FORM = /^([\w.-]+)(?:\/([\w.-]+)(?:\/([\w.-]+))?)?$/;

/** As the API wants it in a query; undefined: any. @throws Failure as `parsePlatform` */
export function platformQuery(text: string): string | undefined {
  const platform = parsePlatform(text);
  return platform === undefined ? undefined : JSON.stringify(platform);
}
