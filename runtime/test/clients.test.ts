/**
 * Other people's programs against our daemon: the short part of `npm run test:clients`.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CLIENTS, runClients, type Report } from "./clients/clients.ts";
import { skipped, whyNoContainers } from "./daemon.ts";

const skip = skipped("other people's programs", whyNoContainers());
const SCHEMA = "answers against the API's schema";

/** Of the two docker CLIs one is enough here. */
const clients = CLIENTS.filter(({ name }) => name !== "docker CLI of Debian");

describe.skipIf(skip)("other people's programs", () => {
  const reports = new Map<string, Report>();
  beforeAll(async () => {
    const onReport = (report: Report): void => void reports.set(report.name, report);
    await runClients({ quick: true, clients, socketPath: null, onReport });
    // Some seventy scenarios of four programs: each has a limit of its own.
  }, 600_000);
  afterAll(() => reports.clear());

  test.each([...clients.map(({ name }) => name), SCHEMA])("%s finds what it expects", (name) => {
    const outcomes = reports.get(name)?.outcomes ?? [];
    expect(outcomes.length).toBeGreaterThan(0);
    expect(outcomes.filter(({ result }) => result === "failed")).toEqual([]);
  });
});
