/**
 * Unix socket: a listening socket that only the right people can reach.
 *
 * Who can write to the daemon's socket is root on this machine, so it belongs to root and, when
 * there is such a group, to `docker`; nobody else. The file is made private and opened up only
 * afterwards, so that there is no moment in which it is more open than it will be. A socket file
 * outlives its daemon: one that nobody listens on is replaced, one that answers is somebody's.
 *
 * Kernel interface: unix(7), umask(2), chown(2), connect(2).
 * Specification: none.
 * Invariants: none.
 * Left out: sockets handed over by systemd (fd://).
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { chmodSync, chownSync, lstatSync, readFileSync, unlinkSync } from "node:fs";
import { createConnection, type Server } from "node:net";
import { RuntimeError } from "../errors/index.ts";

/** The longest path that fits into a socket address with its final zero byte. */
const PATH_LIMIT_BYTES = 107;

/**
 * Listens on a unix socket.
 *
 * @param group name of the group that may use it; null: `docker`, if there is one
 * @throws RuntimeError engine-locked when somebody listens there already; request-invalid when the
 *   path is something else than a socket, too long, or its directory is missing
 */
export async function listenOnUnixSocket(
  server: Server,
  path: string,
  group: string | null,
): Promise<void> {
  if (Buffer.byteLength(path) > PATH_LIMIT_BYTES) {
    throw badSocket(path, `the path is longer than ${PATH_LIMIT_BYTES} bytes`);
  }
  const gid = groupId(group);
  await removeStaleSocket(path);
  const umask = process.umask(0o177);
  try {
    await listen(server, path);
  } finally {
    process.umask(umask);
  }
  if (gid === null) return;
  chownSync(path, process.geteuid?.() ?? 0, gid);
  chmodSync(path, 0o660);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(badSocket(path, cause.message, cause)));
    // bind(2) happens inside this call, under the umask that our caller set.
    server.listen({ path, backlog: 1024 }, resolve);
  });
}

async function removeStaleSocket(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw badSocket(path, "there is a file of another kind");
  if (await answers(path)) {
    throw new RuntimeError({
      code: "engine-locked",
      class: "conflict",
      message: `Cannot listen on ${path}: another daemon answers there`,
      operation: "listen",
      subject: path,
      hint: "Stop that daemon, or give this one another socket with --host.",
    });
  }
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}

/** @throws RuntimeError request-invalid when a group was asked for that does not exist */
function groupId(wanted: string | null): number | null {
  const name = wanted ?? "docker";
  if (/^\d+$/.test(name)) return Number(name);
  const line = readGroups().find((entry) => entry.startsWith(`${name}:`));
  const gid = line?.split(":")[2];
  if (gid !== undefined) return Number(gid);
  if (wanted === null) return null;
  throw new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message: `Cannot give the socket to group ${name}: there is no such group`,
    hint: `Make it with: groupadd ${name}`,
  });
}

function readGroups(): readonly string[] {
  try {
    return readFileSync("/etc/group", "utf8").split("\n");
  } catch {
    return [];
  }
}

function badSocket(path: string, why: string, cause?: unknown): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message: `Cannot listen on ${path}: ${why}`,
    operation: "listen",
    subject: path,
    hint: "Give another path with --host unix:///PATH; its directory must exist.",
    cause,
  });
}
