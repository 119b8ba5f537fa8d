/**
 * Links: network devices, through a netlink socket.
 *
 * A socket belongs to the network namespace in which it was made, so one is made for each request:
 * a child that has entered another namespace speaks to that one.
 *
 * Kernel interface: netlink(7), rtnetlink(7), socket(2).
 * Invariants: none.
 * Left out: addresses, routes, bridges and veth pairs, which the network concept will add to the
 * port.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { KernelError, type Links } from "../port.ts";
import { errnoName } from "./errno.ts";
import { check, type Libc } from "./libc.ts";
import {
  decodeError,
  decodeLink,
  decodeMessages,
  decodeName,
  encodeLink,
  encodeMessage,
  encodeName,
  IFF_UP,
  IFLA_IFNAME,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_SETLINK,
  type NetlinkMessage,
} from "./netlink.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;

/** The kernel fills at most 32 KiB for one recv(2) of a dump. */
const RECEIVE_BYTES = 64 * 1024;

/** The link calls of the port on Linux. */
export function linuxLinks(libc: Libc): Links {
  return {
    setLinkUp: (name) => {
      const body = encodeLink({ index: 0, flags: IFF_UP, change: IFF_UP }, [
        { type: IFLA_IFNAME, value: encodeName(name) },
      ]);
      const flags = NLM_F_REQUEST | NLM_F_ACK;
      request(libc, { type: RTM_SETLINK, flags, sequence: 1, body }, name);
    },
    listLinks: () => {
      const body = encodeLink({ index: 0, flags: 0, change: 0 }, []);
      const flags = NLM_F_REQUEST | NLM_F_DUMP;
      const answers = request(libc, { type: RTM_GETLINK, flags, sequence: 1, body }, "links");
      return answers.filter((answer) => answer.type === RTM_NEWLINK).map(describeLink);
    },
  };
}

function describeLink(message: NetlinkMessage): ReturnType<Links["listLinks"]>[number] {
  const link = decodeLink(message.body);
  const name = link.attributes.find((attribute) => attribute.type === IFLA_IFNAME);
  return {
    name: name === undefined ? "" : decodeName(name.value),
    index: link.index,
    up: (link.flags & IFF_UP) !== 0,
  };
}

/** Sends one request and collects its answers up to the acknowledgement or the end of the dump. */
function request(libc: Libc, message: NetlinkMessage, subject: string): readonly NetlinkMessage[] {
  const type = SOCK_RAW | SOCK_CLOEXEC;
  const fd = check(libc.socket(AF_NETLINK, type, NETLINK_ROUTE), "rtnetlink", subject);
  try {
    const bytes = encodeMessage(message);
    check(libc.send(fd, bytes, bytes.length, 0), "rtnetlink", subject);
    return receive(libc, fd, subject);
  } finally {
    fs.closeSync(fd);
  }
}

function receive(libc: Libc, fd: number, subject: string): readonly NetlinkMessage[] {
  const answers: NetlinkMessage[] = [];
  const buffer = new Uint8Array(RECEIVE_BYTES);
  for (;;) {
    const count = check(libc.recv(fd, buffer, buffer.length, 0), "rtnetlink", subject);
    for (const answer of decodeMessages(buffer.subarray(0, count))) {
      if (isLast(answer, subject)) return answers;
      answers.push(answer);
    }
  }
}

/** Whether an answer ends the list. @throws KernelError when it says that the request failed */
function isLast(answer: NetlinkMessage, subject: string): boolean {
  if (answer.type !== NLMSG_ERROR) return answer.type === NLMSG_DONE;
  const errno = decodeError(answer.body);
  if (errno !== 0) throw new KernelError("rtnetlink", errnoName(errno), subject);
  return true;
}
