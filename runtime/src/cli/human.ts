/**
 * Human: times and sizes as people read them, in go-units' words.
 *
 * `ps` says "2 minutes ago" and "1.98MB". Others match these words, so the thresholds are
 * go-units': a fortnight is counted in days, two months in weeks.
 *
 * Kernel interface: clock_gettime(2), through the console.
 * Specification: docker/go-units HumanDuration, HumanSizeWithPrecision, BytesSize.
 * Invariants: none.
 * Left out: nothing.
 * Docs: docs/concepts/cli.md
 *
 * @module
 */

/** Upper end in seconds (exclusive), length of the unit, its name in the plural. */
const SPANS: readonly (readonly [number, number, string])[] = [
  [60, 1, "seconds"],
  [3600, 60, "minutes"],
  [47.5 * 3600, 3600, "hours"],
  [14 * 86_400, 86_400, "days"],
  [60 * 86_400, 7 * 86_400, "weeks"],
  [2 * 365 * 86_400, 30 * 86_400, "months"],
  [Number.POSITIVE_INFINITY, 365 * 86_400, "years"],
];

const SINGLE: Readonly<Record<string, string>> = {
  "0 seconds": "Less than a second",
  "1 seconds": "1 second",
  "1 minutes": "About a minute",
  "1 hours": "About an hour",
};

/**
 * A span of time in words.
 *
 * @param seconds any number; below one is "Less than a second"
 * @example humanDuration(90) // "About a minute"
 */
export function humanDuration(seconds: number): string {
  const whole = Math.max(0, Math.trunc(seconds));
  const [, unit, name] = SPANS.find(([end]) => whole < end) ?? [0, 1, "seconds"];
  // Hours are rounded to the nearest, everything else is cut.
  const count = name === "hours" ? Math.round(whole / unit) : Math.floor(whole / unit);
  return SINGLE[`${count} ${name}`] ?? `${count} ${name}`;
}

/**
 * A size in powers of 1000.
 *
 * @param digits significant digits: Docker's tables use 3, its progress lines 4
 * @example humanSize(1_982_256, 3) // "1.98MB"
 */
export function humanSize(bytes: number, digits = 4): string {
  return scaled(bytes, 1000, { digits, units: ["B", "kB", "MB", "GB", "TB", "PB", "EB"] });
}

/**
 * A size in powers of 1024.
 *
 * @example binarySize(25_276_723_200) // "23.54GiB"
 */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, { digits: 4, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] });
}

function scaled(
  bytes: number,
  base: number,
  print: { readonly digits: number; readonly units: readonly string[] },
): string {
  let size = bytes;
  let power = 0;
  while (size >= base && power < print.units.length - 1) {
    size /= base;
    power += 1;
  }
  return `${generalNumber(size, print.digits)}${print.units[power] ?? ""}`;
}

/** C's %.<digits>g: significant digits without trailing zeros. */
export function generalNumber(value: number, digits: number): string {
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  if (exponent >= -4 && exponent < digits) return String(Number(value.toPrecision(digits)));
  const [mantissa = "", power = "0"] = value.toExponential(digits - 1).split("e");
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  const size = Math.abs(Number(power)).toString().padStart(2, "0");
  return `${short}e${Number(power) < 0 ? "-" : "+"}${size}`;
}

/**
 * A moment as Go prints it: "2026-11-22 01:19:14 +0000 UTC", in the zone of the reader.
 *
 * @param unixSeconds seconds since 1970, UTC
 */
export function goTime(unixSeconds: number): string {
  const moment = new Date(unixSeconds * 1000);
  const eastMinutes = -moment.getTimezoneOffset();
  const local = new Date(moment.getTime() + eastMinutes * 60_000).toISOString();
  const sign = eastMinutes < 0 ? "-" : "+";
  const two = (value: number): string => String(value).padStart(2, "0");
  const ahead = Math.abs(eastMinutes);
  const offset = `${sign}${two(Math.floor(ahead / 60))}${two(ahead % 60)}`;
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${offset} ${zoneName(moment, offset)}`;
}

/** A moment as RFC 3339 in the local time zone, whole seconds. */
export function rfc3339Local(unixSeconds: number): string {
  const [date = "", time = "", offset = ""] = goTime(unixSeconds).split(" ");
  const zone = offset === "+0000" ? "Z" : `${offset.slice(0, 3)}:${offset.slice(3)}`;
  return `${date}T${time}${zone}`;
}

function zoneName(moment: Date, offset: string): string {
  if (offset === "+0000") return "UTC";
  const [, name = offset] =
    / ([A-Z]{2,5})$/.exec(moment.toLocaleTimeString("en-US", { timeZoneName: "short" })) ?? [];
  return name;
}

/**
 * A text of at most `length` characters; what is cut is marked with one "…".
 *
 * @example ellipsis("sleep 100000000000000000", 20) // "sleep 1000000000000…"
 */
export function ellipsis(text: string, length: number): string {
  const characters = [...text];
  if (characters.length <= length) return text;
  return `${characters.slice(0, Math.max(0, length - 1)).join("")}…`;
}

/** The first twelve hex digits of an id, without the name of its hash. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}
