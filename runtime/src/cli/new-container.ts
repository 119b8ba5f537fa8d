/**
 * New container: a command line as a request, and create, fetching the image if it is missing.
 *
 * Kernel interface: none; the daemon acts.
 * Specification: Docker Engine API v1.50, ContainerCreate, ImageCreate.
 * Invariants: none.
 * Left out: content trust, registry credentials.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { ApiError, readJsonLines } from "./api.ts";
import type { Context, Input } from "./command.ts";
import type { Console } from "./console.ts";
import { Failure, messageOf } from "./failure.ts";
import type { Flags } from "./grammar.ts";
import { buildCreateBody, type CreateBody } from "./options/create-body.ts";
import { checkSystem } from "./options/elsewhere.ts";
import { parsePlatform } from "./platform.ts";
import { showProgress } from "./progress.ts";
import { familiarReference, fullName, looksLikeId, parseReference } from "./reference.ts";

interface CreateAnswer {
  readonly Id: string;
  readonly Warnings?: readonly string[] | null;
}

/**
 * The request that a command line of run or create makes.
 *
 * @throws Failure in Docker's frame with exit code 125; with 1 and bare for flags of another system
 */
export function translate({ console, commandLine }: Context, { flags, args }: Input): CreateBody {
  checkSystem(flags);
  try {
    return buildCreateBody(console, flags, args);
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    throw new Failure({
      message: `drydock: ${thrown.message}`,
      exitCode: 125,
      hint: thrown.hint,
      seeAlso: `${commandLine} --help`,
      cause: thrown,
    });
  }
}

/**
 * Creates a container.
 *
 * @returns its id
 * @throws Failure when the daemon refuses or the image cannot be had
 */
export async function createContainer(
  context: Context,
  flags: Flags,
  body: CreateBody,
): Promise<string> {
  const { console } = context;
  const cidFile = flags.text("cidfile");
  if (cidFile !== "" && console.files.exists(cidFile)) {
    throw new Failure({
      message: `container ID file found, make sure the other container isn't running or delete ${cidFile}`,
      exitCode: 125,
    });
  }
  checkPlatform(flags.text("platform"));
  warnOfDangers(context, flags);
  if (!looksLikeId(body.Image)) parseReference(body.Image);
  if (flags.text("pull") === "always") await pull(context, flags, body.Image);
  const asked = flags.bool("use-api-socket") ? withApiSocket(context, body) : body;
  const answer = await createOrPull(context, flags, asked);
  for (const warning of answer.Warnings ?? []) console.err.write(`WARNING: ${warning}\n`);
  if (cidFile !== "") writeId(console, cidFile, answer.Id);
  return answer.Id;
}

function checkPlatform(text: string): void {
  try {
    parsePlatform(text);
  } catch (cause) {
    const message = `error parsing specified platform: ${messageOf(cause)}`;
    throw new Failure({ message, exitCode: 125, cause });
  }
}

function writeId(console: Console, path: string, id: string): void {
  try {
    console.files.write(path, id);
  } catch (cause) {
    const message = `failed to create the container ID file: ${messageOf(cause)}`;
    throw new Failure({ message, exitCode: 1, cause });
  }
}

/** The container finds the daemon where clients look for it. */
function withApiSocket({ api }: Context, body: CreateBody): CreateBody {
  const path = /^unix:\/\/(.+)$/.exec(api.host)?.[1];
  if (path === undefined) {
    throw new Failure({
      message: `--use-api-socket needs a daemon on a unix socket, not ${api.host}`,
      exitCode: 125,
    });
  }
  const { Mounts } = body.HostConfig;
  const mounts: readonly unknown[] = Array.isArray(Mounts) ? Mounts : [];
  const socket = { Type: "bind", Source: path, Target: "/var/run/docker.sock" };
  return { ...body, HostConfig: { ...body.HostConfig, Mounts: [...mounts, socket] } };
}

async function createOrPull(
  context: Context,
  flags: Flags,
  body: CreateBody,
): Promise<CreateAnswer> {
  const create = (): Promise<CreateAnswer> =>
    context.api.json<CreateAnswer>({
      method: "POST",
      path: "/containers/create",
      query: { name: flags.text("name"), platform: flags.text("platform") },
      body,
    });
  try {
    return await create();
  } catch (thrown) {
    const isMissing = thrown instanceof ApiError && thrown.status === 404;
    const mayPull = flags.text("pull") === "missing" && !looksLikeId(body.Image);
    if (!isMissing || !mayPull) throw thrown;
    const shown = familiarReference(parseReference(body.Image));
    context.console.err.write(`Unable to find image '${shown}' locally\n`);
    await pull(context, flags, body.Image);
    return await create();
  }
}

/** Fetches an image; the daemon reports errors inside a successful answer. */
async function pull(context: Context, flags: Flags, image: string): Promise<void> {
  const reference = parseReference(image);
  const response = await context.api.stream({
    method: "POST",
    path: "/images/create",
    query: {
      fromImage: fullName(reference),
      tag: reference.digest ?? reference.tag ?? "latest",
      platform: flags.text("platform"),
    },
  });
  const progress = readJsonLines(response.body);
  await showProgress(flags.bool("quiet") ? undefined : context.console.err, progress);
}

function warnOfDangers({ console }: Context, flags: Flags): void {
  if (flags.bool("oom-kill-disable") && flags.number("memory") === 0) {
    console.err.write(
      "WARNING: Disabling the OOM killer on containers without setting a '-m/--memory' limit may be dangerous.\n",
    );
  }
  const local = flags.list("dns").find((address) => /^127\.|^::1$/.test(address));
  if (local !== undefined) {
    console.err.write(`WARNING: Localhost DNS setting (--dns=${local}) may fail in containers.\n`);
  }
}
