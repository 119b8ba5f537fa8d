/**
 * Image platform: `--platform` chooses among the machines that an image was built for.
 *
 * An image here is built for one platform. A client that asks for another one must hear so:
 * running what is there instead gives it a program that its machine cannot execute, or not the
 * one it meant.
 *
 * Kernel interface: none.
 * Specification: OCI image-spec v1.1, config.md, "architecture" and "os"; image-index.md,
 *   "platform".
 * Invariants: none.
 * Left out: images of several platforms.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import type { Engine } from "../engine/index.ts";
import { RuntimeError } from "../errors/index.ts";
import { invalidRequest } from "./failure.ts";

/** uname's names beside Go's, which images use. */
const OTHER_NAMES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/**
 * A platform as newer questions carry it, in JSON, in the form that people write.
 *
 * @throws RuntimeError request-invalid
 * @example platformOf('{"os":"linux","architecture":"arm64"}') // "linux/arm64"
 */
export function platformOf(text: string): string {
  if (text === "") return "";
  const { os, architecture, variant } = parsed(text);
  return [os, architecture, variant].filter((part) => part !== undefined && part !== "").join("/");
}

function parsed(text: string): Readonly<Record<"os" | "architecture" | "variant", unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    // Whatever else it is has no such fields.
    if (typeof value === "object" && value !== null) return value as ReturnType<typeof parsed>;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw invalidRequest("failed to parse platform", 'Send {"os":"linux","architecture":"amd64"}.');
}

/**
 * Checks that an image is built for a platform.
 *
 * @param platform `os`, `os/architecture` or `os/architecture/variant`; empty: any
 * @throws RuntimeError image-not-found when the image is missing or built for another one
 */
export async function requirePlatform(
  engine: Engine,
  reference: string,
  platform: string,
): Promise<void> {
  if (platform === "") return;
  const image = await engine.inspectImage(reference);
  const [os, architecture, variant] = platform.toLowerCase().split("/");
  const fits =
    os === image["Os"] &&
    (architecture === undefined ||
      (OTHER_NAMES[architecture] ?? architecture) === image["Architecture"]) &&
    (variant === undefined || variant === (image["Variant"] ?? variant));
  if (fits) return;
  throw new RuntimeError({
    code: "image-not-found",
    class: "not-found",
    message:
      `image with reference ${reference} was found but does not provide the specified platform ` +
      `(${platform})`,
    subject: reference,
    hint: `It is built for ${String(image["Os"])}/${String(image["Architecture"])}.`,
  });
}
