/**
 * The daemon is told how to be: by flags, by its file, by SIGHUP; and who may enter over TCP.
 */
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeAuthority, makeCertificate, whyNoCertificates } from "./certificates.fixture.ts";
import { run, skipped, TestDaemon, until, whyNoContainers, whyNoDocker } from "./daemon.ts";

const skip = skipped("the daemon's configuration", whyNoContainers());
const skipTls = skip || skipped("TCP with certificates", whyNoCertificates());
const skipDocker = skip || skipped("contexts of two CLIs", whyNoDocker());

/** The lines that a daemon has logged as JSON. */
const linesOf = (daemon: TestDaemon) =>
  daemon.log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe.skipIf(skip)("the file", () => {
  let daemon: TestDaemon;
  let file: string;
  const write = (options: object): void => writeFileSync(file, JSON.stringify(options));
  beforeAll(async () => {
    daemon = new TestDaemon();
    file = join(daemon.directory, "daemon.json");
    write({ labels: ["rack=7"], "log-format": "json", "log-opts": { "max-size": "2m" } });
    await daemon.start("--config-file", file);
  });
  afterAll(() => daemon[Symbol.asyncDispose]());

  const info = async () => (await daemon.api("GET", "/info")).json();
  const logConfig = async (HostConfig: object) => {
    const made = await daemon.api("POST", "/containers/create", { Image: "busybox", HostConfig });
    const { Id } = made.json<{ Id: string }>();
    const seen = await daemon.api("GET", `/containers/${Id}/json`);
    return seen.json<{ HostConfig: { LogConfig: unknown } }>().HostConfig.LogConfig;
  };
  const reload = async (): Promise<Record<string, unknown>> => {
    const before = linesOf(daemon).length;
    process.kill(daemon.pid, "SIGHUP");
    const seen = await until(
      "the daemon has spoken",
      () => linesOf(daemon),
      (lines) => lines.length > before,
    );
    return seen[before] ?? {};
  };

  test("its labels, log format and log options hold", async () => {
    expect(await info()).toMatchObject({ Labels: ["rack=7"], Debug: false });
    expect(linesOf(daemon)[0]).toMatchObject({
      level: "info",
      msg: expect.stringContaining("listening on unix://"),
    });
    expect(await logConfig({})).toEqual({ Type: "json-file", Config: { "max-size": "2m" } });
    expect(await logConfig({ LogConfig: { Type: "none" } })).toEqual({ Type: "none", Config: {} });
  });

  test("SIGHUP takes up what it says now, without a restart", async () => {
    const { pid } = daemon;
    write({
      labels: ["rack=8"],
      debug: true,
      "log-format": "json",
      "log-opts": { "max-file": "4" },
      group: "root",
    });
    expect(await reload()).toMatchObject({ level: "info" });
    expect(daemon.log).toContain("takes effect only at the next start");
    expect(await info()).toMatchObject({ Labels: ["rack=8"], Debug: true });
    expect(linesOf(daemon)).toContainEqual(
      expect.objectContaining({ level: "debug", msg: "GET /info", status: 200 }),
    );
    expect(await logConfig({})).toEqual({ Type: "json-file", Config: { "max-file": "4" } });
    expect(daemon.pid).toBe(pid);
  });

  test("a broken file at SIGHUP changes nothing, and the log says why", async () => {
    writeFileSync(file, "{");
    expect(await reload()).toMatchObject({
      level: "error",
      msg: expect.stringContaining("all stays as it was"),
    });
    expect((await info())["Labels"]).toEqual(["rack=8"]);
  });

  test("--validate says whether it would do, and ends", async () => {
    const validate = (...args: string[]) => daemon.drydock("daemon", "--validate", ...args);
    write({ labels: ["a=b"] });
    expect(await validate("--config-file", file)).toMatchObject({ code: 0 });
    const conflict = await validate("--config-file", file, "--label", "c=d");
    expect([conflict.code, conflict.stderr]).toEqual([
      1,
      expect.stringContaining("labels: (from flag: [c=d], from file: [a=b])"),
    ]);
    const missing = await validate("--tlsverify", "--tlscert", "/no/cert.pem");
    expect([missing.code, missing.stderr]).toEqual([1, expect.stringContaining("/no/cert.pem")]);
  });
});

describe.skipIf(skipTls)("TCP with certificates", () => {
  let daemon: TestDaemon;
  let tcp: string;
  const path = (name: string): string => join(daemon.directory, name);
  /** A directory with what a client needs, under the names that clients look for. */
  const clientDirectory = (name: string, authority: string): string => {
    const directory = path(`client-${name}`);
    mkdirSync(directory, { recursive: true });
    copyFileSync(path(`${authority}.pem`), join(directory, "ca.pem"));
    copyFileSync(path(`${name}-cert.pem`), join(directory, "cert.pem"));
    copyFileSync(path(`${name}-key.pem`), join(directory, "key.pem"));
    return directory;
  };
  const drydock = (env: Record<string, string>, ...words: string[]) =>
    run(process.execPath, [join(import.meta.dirname, "../bin/drydock.js"), ...words], {
      env: { ...daemon.environment, DOCKER_HOST: tcp, ...env },
    });
  const withCertificate = (name: string, authority = "ca") => ({
    DOCKER_TLS_VERIFY: "1",
    DOCKER_CERT_PATH: clientDirectory(name, authority),
  });

  beforeAll(async () => {
    daemon = new TestDaemon();
    makeAuthority(daemon.directory, "ca");
    makeAuthority(daemon.directory, "other");
    makeCertificate(daemon.directory, "ca", "server", "serverAuth");
    makeCertificate(daemon.directory, "ca", "alice", "clientAuth");
    makeCertificate(daemon.directory, "other", "mallory", "clientAuth");
    const files = ["--tlscacert", path("ca.pem"), "--tlscert", path("server-cert.pem")];
    const key = ["--tlskey", path("server-key.pem")];
    await daemon.start("-H", "tcp://127.0.0.1:0", "--tlsverify", ...files, ...key);
    tcp = /tcp:\/\/127\.0\.0\.1:\d+/.exec(daemon.log)?.[0] ?? "";
  });
  afterAll(() => daemon[Symbol.asyncDispose]());

  test("a client with a certificate of the authority enters, streams included", async () => {
    const alice = withCertificate("alice");
    expect((await drydock(alice, "version")).code).toBe(0);
    const words = ["run", "--rm", "-i", "busybox", "sh", "-c", "cat; echo end"];
    const ran = await run(
      process.execPath,
      [join(import.meta.dirname, "../bin/drydock.js"), ...words],
      { env: { ...daemon.environment, DOCKER_HOST: tcp, ...alice }, input: "over TLS\n" },
    );
    expect(ran).toEqual({ code: 0, stdout: "over TLS\nend\n", stderr: "" });
  });

  test.skipIf(skipDocker)(
    "so does the docker CLI, and its input ends without its output",
    async () => {
      const env = { ...daemon.environment, DOCKER_HOST: tcp, ...withCertificate("alice") };
      const words = ["run", "--rm", "-i", "busybox", "sh", "-c", "wc -c; echo end"];
      const ran = await run("docker", words, { env, input: "x".repeat(300_000) });
      expect(ran).toEqual({ code: 0, stdout: "300000\nend\n", stderr: "" });
    },
  );

  test("nobody else does: no certificate, a stranger's, no encryption", async () => {
    const stranger = await drydock(withCertificate("mallory"), "version");
    const refused = [1, expect.stringContaining("with one that its authority has signed")];
    expect([stranger.code, stranger.stderr]).toEqual(refused);
    const ca = { ...withCertificate("alice"), DOCKER_CERT_PATH: path("empty") };
    mkdirSync(path("empty"));
    const bare = await drydock(ca, "--tlscacert", path("ca.pem"), "version");
    expect([bare.code, bare.stderr]).toEqual(refused);
    const plain = await drydock({}, "version");
    expect([plain.code, plain.stderr]).toEqual(refused);
  });

  test("a client does not take another daemon for its own", async () => {
    const fooled = await drydock(withCertificate("alice", "other"), "version");
    expect(fooled.code).toBe(1);
    expect(fooled.stderr).toMatch(/self.signed|unable to (verify|get)|certificate/i);
  });

  test("SIGHUP takes new certificates: who had the old authority's is out", async () => {
    copyFileSync(path("other.pem"), path("ca.pem"));
    makeCertificate(daemon.directory, "other", "server", "serverAuth");
    process.kill(daemon.pid, "SIGHUP");
    await until(
      "it has reloaded",
      () => daemon.log,
      (log) => log.includes("configuration reloaded"),
    );
    expect((await drydock(withCertificate("mallory", "other"), "version")).code).toBe(0);
    expect((await drydock(withCertificate("alice", "other"), "version")).code).toBe(1);
  });
});

describe.skipIf(skipDocker)("contexts of two CLIs", () => {
  test("X: each sees, uses and removes what the other has made", async () => {
    await using daemon = await new TestDaemon().start();
    const { DOCKER_HOST: _, ...rest } = daemon.environment;
    const env = { ...rest, HOME: daemon.directory };
    const launcher = join(import.meta.dirname, "../bin/drydock.js");
    const ours = (...words: string[]) => run(process.execPath, [launcher, ...words], { env });
    const theirs = (...words: string[]) => run("docker", words, { env });
    const line = "NAME\\s+DESCRIPTION\\s+DOCKER ENDPOINT\\s+ERROR";

    const endpoint = `host=${daemon.host}`;
    const about = ["--description", "a test's"];
    const made = await ours("context", "create", "mine", ...about, "--docker", endpoint);
    expect(made).toEqual({
      code: 0,
      stdout: "mine\n",
      stderr: 'Successfully created context "mine"\n',
    });
    expect((await theirs("--context", "mine", "version", "-f", "{{.Server.Version}}")).code).toBe(
      0,
    );
    expect((await theirs("context", "use", "mine")).code).toBe(0);
    expect((await ours("context", "show")).stdout).toBe("mine\n");
    expect((await ours("ps")).code).toBe(0);

    const list = await ours("context", "ls");
    expect(list.stdout).toMatch(new RegExp(`${line}\\s*\\ndefault .*\\nmine \\*\\s+a test's`));
    const shown = (ran: { stdout: string }) => JSON.parse(ran.stdout) as unknown;
    expect(shown(await ours("context", "inspect", "mine"))).toEqual(
      shown(await theirs("context", "inspect", "mine")),
    );

    expect((await theirs("context", "create", "theirs", "--docker", "host=unix:///x")).code).toBe(
      0,
    );
    expect((await ours("context", "ls", "-q")).stdout).toBe("default\nmine\ntheirs\n");
    const inUse = await ours("context", "rm", "mine", "theirs", "none");
    expect(inUse).toEqual({
      code: 1,
      stdout: "theirs\n",
      stderr:
        'context "mine" is in use, set -f flag to force remove\ncontext "none" does not exist\n',
    });
    expect((await ours("context", "use", "default")).code).toBe(0);
    expect((await theirs("context", "show")).stdout).toBe("default\n");
    expect((await theirs("context", "rm", "mine")).code).toBe(0);
    const gone = await ours("--context", "mine", "ps");
    expect([gone.code, gone.stderr]).toEqual([
      1,
      expect.stringContaining('context "mine": context not found: open '),
    ]);
  });

  test("keys are copied where only their owner can read them", async () => {
    await using daemon = new TestDaemon();
    const env = { ...daemon.environment, DOCKER_CONFIG: join(daemon.directory, "config") };
    const file = join(daemon.directory, "key.pem");
    writeFileSync(file, "secret");
    const endpoint = `host=tcp://127.0.0.1:2376,key=${file}`;
    const words = ["context", "create", "far", "--docker", endpoint];
    const launcher = join(import.meta.dirname, "../bin/drydock.js");
    expect((await run(process.execPath, [launcher, ...words], { env })).code).toBe(0);
    const seen = await run("docker", ["context", "inspect", "far"], { env });
    const [context] = JSON.parse(seen.stdout) as {
      TLSMaterial: unknown;
      Storage: { TLSPath: string };
    }[];
    expect(context?.TLSMaterial).toEqual({ docker: ["key.pem"] });
    const copy = join(context?.Storage.TLSPath ?? "", "docker", "key.pem");
    expect([readFileSync(copy, "utf8"), statSync(copy).mode & 0o777]).toEqual(["secret", 0o600]);
  });
});
