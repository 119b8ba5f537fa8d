/**
 * Context files: contexts in the user's configuration directory, as the docker CLI keeps them.
 *
 * Keys are written so that only their owner can read them, under directories that only the owner
 * can enter; config.json is replaced whole, since the other program may be reading it.
 *
 * Kernel interface: open(2), mkdir(2), rename(2), getdents64(2).
 * Specification: docker/cli, cli/context/store and cli/config.
 * Invariants: none.
 * Left out: locks; of two programs that choose a context at once, the later one wins.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  type WriteFileOptions,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ContextStore, StoredContext, TlsFiles } from "../index.ts";

/** The contexts of a directory; empty: DOCKER_CONFIG, else .docker in the user's home. */
export function openContexts(directory: string): ContextStore {
  const root = directory || process.env["DOCKER_CONFIG"] || join(homedir(), ".docker");
  const configFile = join(root, "config.json");
  const metadataRoot = join(root, "contexts", "meta");
  const pathsOf = (name: string) => ({
    metadata: join(metadataRoot, digestOf(name)),
    tls: join(root, "contexts", "tls", digestOf(name)),
  });
  return {
    directory: root,
    pathsOf,
    currentName: () => {
      const name = readJson(configFile)?.["currentContext"];
      return typeof name === "string" && name !== "" ? name : undefined;
    },
    setCurrentName: (name) => {
      const { currentContext: _, ...others } = readJson(configFile) ?? {};
      const config = name === undefined ? others : { ...others, currentContext: name };
      mkdirSync(root, { recursive: true, mode: 0o700 });
      replaceFile(configFile, `${JSON.stringify(config, null, "\t")}\n`, { mode: 0o600 });
    },
    names: () =>
      listDirectory(metadataRoot)
        .flatMap((digest) => readContext(join(metadataRoot, digest))?.name ?? [])
        .toSorted(),
    read: (name) => readContext(pathsOf(name).metadata),
    readTls: (name) => readTls(join(pathsOf(name).tls, "docker")),
    write: (context, tls) => writeContext(pathsOf(context.name), context, tls),
    pack: async (name) => {
      const { packContext } = await import("./context-archive.ts");
      const context = readContext(pathsOf(name).metadata);
      if (context === undefined) throw new Error(`no context ${name}`);
      return packContext(metadataOf(context), readTls(join(pathsOf(name).tls, "docker")));
    },
    unpack: async (name, archive) => {
      const { unpackContext } = await import("./context-archive.ts");
      const { metadata, tls } = await unpackContext(archive);
      const context = contextOf({ ...fieldsOf(metadata), Name: name });
      if (context === undefined) throw new Error("the archive describes no docker endpoint");
      writeContext(pathsOf(name), context, tls);
    },
    remove: (name) => {
      for (const path of Object.values(pathsOf(name)))
        rmSync(path, { recursive: true, force: true });
    },
  };
}

function digestOf(name: string): string {
  return createHash("sha256").update(name).digest("hex");
}

function readContext(directory: string): StoredContext | undefined {
  return contextOf(readJson(join(directory, "meta.json")));
}

/** A context from what meta.json says; undefined when that is none of docker's. */
function contextOf(
  value: Readonly<Record<string, unknown>> | undefined,
): StoredContext | undefined {
  const endpoint = fieldsOf(fieldsOf(value?.["Endpoints"])["docker"]);
  const { Name: name } = value ?? {};
  const { Host: host, SkipTLSVerify: skipTlsVerify } = endpoint;
  if (typeof name !== "string" || typeof host !== "string") return undefined;
  const description = fieldsOf(value?.["Metadata"])["Description"];
  return {
    name,
    description: typeof description === "string" ? description : "",
    host,
    skipTlsVerify: skipTlsVerify === true,
  };
}

const TLS_FILES = ["ca.pem", "cert.pem", "key.pem"] as const;

function readTls(directory: string): TlsFiles {
  const files = TLS_FILES.flatMap((file) => {
    const text = readText(join(directory, file));
    return text === undefined ? [] : [[file, text]];
  });
  return Object.fromEntries(files);
}

function writeContext(
  paths: ReturnType<ContextStore["pathsOf"]>,
  context: StoredContext,
  tls: TlsFiles,
): void {
  if (Object.keys(tls).length > 0) {
    const directory = join(paths.tls, "docker");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const [file, text] of Object.entries(tls)) {
      writeFileSync(join(directory, file), text, { mode: 0o600 });
    }
  }
  // Last: a context is there when its description is.
  mkdirSync(paths.metadata, { recursive: true });
  replaceFile(join(paths.metadata, "meta.json"), JSON.stringify(metadataOf(context)), {
    mode: 0o644,
  });
  const names = Object.keys(tls);
  if (names.length === 0) rmSync(paths.tls, { recursive: true, force: true });
  for (const file of TLS_FILES.filter((each) => !names.includes(each))) {
    rmSync(join(paths.tls, "docker", file), { force: true });
  }
}

function metadataOf({ name, description, host, skipTlsVerify }: StoredContext): object {
  return {
    Name: name,
    Metadata: description === "" ? {} : { Description: description },
    Endpoints: { docker: { Host: host, SkipTLSVerify: skipTlsVerify } },
  };
}

/** @throws Error when the file is there and no JSON: its other keys would be lost */
function readJson(path: string): Readonly<Record<string, unknown>> | undefined {
  const text = readText(path);
  if (text === undefined || text.trim() === "") return undefined;
  try {
    return fieldsOf(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${path}: ${why}`, { cause });
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  // Fields of any object may be looked at; what they hold is checked where it is used.
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function readText(path: string): string | undefined {
  return unlessMissing(() => readFileSync(path, "utf8"));
}

function listDirectory(path: string): readonly string[] {
  return unlessMissing(() => readdirSync(path)) ?? [];
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : "";
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw cause;
  }
}

function replaceFile(path: string, text: string, options: WriteFileOptions): void {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text, options);
  renameSync(temporary, path);
}
