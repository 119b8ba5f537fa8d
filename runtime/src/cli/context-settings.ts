/**
 * Context settings: the address and certificates that --docker of create and update names.
 *
 * Kernel interface: none.
 * Specification: docker context create reference.
 * Invariants: none.
 * Left out: endpoints of other kinds.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Context } from "./command.ts";
import type { StoredContext, TlsFiles } from "./contexts.ts";
import { Failure, messageOf } from "./failure.ts";
import type { Flag } from "./grammar.ts";

/** The flag of both commands. */
export const DOCKER_FLAG: Flag = {
  name: "docker",
  kind: "string",
  help: "host=ADDRESS[,ca=FILE,cert=FILE,key=FILE][,skip-tls-verify=true] or from=CONTEXT",
};

/** What is kept under a name. */
export interface ContextContent {
  readonly context: Omit<StoredContext, "name">;
  readonly tls: TlsFiles;
}

const KEYS = ["from", "host", "ca", "cert", "key", "skip-tls-verify"];

/** Parses the value of --docker. @throws Failure */
export function contextSettings(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(",").filter((pair) => pair !== "");
  const settings = new Map(
    pairs.map((pair): [string, string] => {
      const at = pair.indexOf("=");
      if (at < 1) throw failure(`${pair} must be formatted as key=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
  const unknown = [...settings.keys()].find((key) => !KEYS.includes(key));
  if (unknown === undefined) return settings;
  throw failure(`unable to create docker endpoint config: unrecognized config key: ${unknown}`);
}

/** What a context holds that has these settings: certificates are read. @throws Failure */
export function contextContent(
  { console }: Context,
  settings: ReadonlyMap<string, string>,
): ContextContent {
  const host = settings.get("host") ?? "";
  if (!/^(unix|tcp|http|https|ssh|npipe|fd):\/\/./.test(host)) {
    throw failure(
      "unable to create docker endpoint config: unable to apply docker endpoint options: " +
        `unable to parse docker host \`${host}\``,
    );
  }
  const tls: Record<string, string> = {};
  for (const key of ["ca", "cert", "key"]) {
    const path = settings.get(key);
    if (path === undefined) continue;
    try {
      tls[`${key}.pem`] = console.files.read(path);
    } catch (cause) {
      throw failure(`unable to create docker endpoint config: ${messageOf(cause)}`, cause);
    }
  }
  const skipTlsVerify = settings.get("skip-tls-verify") === "true";
  return { context: { description: "", host, skipTlsVerify }, tls };
}

function failure(message: string, cause?: unknown): Failure {
  return new Failure({ message, exitCode: 1, cause });
}
