/**
 * Local archive: where a copy comes from and goes to, by Docker's rules.
 *
 * `cp` means different things by what the destination is: into a directory that exists, onto a
 * file, or under a new name. These rules are here, apart from any file.
 *
 * Kernel interface: none.
 * Specification: docker cp reference, "Extended description".
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "./failure.ts";

/** What is known of one side. */
export interface CopyPlace {
  readonly path: string;
  /** undefined: there is nothing. */
  readonly isDirectory: boolean | undefined;
}

/** Where to unpack, and what the top of the archive is called there. */
export interface CopyPlan {
  readonly directory: string;
  /** null: as it is called at its source. */
  readonly name: string | null;
}

/**
 * Decides where a copy lands. Pure.
 *
 * @throws Failure with exit code 1 when source and destination do not fit
 * @example planCopy({ path: "a", isDirectory: false }, { path: "/d/b", isDirectory: undefined })
 *   // { directory: "/d", name: "b" }
 */
export function planCopy(source: CopyPlace, destination: CopyPlace): CopyPlan {
  const { path, isDirectory } = destination;
  if (isDirectory === true) return { directory: path, name: null };
  if (isDirectory === false) {
    if (source.isDirectory === true) throw refused("cannot copy a directory to a file");
    if (path.endsWith("/")) throw refused(`not a directory: "${path}"`);
    return { directory: parentOf(path), name: baseOf(path) };
  }
  if (source.isDirectory !== true && path.endsWith("/")) throw refused("no such directory");
  return { directory: parentOf(path), name: baseOf(path) };
}

/** `NAME:PATH` or a path of this machine. @example splitPlace("web:/etc") */
export function splitPlace(text: string): { readonly container: string; readonly path: string } {
  if (text.startsWith("/") || text.startsWith(".")) return { container: "", path: text };
  const at = text.indexOf(":");
  return at < 0
    ? { container: "", path: text }
    : { container: text.slice(0, at), path: text.slice(at + 1) };
}

/** The last name of a path. */
export function baseOf(path: string): string {
  return (
    path
      .replace(/\/+\.?$/u, "")
      .split("/")
      .at(-1) ?? ""
  );
}

/** What is above a path. */
export function parentOf(path: string): string {
  const bare = path.replace(/\/+\.?$/u, "");
  const at = bare.lastIndexOf("/");
  if (at < 0) return ".";
  return at === 0 ? "/" : bare.slice(0, at);
}

function refused(message: string): Failure {
  return new Failure({ message, exitCode: 1 });
}
