/**
 * Layers: the name of a stack.
 *
 * A diffID names one layer's changes. What a container sees is a stack of them, and the same
 * changes on another base give another tree, so a stack has a name of its own: the chain id, a hash
 * over the chain id below and the diffID on top. Two images that share their first layers share
 * these chain ids, hence the unpacked directories.
 *
 * Kernel interface: none.
 * Specification: OCI image-spec v1.1, config.md, "Layer ChainID".
 * Invariants:
 *   chain-of-prefix   the chain id of the first n layers depends on those n, in their order, and on
 *                     nothing else
 * Left out: nothing.
 * Docs: docs/concepts/layers.md
 *
 * @module
 */
import type { Digest } from "./digest.ts";
import { digestOf } from "./digest.ts";

/**
 * The chain id of every prefix of a stack, base first.
 *
 * @param diffIds one for each layer, base first
 * @returns as many chain ids; the last one names the whole stack
 * @example chainIds([base]) // [base]: the first chain id is the diffID itself
 */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
