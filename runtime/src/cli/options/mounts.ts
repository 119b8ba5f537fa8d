/**
 * Options, mounts: files from outside the layers, in the short form and in words.
 *
 *     -v /host/dir:/inside:ro
 *     --mount type=bind,source=/host/dir,target=/inside,readonly
 *
 * Kernel interface: mount(2) with MS_BIND, tmpfs.
 * Specification: docker run reference, "--volume" and "--mount"; Engine API v1.50, Mount.
 * Invariants: none.
 * Left out: named pipes, images as mounts, cluster volumes.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */
import type { Console } from "../console.ts";
import { parseBytes } from "../values.ts";

/** What -v asks for. */
export interface ShortMounts {
  /** "source:target[:options]". */
  readonly binds: readonly string[];
  /** Anonymous volumes, by their path inside. */
  readonly anonymous: Readonly<Record<string, object>>;
}

/**
 * Sorts the values of -v. A host path that begins with "." is made absolute; whether the rest makes
 * sense the daemon says, which knows its drivers and options.
 */
export function parseVolumes(console: Console, given: readonly string[]): ShortMounts {
  const named = given.filter((text) => text.includes(":"));
  const binds = named.map((text) => {
    const [source = "", ...rest] = text.split(":");
    return source.startsWith(".") ? [console.files.absolute(source), ...rest].join(":") : text;
  });
  const anonymous = given.filter((text) => !text.includes(":"));
  return { binds, anonymous: Object.fromEntries(anonymous.map((path) => [path, {}])) };
}

/** One mount as the API takes it. */
export interface MountSpec {
  Type: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  Consistency?: string;
  BindOptions?: Record<string, unknown>;
  TmpfsOptions?: Record<string, unknown>;
  VolumeOptions?: { NoCopy?: boolean; Labels?: Record<string, string>; Subpath?: string };
}

type Setter = (mount: MountSpec, value: string, key: string) => void;

const bind =
  (field: string): Setter =>
  (mount, value) => {
    mount.BindOptions = { ...mount.BindOptions, [field]: value };
  };

const bindSwitch =
  (field: string): Setter =>
  (mount, value, key) => {
    mount.BindOptions = { ...mount.BindOptions, [field]: switchOf(key, value) };
  };

const setSource: Setter = (mount, value) => {
  mount.Source = value;
};

const setTarget: Setter = (mount, value) => {
  mount.Target = value;
};

const setReadOnly: Setter = (mount, value, key) => {
  mount.ReadOnly = switchOf(key, value);
};

const FIELDS: Readonly<Record<string, Setter>> = {
  type: (mount, value) => {
    mount.Type = value.toLowerCase();
  },
  source: setSource,
  src: setSource,
  target: setTarget,
  dst: setTarget,
  destination: setTarget,
  readonly: setReadOnly,
  ro: setReadOnly,
  consistency: (mount, value) => {
    mount.Consistency = value.toLowerCase();
  },
  "bind-propagation": bind("Propagation"),
  "bind-nonrecursive": bindSwitch("NonRecursive"),
  "bind-create-mountpoint": bindSwitch("CreateMountpoint"),
  "bind-recursive": (mount, value) => {
    if (value === "disabled") bindSwitch("NonRecursive")(mount, "true", "bind-recursive");
    else if (value === "writable") bindSwitch("ReadOnlyNonRecursive")(mount, "true", "");
    else if (value === "readonly") bindSwitch("ReadOnlyForceRecursive")(mount, "true", "");
    else if (value !== "enabled") {
      throw new Error(
        `invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`,
      );
    }
  },
  "tmpfs-size": (mount, value, key) => {
    mount.TmpfsOptions = { ...mount.TmpfsOptions, SizeBytes: sizeOf(key, value) };
  },
  "tmpfs-mode": (mount, value, key) => {
    if (!/^[0-7]+$/.test(value)) throw new Error(`invalid value for ${key}: ${value}`);
    mount.TmpfsOptions = { ...mount.TmpfsOptions, Mode: Number.parseInt(value, 8) };
  },
  "volume-nocopy": (mount, value, key) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, NoCopy: switchOf(key, value) };
  },
  "volume-subpath": (mount, value) => {
    mount.VolumeOptions = { ...mount.VolumeOptions, Subpath: value };
  },
  "volume-label": (mount, value) => {
    const [name = "", text = ""] = value.split("=", 2);
    const labels = { ...mount.VolumeOptions?.Labels, [name]: text };
    mount.VolumeOptions = { ...mount.VolumeOptions, Labels: labels };
  },
};

const SWITCHES = new Set([
  "readonly",
  "ro",
  "volume-nocopy",
  "bind-nonrecursive",
  "bind-create-mountpoint",
]);

/**
 * Parses one value of --mount.
 *
 * @throws Error in Docker's words
 * @example parseMount("type=tmpfs,target=/run,tmpfs-size=1m")
 */
export function parseMount(text: string): MountSpec {
  if (text.trim() === "") throw new Error("value is empty");
  const mount: MountSpec = { Type: "volume" };
  for (const field of splitCsv(text)) {
    const at = field.indexOf("=");
    const key = (at === -1 ? field : field.slice(0, at)).toLowerCase();
    if (at === -1 && !SWITCHES.has(key)) {
      throw new Error(`invalid field '${field}' must be a key=value pair`);
    }
    const setter = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
    if (setter === undefined) throw new Error(`unexpected key '${key}' in '${field}'`);
    setter(mount, at === -1 ? "true" : field.slice(at + 1), key);
  }
  checkOptions(mount);
  return mount;
}

function checkOptions(mount: MountSpec): void {
  if (mount.Type === "") throw new Error("type is required");
  if (mount.Target === undefined || mount.Target === "") throw new Error("target is required");
  const kinds = [
    ["volume", "VolumeOptions"],
    ["bind", "BindOptions"],
    ["tmpfs", "TmpfsOptions"],
  ] as const;
  for (const [type, options] of kinds) {
    if (mount[options] !== undefined && mount.Type !== type) {
      throw new Error(`cannot mix '${type}-*' options with mount type '${mount.Type}'`);
    }
  }
}

/** Makes a host path that begins with "." absolute. */
export function resolveMount(console: Console, text: string): MountSpec {
  const mount = parseMount(text);
  if (mount.Type !== "bind" || mount.Source?.startsWith(".") !== true) return mount;
  return { ...mount, Source: console.files.absolute(mount.Source) };
}

/** The same, as a check of the flag. @throws Error */
export function checkMount(text: string): string {
  parseMount(text);
  return text;
}

function switchOf(key: string, value: string): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new Error(`invalid value for ${key}: ${value}`);
}

function sizeOf(key: string, value: string): number {
  try {
    return parseBytes(value);
  } catch (cause) {
    throw new Error(`invalid value for ${key}: ${value}`, { cause });
  }
}

/** Fields between commas; a field in double quotes may hold commas. */
function splitCsv(text: string): string[] {
  const fields = text.match(/(?:^|,)(?:"(?:[^"]|"")*"|[^,]*)/g) ?? [];
  return fields.map((field, index) => {
    const body = index > 0 || field.startsWith(",") ? field.replace(/^,/, "") : field;
    return body.startsWith('"') ? body.slice(1, -1).replaceAll('""', '"') : body;
  });
}
