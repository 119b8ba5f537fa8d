/**
 * Address list: in which order a link has its addresses, and which of them depend on others.
 *
 * Kernel interface: rtnetlink(7), ip-address(8).
 * Invariants: none.
 * Left out: secondary addresses that take the place of a deleted one (promote_secondaries).
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { isLoopback, isSameAddress, isWithin, type IpNetwork } from "../../ip-address.ts";
import { refuseIf } from "../refusal.ts";
import type { HeldAddress } from "../state.ts";

/** How far an address is known: the less, the higher. */
const REACH = { global: 0, link: 1, host: 2 } as const;

/** The list with one more. @throws Refusal EEXIST, EINVAL */
export function withAddress(
  list: readonly HeldAddress[],
  network: IpNetwork,
): { readonly list: readonly HeldAddress[]; readonly added: HeldAddress } {
  const wished = { ...network, scope: scopeOf(network), isSecondary: false };
  const fours = list.filter(({ family }) => family === 4);
  const sixes = list.filter(({ family }) => family === 6);
  if (network.family === 6) {
    refuseIf(
      sixes.some((each) => isSameAddress(each, network)),
      "EEXIST",
    );
    // The further one is known, the further in front it stands; the newest in front of its like.
    const behind = sixes.findIndex((each) => REACH[each.scope] >= REACH[wished.scope]);
    const at = behind >= 0 ? behind : sixes.length;
    return { list: [...fours, ...sixes.toSpliced(at, 0, wished)], added: wished };
  }
  const alike = fours.filter(
    (each) => each.prefixLength === network.prefixLength && isWithin(network, each),
  );
  for (const each of alike) {
    refuseIf(isSameAddress(each, network), "EEXIST");
    refuseIf(each.scope !== wished.scope, "EINVAL");
  }
  const added = { ...wished, isSecondary: alike.length > 0 };
  // Primaries stand before secondaries, and those that are known less far before the others.
  const last = fours.findLastIndex(
    (each) => !each.isSecondary && REACH[added.scope] <= REACH[each.scope],
  );
  const at = added.isSecondary ? fours.length : last + 1;
  return { list: [...fours.toSpliced(at, 0, added), ...sixes], added };
}

function scopeOf(network: IpNetwork): HeldAddress["scope"] {
  if (isLoopback(network)) return "host";
  return network.family === 6 && network.value >> 118n === 0x3fan ? "link" : "global";
}

/** What goes with an address: of IPv4, all others of its network if it was there first. */
export function goingWith(list: readonly HeldAddress[], gone: HeldAddress): readonly HeldAddress[] {
  if (gone.family === 6 || gone.isSecondary) return [gone];
  return [gone, ...neighboursOf(list, gone).filter(({ isSecondary }) => isSecondary)];
}

/** The others of the same network and prefix. */
export function neighboursOf(
  list: readonly HeldAddress[],
  one: HeldAddress,
): readonly HeldAddress[] {
  return list.filter(
    (each) => each !== one && each.prefixLength === one.prefixLength && isWithin(each, one),
  );
}
