/**
 * Sockets: programs that wait for connections, and programs that connect.
 *
 * A connection is two pipes, one for each direction. Whether it comes about is asked once, when it
 * is made: `reach.ts` walks its first packet and the answer.
 *
 * Kernel interface: socket(2), bind(2), listen(2), accept(2), connect(2), tcp(7).
 * Invariants: none.
 * Left out: UDP, unix sockets, options of sockets; who connects to what never answers is told so at
 *   once; what becomes of a connection when the way changes.
 * Docs: docs/concepts/model.md
 *
 * @module
 */
import { isSameAddress, parseAddress, type IpAddress } from "../../ip-address.ts";
import { isCapable } from "../files/permission.ts";
import { call, refuse, refuseIf } from "../refusal.ts";
import type { Connection, Listener, ListeningSocket, Process } from "../state.ts";
import { createPipe } from "../processes/pipe.ts";
import { reach } from "./reach.ts";
import { holderOf } from "./routes.ts";

const PORT_MAX = 65_535;
/** Below it one needs a capability. */
const FIRST_FREE_PORT = 1024;

/** The calls of a program about sockets. */
export interface SocketCalls {
  readonly listen: (address: string, port: number) => ListeningSocket;
  readonly connect: (address: string, port: number) => Connection;
}

/** The calls of a process's program about sockets. */
export function socketCalls(process: Process): SocketCalls {
  return {
    listen: (address, port) =>
      call("bind", `${address}:${port}`, () => listen(process, address, port)),
    connect: (address, port) =>
      call("connect", `${address}:${port}`, () => {
        const to = parseAddress(address) ?? refuse("EINVAL");
        const { net } = process.namespaces;
        const { reached, errno = "ETIMEDOUT" } = reach(net, { address: to, port });
        if (reached === undefined) return refuse(errno);
        const [there, back] = [createPipe(), createPipe()];
        reached.listener.give({ source: there.source, sink: back.sink });
        return { source: back.source, sink: there.sink };
      }),
  };
}

function listen(process: Process, text: string, port: number): ListeningSocket {
  const { net } = process.namespaces;
  const wanted = parseAddress(text) ?? refuse("EINVAL");
  const address = wanted.value === 0n ? undefined : wanted;
  refuseIf(port < 1 || port > PORT_MAX, "EINVAL");
  const mayBind = isCapable(process.credentials, net.owner, "CAP_NET_BIND_SERVICE");
  refuseIf(address !== undefined && holderOf(net, address) === undefined, "EADDRNOTAVAIL");
  refuseIf(port < FIRST_FREE_PORT && !mayBind, "EACCES");
  refuseIf(
    [...net.listeners].some((each) => isTaken(each, address, port)),
    "EADDRINUSE",
  );
  const waiting: Connection[] = [];
  let accepting: ((connection: Connection) => void)[] = [];
  const listener: Listener = {
    address,
    port,
    give: (connection) => {
      const [first, ...rest] = accepting;
      accepting = rest;
      if (first === undefined) waiting.push(connection);
      else first(connection);
    },
  };
  net.listeners.add(listener);
  const close = (): void => void net.listeners.delete(listener);
  process.onEnd.push(close);
  return {
    accept: () => {
      const connection = waiting.shift();
      if (connection !== undefined) return Promise.resolve(connection);
      return new Promise((resolve) => accepting.push(resolve));
    },
    close,
  };
}

/** Whoever waits at every address has the port alone. */
function isTaken(other: Listener, address: IpAddress | undefined, port: number): boolean {
  if (other.port !== port) return false;
  if (other.address === undefined || address === undefined) return true;
  return isSameAddress(other.address, address);
}
