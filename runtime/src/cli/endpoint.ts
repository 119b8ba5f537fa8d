/**
 * Endpoint: which daemon is meant, by flags, environment and contexts.
 *
 *     --context   else -H   else DRYDOCK_HOST, DOCKER_HOST   else DOCKER_CONTEXT
 *                 else config.json's current context   else our own socket
 *
 * Kernel interface: none.
 * Specification: docker CLI reference, "Environment variables"; docker/cli, resolveContextName.
 * Invariants: none.
 * Left out: ssh:// addresses.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Console } from "./console.ts";
import { DEFAULT_CONTEXT, contextsOf, storedContext, tlsOfContext } from "./contexts.ts";
import type { ContextStore } from "./contexts.ts";
import { Failure, messageOf } from "./failure.ts";
import type { Flags } from "./grammar.ts";
import { DEFAULT_HOST } from "./program.ts";
import type { ClientTls, Endpoint } from "./transport.ts";

/** What the choice depends on. */
export interface Surroundings {
  readonly globals: Flags;
  readonly console: Console;
  /** undefined where there are no files. */
  readonly contexts: ContextStore | undefined;
}

/** The address that environment and flags name, without contexts; undefined when they name none. */
function namedHost({ globals, console: { env } }: Surroundings): string | undefined {
  return [globals.text("host"), env["DRYDOCK_HOST"], env["DOCKER_HOST"]].find(
    (host) => host !== undefined && host !== "",
  );
}

/**
 * The name of the context in use.
 *
 * @throws Failure when flags contradict each other
 */
export function currentContext(around: Surroundings): string {
  const { globals, console, contexts } = around;
  const wanted = globals.text("context");
  if (wanted !== "" && globals.text("host") !== "") {
    const message = "conflicting options: cannot specify both --host and --context";
    throw new Failure({ message, exitCode: 1 });
  }
  if (wanted !== "") return wanted;
  if (namedHost(around) !== undefined) return DEFAULT_CONTEXT;
  return console.env["DOCKER_CONTEXT"] || contexts?.currentName() || DEFAULT_CONTEXT;
}

/**
 * The daemon that is meant.
 *
 * @throws Failure when there is no such context, or a certificate cannot be read
 */
export function chooseEndpoint(around: Surroundings): Endpoint {
  const name = currentContext(around);
  if (name === DEFAULT_CONTEXT) return defaultEndpoint(around);
  const store = contextsOf(around.contexts);
  const context = storedContext(store, name);
  return { host: context.host, tls: tlsOfContext(context, store.readTls(name)) };
}

/** What the context `default` means now. */
export function defaultEndpoint(around: Surroundings): Endpoint {
  const host = namedHost(around) ?? DEFAULT_HOST;
  return { host, tls: host.startsWith("tcp://") ? tlsOf(around) : undefined };
}

/** The certificates that flags and environment name; undefined when no encryption is asked for. */
function tlsOf(around: Surroundings): ClientTls | undefined {
  const { globals, console } = around;
  const isSet = (name: string): boolean => (console.env[name] ?? "") !== "";
  const verify = globals.changed("tlsverify")
    ? globals.bool("tlsverify")
    : isSet("DOCKER_TLS_VERIFY");
  if (!verify && !globals.bool("tls") && !isSet("DOCKER_TLS")) return undefined;
  return {
    ca: verify ? readPem(around, "ca") : undefined,
    cert: readPem(around, "cert"),
    key: readPem(around, "key"),
    verify,
  };
}

/** A file that a flag names, or that lies where such files do; there it may be missing. */
function readPem({ globals, console, contexts }: Surroundings, name: string): string | undefined {
  const flag = `tls${name === "ca" ? "cacert" : name}`;
  const directory = console.env["DOCKER_CERT_PATH"] || contexts?.directory || ".";
  const path = globals.text(flag) || `${directory}/${name}.pem`;
  if (!globals.changed(flag) && !console.files.exists(path)) return undefined;
  try {
    return console.files.read(path);
  } catch (cause) {
    throw new Failure({
      message: `unable to resolve docker endpoint: ${messageOf(cause)}`,
      exitCode: 1,
      hint: `Name another file with --${flag}, or another directory with DOCKER_CERT_PATH.`,
      cause,
    });
  }
}
