import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { listenOnUnixSocket } from "./unix-socket.ts";

let directory = "";
let path = "";
let servers: Server[] = [];

const server = (): Server => {
  const made = createServer();
  servers.push(made);
  return made;
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "drydock-socket-"));
  chmodSync(directory, 0o755);
  path = join(directory, "d.sock");
});

afterEach(async () => {
  for (const made of servers) await new Promise((resolve) => made.close(resolve));
  servers = [];
  rmSync(directory, { recursive: true });
});

const modeOf = (file: string): number => statSync(file).mode & 0o777;

test("listenOnUnixSocket() makes the socket its owner's and its group's only, whatever the umask", async () => {
  const before = process.umask(0);
  try {
    await listenOnUnixSocket(server(), path, String(process.getgid?.()));
    expect(process.umask()).toBe(0);
  } finally {
    process.umask(before);
  }
  expect(modeOf(path)).toBe(0o660);
});

test("listenOnUnixSocket() is never open to others, not even while it is made", async () => {
  const seen = new Set<number>();
  const watched = server();
  const original = watched.listen.bind(watched);
  watched.listen = ((...args: Parameters<typeof original>) => {
    const result = original(...args);
    // The file exists here for the first time: bind(2) has returned.
    seen.add(modeOf(path));
    return result;
  }) as typeof watched.listen;
  await listenOnUnixSocket(watched, path, String(process.getgid?.()));
  expect([...seen]).toEqual([0o600]);
});

test("listenOnUnixSocket() replaces a socket that nobody listens on", async () => {
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script]);
  expect(existsSync(path)).toBe(true);
  await listenOnUnixSocket(server(), path, null);
});

test("listenOnUnixSocket() leaves a socket alone that answers, and names it", async () => {
  await listenOnUnixSocket(server(), path, null);
  await expect(listenOnUnixSocket(server(), path, null)).rejects.toThrow(
    `Cannot listen on ${path}: another daemon answers there`,
  );
  expect(existsSync(path)).toBe(true);
});

test("listenOnUnixSocket() leaves a file of another kind alone", async () => {
  writeFileSync(path, "precious");
  await expect(listenOnUnixSocket(server(), path, null)).rejects.toThrow(/another kind/);
  expect(statSync(path).size).toBe(8);
});

test("listenOnUnixSocket() says what is wrong with a path or a group", async () => {
  const missing = join(directory, "no", "d.sock");
  await expect(listenOnUnixSocket(server(), missing, null)).rejects.toThrow(missing);
  const long = join(directory, "x".repeat(120));
  await expect(listenOnUnixSocket(server(), long, null)).rejects.toThrow(/longer than 107/);
  await expect(listenOnUnixSocket(server(), path, "no-such-group")).rejects.toThrow(
    /no such group/,
  );
});
