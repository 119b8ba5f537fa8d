/**
 * Namespace modes: which view of the machine a container asked for.
 *
 * For each kind of namespace a container either gets its own (`private`), keeps the host's (`host`)
 * or shares that of another container (`container`). Docker's API says so in six strings with six
 * slightly different vocabularies; this file turns them into one shape, or says in Docker's words
 * what is wrong with them.
 *
 * The network has no bridge yet: `default` and `bridge` give a private network namespace with a
 * loopback link only.
 *
 * Kernel interface: namespaces(7).
 * Specification: Docker Engine API v1.50, HostConfig: NetworkMode, PidMode, IpcMode, UTSMode,
 * CgroupnsMode, UsernsMode.
 * Invariants: none; `modes.test.ts` lists every accepted word.
 * Left out: user-defined networks (they need the bridge); the time namespace, which Docker does not
 * offer.
 * Docs: docs/concepts/namespaces.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

/** The seven kinds of namespace that a container may have, named as under /proc/PID/ns. */
export type NamespaceKind = "mnt" | "uts" | "ipc" | "net" | "pid" | "cgroup" | "user";

/** All kinds, in the order in which we list them. */
export const NAMESPACE_KINDS: readonly NamespaceKind[] = [
  "user",
  "mnt",
  "uts",
  "ipc",
  "net",
  "pid",
  "cgroup",
];

/**
 * One kind's choice. `container` is a name or id as the client wrote it; the caller finds its
 * process.
 */
export type NamespaceMode =
  | { readonly mode: "private" }
  | { readonly mode: "host" }
  | { readonly mode: "container"; readonly container: string };

/** Which links a private network namespace shall have. Only loopback exists so far. */
export type NetworkLinks = "none" | "default";

/** Where /dev/shm comes from, which goes with the ipc namespace but is a mount. */
export type SharedMemory = "private" | "shareable" | "none" | "host" | "container";

/** How ids are mapped in a private user namespace; see `planIdMaps`. */
export type UserMapping = "subordinate" | "keep-id" | { readonly extents: string };

/** What a container asked for, complete. */
export interface NamespaceModes {
  readonly kinds: Readonly<Record<NamespaceKind, NamespaceMode>>;
  readonly sharedMemory: SharedMemory;
  readonly networkLinks: NetworkLinks;
  readonly userMapping: UserMapping;
}

/** The strings of HostConfig that choose namespaces. Empty means default. */
export interface NamespaceStrings {
  readonly NetworkMode: string;
  readonly PidMode: string;
  readonly IpcMode: string;
  readonly UTSMode: string;
  readonly CgroupnsMode: string;
  readonly UsernsMode: string;
}

const PRIVATE: NamespaceMode = { mode: "private" };
const HOST: NamespaceMode = { mode: "host" };

function invalid(message: string, subject: string, hint: string): RuntimeError {
  return new RuntimeError({
    code: "request-invalid",
    class: "invalid",
    message,
    operation: "choose namespaces",
    subject,
    hint,
  });
}

/** `container:<name|id>`, or undefined when the text is something else. */
function parseContainer(text: string, refuse: () => RuntimeError): NamespaceMode | undefined {
  if (text !== "container" && !text.startsWith("container:")) return undefined;
  const container = text.slice("container:".length);
  if (container === "") throw refuse();
  return { mode: "container", container };
}

function parseNetworkMode(text: string): { mode: NamespaceMode; links: NetworkLinks } {
  const shared = parseContainer(text, () =>
    invalid("invalid container format container:<name|id>", text, "Name the container to join."),
  );
  if (shared !== undefined) return { mode: shared, links: "none" };
  switch (text) {
    case "":
    case "default":
    case "bridge":
      return { mode: PRIVATE, links: "default" };
    case "none":
      return { mode: PRIVATE, links: "none" };
    case "host":
      return { mode: HOST, links: "none" };
    default:
      throw new RuntimeError({
        code: "network-mode-unsupported",
        class: "not-found",
        message: `network ${text} not found`,
        operation: "choose the network namespace",
        subject: text,
        hint: "Use none, host, bridge or container:<name|id>: those are all networks so far.",
      });
  }
}

function parsePidMode(text: string): NamespaceMode {
  const refuse = () =>
    invalid(`invalid PID mode: ${text}`, text, "Use host or container:<name|id>.");
  if (text === "" || text === "private") return PRIVATE;
  if (text === "host") return HOST;
  const shared = parseContainer(text, refuse);
  if (shared === undefined) throw refuse();
  return shared;
}

function parseIpcMode(text: string): { mode: NamespaceMode; sharedMemory: SharedMemory } {
  const refuse = () =>
    invalid(
      `invalid IPC mode: ${text}`,
      text,
      "Use none, private, shareable, host or container:<name|id>.",
    );
  switch (text) {
    case "":
      return { mode: PRIVATE, sharedMemory: "private" };
    case "private":
    case "shareable":
    case "none":
      return { mode: PRIVATE, sharedMemory: text };
    case "host":
      return { mode: HOST, sharedMemory: "host" };
    default: {
      const shared = parseContainer(text, refuse);
      if (shared === undefined) throw refuse();
      return { mode: shared, sharedMemory: "container" };
    }
  }
}

function parseUtsMode(text: string): NamespaceMode {
  if (text === "" || text === "private") return PRIVATE;
  if (text === "host") return HOST;
  throw invalid(`invalid UTS mode: ${text}`, text, "Use host, or nothing.");
}

function parseCgroupnsMode(text: string, cgroupVersion: 1 | 2): NamespaceMode {
  if (text === "") return cgroupVersion === 2 ? PRIVATE : HOST;
  if (text === "private") return PRIVATE;
  if (text === "host") return HOST;
  throw invalid(`invalid cgroup namespace mode: ${text}`, text, "Use private or host.");
}

function parseUsernsMode(text: string): { mode: NamespaceMode; mapping: UserMapping } {
  if (text === "" || text === "host") return { mode: HOST, mapping: "subordinate" };
  if (text === "private") return { mode: PRIVATE, mapping: "subordinate" };
  if (text === "keep-id") return { mode: PRIVATE, mapping: "keep-id" };
  if (text.startsWith("map:")) {
    return { mode: PRIVATE, mapping: { extents: text.slice("map:".length) } };
  }
  throw invalid(
    `invalid USER mode: ${text}`,
    text,
    "Use host, private, keep-id or map:CONTAINER:HOST:COUNT[,…].",
  );
}

/**
 * Turns the strings of a request into modes.
 *
 * @param strings HostConfig's strings; empty ones take Docker's defaults
 * @param cgroupVersion decides the default of CgroupnsMode: host on 1, private on 2
 * @throws RuntimeError `request-invalid` (400) or `network-mode-unsupported` (404), in Docker's
 * words
 * @example
 * const none = { PidMode: "", IpcMode: "", UTSMode: "", CgroupnsMode: "", UsernsMode: "" };
 * parseNamespaceModes({ ...none, NetworkMode: "container:web" }, 1).kinds.net
 * // { mode: "container", container: "web" }
 */
export function parseNamespaceModes(
  strings: NamespaceStrings,
  cgroupVersion: 1 | 2,
): NamespaceModes {
  const network = parseNetworkMode(strings.NetworkMode);
  const ipc = parseIpcMode(strings.IpcMode);
  const user = parseUsernsMode(strings.UsernsMode);
  return {
    kinds: {
      user: user.mode,
      mnt: PRIVATE,
      uts: parseUtsMode(strings.UTSMode),
      ipc: ipc.mode,
      net: network.mode,
      pid: parsePidMode(strings.PidMode),
      cgroup: parseCgroupnsMode(strings.CgroupnsMode, cgroupVersion),
    },
    sharedMemory: ipc.sharedMemory,
    networkLinks: network.links,
    userMapping: user.mapping,
  };
}
