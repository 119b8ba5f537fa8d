/**
 * Options, elsewhere: flags of docker that mean something on other machines.
 *
 * They are known so that whoever gives one is told why it cannot be had here, in Docker's words and
 * with its exit code, instead of "unknown flag". What the daemon can judge is sent to it.
 *
 * Kernel interface: none.
 * Specification: docker run reference; docker/cli opts.GpuOpts.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "../failure.ts";
import type { Flags } from "../grammar.ts";

/** What only a Windows daemon takes: the name and the kind of its value. */
export const WINDOWS = [
  ["cpu-count", "int"],
  ["cpu-percent", "int"],
  ["io-maxbandwidth", "bytes"],
  ["io-maxiops", "int"],
] as const;

/** @throws Failure with exit code 1 for what only a Windows daemon takes */
export function checkSystem(flags: Flags): void {
  const given = WINDOWS.find(([name]) => flags.changed(name));
  if (given === undefined) return;
  throw new Failure({
    message:
      `"--${given[0]}" is only supported on a Docker daemon running on windows, ` +
      "but the Docker daemon is running on linux",
    exitCode: 1,
  });
}

/** @throws Failure when signatures are to be checked */
export function checkContentTrust(flags: Flags): void {
  if (flags.bool("disable-content-trust")) return;
  throw new Failure({
    message: "Error: content trust is not available: there is no notary server to ask",
    exitCode: 125,
    hint: "Name the image by its digest: NAME@sha256:… is checked when it is fetched.",
  });
}

/** A request for devices that a driver on the host would give. */
export interface DeviceRequest {
  readonly Driver: string;
  readonly Count: number;
  readonly DeviceIDs: readonly string[] | null;
  readonly Capabilities: readonly (readonly string[])[] | null;
  readonly Options: Readonly<Record<string, string>> | null;
}

/** What --gpus asks for, and names such as nvidia.com/gpu=all of --device. */
export function deviceRequests(flags: Flags): readonly DeviceRequest[] {
  const names = flags.list("device").filter(isQualifiedName);
  const cdi = { Driver: "cdi", Count: 0, Capabilities: null, Options: null };
  return [
    ...(flags.changed("gpus") ? [parseGpus(flags.text("gpus"))] : []),
    ...(names.length === 0 ? [] : [{ ...cdi, DeviceIDs: names }]),
  ];
}

/** Whether a device is named by its vendor instead of a path: `nvidia.com/gpu=all`. */
export function isQualifiedName(text: string): boolean {
  return /^[a-zA-Z][\w.-]*\/[a-zA-Z][\w.-]*=[\w.:-]+$/.test(text);
}

/**
 * Parses "all", a number, or "device=0,driver=nvidia,capabilities=…".
 *
 * @throws Error in Docker's words
 * @example parseGpus("all").Count // -1
 */
export function parseGpus(text: string): DeviceRequest {
  const fields = new Map(
    text.split(",").map((field): [string, string] => {
      const at = field.indexOf("=");
      return at < 0 ? ["count", field] : [field.slice(0, at), field.slice(at + 1)];
    }),
  );
  const unknown = [...fields.keys()].find((key) => !GPU_KEYS.includes(key));
  if (unknown !== undefined) throw new Error(`unexpected key '${unknown}' in '${text}'`);
  const device = fields.get("device");
  const capabilities = fields.get("capabilities")?.split(",") ?? [];
  return {
    Driver: fields.get("driver") ?? "",
    Count: device === undefined ? countOf(fields.get("count") ?? "1") : 0,
    DeviceIDs: device === undefined ? null : device.split(","),
    Capabilities: [capabilities.includes("gpu") ? capabilities : ["gpu", ...capabilities]],
    Options: {},
  };
}

const GPU_KEYS = ["count", "device", "driver", "capabilities", "options"];

function countOf(text: string): number {
  if (text === "all") return -1;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw new Error(
    `invalid count (${text}): value must be either "all" or an integer: ` +
      `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

/** A value of --gpus. @throws Error */
export function checkGpus(text: string): string {
  parseGpus(text);
  return text;
}
