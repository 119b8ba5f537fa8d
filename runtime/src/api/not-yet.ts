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

import { notImplemented } from "./failure.ts";

interface MissingOption {
  /** Path from the body's top. */
  readonly path: readonly string[];
  readonly what: string;
}

const REFUSED: readonly MissingOption[] = [
  { path: ["HostConfig", "VolumesFrom"], what: "--volumes-from (volumes of another container)" },
  { path: ["HostConfig", "DeviceRequests"], what: "--gpus (device drivers)" },
  { path: ["HostConfig", "StorageOpt"], what: "--storage-opt (a size for the writable layer)" },
  { path: ["HostConfig", "VolumeDriver"], what: "--volume-driver (volume plugins)" },
  { path: ["HostConfig", "CpuRealtimePeriod"], what: "--cpu-rt-period" },
  { path: ["HostConfig", "CpuRealtimeRuntime"], what: "--cpu-rt-runtime" },
];

const IGNORED: readonly MissingOption[] = [
  { path: ["HostConfig", "Links"], what: "--link (the legacy links between containers)" },
  { path: ["MacAddress"], what: "--mac-address" },
  { path: ["HostConfig", "Annotations"], what: "--annotation" },
];

/** @throws RuntimeError feature-unsupported when the body asks for what cannot be left out */
export function refuseWhatIsMissing(body: unknown): void {
  const missing = REFUSED.find(({ path }) => isAskedFor(body, path));
  if (missing === undefined) return;
  throw notImplemented(
    `Drydock cannot create this container yet: ${missing.what} is missing`,
    "Leave the option out; the list of what is missing is on the page about the API.",
  );
}

/** One sentence for each option that the body asks for and that was left out. */
export function warnOfWhatIsIgnored(body: unknown): readonly string[] {
  return IGNORED.filter(({ path }) => isAskedFor(body, path)).map(
    ({ what }) => `Drydock does not know ${what} yet and left it out.`,
  );
}

/** Clients send every field there is; only what is not empty asks for something. */
function isAskedFor(body: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return !isEmpty(body);
  if (typeof body !== "object" || body === null) return false;
  const entry = Object.entries(body).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return entry !== undefined && isAskedFor(entry[1], rest);
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
