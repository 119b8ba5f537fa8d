/** Our tar against the tar program: each must read what the other writes. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatTar } from "./tar-print.ts";
import { parseTar, type TarEntry } from "./tar.ts";

const hasTar = spawnSync("tar", ["--version"], { encoding: "utf8" }).stdout?.includes("GNU tar");
if (!hasTar) console.log("skipped: our tar against GNU tar: it is not installed");

const LONG = `${"directory-with-a-long-name/".repeat(6)}${"file".repeat(30)}`;
const NAMES = ["plain", "ä-日本", "with space", LONG];

describe.skipIf(!hasTar)("with GNU tar", () => {
  let directory = "";

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "drydock-tar-"));
    for (const name of NAMES) {
      const parent = name.slice(0, Math.max(0, name.lastIndexOf("/")));
      mkdirSync(`${directory}/in/${parent}`, { recursive: true });
      writeFileSync(`${directory}/in/${name}`, name);
      utimesSync(`${directory}/in/${name}`, 1000, 1000);
    }
    symlinkSync(LONG, `${directory}/in/link`);
    linkSync(`${directory}/in/plain`, `${directory}/in/second`);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test.each(["ustar", "gnu", "pax", "v7"])("parseTar() reads its format %s", (format) => {
    // The two oldest formats have no room for the long names.
    const names = ["ustar", "v7"].includes(format) ? NAMES.slice(0, 3) : [...NAMES, "link"];
    const archive = execFileSync(
      "tar",
      [
        "-C",
        `${directory}/in`,
        `--format=${format}`,
        "--owner=7",
        "--group=8",
        "-cf",
        "-",
        ...names,
        "second",
      ],
      { maxBuffer: 10_000_000 },
    );
    const entries = parseTar(archive);
    const byPath = new Map(entries.map((entry) => [entry.path, entry]));
    for (const name of names.filter((each) => each !== "link")) {
      expect(byPath.get(name)).toMatchObject({ type: "file", uid: 7, gid: 8, mtimeSeconds: 1000 });
      expect(new TextDecoder().decode(entries.find(({ path }) => path === name)?.data)).toBe(name);
    }
    expect(byPath.get("second")).toMatchObject({ type: "link", linkPath: "plain" });
    const long = entries.filter(({ type }) => type === "symlink").map(({ linkPath }) => linkPath);
    expect(long).toEqual(names.includes("link") ? [LONG] : []);
  });

  test("formatTar() writes what it reads", () => {
    const plain = { mode: 0o640, uid: 70_000, gid: 3_000_000, mtimeSeconds: 1000 };
    const rest = { linkPath: "", major: 0, minor: 0, xattrs: new Map<string, Uint8Array>() };
    const entries = NAMES.map((path): TarEntry => ({
      ...rest,
      ...plain,
      path,
      type: "file",
      data: new TextEncoder().encode(path),
    }));
    const device = { ...rest, ...plain, path: "null", data: new Uint8Array(), major: 1, minor: 3 };
    const archive = formatTar([...entries, { ...device, type: "char" }]);
    const list = [
      "--numeric-owner",
      "--full-time",
      "--utc",
      "--quoting-style=literal",
      "-tvf",
      "-",
    ];
    const listing = execFileSync("tar", list, {
      input: archive,
      encoding: "utf8",
      env: { LC_ALL: "C.UTF-8" },
    });
    for (const path of NAMES) {
      const size = new TextEncoder().encode(path).length;
      const line = listing.split("\n").find((each) => each.endsWith(` ${path}`)) ?? "";
      expect(line.split(/\s+/).slice(0, 5)).toEqual([
        "-rw-r-----",
        "70000/3000000",
        `${size}`,
        "1970-01-01",
        "00:16:40",
      ]);
    }
    expect(listing).toMatch(/^crw-r----- 70000\/3000000\s+1,3 .* null$/m);
  });
});
