/**
 * Compile CLI: keep what V8 makes of the CLI's source, so that no start has to make it again.
 *
 * V8 compiles a function when it is first called. So the usual commands are run once, against a
 * server that knows nothing, and each adds what it needed to the file that the next one begins
 * with. Measured on `drydock ps`: 54 ms without, 41 ms with, where `node -e 0` takes 32.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const COMMANDS = [
  ["ps", "-a"],
  ["images"],
  ["version"],
  ["run", "--rm", "-it", "--pull", "never", "-e", "A=b", "-m", "64m", "x"],
  ["run", "--name", "a", "-v", "/a:/b", "-p", "80:80", "x", "true"],
  ["exec", "a", "true"],
  ["logs", "a"],
  ["rm", "-f", "a"],
  ["inspect", "-f", "{{.Id}}", "a"],
];

/** Runs the commands with a launcher that writes the file. */
export async function compileCli(launcher, compiledFile) {
  const directory = mkdtempSync(join(tmpdir(), "drydock-build-"));
  const socket = join(directory, "d.sock");
  rmSync(compiledFile, { force: true });
  const server = createServer((request, response) => {
    const isList = /\/(containers|images)\/json/.test(request.url ?? "");
    response.statusCode = isList || request.url?.includes("/version") ? 200 : 500;
    response.end(isList ? "[]" : '{"message":"compiling"}');
  });
  try {
    await new Promise((resolve) => server.listen(socket, resolve));
    for (const words of COMMANDS) await run([launcher, "-H", `unix://${socket}`, ...words]);
  } finally {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(words) {
  const env = { ...process.env, DRYDOCK_COMPILE: "1" };
  // Whether a command succeeds is all the same here: what it needed has been compiled.
  return new Promise((resolve) => execFile(process.execPath, words, { env }, () => resolve()));
}
