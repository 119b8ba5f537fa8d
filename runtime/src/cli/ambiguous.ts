/**
 * Ambiguous: when the first digits of an id fit several containers, name them.
 *
 * People are taught "the first four digits"; what counts is that no other id begins like that.
 *
 * Kernel interface: none.
 * Specification: docker CLI reference, "Container identification".
 * Invariants: none.
 * Left out: images.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ApiError, type Api, type Call } from "./api.ts";
import { Failure } from "./failure.ts";
import { shortId } from "./human.ts";

interface Listed {
  readonly Id: string;
  readonly Names: readonly string[];
}

/**
 * Asks the daemon about a container, in JSON.
 *
 * @throws Failure that names the candidates when a prefix fitted several
 */
export async function askNamed<Answer>(api: Api, call: Call): Promise<Answer> {
  try {
    return await api.json<Answer>(call);
  } catch (thrown) {
    throw await withCandidates(api, thrown);
  }
}

/** The same failure, with the candidates named when a prefix fitted several containers. */
export async function withCandidates(api: Api, thrown: unknown): Promise<unknown> {
  // Our daemon names them itself, on the lines below the first.
  if (!(thrown instanceof ApiError) || thrown.reason.includes("\n")) return thrown;
  const [, prefix] = /multiple IDs found with provided prefix: (\S+)/i.exec(thrown.reason) ?? [];
  if (prefix === undefined) return thrown;
  const all = await api
    .json<readonly Listed[]>({ method: "GET", path: "/containers/json", query: { all: true } })
    .catch((): readonly Listed[] => []);
  const fitting = all.filter((each) => each.Id.startsWith(prefix));
  if (fitting.length === 0) return thrown;
  const names = fitting.map((each) => `${shortId(each.Id)} (${each.Names[0]?.slice(1) ?? ""})`);
  return new Failure({
    message: thrown.message,
    exitCode: thrown.exitCode,
    hint: `It begins the ids of ${names.join(" and ")}: give more digits, or the name.`,
    cause: thrown,
  });
}
