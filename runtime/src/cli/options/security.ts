/**
 * Options, security: --security-opt, with the seccomp profile read here.
 *
 * The profile is a file of the user's machine, which the daemon may not see; so its content is
 * sent.
 *
 * Kernel interface: seccomp(2), prctl(2) PR_SET_NO_NEW_PRIVS.
 * Specification: docker run reference, "--security-opt".
 * Invariants: none.
 * Left out: credential specs (Windows).
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Console } from "../console.ts";
import { Failure, messageOf } from "../failure.ts";

/** What --security-opt asks for. */
export interface SecurityOptions {
  readonly options: readonly string[];
  /** Whether the paths that Docker masks are to stay open. */
  readonly openSystemPaths: boolean;
}

/** Reads the values of --security-opt. @throws Failure with exit code 125 */
export function readSecurityOptions(console: Console, given: readonly string[]): SecurityOptions {
  const open = "systempaths=unconfined";
  return {
    options: given.filter((text) => text !== open).map((text) => readOne(console, text)),
    openSystemPaths: given.includes(open),
  };
}

/** Names of profiles that the daemon has; any other is a file. */
const BUILT_IN = new Set(["unconfined", "builtin", "default"]);

function readOne(console: Console, text: string): string {
  const [, key = text, value = ""] = /^([^=:]*)[=:](.*)$/s.exec(text) ?? [];
  if (value === "" && key !== "no-new-privileges") {
    throw new Failure({
      message: `Invalid --security-opt: ${JSON.stringify(text)}`,
      exitCode: 125,
    });
  }
  if (key !== "seccomp" || BUILT_IN.has(value)) return text;
  return `seccomp=${readProfile(console, value)}`;
}

function readProfile(console: Console, path: string): string {
  let step = "opening";
  try {
    const content = console.files.read(path);
    step = "compacting json for";
    return JSON.stringify(JSON.parse(content));
  } catch (cause) {
    const what = step === "opening" ? "opening seccomp profile" : `${step} seccomp profile`;
    throw new Failure({
      message: `${what} (${path}) failed: ${messageOf(cause)}`,
      exitCode: 125,
      cause,
    });
  }
}
