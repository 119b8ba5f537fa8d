/**
 * ssh dial: a connection to a daemon on another machine, through the user's own ssh.
 *
 * As the docker CLI does it: ssh starts a program there that joins its standard streams to the
 * daemon's socket, and HTTP goes over ssh's pipes. So keys, agents, jump hosts and passwords are
 * ssh's business. Over there drydock is asked first, then docker; both have the same words.
 *
 * Kernel interface: pipe(2), execve(2).
 * Specification: docker/cli, cli/connhelper; ssh(1).
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { spawn } from "node:child_process";
import { Duplex } from "node:stream";
import { ConnectionError, shellLine } from "../index.ts";

/** Connects to "ssh://[user@]name[:port][/path/of/socket]". @throws Error for another form */
export function dialSsh(host: string): Duplex {
  const words = sshWords(host);
  const child = spawn("ssh", words, { stdio: "pipe" });
  const duplex = new Duplex({
    read: () => void child.stdout.resume(),
    // That nobody reads it any more is told with the reason, when the program has ended.
    write: (bytes, _encoding, done) => void child.stdin.write(bytes, () => done()),
    final: (done) => void child.stdin.end(done),
    destroy: (cause, done) => {
      child.kill();
      done(cause);
    },
  });
  let said = "";
  child.stdin.on("error", () => undefined);
  child.stdout.on("data", (bytes: Uint8Array) => {
    if (!duplex.push(bytes)) child.stdout.pause();
  });
  child.stderr.on("data", (bytes: Uint8Array) => (said += new TextDecoder().decode(bytes)));
  child.on("error", (cause) => {
    duplex.destroy(new ConnectionError("ENOENT", `cannot run ssh: ${cause.message}`));
  });
  child.on("close", (code) => {
    if (code === 0 || code === null) return void duplex.push(null);
    const message = `ssh ${words.join(" ")} ended with ${code}: ${said.trim()}`;
    duplex.destroy(new ConnectionError("ECONNRESET", message));
  });
  return duplex;
}

/** What ssh is called with. */
export function sshWords(host: string): readonly string[] {
  const { username, hostname, port, pathname, password } = new URL(host);
  if (hostname === "" || password !== "") {
    throw new Error(`unable to parse docker host \`${host}\`: plain-text passwords are refused`);
  }
  const path = decodeURIComponent(pathname).replace(/^\/$/, "");
  const socket = path === "" ? [] : ["--host", `unix://${path}`];
  const dial = (program: string): string =>
    shellLine(["exec", program, ...socket, "system", "dial-stdio"]);
  return [
    "-o",
    "ConnectTimeout=30",
    "-T",
    ...(username === "" ? [] : ["-l", decodeURIComponent(username)]),
    ...(port === "" ? [] : ["-p", port]),
    "--",
    hostname,
    `if command -v drydock >/dev/null; then ${dial("drydock")}; else ${dial("docker")}; fi`,
  ];
}
