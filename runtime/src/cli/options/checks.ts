/**
 * Options, checks: small forms that a value must have before anything is asked of the daemon.
 *
 * Kernel interface: setrlimit(2) for the names of limits.
 * Specification: docker/cli opts; docker/go-units ParseUlimit.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** A stream's name in lower case. @throws Error */
export function checkAttach(text: string): string {
  const stream = text.toLowerCase();
  if (["stdin", "stdout", "stderr"].includes(stream)) return stream;
  throw new Error("valid streams are STDIN, STDOUT and STDERR");
}

/** K=V or K. @throws Error */
export function checkLabel(text: string): string {
  if (text.startsWith("=") || text === "") throw new Error(`invalid label '${text}': empty name`);
  return text;
}

/** K=V of a parameter that belongs to a namespace. @throws Error */
export function checkSysctl(text: string): string {
  const [name = "", value] = text.split("=", 2);
  const ipc = ["kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall"];
  const more = ["kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"];
  const known = [...ipc, ...more].includes(name) || /^(net|fs\.mqueue)\./.test(name);
  if (value !== undefined && known) return text;
  throw new Error(`sysctl '${text}' is not allowed`);
}

/** K=V of a file in a cgroup, named by its controller. @throws Error */
export function checkCgroupConf(text: string): string {
  if (/^[a-z_0-9]+\.[a-z_0-9.]+=./.test(text)) return text;
  throw new Error(`invalid cgroup setting '${text}': write CONTROLLER.FILE=VALUE`);
}

/** A rule of the devices cgroup. @throws Error */
export function checkCgroupRule(text: string): string {
  if (/^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/.test(text)) return text;
  throw new Error(`invalid device cgroup format '${text}'`);
}

const ULIMIT_NAMES = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
    " ",
  ),
);

/** A limit of one process. */
export interface Ulimit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}

/**
 * Parses "nofile=64" or "nofile=64:128".
 *
 * @throws Error in go-units' words
 * @example parseUlimit("nofile=64") // { Name: "nofile", Soft: 64, Hard: 64 }
 */
export function parseUlimit(text: string): Ulimit {
  const [, name = "", values] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (values === undefined) throw new Error(`invalid ulimit argument: ${text}`);
  if (!ULIMIT_NAMES.has(name)) throw new Error(`invalid ulimit type: ${name}`);
  const limits = values.split(":");
  if (limits.length > 2) {
    const most = "can only have up to two, `soft[:hard]`";
    throw new Error(`too many limit value arguments - ${values}, ${most}`);
  }
  const [Soft = 0, Hard = Soft] = limits.map(parseLimit);
  checkOrder(Soft, Hard);
  return { Name: name, Soft, Hard };
}

function checkOrder(soft: number, hard: number): void {
  if (hard === -1 || (soft !== -1 && soft <= hard)) return;
  const rule = "ulimit soft limit must be less than or equal to hard limit";
  throw new Error(`${rule}: ${soft} > ${hard}`);
}

function parseLimit(text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
}

/** The same, as a check of the flag. @throws Error */
export function checkUlimit(text: string): string {
  parseUlimit(text);
  return text;
}

/**
 * The form of --add-host: NAME:ADDRESS or NAME=ADDRESS.
 *
 * @returns the first of the two, which the API takes
 * @throws Error in Docker's words
 * @example checkExtraHost("web=[fd00::1]") // "web:fd00::1"
 */
export function checkExtraHost(text: string): string {
  const [, name = "", value = ""] = /^([^=:]+)[=:](.*)$/s.exec(text) ?? [];
  if (name === "") throw new Error(`bad format for add-host: ${JSON.stringify(text)}`);
  const address = /^\[(.+)\]$/.exec(value)?.[1] ?? value;
  if (value !== "host-gateway" && !isAddress(address)) {
    throw new Error(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
  return `${name}:${address}`;
}

/** @throws Error in Docker's words for what is no IP address */
export function checkAddress(text: string): string {
  if (isAddress(text.trim())) return text.trim();
  throw new Error(`IP address is not correctly formatted: ${text}`);
}

/** An address of IPv4 with its four numbers, or one of IPv6. */
function isAddress(text: string): boolean {
  const numbers = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (numbers !== undefined) return numbers.every((number) => Number(number) <= 255);
  return /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]`);
}
