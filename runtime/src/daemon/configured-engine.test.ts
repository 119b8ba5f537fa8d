import { expect, test } from "vitest";
import { engineDouble } from "../api/engine.fixture.ts";
import type { CreateContainer } from "../engine/index.ts";
import { checkLogDriver, configuredEngine } from "./configured-engine.ts";
import { parseDaemonOptions } from "./options.ts";

const settingsOf = (...args: string[]) => parseDaemonOptions(args, () => null).settings;

/** The log configuration that reaches the engine when a client asks for one. */
async function logConfig(args: string[], Type: string, Config: Record<string, string> = {}) {
  const double = engineDouble({ createContainer: async () => ({ id: "1", warnings: [] }) });
  const engine = configuredEngine(double.engine, () => settingsOf(...args));
  // Only the log configuration is looked at on the way.
  const request = { hostConfig: { LogConfig: { Type, Config } } } as unknown as CreateContainer;
  await engine.createContainer(request);
  const sent = double.asked.at(-1)?.args[0] as CreateContainer | undefined;
  return sent?.hostConfig.LogConfig;
}

test("configuredEngine() fills in the log driver and its options, and lets a container differ", async () => {
  const args = ["--log-opt", "max-size=1m", "--log-opt", "max-file=2"];
  expect(await logConfig(args, "")).toEqual({
    Type: "json-file",
    Config: { "max-size": "1m", "max-file": "2" },
  });
  expect(await logConfig(args, "json-file", { "max-size": "9m" })).toEqual({
    Type: "json-file",
    Config: { "max-size": "9m", "max-file": "2" },
  });
  expect(await logConfig(args, "none")).toEqual({ Type: "none", Config: {} });
  expect(await logConfig(["--log-driver", "none"], "")).toEqual({ Type: "none", Config: {} });
});

test("configuredEngine() shows labels, debug and the driver as they are now", () => {
  let settings = settingsOf("--label", "a=b");
  const { engine } = engineDouble({ info: () => ({ Labels: [], LoggingDriver: "json-file" }) });
  const configured = configuredEngine(engine, () => settings);
  const seen = () => configured.info();
  expect(seen()).toEqual({ Labels: ["a=b"], Debug: false, LoggingDriver: "json-file" });
  settings = settingsOf("--debug", "--log-driver=none");
  expect(seen()).toEqual({ Labels: [], Debug: true, LoggingDriver: "none" });
});

test("checkLogDriver() refuses a driver that the engine does not have", () => {
  const { engine } = engineDouble({ info: () => ({ Plugins: { Log: ["json-file", "none"] } }) });
  expect(() => checkLogDriver(engine, settingsOf("--log-driver=none"))).not.toThrow();
  expect(() => checkLogDriver(engine, settingsOf("--log-driver=syslog"))).toThrow(
    "no log driver named 'syslog' is registered",
  );
});
