/**
 * Packet filter: the rules of nf_tables, through a netlink socket.
 *
 * Kernel interface: netlink(7), nft(8).
 * Invariants: none.
 * Left out: a ruleset that changes while it is listed may be told in two halves.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { KernelError, type ListedTable, type PacketFilter, type TableName } from "../port.ts";
import type { Channel } from "./netlink-socket.ts";
import {
  CHAIN,
  decodeRuleset,
  encodeFilterQuestion,
  encodeRuleset,
  RULE,
  TABLE,
} from "./netlink-tables.ts";

/** The calls about packets on Linux. @param channel NETLINK_NETFILTER */
export function linuxPacketFilter(channel: Channel): PacketFilter {
  const listFamily = (family: TableName["family"]): readonly ListedTable[] => {
    const bodiesOf = (types: { readonly get: number; readonly new: number }) =>
      channel.list({ type: types.get, body: encodeFilterQuestion(family), wanted: types.new });
    const tables = bodiesOf(TABLE);
    return decodeRuleset({ family, tables, chains: bodiesOf(CHAIN), rules: bodiesOf(RULE) });
  };
  return {
    changeRuleset: (changes) => {
      const subject = changes.map(({ change, table }) => `${change} ${table.name}`).join(", ");
      const requests = encodeRuleset(changes);
      if (requests === undefined) throw new KernelError("nf_tables", "EINVAL", subject);
      channel.batch(requests, subject);
    },
    listRuleset: () => [...listFamily("ip"), ...listFamily("ip6")],
  };
}
