/**
 * As run: the command, or the compose file, that would make a container again.
 *
 * What inspect shows is a request over an image's defaults over the engine's: what an image or an
 * engine would say by itself is taken away again, and what is left becomes words.
 *
 * Kernel interface: none.
 * Specification: docker run reference; Docker Engine API v1.50, ContainerInspect.
 * Invariants: see `run-words.ts` and `compose-file.ts`.
 * Left out: what was written into the container since; the order in which flags were given.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { askNamed } from "./ambiguous.ts";
import { pathPart } from "./api.ts";
import type { Context } from "./command.ts";
import { wordsFor, type RunRequest } from "./run-words.ts";
import { shellLine } from "../wire/index.ts";

type Config = Omit<RunRequest, "HostConfig" | "NetworkingConfig"> & {
  readonly AttachStdout?: boolean;
  readonly AttachStderr?: boolean;
};

/** What inspect shows. */
interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Image: string;
  readonly Config: Config;
  readonly HostConfig: RunRequest["HostConfig"];
}

/** A container, and what somebody asked for when it was made. */
interface Asked {
  readonly name: string;
  readonly isDetached: boolean;
  readonly request: RunRequest;
}

/** Prints a command for each container. @returns the exit code @throws Failure */
export async function printAsRun(context: Context, names: readonly string[]): Promise<number> {
  const { console } = context;
  for await (const { name, isDetached, request } of requestsFor(context, names)) {
    const { words, unsaid } = wordsFor(request);
    const first = ["drydock", "run", "--name", name];
    const line = shellLine([...first, ...(isDetached ? ["--detach"] : []), ...words]);
    for (const sentence of unsaid) console.err.write(`WARNING: ${sentence}\n`);
    console.out.write(`${line}\n`);
  }
  return 0;
}

/** Prints a compose file of all containers. @returns the exit code @throws Failure */
export async function printAsCompose(context: Context, names: readonly string[]): Promise<number> {
  const { console } = context;
  const asked: Asked[] = [];
  for await (const each of requestsFor(context, names)) asked.push(each);
  const { composeFile } = await import("./compose-file.ts");
  const from = shellLine(["drydock", "inspect", "--as-compose", ...names]);
  const { text, unsaid } = composeFile(asked, from);
  for (const sentence of unsaid) console.err.write(`WARNING: ${sentence}\n`);
  console.out.write(text);
  return 0;
}

async function* requestsFor(
  { api }: Context,
  names: readonly string[],
): AsyncGenerator<Asked, void, undefined> {
  const ask = <Answer>(path: string): Promise<Answer> =>
    askNamed<Answer>(api, { method: "GET", path });
  const machine = await ask<{ readonly CgroupVersion?: string }>("/info");
  for (const name of names) {
    const found = await ask<Inspected>(`/containers/${pathPart(name)}/json`);
    // Of an image that is gone nothing is known: then everything is said.
    const image = await ask<{ readonly Config: Config | null }>(
      `/images/${found.Image}/json`,
    ).catch(() => ({ Config: null }));
    const { AttachStdout, AttachStderr } = found.Config;
    yield {
      name: found.Name.slice(1),
      isDetached: AttachStdout !== true && AttachStderr !== true,
      request: requestOf(found, image.Config, machine.CgroupVersion ?? ""),
    };
  }
}

/** Fields of which an image gives one value, and those of which it gives some of many. */
const SINGLE = ["User", "WorkingDir", "StopSignal", "Healthcheck"] as const;
const TABLES = ["Labels", "ExposedPorts", "Volumes"] as const;

/**
 * What somebody asked for, without what image and engine say by themselves. Pure.
 *
 * @param cgroupVersion of the machine: its default for the cgroup namespace
 */
export function requestOf(
  { Id, Config: config, HostConfig: host }: Inspected,
  given: Config | null,
  cgroupVersion: string,
): RunRequest {
  const image: Partial<Config> = given ?? {};
  const known = new Set(image.Env);
  const isHostName = host["NetworkMode"] === "host" || host["UTSMode"] === "host";
  const isByItself = config.Hostname === Id.slice(0, 12) || isHostName;
  return {
    ...config,
    ...Object.fromEntries(SINGLE.filter((field) => isSame(config[field], image[field])).map(drop)),
    ...Object.fromEntries(TABLES.map((field) => [field, minus(config[field], image[field])])),
    ...commandOf(config, image),
    ...(isByItself ? { Hostname: "" } : {}),
    Env: (config.Env ?? []).filter((variable) => !known.has(variable)),
    HostConfig: hostConfigOf(host, cgroupVersion),
  };
}

function drop(field: string): readonly [string, undefined] {
  return [field, undefined];
}

function minus(table: object | null | undefined, known: object | null | undefined): object {
  const has = new Map(Object.entries(known ?? {}));
  const entries = Object.entries(table ?? {});
  return Object.fromEntries(entries.filter(([key, value]) => !isSame(value, has.get(key))));
}

function isSame(left: unknown, right: unknown): boolean {
  return JSON.stringify(left ?? null) === JSON.stringify(right ?? null);
}

/** An entrypoint that was asked for drops the image's command. */
function commandOf(config: Config, image: Partial<Config>): Pick<RunRequest, "Entrypoint" | "Cmd"> {
  if (!isSame(orNull(config.Entrypoint), orNull(image.Entrypoint))) {
    return { Entrypoint: orNull(config.Entrypoint) ?? [""], Cmd: config.Cmd ?? null };
  }
  return { Entrypoint: null, Cmd: isSame(config.Cmd, image.Cmd) ? null : (config.Cmd ?? null) };
}

function orNull(words: readonly string[] | null | undefined): readonly string[] | null {
  return words === undefined || words === null || words.length === 0 ? null : words;
}

const SHM_BYTES = 64 << 20;

/** What an engine fills in where nothing was asked for. */
function hostConfigOf(host: RunRequest["HostConfig"], cgroupVersion: string) {
  const defaults: Readonly<Record<string, readonly unknown[]>> = {
    MemorySwap: [Number(host["Memory"]) * 2],
    CgroupnsMode: [cgroupVersion === "2" ? "private" : "host"],
    IpcMode: ["private"],
    ShmSize: [SHM_BYTES],
    LogConfig: [{ Type: "json-file", Config: {} }],
    NetworkMode: ["bridge"],
    Runtime: ["drydock", "runc"],
    // Nothing is masked for one that may do everything.
    MaskedPaths: host["Privileged"] === true ? [[]] : [],
  };
  return Object.fromEntries(
    Object.entries(host).filter(
      ([field, value]) => defaults[field]?.some((each) => isSame(each, value)) !== true,
    ),
  );
}
