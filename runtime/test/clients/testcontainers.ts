/**
 * testcontainers: runs `testcontainers-program.ts` with the library as installed.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { run } from "../daemon.ts";
import type { Client, Outcome } from "./scenario.ts";

const script = fileURLToPath(new URL("testcontainers-program.ts", import.meta.url));

/** The library, without the helper container that would remove what a killed test leaves. */
export const testcontainers: Client = {
  name: "testcontainers",
  look: async () => {
    const file = createRequire(import.meta.url).resolve("testcontainers/package.json");
    const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
    return { version };
  },
  run: async ({ host, env, quick }) => {
    const words = ["--import", "tsx", script, ...(quick ? ["--quick"] : [])];
    const ran = await run(process.execPath, words, {
      env: {
        ...env,
        DOCKER_HOST: host,
        TESTCONTAINERS_RYUK_DISABLED: "true",
        // Inside a container it would ask for the bridge's address.
        TESTCONTAINERS_HOST_OVERRIDE: "localhost",
      },
    });
    const lines = ran.stdout.split("\n").filter((line) => line.startsWith("{"));
    const outcomes = lines.map((line) => JSON.parse(line) as Outcome);
    if (ran.code === 0 && outcomes.length > 0) return outcomes;
    return [...outcomes, { name: "the program ends well", result: "failed", why: ran.stderr }];
  },
};
