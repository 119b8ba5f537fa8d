/**
 * docker-py: runs `docker_py.py` with the system's Python, which Debian's python3-docker serves.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { run } from "../daemon.ts";
import type { Client, Outcome } from "./scenario.ts";

const PYTHON = "/usr/bin/python3";
const script = fileURLToPath(new URL("docker_py.py", import.meta.url));

/** docker-py, as Debian has it. */
export const dockerPy: Client = {
  name: "docker-py",
  look: async () => {
    const words = ["-c", "import docker; print(docker.__version__)"];
    const ran = await run(PYTHON, words).catch(() => null);
    return ran?.code === 0
      ? { version: ran.stdout.trim() }
      : { missing: "apt-get install python3-docker" };
  },
  run: async ({ host, env, quick }) => {
    const words = quick ? [script, "--quick"] : [script];
    const ran = await run(PYTHON, words, { env: { ...env, DOCKER_HOST: host } });
    const lines = ran.stdout.split("\n").filter((line) => line !== "");
    const outcomes = lines.map((line) => JSON.parse(line) as Outcome);
    if (ran.code === 0) return outcomes;
    return [...outcomes, { name: "the program ends well", result: "failed", why: ran.stderr }];
  },
};
