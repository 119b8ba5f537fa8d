/**
 * Contexts as files, shared with the docker CLI; a daemon that is reached through ssh.
 *
 * There is no ssh server here: a script called ssh does what sshd would, and runs the words that
 * come after the host.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { launcher, run, skipped, whyNoDocker, type Ran } from "./daemon.ts";
import { shareDaemon } from "./shared-daemon.fixture.ts";

const skip = skipped("contexts beside the docker CLI, and ssh", whyNoDocker());
const daemon = shareDaemon(skip);
const bin = join(daemon.directory, "bin");

const SSH = `#!/bin/sh
echo "$*" >>"${daemon.directory}/ssh.log"
while [ "$1" != -- ]; do shift; done
test "$2" = away || { echo "no route to $2" >&2; exit 255; }
shift 2
DOCKER_HOST=${daemon.host} exec sh -c "$*"
`;

/** Runs one of the two programs; without a host it goes by its contexts. */
function call(program: string, words: readonly string[], host?: string, input?: string) {
  const { DOCKER_HOST: _, ...env } = daemon.environment;
  return run(program, words, {
    env: {
      ...env,
      PATH: `${bin}:${env["PATH"]}`,
      ...(host === undefined ? {} : { DOCKER_HOST: host }),
    },
    ...(input === undefined ? {} : { input }),
  });
}
const drydock = (...words: string[]): Promise<Ran> => call(launcher, words);
const docker = (...words: string[]): Promise<Ran> => call("docker", words);

describe.skipIf(skip)("contexts", () => {
  const file = (name: string): string => join(daemon.directory, name);

  beforeAll(() => {
    mkdirSync(bin);
    writeFileSync(join(bin, "ssh"), SSH);
    writeFileSync(join(bin, "drydock"), `#!/bin/sh\nexec ${process.execPath} ${launcher} "$@"\n`);
    for (const name of ["ssh", "drydock"]) chmodSync(join(bin, name), 0o755);
  });

  test("X03: what one program exports the other imports, keys and all", async () => {
    for (const name of ["ca", "cert", "key"]) writeFileSync(file(`${name}.pem`), `the ${name}\n`);
    const tls = `ca=${file("ca.pem")},cert=${file("cert.pem")},key=${file("key.pem")}`;
    const address = `host=tcp://1.2.3.4:2376,${tls}`;
    await drydock("context", "create", "one", "--docker", address, "--description", "first");
    expect(await drydock("context", "export", "one", file("one.tar"))).toMatchObject({
      code: 0,
      stderr: `Written file "${file("one.tar")}"\n`,
    });
    expect((await docker("context", "import", "two", file("one.tar"))).code).toBe(0);
    const there = await docker("context", "export", "two", "-");
    const back = await call(launcher, ["context", "import", "three", "-"], undefined, there.stdout);
    expect([back.code, back.stdout]).toEqual([0, "three\n"]);
    for (const program of [docker, drydock]) {
      const shown = await program("context", "inspect", "three");
      const [{ Metadata, Endpoints, TLSMaterial } = {}] = JSON.parse(shown.stdout) as Record<
        string,
        object
      >[];
      expect({ Metadata, Endpoints, TLSMaterial }).toEqual({
        Metadata: { Description: "first" },
        Endpoints: { docker: { Host: "tcp://1.2.3.4:2376", SkipTLSVerify: false } },
        TLSMaterial: { docker: ["ca.pem", "cert.pem", "key.pem"] },
      });
    }
    expect(await drydock("context", "export", "one", file("one.tar"))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("file exists"),
    });
    const rubbish = await call(launcher, ["context", "import", "four", "-"], undefined, "rubbish");
    expect([rubbish.code, rubbish.stderr]).toEqual([1, expect.stringContaining("cannot import")]);
    expect((await drydock("context", "ls", "-q")).stdout).toBe("default\none\nthree\ntwo\n");
  });

  test("X03: update changes what it names, and takes old keys away with the old address", async () => {
    writeFileSync(file("k.pem"), "the key\n");
    const old = `host=tcp://1.2.3.4:2376,key=${file("k.pem")}`;
    await drydock("context", "create", "moved", "--docker", old, "--description", "d");
    expect(await drydock("context", "update", "moved", "--description", "e")).toMatchObject({
      code: 0,
      stdout: "moved\n",
      stderr: 'Successfully updated context "moved"\n',
    });
    const told = async (): Promise<readonly unknown[]> => {
      const { stdout } = await docker("context", "inspect", "moved");
      const [context] = JSON.parse(stdout) as {
        readonly Metadata: { readonly Description: string };
        readonly Endpoints: { readonly docker: { readonly Host: string } };
        readonly TLSMaterial: object;
      }[];
      return [
        context?.Metadata.Description,
        context?.Endpoints.docker.Host,
        Object.keys(context?.TLSMaterial ?? {}).length,
      ];
    };
    expect(await told()).toEqual(["e", "tcp://1.2.3.4:2376", 1]);
    await drydock("context", "update", "moved", "--docker", `host=${daemon.host}`);
    expect(await told()).toEqual(["e", daemon.host, 0]);
    expect((await drydock("--context", "moved", "ps", "-q")).code).toBe(0);
    const missing = await drydock("context", "update", "nosuch");
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("not found")]);
  });

  test.each([
    ["docker", "docker system dial-stdio"],
    [launcher, "exec drydock system dial-stdio"],
  ])("X03: DOCKER_HOST=ssh://… of %s", async (program, words) => {
    const host = "ssh://me@away:2222";
    const big = "x".repeat(300_000);
    const ran = await call(program, ["run", "--rm", "-i", "busybox", "cat"], host, big);
    expect([ran.code, ran.stdout === big]).toEqual([0, true]);
    const log = readFileSync(file("ssh.log"), "utf8");
    expect(log).toContain("-l me -p 2222 -- away");
    expect(log).toContain(words);
    const lost = await call(program, ["ps"], "ssh://me@nowhere");
    expect([lost.code, lost.stderr]).toEqual([1, expect.stringContaining("no route to nowhere")]);
  });

  test("X03: the socket over there may be another; a password in the address is refused", async () => {
    const ps = await call(launcher, ["ps", "-q"], `ssh://away${daemon.socketPath}`);
    expect([ps.code, ps.stderr]).toEqual([0, ""]);
    const wrong = await call(launcher, ["ps"], "ssh://away/no/such.sock");
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("/no/such.sock")]);
    const secret = await call(launcher, ["ps"], "ssh://me:secret@away");
    expect([secret.code, secret.stderr]).toEqual([1, expect.stringContaining("refused")]);
    expect(existsSync(file("ssh.log"))).toBe(true);
  });
});
