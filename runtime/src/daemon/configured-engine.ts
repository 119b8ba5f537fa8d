/**
 * Configured engine: the daemon's settings, where an engine's answers and defaults show them.
 *
 * The engine knows nothing of a configuration file. What the administrator wants for containers
 * that say nothing is filled in before the engine sees them, so a reload needs no word to it.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50, SystemInfo; dockerd, "Default logging driver".
 * Invariants: none.
 * Left out: defaults for limits, the cgroup namespace and init.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import type { CreateContainer, Engine } from "../engine/index.ts";
import { invalid } from "./flags.ts";
import type { DaemonSettings } from "./options.ts";

/**
 * The same engine with the daemon's settings.
 *
 * @param settings asked at each call, since SIGHUP may have changed them
 */
export function configuredEngine(engine: Engine, settings: () => DaemonSettings): Engine {
  return {
    ...engine,
    info: () => {
      const { labels, debug, logDriver } = settings();
      const info = engine.info();
      const driver = logDriver || info["LoggingDriver"];
      return { ...info, Labels: labels, Debug: debug, LoggingDriver: driver };
    },
    createContainer: (request) => engine.createContainer(withLogDefaults(request, settings())),
    planContainer: (request) => engine.planContainer(withLogDefaults(request, settings())),
    scriptContainer: (request) => engine.scriptContainer(withLogDefaults(request, settings())),
  };
}

const ENGINE_DRIVER = "json-file";

/** As dockerd does: options of the default driver hold where the container says nothing else. */
function withLogDefaults(request: CreateContainer, settings: DaemonSettings): CreateContainer {
  const driver = settings.logDriver || ENGINE_DRIVER;
  const { Type, Config } = request.hostConfig.LogConfig;
  if (Type !== "" && Type !== driver) return request;
  const LogConfig = { Type: driver, Config: { ...settings.logOptions, ...Config } };
  return { ...request, hostConfig: { ...request.hostConfig, LogConfig } };
}

/** @throws RuntimeError request-invalid when the engine does not have the wanted log driver */
export function checkLogDriver(engine: Engine, { logDriver }: DaemonSettings): void {
  const plugins = engine.info()["Plugins"];
  const known: unknown =
    typeof plugins === "object" && plugins !== null ? Reflect.get(plugins, "Log") : [];
  if (logDriver === "" || (Array.isArray(known) && known.includes(logDriver))) return;
  throw invalid(
    `logger: no log driver named '${logDriver}' is registered`,
    `Use one of ${String(known)}.`,
  );
}
