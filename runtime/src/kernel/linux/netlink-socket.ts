/**
 * Netlink socket: requests to the kernel, and what it answers.
 *
 * A socket belongs to the network namespace in which it was made, so one is made for each request:
 * a child that has entered another namespace speaks to that one.
 *
 * Kernel interface: netlink(7), socket(2).
 * Invariants: none.
 * Left out: a list that changed while it was told (NLM_F_DUMP_INTR) is not asked for again.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import fs from "node:fs";
import { KernelError } from "../port.ts";
import { errnoName } from "./errno.ts";
import { check, type Libc } from "./libc.ts";
import {
  decodeError,
  decodeMessages,
  encodeMessages,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  type NetlinkMessage,
} from "./netlink.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;

/** The kernel fills at most 32 KiB for one recv(2) of a dump. */
const RECEIVE_BYTES = 64 * 1024;

/** Whom a socket speaks to. */
export const NETLINK_ROUTE = 0;
/** Whom a socket speaks to about packets. */
export const NETLINK_NETFILTER = 12;

/** A request: the header's fields that matter, and the body. */
export interface Request {
  readonly type: number;
  readonly flags?: number;
  readonly body: Uint8Array;
}

/** A channel to one part of the kernel. */
export interface Channel {
  /** Asks for a change, or one thing. @returns what was told before the acknowledgement */
  readonly change: (request: Request, subject: string) => readonly NetlinkMessage[];
  /** Asks for a whole list. @returns the bodies of its messages of the type that is wanted */
  readonly list: (request: Request & { readonly wanted: number }) => readonly Uint8Array[];
  /** Makes several requests, which succeed or fail together. */
  readonly batch: (requests: readonly Request[], subject: string) => void;
}

/**
 * Opens the way to one part of the kernel.
 *
 * @param syscall what a `KernelError` calls it @param protocol NETLINK_ROUTE, NETLINK_NETFILTER
 */
export function netlinkChannel(libc: Libc, syscall: string, protocol: number): Channel {
  const speak = (messages: readonly NetlinkMessage[], subject: string): NetlinkMessage[] => {
    const type = SOCK_RAW | SOCK_CLOEXEC;
    const fd = check(libc.socket(AF_NETLINK, type, protocol), syscall, subject);
    try {
      const bytes = encodeMessages(messages);
      check(libc.send(fd, bytes, bytes.length, 0), syscall, subject);
      return receive(libc, fd, { syscall, subject, last: messages.length });
    } finally {
      fs.closeSync(fd);
    }
  };
  const number = (requests: readonly Request[], more: number): readonly NetlinkMessage[] =>
    requests.map(({ type, flags = 0, body }, at) => {
      const acknowledged = at === requests.length - 1 ? more : 0;
      return { type, flags: NLM_F_REQUEST | flags | acknowledged, sequence: at + 1, body };
    });
  return {
    change: (request, subject) => speak(number([request], NLM_F_ACK), subject),
    list: (request) =>
      speak(number([request], NLM_F_DUMP), "list")
        .filter(({ type }) => type === request.wanted)
        .map(({ body }) => body),
    batch: (requests, subject) => void speak(number(requests, NLM_F_ACK), subject),
  };
}

interface Wait {
  readonly syscall: string;
  readonly subject: string;
  /** The sequence number of the request whose acknowledgement is the end. */
  readonly last: number;
}

function receive(libc: Libc, fd: number, wait: Wait): NetlinkMessage[] {
  const answers: NetlinkMessage[] = [];
  const buffer = new Uint8Array(RECEIVE_BYTES);
  for (;;) {
    const count = check(libc.recv(fd, buffer, buffer.length, 0), wait.syscall, wait.subject);
    for (const answer of decodeMessages(buffer.subarray(0, count))) {
      if (isLast(answer, wait)) return answers;
      answers.push(answer);
    }
  }
}

/** Whether an answer is the end. @throws KernelError when it says that a request failed */
function isLast(answer: NetlinkMessage, { syscall, subject, last }: Wait): boolean {
  if (answer.type !== NLMSG_ERROR) return answer.type === NLMSG_DONE;
  const errno = decodeError(answer.body);
  if (errno !== 0) throw new KernelError(syscall, errnoName(errno), subject);
  return answer.sequence === last;
}
