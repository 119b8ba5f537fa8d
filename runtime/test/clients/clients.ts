/**
 * Clients: other people's programs put to the test against one daemon.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { TestDaemon } from "../daemon.ts";
import { whyNoSchema } from "../schema.fixture.ts";
import { dockerCli } from "./docker-cli.ts";
import { dockerPy } from "./docker-py.ts";
import { dockerode } from "./dockerode.ts";
import { openProxy } from "./recording-proxy.ts";
import type { Client, Outcome } from "./scenario.ts";
import { testcontainers } from "./testcontainers.ts";

const DEBIAN_CLI = "/usr/bin/docker";
const firstCli = (process.env["PATH"] ?? "")
  .split(":")
  .map((directory) => join(directory, "docker"))
  .find((path) => existsSync(path));

/** All programs. Debian's docker CLI is an older one, where another is installed before it. */
export const CLIENTS: readonly Client[] = [
  dockerCli("docker CLI", firstCli ?? DEBIAN_CLI),
  ...(firstCli === DEBIAN_CLI ? [] : [dockerCli("docker CLI of Debian", DEBIAN_CLI)]),
  dockerode,
  dockerPy,
  testcontainers,
];

/** What became of one program. */
export interface Report {
  readonly name: string;
  /** null: it is not here, and all of it is skipped. */
  readonly version: string | null;
  readonly outcomes: readonly Outcome[];
}

/** What to run. */
export interface Wish {
  readonly quick: boolean;
  readonly clients: readonly Client[];
  /** Another daemon than one of our own: a path of its socket. */
  readonly socketPath: string | null;
  readonly onReport: (report: Report) => void;
}

/** Runs the programs one after the other, with all they ask and hear recorded. */
export async function runClients(wish: Wish): Promise<readonly Report[]> {
  await using daemon = new TestDaemon();
  if (wish.socketPath === null) await daemon.start();
  const socketPath = wish.socketPath ?? daemon.socketPath;
  const proxy = await openProxy(socketPath, join(daemon.directory, "proxy.sock"));
  const reports: Report[] = [];
  const add = (report: Report): void => {
    reports.push(report);
    wish.onReport(report);
  };
  try {
    for (const client of wish.clients) {
      const found = await client.look();
      const version = "version" in found ? found.version : null;
      const outcomes =
        "version" in found
          ? await client.run({ host: proxy.host, env: daemon.environment, quick: wish.quick })
          : [{ name: "all of it", result: "skipped" as const, why: found.missing }];
      add({ name: client.name, version, outcomes });
    }
    add(schemaReport(proxy.heard()));
  } finally {
    proxy.close();
  }
  return reports;
}

/** Each route and status that was heard is one outcome. */
function schemaReport(heard: ReadonlyMap<string, string | null>): Report {
  const name = "answers against the API's schema";
  const missing = whyNoSchema();
  if (missing !== null) {
    return { name, version: null, outcomes: [{ name, result: "skipped", why: missing }] };
  }
  const outcomes = [...heard].map(([route, why]): Outcome => {
    return why === null
      ? { name: route, result: "passed" }
      : { name: route, result: "failed", why };
  });
  return { name, version: "1.50", outcomes };
}

/** How many outcomes of a report are of a kind. */
export function countOf({ outcomes }: Report, result: Outcome["result"]): number {
  return outcomes.filter((outcome) => outcome.result === result).length;
}
