/**
 * Links: network devices, through a netlink socket.
 *
 * Kernel interface: rtnetlink(7), veth(4).
 * Invariants: none.
 * Left out: kinds of links but veth and bridge.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import type { LinkChange, Links, NewLink } from "../port.ts";
import { callFs } from "./files.ts";
import { NLM_F_CREATE_NEW, type NetlinkAttribute } from "./netlink.ts";
import {
  decodeLink,
  describeLinks,
  encodeLink,
  encodeLinkList,
  encodeLinkQuestion,
  encodeNewLink,
  IFF_UP,
  macAttribute,
  masterAttribute,
  mtuAttribute,
  nameAttribute,
  namespaceAttribute,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_SETLINK,
} from "./netlink-links.ts";
import type { Channel } from "./netlink-socket.ts";

/** The link calls of the port on Linux. @param channel NETLINK_ROUTE */
export function linuxLinks(channel: Channel): Links {
  return {
    createLink: (link) => createLink(channel, link),
    changeLink: (name, change) => changeLink(channel, name, change),
    deleteLink: (name) => {
      const body = encodeLink({}, [nameAttribute(name)]);
      channel.change({ type: RTM_DELLINK, body }, name);
    },
    listLinks: () => {
      const request = { type: RTM_GETLINK, body: encodeLinkList(), wanted: RTM_NEWLINK };
      return describeLinks(channel.list(request));
    },
  };
}

/** The index of a link. @throws KernelError ENODEV when there is none of that name */
export function linkIndex(channel: Channel, name: string): number {
  const request = { type: RTM_GETLINK, body: encodeLinkQuestion(name) };
  const [answer] = channel.change(request, name);
  return answer === undefined ? 0 : decodeLink(answer.body).index;
}

function createLink(channel: Channel, link: NewLink): void {
  const path = link.kind === "veth" ? link.peer.namespacePath : undefined;
  const create = (namespaceFd: number | undefined): void => {
    const body = encodeNewLink(link, namespaceFd);
    channel.change({ type: RTM_NEWLINK, flags: NLM_F_CREATE_NEW, body }, link.name);
  };
  if (path === undefined) create(undefined);
  else withOpen(path, create);
}

function changeLink(channel: Channel, name: string, change: LinkChange): void {
  if ("up" in change) {
    const flags = change.up ? IFF_UP : 0;
    const body = encodeLink({ flags, change: IFF_UP }, [nameAttribute(name)]);
    channel.change({ type: RTM_SETLINK, body }, name);
    return;
  }
  const index = linkIndex(channel, name);
  const set = (attribute: NetlinkAttribute): void => {
    channel.change({ type: RTM_SETLINK, body: encodeLink({ index }, [attribute]) }, name);
  };
  if ("namespacePath" in change) {
    withOpen(change.namespacePath, (fd) => set(namespaceAttribute(fd)));
  } else if ("name" in change) set(nameAttribute(change.name));
  else if ("mtuBytes" in change) set(mtuAttribute(change.mtuBytes));
  else if ("mac" in change) set(macAttribute(change.mac));
  else set(masterAttribute(change.master === null ? 0 : linkIndex(channel, change.master)));
}

/** Opens the file that stands for a namespace, for as long as `body` needs it. */
function withOpen(path: string, body: (fd: number) => void): void {
  const fd = callFs("rtnetlink", path, () => fs.openSync(path, "r"));
  try {
    body(fd);
  } finally {
    fs.closeSync(fd);
  }
}
