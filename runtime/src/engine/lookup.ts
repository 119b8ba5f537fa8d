/**
 * Lookup: which container a person means.
 *
 * An id has 64 hex digits, which nobody types: any beginning that fits one container only will do,
 * and so will a name. A full id wins over a name, a name over a prefix, as in Docker, so that a
 * container called `abc` is found by its name even when another's id begins with abc.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, "Errors".
 * Invariants:
 *   lookup-is-unambiguous   a prefix of several ids is refused and names them all; each full id
 *       finds its own
 * Left out: nothing.
 * Docs: docs/concepts/engine.md
 *
 * @module
 */

import { nearest, RuntimeError } from "../errors/index.ts";

/** What lookup needs to know of a container. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

/**
 * Finds the container that a reference means.
 *
 * @param all every container
 * @param reference full id, name (with or without its slash) or unique prefix of an id
 * @throws RuntimeError container-not-found; id-ambiguous with the candidates in its hint
 * @example findContainer([{ id: "ab12", name: "web" }], "ab").name // "web"
 */
export function findContainer<T extends Named>(all: Iterable<T>, reference: string): T {
  const prefixed: T[] = [];
  const names: string[] = [];
  let named: T | undefined;
  const name = reference.startsWith("/") ? reference.slice(1) : reference;
  for (const container of all) {
    if (container.id === reference) return container;
    names.push(container.name);
    if (container.name === name) named = container;
    if (reference !== "" && container.id.startsWith(reference)) prefixed.push(container);
  }
  if (named !== undefined) return named;
  const [only] = prefixed;
  if (only === undefined) throw notFound(reference, nearest(name, names));
  if (prefixed.length > 1) throw ambiguous(reference, prefixed);
  return only;
}

function notFound(reference: string, meant: string | undefined): RuntimeError {
  return new RuntimeError({
    code: "container-not-found",
    class: "not-found",
    message: `No such container: ${reference}`,
    operation: "find container",
    subject: reference,
    hint:
      meant === undefined
        ? "drydock ps -a lists every container, also the stopped ones."
        : `Did you mean ${meant}?`,
  });
}

function ambiguous(prefix: string, candidates: readonly Named[]): RuntimeError {
  const names = candidates.map(({ id, name }) => `${id.slice(0, 12)} (${name})`).toSorted();
  return new RuntimeError({
    code: "id-ambiguous",
    class: "invalid",
    message: `multiple IDs found with provided prefix: ${prefix}`,
    operation: "find container",
    subject: prefix,
    hint: `It could be ${names.join(" or ")}: give more digits, or the name.`,
  });
}
