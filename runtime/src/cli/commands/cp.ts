/**
 * Command cp: copy files between a container and this machine.
 *
 * Kernel interface: open(2), read(2), write(2), at both ends.
 * Specification: docker cp reference; Engine API v1.50, ContainerArchive, PutContainerArchive.
 * Invariants: none.
 * Left out: a line that shows how far the copy is.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { withCandidates } from "../ambiguous.ts";
import { ApiError, pathPart, type Api } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { humanSize } from "../human.ts";
import { baseOf, planCopy, splitPlace, type CopyPlace } from "../local-archive.ts";
import { copyBytes } from "../streams.ts";

/** See the head of this file. */
export const command: Command = {
  usage:
    "[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdrydock cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  flags: [
    { name: "archive", short: "a", kind: "bool", help: "Keep users and groups" },
    {
      name: "follow-link",
      short: "L",
      kind: "bool",
      help: "Copy what a link at SRC_PATH leads to",
    },
    { name: "quiet", short: "q", kind: "bool", help: "Do not say what was copied" },
  ],
  arity: [2, 2],
  interspersed: true,
  about:
    "Works on containers that run and that do not. Links inside are followed as the container would " +
    "follow them, never out of it. With - a tar archive is read from stdin or written to stdout.",
  concepts: ["archive"],
  completes: "containers",
  run,
};

async function run(context: Context, { flags, args }: Input): Promise<number> {
  const source = splitPlace(args[0] ?? "");
  const destination = splitPlace(args[1] ?? "");
  const wish = { follow: flags.bool("follow-link"), keepOwner: flags.bool("archive") };
  if ((source.container === "") === (destination.container === "")) {
    throw new Failure({
      message:
        source.container === ""
          ? "must specify at least one container source"
          : "copying between containers is not supported",
      exitCode: 1,
    });
  }
  try {
    const isOut = source.container !== "";
    const bytes = await (isOut
      ? copyOut(context, source, destination.path, wish)
      : copyIn(context, source.path, destination, wish));
    if (!flags.bool("quiet") && context.console.err.isTerminal) {
      const size = humanSize(bytes, 3);
      context.console.err.write(`Successfully copied ${size} to ${args[1]}\n`);
    }
    return 0;
  } catch (thrown) {
    throw await withCandidates(context.api, thrown);
  }
}

interface Wish {
  readonly follow: boolean;
  readonly keepOwner: boolean;
}

interface Place {
  readonly container: string;
  readonly path: string;
}

/** What the daemon says of a path; the mode is Go's, whose highest bit is a directory's. */
interface PathStat {
  readonly mode: number;
  readonly linkTarget: string;
}

const DIRECTORY_BIT = 2 ** 31;

const archiveOf = (container: string): string => `/containers/${pathPart(container)}/archive`;

async function statOf(api: Api, { container, path }: Place): Promise<PathStat | undefined> {
  const asked = { path: archiveOf(container), query: { path } };
  try {
    const { headers } = await api.stream({ method: "HEAD", ...asked });
    const text = atob(headers["x-docker-container-path-stat"] ?? "");
    const bytes = Uint8Array.from(text, (letter) => letter.codePointAt(0) ?? 0);
    // The daemon's header has this shape.
    return JSON.parse(new TextDecoder().decode(bytes)) as PathStat;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return undefined;
    // What answers HEAD has no words: GET fails as well, and is told why.
    await api.stream({ method: "GET", ...asked });
    throw error;
  }
}

function placeOf(path: string, stat: PathStat | undefined): CopyPlace {
  return { path, isDirectory: stat === undefined ? undefined : stat.mode >= DIRECTORY_BIT };
}

async function copyOut(
  { api, console }: Context,
  source: Place,
  destination: string,
  wish: Wish,
): Promise<number> {
  const found = await statOf(api, source);
  const path = wish.follow && found?.linkTarget ? found.linkTarget : source.path;
  const call = { method: "GET", path: archiveOf(source.container), query: { path } } as const;
  const { body } = await api.stream(call);
  if (destination === "-") {
    await copyBytes(console, body);
    return 0;
  }
  const at = path === source.path ? found : await statOf(api, { ...source, path });
  const to = { path: destination, isDirectory: console.files.kindOf(destination) };
  const plan = planCopy(placeOf(path, at), to);
  // What is copied is called as it was asked for, not as what a link led to.
  const name = plan.name ?? (path === source.path ? null : baseOf(source.path));
  return console.files.unpack(body, { directory: plan.directory, name, keepOwner: wish.keepOwner });
}

async function copyIn(
  { api, console }: Context,
  source: string,
  destination: Place,
  wish: Wish,
): Promise<number> {
  if (destination.path === "") throw new Failure({ message: "no such directory", exitCode: 1 });
  const found = await resolved(api, destination);
  const query = { noOverwriteDirNonDir: true, copyUIDGID: wish.keepOwner };
  const put = async (path: string, body: AsyncIterable<Uint8Array>): Promise<void> => {
    const call = { method: "PUT", path: archiveOf(destination.container) } as const;
    await api.json<undefined>({ ...call, query: { ...query, path }, upload: body });
  };
  if (source === "-") {
    if (found.isDirectory !== true) {
      const message = `destination "${destination.container}:${destination.path}" must be a directory`;
      throw new Failure({ message, exitCode: 1 });
    }
    await put(found.path, console.input());
    return 0;
  }
  const isDirectory = console.files.kindOf(source);
  if (isDirectory === undefined) {
    const path = console.files.absolute(source);
    throw new Failure({ message: `lstat ${path}: no such file or directory`, exitCode: 1 });
  }
  const plan = planCopy({ path: source, isDirectory }, found);
  const archive = console.files.pack(source, { name: plan.name, follow: wish.follow });
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of archive) {
      bytes += piece.length;
      yield piece;
    }
  };
  await put(plan.directory, counted());
  return bytes;
}

/** A destination that is a link is what it leads to. */
async function resolved(api: Api, destination: Place): Promise<CopyPlace> {
  const found = await statOf(api, destination);
  if (found === undefined || found.linkTarget === "") return placeOf(destination.path, found);
  const path = found.linkTarget;
  return placeOf(path, await statOf(api, { ...destination, path }));
}
