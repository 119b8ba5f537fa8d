/**
 * Log details: what options of the log driver let stand before each line of `logs --details`.
 *
 * `--log-opt labels=app,env` names labels of the container, `env=VERSION` its variables, and
 * `tag={{.Name}}` gives it a name of its own. Docker writes them into each line of the file; they
 * are the same for all lines of a container, so here they are added when the log is read.
 *
 * Kernel interface: none; this file is pure.
 * Specification: docker container logs reference, "--details"; JSON File logging driver.
 * Invariants: none.
 * Left out: templates in a tag other than its fields.
 * Docs: docs/concepts/logs.md
 *
 * @module
 */
import type { ContainerConfig, HostConfig } from "./config.ts";

/** Whose log it is. */
export interface LogOwner {
  readonly id: string;
  readonly name: string;
  /** `sha256:…` */
  readonly imageId: string;
  readonly config: Pick<ContainerConfig, "Labels" | "Env" | "Image">;
  readonly hostConfig: Pick<HostConfig, "LogConfig">;
}

const SHORT_ID = 12;

/**
 * The details, in the form in which clients get them. Empty: there are none, as with the driver
 * `local`, which keeps none.
 *
 * @example detailsOf(owner) // "app=shop,VERSION=1"
 */
export function detailsOf(owner: LogOwner): string {
  const { Type, Config } = owner.hostConfig.LogConfig;
  if (Type === "local") return "";
  const { Labels, Env } = owner.config;
  const variables = Env.map((line) => [line.split("=", 1)[0] ?? "", line] as const).map(
    ([name, line]) => [name, line.slice(name.length + 1)] as const,
  );
  const details = new Map([
    ...chosen(Object.entries(Labels), Config["labels"], Config["labels-regex"]),
    ...chosen(variables, Config["env"], Config["env-regex"]),
  ]);
  const tag = tagOf(owner, Config["tag"] ?? "");
  if (tag !== "") details.set("tag", tag);
  return [...details]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.map(escaped).join("="))
    .join(",");
}

type Pair = readonly [name: string, value: string];

function chosen(pairs: readonly Pair[], names = "", form = ""): readonly Pair[] {
  const wanted = new Set(names.split(","));
  const fits = form === "" ? null : new RegExp(form, "u");
  return pairs.filter(([name]) => wanted.has(name) || fits?.test(name) === true);
}

function tagOf({ id, name, imageId, config }: LogOwner, template: string): string {
  const digest = imageId.replace(/^sha256:/u, "");
  const fields: Readonly<Record<string, string>> = {
    ID: id.slice(0, SHORT_ID),
    FullID: id,
    Name: name,
    ImageID: digest.slice(0, SHORT_ID),
    ImageFullID: imageId,
    ImageName: config.Image,
    DaemonName: "docker",
  };
  return template.replace(/\{\{\s*\.(\w+)\s*\}\}/gu, (all, field: string) => fields[field] ?? all);
}

/** As in a query string, where a comma or an equals sign would be taken for one between fields. */
function escaped(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/gu, (letter) => `%${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}
