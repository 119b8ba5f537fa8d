/**
 * Listeners: the daemon's servers, one for each host, opened and closed together.
 *
 * Kernel interface: bind(2), listen(2), close(2).
 * Specification: none.
 * Invariants: none.
 * Left out: sockets handed over by systemd (fd://).
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import type { Server } from "node:http";
import { Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { RuntimeError } from "../errors/index.ts";
import type { Host, TlsFiles } from "./options.ts";
import { readTls } from "./tls.ts";
import { listenOnUnixSocket } from "./unix-socket.ts";

/** A server that may be asked to listen somewhere. */
export interface Listener {
  readonly server: Server;
  readonly host: Host;
}

/**
 * Listens.
 *
 * @param group who may use a unix socket
 * @returns the address, with the port that the kernel chose where none was asked for
 * @throws RuntimeError request-invalid or engine-locked
 */
export async function listen({ server, host }: Listener, group: string | null): Promise<string> {
  if (host.kind === "unix") {
    await listenOnUnixSocket(server, host.path, group);
    return `unix://${host.path}`;
  }
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(notListening(host, cause)));
    server.listen(host.port, host.address, resolve);
  });
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo;
  return `tcp://${host.address.includes(":") ? `[${host.address}]` : host.address}:${port}`;
}

function notListening({ address, port }: Host & { kind: "tcp" }, cause: Error): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message: `Cannot listen on tcp://${address}:${port}: ${cause.message}`,
    operation: "listen",
    subject: `${address}:${port}`,
    hint: "Give another address or port with --host.",
    cause,
  });
}

/** Gives running servers the certificates that are in the files now. */
export function renewCertificates(listeners: readonly Listener[], files: TlsFiles): void {
  const tls = readTls(files);
  for (const { server } of listeners) {
    if (server instanceof TlsServer) server.setSecureContext(tls);
  }
}

/**
 * Makes the way to close a server: it stops listening at once, and ends the connections that would
 * otherwise last as long as containers.
 */
export function closer(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return () => {
    server.close();
    for (const socket of sockets) socket.destroySoon();
  };
}
