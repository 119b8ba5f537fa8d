import { describe, expect, test } from "vitest";
import { existsSync, readFileSync } from "node:fs";
import { CATALOG } from "./catalog.ts";
import { ConnectionError, PROGRAM_VERSION, main } from "./index.ts";
import { runCommandLine } from "./program.fixture.ts";

const nothing = () => undefined;

describe("main()", () => {
  test.each([
    [["run"], 1, "drydock: 'drydock run' requires at least 1 argument"],
    [["ps", "extra"], 1, "drydock: 'drydock ps' accepts no arguments"],
    [["logs"], 1, "drydock: 'drydock logs' requires 1 argument"],
    [["image", "ls", "a", "b"], 1, "drydock: 'drydock image ls' requires at most 1 argument"],
    [["run", "--foo", "x"], 125, "unknown flag: --foo"],
    [["run", "--name"], 125, "flag needs an argument: --name"],
    [["run", "-e"], 125, "flag needs an argument: 'e' in -e"],
    [
      ["run", "-m", "5x", "x"],
      125,
      `invalid argument "5x" for "-m, --memory" flag: invalid suffix: 'x'`,
    ],
    [
      ["run", "--rm=maybe", "x"],
      125,
      `invalid argument "maybe" for "--rm" flag: strconv.ParseBool`,
    ],
    [["ps", "-n", "abc"], 125, `invalid argument "abc" for "-n, --last" flag: strconv.ParseInt`],
    [["run", "-a", "foo", "x"], 125, "valid streams are STDIN, STDOUT and STDERR"],
    [["run", "--rm", "--restart", "always", "x"], 125, "cannot specify both --restart and --rm"],
    [["run", "-d", "-a", "stdout", "x"], 1, "cannot specify both --attach and --detach"],
    [["run", "--network=", "x"], 125, "no name set for network"],
    [["run", "Busybox"], 125, "repository name (library/Busybox) must be lowercase"],
    [["run", "-it", "x"], 1, "the input device is not a TTY"],
    [["ps", "-f", "foo"], 125, "bad format of filter (expected name=value)"],
    [["completion", "tcsh"], 1, `no completion for shell "tcsh"`],
  ])("%j ends with %d", async (words, code, text) => {
    const ran = await runCommandLine(words, nothing);
    expect(ran.err).toContain(text);
    expect(ran.code).toBe(code);
    expect(ran.out).toBe("");
    expect(ran.asked, "nothing may be asked of the daemon").toEqual([]);
  });

  test("teaches that a long name takes two dashes (-name web1)", async () => {
    const { err, code } = await runCommandLine(["run", "-name", "web1", "busybox"], nothing);
    expect(code).toBe(125);
    expect(err.split("\n").slice(0, 2)).toEqual([
      "unknown shorthand flag: 'n' in -name",
      "A flag with a long name takes two dashes: --name",
    ]);
  });

  test.each([
    ["-rm", "'r' in -rm", "--rm"],
    ["-net", "'n' in -net", "--net"],
    ["-nmae", "'n' in -nmae", "--name"],
  ])("teaches the same of %s", async (word, first, remedy) => {
    const { err } = await runCommandLine(["run", word, "x"], nothing);
    expect(err).toContain(`unknown shorthand flag: ${first}\n`);
    expect(err.split("\n")[1]).toContain(remedy);
  });

  test.each([
    [["containr", "run"], "unknown command: drydock containr", "Did you mean container?"],
    [["container", "strat"], "drydock container strat", "Did you mean drydock container start?"],
    [["image", "images"], "drydock image images", "Did you mean drydock images?"],
    [["sp"], "unknown command: drydock sp", "Did you mean ps?"],
  ])("knows what %j was meant to be", async (words, first, remedy) => {
    const { err, code } = await runCommandLine(words, nothing);
    expect(code).toBe(1);
    expect(err).toContain(first);
    expect(err.split("\n")[1]).toBe(remedy);
  });

  test("does not guess when nothing is near", async () => {
    const { err } = await runCommandLine(["frobnicate"], nothing);
    expect(err).not.toContain("Did you mean");
  });

  test("tells how to start a daemon when there is none", async () => {
    const written: string[] = [];
    const output = {
      isTerminal: false,
      write: (data: string | Uint8Array) => void written.push(String(data)),
      drained: async () => undefined,
    };
    const console = { env: { DOCKER_HOST: "unix:///nowhere" }, out: output, err: output };
    const refuse = () => Promise.reject(new ConnectionError("ENOENT", "connect ENOENT"));
    const connect = () => ({ request: refuse, hijack: refuse });
    const code = await main({ console: console as never, connect }, ["ps"]);
    expect(code).toBe(1);
    expect(written.join("")).toContain(
      "Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?\nStart",
    );
  });

  test("asks again in the version that the daemon knows", async () => {
    const paths: string[] = [];
    const ran = await runCommandLine(["ps", "-q"], () => undefined);
    expect(ran.code).toBe(1);
    const encoder = new TextEncoder();
    const answer = (status: number, text: string) => ({
      status,
      headers: {},
      body: (async function* () {
        yield encoder.encode(text);
      })(),
    });
    const request = async ({ path }: { readonly path: string }) => {
      paths.push(path);
      if (path.startsWith("/v1.41/")) return answer(200, "[]");
      const message = "client version 1.50 is too new. Maximum supported API version is 1.41";
      return answer(400, JSON.stringify({ message }));
    };
    const output = { isTerminal: false, write: () => undefined, drained: async () => undefined };
    const console = { env: {}, out: output, err: output, nowMs: () => 0 };
    const transport = { request, hijack: request };
    const code = await main({ console: console as never, connect: () => transport as never }, [
      "ps",
    ]);
    expect(code).toBe(0);
    expect(paths).toEqual(["/v1.50/containers/json", "/v1.41/containers/json"]);
  });

  test("prints the version that package.json names", async () => {
    const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    expect(JSON.parse(text)).toMatchObject({ version: PROGRAM_VERSION });
    expect((await runCommandLine(["--version"], nothing)).out).toContain(PROGRAM_VERSION);
  });
});

describe("help", () => {
  test("names the cgroup file that --memory writes, and its page", async () => {
    const { out, code } = await runCommandLine(["run", "--help"], nothing);
    expect(code).toBe(0);
    expect(out).toContain("Usage:  drydock run [OPTIONS] IMAGE [COMMAND] [ARG...]");
    expect(out).toMatch(/-m, --memory bytes\s+.*memory\.max/);
    expect(out).toContain("docs/concepts/cgroups.md");
  });

  test("every page that help names exists", async () => {
    const helps = await Promise.all(
      CATALOG.map(({ names }) => runCommandLine([...(names[0] ?? []), "--help"], nothing)),
    );
    const pages = helps.flatMap(({ out }) => out.match(/docs\/concepts\/[a-z-]+\.md/g) ?? []);
    const site = new URL("../../../docs-site/", import.meta.url);
    expect(pages.length).toBeGreaterThan(CATALOG.length);
    expect([...new Set(pages)].filter((page) => !existsSync(new URL(page, site)))).toEqual([]);
  });

  test("-h is help where it is no flag, and the host name of run", async () => {
    expect((await runCommandLine(["ps", "-h"], nothing)).out).toContain("Usage:  drydock ps");
    expect((await runCommandLine(["run", "-h"], nothing)).err).toContain(
      "flag needs an argument: 'h' in -h",
    );
  });

  test.each([[["help", "rm"]], [["rm", "--help"]], [["container", "rm", "--help"]]])(
    "%j explains rm",
    async (words) => {
      expect((await runCommandLine(words, nothing)).out).toContain("Remove containers");
    },
  );

  test.each(["bash", "zsh", "fish"])(
    "completion for %s knows commands and flags",
    async (shell) => {
      const { out } = await runCommandLine(["completion", shell], nothing);
      expect(out).toContain("explain");
      expect(out).toContain("cpuset-cpus");
    },
  );
});
