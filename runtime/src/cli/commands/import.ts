/**
 * Command import: make an image of a tar archive.
 *
 * Kernel interface: none; the daemon unpacks.
 * Specification: docker image import reference; Engine API v1.50, ImageCreate.
 * Invariants: none.
 * Left out: addresses to fetch the archive from: `curl … | drydock import -`.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { readJsonLines } from "../api.ts";
import type { Command, Context, Input } from "../command.ts";
import { Failure } from "../failure.ts";
import { repositoryAndTag } from "../reference.ts";
import { showProgress } from "../progress.ts";

/** See the head of this file. */
export const command: Command = {
  usage: "[OPTIONS] FILE|- [REPOSITORY[:TAG]]",
  flags: [
    { name: "change", short: "c", kind: "list", help: "Line of a Dockerfile: CMD, ENV, LABEL, …" },
    { name: "message", short: "m", kind: "string", help: "What it is" },
    { name: "platform", kind: "string", help: "Platform of the image, for example linux/arm64" },
  ],
  arity: [1, 2],
  interspersed: true,
  about:
    "The opposite of export: one layer, without a history. The archive is a tar, plain or compressed " +
    "by gzip.",
  concepts: ["images", "archive"],
  run,
};

async function run({ api, console }: Context, { flags, args }: Input): Promise<number> {
  const [source = "", name = ""] = args;
  if (/^https?:\/\//u.test(source)) {
    throw new Failure({
      message: `drydock: cannot fetch ${source}`,
      exitCode: 1,
      hint: `curl -L ${source} | drydock import - ${name}`,
    });
  }
  if (source !== "-" && console.files.kindOf(source) === undefined) {
    throw new Failure({ message: `open ${source}: no such file or directory`, exitCode: 1 });
  }
  const upload = source === "-" ? console.input() : console.files.stream(source);
  const { body } = await api.stream({
    method: "POST",
    path: "/images/create",
    query: {
      fromSrc: "-",
      ...repositoryAndTag(name),
      message: flags.text("message"),
      changes: flags.list("change").join("\n"),
      platform: flags.text("platform"),
    },
    upload,
  });
  await showProgress(console.out, readJsonLines(body));
  return 0;
}
