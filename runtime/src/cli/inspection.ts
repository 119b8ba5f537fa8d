/**
 * Inspection: all that is known of some objects, as JSON or through a template.
 *
 * Kernel interface: none.
 * Specification: docker inspect reference.
 * Invariants: none.
 * Left out: objects that the engine does not have yet answer 404 and are passed over.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ApiError, imagePath, pathPart, readText, type Api, type Query } from "./api.ts";
import { withCandidates } from "./ambiguous.ts";
import type { Context } from "./command.ts";
import { Failure, failureText, messageOf } from "./failure.ts";
import type { Flag } from "./grammar.ts";
import { indentJson } from "./indent-json.ts";
import { evaluate, parseFormat } from "./template/evaluate.ts";
import type { Template } from "./template/parse.ts";

/** A kind of object and where the API keeps it. */
export interface ObjectKind {
  readonly type: string;
  readonly path: (name: string) => string;
}

/** The kinds in the order in which a bare name is looked up. */
const EVERYWHERE: readonly ObjectKind[] = [
  { type: "container", path: (name) => `/containers/${pathPart(name)}/json` },
  { type: "image", path: (name) => `${imagePath(name)}/json` },
  { type: "network", path: (name) => `/networks/${pathPart(name)}` },
  { type: "volume", path: (name) => `/volumes/${pathPart(name)}` },
  { type: "plugin", path: (name) => `/plugins/${pathPart(name)}/json` },
];

/** Those of a swarm: looked up where they are asked for, since a daemon alone has none. */
const OF_A_SWARM: readonly ObjectKind[] = ["config", "node", "secret", "service", "task"].map(
  (type) => ({ type, path: (name) => `/${type}s/${pathPart(name)}` }),
);

/**
 * The kinds that an object may be of.
 *
 * @param type as the user said it; undefined: not said
 * @throws Failure in Docker's words when there is no such type
 */
export function kindsOf(type: string | undefined): readonly ObjectKind[] {
  if (type === undefined) return EVERYWHERE;
  const all = [...EVERYWHERE, ...OF_A_SWARM];
  const found = all.filter((kind) => kind.type === type);
  if (found.length > 0) return found;
  const known = all.map((kind) => `"${kind.type}"`).toSorted();
  const what = type === "" ? "type is empty" : `unknown type: ${JSON.stringify(type)}`;
  throw new Failure({ message: `${what}: must be one of ${known.join(", ")}`, exitCode: 1 });
}

/** The flag that all forms of inspect have. */
export const FORMAT_FLAG: Flag = {
  name: "format",
  short: "f",
  kind: "string",
  help: "'json', or a Go template such as '{{.State.Pid}}' or '{{json .Mounts}}'",
};

/** The flag of the forms of inspect that know containers; `as-run.ts` does what it asks for. */
export const AS_RUN_FLAG: Flag = {
  name: "as-run",
  kind: "bool",
  help: "Print the command that makes the container again",
};

/** The same for a compose file. */
export const AS_COMPOSE_FLAG: Flag = {
  name: "as-compose",
  kind: "bool",
  help: "Print a compose file that makes the containers again",
};

/** What to inspect. */
export interface InspectWish {
  readonly kinds: readonly ObjectKind[];
  readonly names: readonly string[];
  readonly format: string;
  /** Whether to have the sizes of containers worked out. */
  readonly size: boolean;
  /** Of images, as the API wants it; absent: any. */
  readonly platform?: string | undefined;
}

/**
 * Prints all objects that are there, then complains about those that are not.
 *
 * @returns the exit code
 * @throws Failure when the template does not parse
 */
export async function inspect({ api, console }: Context, wish: InspectWish): Promise<number> {
  const template = templateOf(wish.format);
  const found: string[] = [];
  const failures: unknown[] = [];
  for (const name of wish.names) {
    try {
      const text = await findObject(api, wish, name);
      // A template that fails half-way leaves its line empty, as with docker.
      const at = template === undefined ? found.push(text) : found.push("");
      if (template !== undefined) found[at - 1] = printed(template, text);
    } catch (thrown) {
      failures.push(await withCandidates(api, thrown));
    }
  }
  console.out.write(assembled(wish.format, found));
  for (const failure of failures) console.err.write(`${failureText(failure)}\n`);
  return failures.length === 0 ? 0 : 1;
}

function templateOf(format: string): Template | undefined {
  if (format === "" || format === "json") return undefined;
  try {
    return parseFormat("", format);
  } catch (cause) {
    const message = `template parsing error: ${messageOf(cause)}`;
    throw new Failure({ message, exitCode: 64, cause });
  }
}

function printed(template: Template, text: string): string {
  try {
    return evaluate(template, JSON.parse(text));
  } catch (cause) {
    const message = `template parsing error: ${messageOf(cause)}`;
    throw new Failure({ message, exitCode: 1, cause });
  }
}

function assembled(format: string, found: readonly string[]): string {
  if (format === "json") return `[${found.map((text) => text.trim()).join(",")}]\n`;
  if (format !== "") return found.map((text) => `${text}\n`).join("");
  if (found.length === 0) return "[]\n";
  return `[\n${found.map((text) => `    ${indentJson(text, "    ")}`).join(",\n")}\n]\n`;
}

async function findObject(api: Api, wish: InspectWish, name: string): Promise<string> {
  for (const kind of wish.kinds) {
    const query: Query =
      kind.type === "container" ? { size: wish.size } : { platform: wish.platform };
    try {
      const response = await api.stream({ method: "GET", path: kind.path(name), query });
      return await readText(response.body);
    } catch (thrown) {
      const isElsewhere = thrown instanceof ApiError && [404, 501, 400].includes(thrown.status);
      const isAmbiguous = thrown instanceof Failure && /multiple IDs/i.test(thrown.message);
      if (!isElsewhere || isAmbiguous || wish.kinds.length === 1) throw thrown;
    }
  }
  throw new Failure({
    message: `Error: No such object: ${name}`,
    exitCode: 1,
  });
}
