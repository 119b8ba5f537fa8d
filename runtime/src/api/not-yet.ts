/**
 * Not yet: what Docker can do and this engine cannot, so that it says so.
 *
 * An option that is silently ignored is worse than one that is refused: the container runs, but
 * not as asked. Options that change what a container is or may do are refused; those without
 * which it still is what was asked for are left out with a warning. Routes without an engine
 * behind them answer 501 and say what is missing, where an unknown path is a 404.
 *
 * Kernel interface: none.
 * Specification: Docker Engine API v1.50.
 * Invariants: none.
 * Left out: everything that the tables below name.
 * Docs: docs/concepts/api.md
 *
 * @module
 */

import { invalidRequest } from "./failure.ts";

interface MissingOption {
  /** Path from the body's top. */
  readonly path: readonly string[];
  readonly what: string;
}

/** What another machine could do, in Docker's words for one that cannot. */
interface ForeignOption {
  readonly path: readonly string[];
  readonly means: (value: unknown) => boolean;
  readonly message: (value: unknown) => string;
  readonly hint: string;
}

const FOREIGN: readonly ForeignOption[] = [
  {
    path: ["HostConfig", "Isolation"],
    means: (value) => value !== "default",
    message: (value) =>
      `Invalid isolation: ${JSON.stringify(value)} - linux only supports 'default'`,
    hint: "Windows isolates in two ways; on Linux containers always share the kernel.",
  },
  {
    path: ["HostConfig", "DeviceRequests"],
    means: () => true,
    message: (value) => {
      const { Driver = "", Capabilities = [] } = firstOf(value);
      const words = (Capabilities ?? []).map((all) => `[${all.join(" ")}]`).join(" ");
      return `could not select device driver ${JSON.stringify(Driver)} with capabilities: [${words}]`;
    },
    hint: "No driver for GPUs and CDI devices is here; --device adds a node of /dev by its path.",
  },
  {
    path: ["HostConfig", "StorageOpt"],
    means: () => true,
    message: () =>
      "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
    hint: "A container's writable layer has no size of its own here.",
  },
  {
    path: ["HostConfig", "VolumeDriver"],
    means: (value) => value !== "local",
    message: (value) => {
      const name = String(value);
      return `error looking up volume plugin ${name}: plugin ${JSON.stringify(name)} not found`;
    },
    hint: "The only driver of volumes is local.",
  },
  ...["CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"].map((field) => ({
    path: ["HostConfig", field],
    means: () => true,
    message: () => `invalid option: Linux does not support ${field}`,
    hint: "Only Windows has it; --cpus and --device-read-bps are what Linux has.",
  })),
];

function firstOf(value: unknown): {
  readonly Driver?: string;
  readonly Capabilities?: readonly (readonly string[])[] | null;
} {
  // As the schema of the API says; what is not so only makes the text odd.
  return Array.isArray(value) ? ((value as readonly object[])[0] ?? {}) : {};
}

const IGNORED: readonly MissingOption[] = [
  { path: ["HostConfig", "Links"], what: "--link (the legacy links between containers)" },
  { path: ["MacAddress"], what: "--mac-address" },
];

const NO_KERNEL_MEMORY =
  "Kernel memory has no limit of its own since Linux 5.16: --kernel-memory is left out.";

/** @throws RuntimeError feature-unsupported when the body asks for what cannot be left out */
export function refuseWhatIsMissing(body: unknown): void {
  for (const { path, means, message, hint } of FOREIGN) {
    const value = valueAt(body, path);
    if (!isEmpty(value) && means(value)) throw invalidRequest(message(value), hint);
  }
}

/** One sentence for each option that the body asks for and that was left out. */
export function warnOfWhatIsIgnored(body: unknown): readonly string[] {
  const left = IGNORED.filter(({ path }) => isAskedFor(body, path)).map(
    ({ what }) => `Drydock does not know ${what} yet and left it out.`,
  );
  return isAskedFor(body, ["HostConfig", "KernelMemory"]) ? [...left, NO_KERNEL_MEMORY] : left;
}

/** Clients send every field there is; only what is not empty asks for something. */
function isAskedFor(body: unknown, path: readonly string[]): boolean {
  return !isEmpty(valueAt(body, path));
}

function valueAt(body: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined || typeof body !== "object" || body === null) return body;
  const entry = Object.entries(body).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return entry === undefined ? undefined : valueAt(entry[1], rest);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  if (value === "" || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

interface MissingRoute {
  /** Matches method, a space, and the path. */
  readonly request: RegExp;
  readonly what: string;
}

const MISSING_ROUTES: readonly MissingRoute[] = [
  route("POST", "/auth", "logging in to a registry"),
  route("POST", "/build", "building images"),
  route("POST", "/session", "BuildKit sessions"),
  route("POST", "/grpc", "BuildKit"),
  route("GET", "/containers/[^/]+/attach/ws", "attaching over a WebSocket"),
  route("GET", "/images/(get|.+/get)", "saving images"),
  route("GET", "/images/search", "searching a registry"),
  route("POST", "/images/(load|.+/push)", "loading and pushing images"),
  route("GET", "/distribution/.+/json", "asking a registry"),
  route("POST", "/networks/(create|[^/]+/(connect|disconnect))", "networks of your own"),
  route("DELETE", "/networks/[^/]+", "networks of your own"),
  route("POST", "/volumes/create", "named volumes"),
  route("(PUT|DELETE)", "/volumes/[^/]+", "named volumes"),
  route("(GET|POST)", "/plugins/(privileges|pull|create)", "plugins"),
  route("(GET|POST)", "/(swarm|nodes|services|tasks|secrets|configs)(/.*)?", "swarm mode"),
];

function route(method: string, path: string, what: string): MissingRoute {
  return { request: new RegExp(`^${method} ${path}$`), what };
}

/**
 * What is missing behind a path of Docker's API; null when Docker does not know the path either.
 */
export function missingFeature(method: string, path: string): string | null {
  return MISSING_ROUTES.find(({ request }) => request.test(`${method} ${path}`))?.what ?? null;
}
