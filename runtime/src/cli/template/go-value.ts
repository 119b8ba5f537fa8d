/**
 * Templates, values: JSON seen with Go's eyes.
 *
 * Docker's templates run over Go values, ours over what the API sent. The difference shows where Go
 * knows more than JSON: a map without the key gives "<no value>" but a struct without the field is
 * an error, and an absent list prints as "[]" but an absent pointer as "<nil>". So the names of the
 * API's maps and lists are written down here, once.
 *
 * Kernel interface: none.
 * Specification: Go fmt, verb %v; Docker Engine API v1.50, ContainerInspectResponse.
 * Invariants: none.
 * Left out: addresses of pointers inside structs, which nobody can use.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
/** Fields that are maps in Docker's types: any key may be asked for. */
const MAP_FIELDS = new Set(
  (
    "Annotations AuxiliaryAddresses Data DriverOpts DriverOptions Exec " +
    "ExposedPorts Labels Networks Options Parameters PortBindings Ports Properties Runtimes " +
    "StorageOpt Sysctls Tmpfs Volumes Details"
  ).split(" "),
);

/** Fields that are lists in Docker's types: null stands for an empty one. */
const LIST_FIELDS = new Set(
  (
    "Aliases Args Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps " +
    "BlkioDeviceWriteIOps BlkioWeightDevice CapAdd CapDrop Cmd DNSNames DeviceCgroupRules " +
    "DeviceRequests Devices Dns DnsOptions DnsSearch Entrypoint Env ExecIDs ExtraHosts GroupAdd " +
    "Layers Links MaskedPaths Mounts OnBuild ReadonlyPaths RepoDigests RepoTags " +
    "SecondaryIPAddresses SecondaryIPv6Addresses SecurityOpt Shell Ulimits VolumesFrom Warnings"
  ).split(" "),
);

/** Pointers in Docker's structs that the API leaves out where there is nothing. */
const OPTIONAL_FIELDS = new Set(["Health", "Healthcheck", "Init", "StopTimeout"]);

/** Names the Go type of a value that is no plain JSON, for the error message. */
export const GO_TYPE: unique symbol = Symbol("go type");

/** A row of a list: fields by name; a function is a method that takes arguments. */
export interface Row {
  readonly [GO_TYPE]: string;
  readonly [field: string]: unknown;
}

/** An absent list or map: empty to look at, null as JSON. */
class Absent {
  readonly shown: "[]" | "map[]";
  constructor(shown: "[]" | "map[]") {
    this.shown = shown;
  }
  toJSON(): null {
    return null;
  }
}

/** A JSON object that Docker holds as a map. */
class GoMap {
  readonly entries: Readonly<Record<string, unknown>>;
  constructor(entries: Readonly<Record<string, unknown>>) {
    this.entries = entries;
  }
  toJSON(): unknown {
    return this.entries;
  }
}

/** What `.Name` finds: a value, or why there is none. */
export type Found = { readonly value: unknown } | { readonly problem: string };

/**
 * Looks up one field.
 *
 * @param receiver undefined is what an absent key of a map left behind, and stays so
 */
export function fieldOf(receiver: unknown, name: string): Found {
  if (receiver === undefined || isAbsentMap(receiver)) return { value: undefined };
  if (receiver === null || receiver instanceof Absent) {
    return { problem: `nil pointer evaluating interface {}.${name}` };
  }
  if (receiver instanceof GoMap) return { value: typed(name, receiver.entries[name]) };
  if (typeof receiver !== "object" || Array.isArray(receiver)) {
    return { problem: `can't evaluate field ${name} in type ${goTypeOf(receiver)}` };
  }
  if (!Object.hasOwn(receiver, name)) return absentField(receiver, name);
  const value: unknown = (receiver as Record<string, unknown>)[name];
  return { value: GO_TYPE in receiver ? value : typed(name, value) };
}

function absentField(receiver: object, name: string): Found {
  const isPointer = OPTIONAL_FIELDS.has(name) && !(GO_TYPE in receiver);
  return isPointer ? { value: null } : { problem: missing(receiver, name) };
}

function isAbsentMap(value: unknown): boolean {
  return value instanceof Absent && value.shown === "map[]";
}

function missing(receiver: object, name: string): string {
  if (GO_TYPE in receiver) {
    return `can't evaluate field ${name} in type ${String(receiver[GO_TYPE])}`;
  }
  return `map has no entry for key ${JSON.stringify(name)}`;
}

/** Gives a value of the API the Go type that its field has. */
function typed(name: string, value: unknown): unknown {
  if (value === null) {
    if (LIST_FIELDS.has(name)) return new Absent("[]");
    return MAP_FIELDS.has(name) ? new Absent("map[]") : null;
  }
  const isObject = typeof value === "object" && !Array.isArray(value);
  if (isObject && MAP_FIELDS.has(name)) return new GoMap(value as Record<string, unknown>);
  return value;
}

/** The elements that `range` walks, as pairs of key and value; undefined when it cannot. */
export function elementsOf(value: unknown): readonly (readonly [unknown, unknown])[] | undefined {
  if (value === undefined || value === null || value instanceof Absent) return [];
  if (Array.isArray(value)) return value.map((element: unknown, index) => [index, element]);
  if (typeof value === "number") {
    return Array.from({ length: Math.max(0, value) }, (_, index) => [index, index]);
  }
  if (typeof value !== "object") return undefined;
  return sortedEntries(value instanceof GoMap ? value.entries : value);
}

function sortedEntries(object: object): [string, unknown][] {
  return Object.entries(object).toSorted(([left], [right]) => (left < right ? -1 : 1));
}

/** `index value key`: one step into a list, a map or a string. */
export function indexOf(value: unknown, key: unknown): Found {
  if (value === undefined || value === null) return { problem: "index of untyped nil" };
  if (isAbsentMap(value)) return { value: undefined };
  if (value instanceof Absent) return { problem: `index out of range: ${showGo(key)}` };
  if (typeof value === "string" || Array.isArray(value)) return indexOfList(value, key);
  if (typeof value !== "object") return { problem: `can't index item of type ${goTypeOf(value)}` };
  return indexOfMap(value instanceof GoMap ? value.entries : value, key);
}

function indexOfMap(map: object, key: unknown): Found {
  if (typeof key !== "string") return { problem: "value has type int; should be string" };
  const entries = map as Record<string, unknown>;
  return { value: Object.hasOwn(entries, key) ? entries[key] : zeroOf(entries) };
}

/** What Go gives for an absent key: the zero of the type that the map's values have. */
function zeroOf(entries: Readonly<Record<string, unknown>>): unknown {
  return Object.values(entries).some((value) => typeof value === "object") ? null : "";
}

function indexOfList(list: string | readonly unknown[], key: unknown): Found {
  if (typeof key !== "number") return { problem: "cannot index slice/array with type string" };
  if (key < 0 || key >= list.length) return { problem: `index out of range: ${key}` };
  return { value: typeof list === "string" ? list.charCodeAt(key) : list[key] };
}

/** What `if` takes for true. */
export function isTrue(value: unknown): boolean {
  if (value instanceof GoMap) return Object.keys(value.entries).length > 0;
  if (value instanceof Absent) return false;
  if (Array.isArray(value)) return value.length > 0;
  return Boolean(value);
}

/** `len value`; undefined when it has none. */
export function lengthOf(value: unknown): number | undefined {
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Absent) return 0;
  if (typeof value !== "object" || value === null) return undefined;
  return Object.keys(value instanceof GoMap ? value.entries : value).length;
}

/** Go's name for a value's type, for error messages. */
export function goTypeOf(value: unknown): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (Array.isArray(value)) return "[]interface {}";
  return value === null || value === undefined ? "nil" : "map[string]interface {}";
}

/** The text of a value as %v prints it. */
export function showGo(value: unknown): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || typeof value === "number") return String(value);
  return typeof value === "object" ? showObject(value) : "func";
}

function showObject(value: object): string {
  if (value instanceof Absent) return value.shown;
  if (value instanceof GoMap) return `map[${showEntries(value.entries)}]`;
  if (Array.isArray(value)) return `[${value.map(showGo).join(" ")}]`;
  if (GO_TYPE in value) return showEntries(value);
  // A struct always has fields; what has none is an empty map.
  if (Object.keys(value).length === 0) return "map[]";
  const fields = Object.entries(value).map(([name, each]) => showGo(typed(name, each)));
  return `{${fields.join(" ")}}`;
}

function showEntries(object: object): string {
  return sortedEntries(object)
    .map(([key, value]) => `${key}:${showGo(value)}`)
    .join(" ");
}
