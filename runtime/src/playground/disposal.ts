/**
 * Disposal: the two symbols that `using` needs, for pages in browsers that lack them.
 *
 * Loaded for its effect, before any class that has a method of such a name. The names are those
 * that bundlers give the symbols when they translate `using`.
 *
 * Docs: docs/concepts/playground.md
 *
 * @module
 */
for (const name of ["dispose", "asyncDispose"]) {
  if (Reflect.has(Symbol, name)) continue;
  Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) });
}
