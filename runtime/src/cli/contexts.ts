/**
 * Contexts: daemons with names, kept where the docker CLI keeps them.
 *
 *     $DOCKER_CONFIG (else ~/.docker)
 *       config.json                            "currentContext": the one in use
 *       contexts/meta/SHA256(NAME)/meta.json   name, description, address
 *       contexts/tls/SHA256(NAME)/docker/      ca.pem, cert.pem, key.pem
 *
 * So each of the two programs sees the other's. The context `default` is kept nowhere: it is what
 * environment and flags say.
 *
 * Kernel interface: none; the store that a program is given reads and writes.
 * Specification: docker context reference; docker/cli, cli/context/store.
 * Invariants: none.
 * Left out: endpoints of other kinds are kept but not used, and not exported.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "./failure.ts";
import type { ClientTls } from "./transport.ts";

/** The context that is not kept. */
export const DEFAULT_CONTEXT = "default";

/** A context as it is kept. */
export interface StoredContext {
  readonly name: string;
  readonly description: string;
  readonly host: string;
  readonly skipTlsVerify: boolean;
}

/** The certificates of a context: texts in PEM form, by the names of their files. */
export type TlsFiles = Readonly<Partial<Record<"ca.pem" | "cert.pem" | "key.pem", string>>>;

/** Where contexts are kept. A program without files has none. */
export interface ContextStore {
  /** The directory of configuration and, where nobody says otherwise, certificates. */
  readonly directory: string;
  /** The name that config.json says; undefined when it says none. @throws Error on a broken file */
  currentName(): string | undefined;
  /** undefined: the default one. Other keys of config.json stay as they are. */
  setCurrentName(name: string | undefined): void;
  names(): readonly string[];
  read(name: string): StoredContext | undefined;
  readTls(name: string): TlsFiles;
  write(context: StoredContext, tls: TlsFiles): void;
  remove(name: string): void;
  /** A context with its keys as a tar archive, in the docker CLI's form. */
  pack(name: string): Promise<Uint8Array>;
  /** Writes what `pack` made under a name. @throws Error when it is no such archive */
  unpack(name: string, archive: AsyncIterable<Uint8Array>): Promise<void>;
  /** Where a context's description and certificates are. */
  pathsOf(name: string): { readonly metadata: string; readonly tls: string };
}

/** @throws Failure where no contexts are kept */
export function contextsOf(store: ContextStore | undefined): ContextStore {
  if (store !== undefined) return store;
  throw new Failure({ message: "drydock: there are no contexts in this program", exitCode: 1 });
}

/** A context by its name. @throws Failure when there is none */
export function storedContext(store: ContextStore, name: string): StoredContext {
  const context = store.read(name);
  if (context === undefined) throw noSuchContext(store, name);
  return context;
}

/** Docker's words, because scripts look for them. */
function noSuchContext(store: ContextStore, name: string): Failure {
  const file = `${store.pathsOf(name).metadata}/meta.json`;
  return new Failure({
    message: `context ${JSON.stringify(name)}: context not found: open ${file}: no such file or directory`,
    exitCode: 1,
    hint: "`drydock context ls` shows those that there are.",
  });
}

function checkContextName(name: string): void {
  const form = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;
  if (name === DEFAULT_CONTEXT) {
    throw new Failure({ message: '"default" is a reserved context name', exitCode: 1 });
  }
  if (form.test(name)) return;
  const message = `context name ${JSON.stringify(name)} is invalid, names are validated against regexp "${form.source}"`;
  throw new Failure({ message, exitCode: 1 });
}

/** @throws Failure when a name is taken, or no context can be called so */
export function checkNewContext(store: ContextStore, name: string): void {
  if (store.read(name) === undefined) return checkContextName(name);
  throw new Failure({ message: `context ${JSON.stringify(name)} already exists`, exitCode: 1 });
}

/** How a context's certificates protect a connection; undefined when it has none and needs none. */
export function tlsOfContext(context: StoredContext, files: TlsFiles): ClientTls | undefined {
  if (Object.keys(files).length === 0 && !context.skipTlsVerify) return undefined;
  return {
    ca: files["ca.pem"],
    cert: files["cert.pem"],
    key: files["key.pem"],
    verify: !context.skipTlsVerify,
  };
}
