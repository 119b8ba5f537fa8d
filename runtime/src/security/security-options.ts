/**
 * Security options: what `--security-opt` can say.
 *
 * A small language of `key=value` words (the old `key:value` is still taken). Profiles of AppArmor
 * and labels of SELinux are accepted, since scripts pass them, and answered with a warning: this
 * engine does not load them.
 *
 * Kernel interface: prctl(2) PR_SET_NO_NEW_PRIVS, seccomp(2).
 * Specification: Docker Engine API v1.50, HostConfig.SecurityOpt.
 * Invariants: none; `security-options.test.ts` lists every accepted word.
 * Left out: AppArmor and SELinux, which would need their kernel modules and policies.
 * Docs: docs/concepts/seccomp.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

/** What a container asked for. */
export interface SecurityOptions {
  readonly noNewPrivileges: "set" | "unset";
  /** `profile` is the text of a JSON profile. */
  readonly seccomp: "default" | "unconfined" | { readonly profile: string };
  readonly systemPaths: "confined" | "unconfined";
  /** For the `Warnings` of create. */
  readonly warnings: readonly string[];
}

const TRUE = ["1", "t", "T", "true", "TRUE", "True"];
const FALSE = ["0", "f", "F", "false", "FALSE", "False"];

function invalid(option: string, place: 1 | 2): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message: `invalid --security-opt ${place}: ${JSON.stringify(option)}`,
    operation: "read security options",
    subject: option,
    hint: "Use no-new-privileges, seccomp=…, systempaths=unconfined, apparmor=… or label=….",
  });
}

function splitOption(option: string): { readonly key: string; readonly value: string } {
  const separator = option.includes("=") ? "=" : ":";
  const at = option.indexOf(separator);
  if (at === -1) throw invalid(option, 1);
  return { key: option.slice(0, at), value: option.slice(at + 1) };
}

function noNewPrivilegesOf(value: string, option: string): SecurityOptions["noNewPrivileges"] {
  if (TRUE.includes(value)) return "set";
  if (FALSE.includes(value)) return "unset";
  throw invalid(option, 2);
}

/** Words that stand alone, as the pairs that they mean. */
const ALONE: Readonly<Record<string, string>> = {
  "no-new-privileges": "no-new-privileges=true",
  disable: "label=disable",
};

function applyOption(options: SecurityOptions, option: string): SecurityOptions {
  const { key, value } = splitOption(ALONE[option] ?? option);
  switch (key) {
    case "no-new-privileges":
      return { ...options, noNewPrivileges: noNewPrivilegesOf(value, option) };
    case "seccomp":
      return { ...options, seccomp: seccompOf(value) };
    case "systempaths":
      if (value !== "unconfined") throw invalid(option, 2);
      return { ...options, systemPaths: value };
    case "apparmor":
    case "label": {
      const warning = `--security-opt ${key}=${value} has no effect: this engine does not use it.`;
      return { ...options, warnings: [...options.warnings, warning] };
    }
    default:
      throw invalid(option, 2);
  }
}

function seccompOf(value: string): SecurityOptions["seccomp"] {
  if (value === "unconfined") return "unconfined";
  return value === "" || value === "builtin" ? "default" : { profile: value };
}

/**
 * Parses `HostConfig.SecurityOpt`; a later word wins over an earlier one.
 *
 * @throws RuntimeError `request-invalid` (400), in Docker's words
 * @example parseSecurityOptions(["no-new-privileges:true"]).noNewPrivileges // "set"
 */
export function parseSecurityOptions(words: readonly string[]): SecurityOptions {
  const none: SecurityOptions = {
    noNewPrivileges: "unset",
    seccomp: "default",
    systemPaths: "confined",
    warnings: [],
  };
  return words.reduce(applyOption, none);
}
