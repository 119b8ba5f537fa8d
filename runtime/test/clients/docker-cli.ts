/**
 * The docker CLI: carries out the scenarios of `docker-cli-scenarios.fixture.ts`.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../daemon.ts";
import { DOCKER_SCENARIOS, type Expected, type Step } from "./docker-cli-scenarios.fixture.ts";
import { runAll, type Client } from "./scenario.ts";

/** The docker CLI at a path. */
export function dockerCli(name: string, program: string): Client {
  return {
    name,
    look: async () => {
      const ran = await run(program, ["--version"]).catch(() => null);
      const version = /version ([\d.]+)/.exec(ran?.stdout ?? "")?.[1];
      return version === undefined ? { missing: `${program} is not installed` } : { version };
    },
    run: async (wish) => {
      const directory = mkdtempSync(join(tmpdir(), "drydock-cli-"));
      const chosen = DOCKER_SCENARIOS.filter(({ quick }) => quick === true || !wish.quick);
      // Scenarios say `docker`, also to programs that they start: it must be this one.
      symlinkSync(program, join(directory, "docker"));
      const PATH = `${directory}:${wish.env["PATH"] ?? ""}`;
      const env = { ...wish.env, PATH, DOCKER_HOST: wish.host };
      try {
        return await runAll(chosen, (scenario) => {
          const place = join(directory, String(chosen.indexOf(scenario)));
          mkdirSync(place);
          return carryOut(scenario.steps, env, place);
        });
      } finally {
        rmSync(directory, { recursive: true });
      }
    },
  };
}

let count = 0;

/** @param place a directory of the scenario's own */
async function carryOut(
  steps: readonly Step[],
  environment: NodeJS.ProcessEnv,
  place: string,
): Promise<void> {
  const C = `c${(count += 1)}-${process.pid}`;
  const env = { ...environment, C, PWD: place };
  const shell = (script: string) => run("sh", ["-c", `cd ${place}; ${script}`], { env });
  try {
    for (const [script, expected] of steps) {
      const { code, stdout, stderr } = await shell(script);
      const seen = { code: code ?? -1, out: stdout.replaceAll(C, "$C"), err: stderr };
      const fault = faultOf(seen, formOf(expected));
      if (fault !== null) throw new Error(`${script}: ${fault}; saw ${JSON.stringify(seen)}`);
    }
  } finally {
    await shell("docker rm -fv $C $C-2 $C-3 >/dev/null 2>&1; docker rmi $C-image >/dev/null 2>&1");
  }
}

function formOf(expected: Step[1]): Expected {
  if (typeof expected === "object" && !(expected instanceof RegExp)) return expected;
  return expected === undefined ? {} : { out: expected };
}

function faultOf(
  seen: { readonly code: number; readonly out: string; readonly err: string },
  { code = 0, out, err }: Expected,
): string | null {
  if (seen.code !== code) return `expected exit code ${code}`;
  if (out !== undefined && !fits(seen.out, out)) return `expected on stdout ${String(out)}`;
  if (err !== undefined && !fits(seen.err, err)) return `expected on stderr ${String(err)}`;
  return null;
}

function fits(text: string, expected: string | RegExp): boolean {
  return typeof expected === "string" ? text === expected : expected.test(text);
}
