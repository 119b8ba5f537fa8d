/**
 * Options, devices: which devices a container gets, and how fast it may use them.
 *
 * Kernel interface: mknod(2); cgroup devices, blkio and io controllers.
 * Specification: Docker Engine API v1.50, HostConfig.Devices, BlkioDeviceReadBps and its kin.
 * Invariants: none.
 * Left out: device requests (CDI, GPUs).
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import { Failure } from "../failure.ts";
import { parseBytes } from "../values.ts";

/** A device of the host under a path inside. */
export interface DeviceMapping {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
}

/**
 * Parses "/dev/host[:/dev/inside][:rwm]".
 *
 * @throws Failure with exit code 125
 * @example parseDevice("/dev/null:/dev/nothing:r")
 */
export function parseDevice(text: string): DeviceMapping {
  const { paths, mode } = splitMode(text.split(":"));
  const [host = "", inside = host, third] = paths;
  const fail = (message: string): Failure => new Failure({ message, exitCode: 125 });
  if (host === "" || paths.length > 3) throw fail(`bad format for path: ${text}`);
  if (third !== undefined) throw fail(`bad mode specified: ${third}`);
  const PathInContainer = inside === "" ? host : inside;
  if (!PathInContainer.startsWith("/")) throw fail(`${PathInContainer} is not an absolute path`);
  return { PathOnHost: host, PathInContainer, CgroupPermissions: mode };
}

function splitMode(parts: readonly string[]): { readonly paths: readonly string[]; mode: string } {
  const last = parts.at(-1) ?? "";
  if (parts.length < 2 || !isMode(last)) return { paths: parts, mode: "rwm" };
  return { paths: parts.slice(0, -1), mode: last };
}

function isMode(text: string): boolean {
  return /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
}

/** A rate for one device. */
export interface ThrottleDevice {
  readonly Path: string;
  readonly Rate: number;
}

/** Parses "/dev/NAME:rate" with a rate in bytes. @throws Error in Docker's words */
export function parseRate(text: string): ThrottleDevice {
  const form =
    "The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb";
  const { path, value } = splitDevice(text);
  try {
    return { Path: path, Rate: parseBytes(value) };
  } catch (cause) {
    throw new Error(`invalid rate for device: ${text}. ${form}`, { cause });
  }
}

/** Parses "/dev/NAME:rate" with a plain number. @throws Error in Docker's words */
export function parseThrottle(text: string): ThrottleDevice {
  const { path, value } = splitDevice(text);
  if (/^\d+$/.test(value)) return { Path: path, Rate: Number(value) };
  throw new Error(
    `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
  );
}

/** A weight for one device. */
export interface WeightDevice {
  readonly Path: string;
  readonly Weight: number;
}

/** Parses "/dev/NAME:weight", 10 to 1000. @throws Error in Docker's words */
export function parseWeightDevice(text: string): WeightDevice {
  const { path, value } = splitDevice(text);
  const weight = Number(value);
  if (/^\d+$/.test(value) && (weight === 0 || (weight >= 10 && weight <= 1000))) {
    return { Path: path, Weight: weight };
  }
  throw new Error(`invalid weight for device: ${text}`);
}

function splitDevice(text: string): { readonly path: string; readonly value: string } {
  const [path = "", value, extra] = text.split(":");
  if (value === undefined || extra !== undefined) throw new Error(`bad format: ${text}`);
  if (!path.startsWith("/dev/")) throw new Error(`bad format for device path: ${text}`);
  return { path, value };
}

/** The same, as checks of the flags. @throws Error */
export function checkRate(text: string): string {
  parseRate(text);
  return text;
}

/** @throws Error */
export function checkThrottle(text: string): string {
  parseThrottle(text);
  return text;
}

/** @throws Error */
export function checkWeightDevice(text: string): string {
  parseWeightDevice(text);
  return text;
}
