/**
 * ELF: which files a program needs before its first instruction runs.
 *
 * The kernel loads a program and, if the file names an interpreter (PT_INTERP), that instead: the
 * dynamic loader, which then loads the libraries listed in the dynamic section (DT_NEEDED) and
 * theirs. A program without an interpreter is static: copied alone into an empty root it runs,
 * which is what makes busybox the smallest useful image.
 *
 * Kernel interface: execve(2), elf(5), ld.so(8).
 * Specification: System V ABI, "Program Loading and Dynamic Linking".
 * Invariants: none.
 * Left out: big-endian files, DT_RPATH with $ORIGIN, libraries that a program opens by name later
 * (dlopen).
 * Docs: docs/concepts/images.md
 *
 * @module
 */

/** What the loader will ask for. */
export interface ElfNeeds {
  /** Path of the dynamic loader; null: a static program. */
  readonly interpreter: string | null;
  /** Names of libraries, for example `"libc.so.6"`. */
  readonly libraries: readonly string[];
}

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;
const DT_NEEDED = 1n;
const DT_STRTAB = 5n;
const MAGIC = 0x464c457f;

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly sizeBytes: number;
}

/**
 * Reads the program headers and the dynamic section of a 64-bit little-endian ELF file.
 *
 * @returns null when the bytes are something else (a script, a 32-bit program)
 * @example parseElf(new Uint8Array([35, 33])) // null: "#!" is not ELF
 */
export function parseElf(bytes: Uint8Array): ElfNeeds | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64 || view.getUint32(0, true) !== MAGIC || bytes[4] !== 2 || bytes[5] !== 1)
    return null;
  try {
    const segments = segmentsOf(view);
    const interpreter = segments.find(({ type }) => type === PT_INTERP);
    return {
      interpreter: interpreter === undefined ? null : textAt(bytes, interpreter.offset),
      libraries: librariesOf(view, bytes, segments),
    };
  } catch (error) {
    // An offset outside the file: a damaged program has no needs that we could name.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** What the first bytes of a program say. */
export interface ElfHead {
  /** Go's word for the machine that it was compiled for; null: one that we have no word for. */
  readonly architecture: string | null;
  /** Path of the dynamic loader; null: a static program, or one for 32 bits. */
  readonly interpreter: string | null;
}

const ARCHITECTURES: Readonly<Record<number, string>> = {
  3: "386",
  21: "ppc64le",
  22: "s390x",
  40: "arm",
  62: "amd64",
  183: "arm64",
  243: "riscv64",
  258: "loong64",
};

/**
 * Reads for which machine a program was compiled, and with which loader.
 *
 * @param bytes from the beginning of the file; a few kilobytes are enough
 * @returns null when it is no ELF file
 */
export function parseElfHead(bytes: Uint8Array): ElfHead | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 64 || view.getUint32(0, true) !== MAGIC) return null;
  const isLittle = bytes[5] === 1;
  const architecture = ARCHITECTURES[view.getUint16(18, isLittle)] ?? null;
  if (bytes[4] !== 2 || !isLittle) return { architecture, interpreter: null };
  try {
    const loader = segmentsOf(view).find(({ type }) => type === PT_INTERP);
    return {
      architecture,
      interpreter: loader === undefined ? null : textAt(bytes, loader.offset),
    };
  } catch (error) {
    // Its headers lie further behind, where no linker puts them.
    if (error instanceof RangeError) return { architecture, interpreter: null };
    throw error;
  }
}

function segmentsOf(view: DataView): readonly Segment[] {
  const start = Number(view.getBigUint64(32, true));
  const entryBytes = view.getUint16(54, true);
  return Array.from({ length: view.getUint16(56, true) }, (_, index) => {
    const at = start + index * entryBytes;
    return {
      type: view.getUint32(at, true),
      offset: Number(view.getBigUint64(at + 8, true)),
      address: Number(view.getBigUint64(at + 16, true)),
      sizeBytes: Number(view.getBigUint64(at + 32, true)),
    };
  });
}

function librariesOf(
  view: DataView,
  bytes: Uint8Array,
  segments: readonly Segment[],
): readonly string[] {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const needed: number[] = [];
  let strings = 0;
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.sizeBytes; at += 16) {
    const tag = view.getBigInt64(at, true);
    const value = Number(view.getBigUint64(at + 8, true));
    if (tag === DT_NEEDED) needed.push(value);
    if (tag === DT_STRTAB) strings = value;
  }
  // The dynamic section speaks in addresses of the loaded program; the file is laid out by offsets.
  const home = segments.find(
    (s) => s.type === PT_LOAD && strings >= s.address && strings < s.address + s.sizeBytes,
  );
  if (home === undefined) return [];
  return needed.map((offset) => textAt(bytes, strings - home.address + home.offset + offset));
}

function textAt(bytes: Uint8Array, offset: number): string {
  const end = bytes.indexOf(0, offset);
  if (end < 0 || offset >= bytes.length) throw new RangeError("string outside the file");
  return new TextDecoder().decode(bytes.subarray(offset, end));
}

/**
 * Reads `/etc/ld.so.cache`: where the loader finds a library by its name.
 *
 * @returns library name → path; of several entries with one name the first, which the loader would
 * prefer
 * @example parseLoaderCache(new Uint8Array(0)).size // 0
 */
export function parseLoaderCache(bytes: Uint8Array): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const magic = "glibc-ld.so.cache1.1";
  if (new TextDecoder().decode(bytes.subarray(0, magic.length)) !== magic) return found;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(20, true);
  for (let index = 0; index < count; index++) {
    const at = 48 + index * 24;
    const name = textAt(bytes, view.getUint32(at + 4, true));
    if (!found.has(name)) found.set(name, textAt(bytes, view.getUint32(at + 8, true)));
  }
  return found;
}
