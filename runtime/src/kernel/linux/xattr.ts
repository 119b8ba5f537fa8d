/**
 * Extended attributes: named bytes attached to a file.
 *
 * overlayfs marks opaque directories with one (`trusted.overlay.opaque`), file capabilities live in
 * another (`security.capability`), and an image layer must carry both. The l… calls act on the name
 * itself, never on what a symbolic link leads to; the f… calls on an open file. The size of a list
 * or a value is not known before: a first call with no room asks for it, and ERANGE says that it
 * grew in between.
 *
 * Kernel interface: xattr(7), listxattr(2), getxattr(2), setxattr(2), removexattr(2).
 * Invariants: none.
 * Left out: XATTR_CREATE and XATTR_REPLACE.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import { KernelError, type Files, type OpenFile } from "../port.ts";
import { check, cName, cPath, lastErrno, type Libc } from "./libc.ts";

type Attributes = Pick<Files, "listXattr" | "getXattr" | "setXattr" | "removeXattr">;

/** How often a value may grow between asking for its size and reading it. */
const TRIES = 8;

/** The extended attribute calls of the port on Linux. */
export function extendedAttributes(libc: Libc): Attributes {
  return {
    listXattr: (path) => {
      const name = cName("listxattr", path);
      return readNames(path, (into) => libc.llistxattr(name, into, into.length));
    },
    getXattr: (path, name) => {
      const key = cPath("getxattr", name);
      const file = cName("getxattr", path);
      return readGrowing("getxattr", path, (into) => libc.lgetxattr(file, key, into, into.length));
    },
    setXattr: (path, name, value) => {
      const key = cPath("setxattr", name);
      const file = cName("setxattr", path);
      check(libc.lsetxattr(file, key, value, value.length, 0), "setxattr", path);
    },
    removeXattr: (path, name) => {
      const file = cName("removexattr", path);
      check(libc.lremovexattr(file, cPath("removexattr", name)), "removexattr", path);
    },
  };
}

/** Those of an open file. @param subject what it was opened as */
export function openAttributes(
  libc: Libc,
  fd: number,
  subject: string,
): Pick<OpenFile, "listXattr" | "getXattr"> {
  return {
    listXattr: () => readNames(subject, (into) => libc.flistxattr(fd, into, into.length)),
    getXattr: (name) => {
      const key = cPath("getxattr", name);
      return readGrowing("getxattr", subject, (into) => libc.fgetxattr(fd, key, into, into.length));
    },
  };
}

/** Sets one of an open file. */
export function setXattrOf(
  libc: Libc,
  fd: number,
  what: { readonly subject: string; readonly name: string; readonly value: Uint8Array },
): void {
  const { subject, name, value } = what;
  const key = cPath("setxattr", name);
  check(libc.fsetxattr(fd, key, value, value.length, 0), "setxattr", subject);
}

function readNames(subject: string, read: (into: Uint8Array) => number): readonly string[] {
  const list = readGrowing("listxattr", subject, read);
  // Most files have none, and there can be many files.
  if (list.length === 0) return [];
  return new TextDecoder().decode(list).split("\0").slice(0, -1).toSorted();
}

const NOTHING = new Uint8Array(0);

/** Asks for the size with no room, then reads; again when it grew meanwhile. */
function readGrowing(
  syscall: string,
  path: string,
  read: (into: Uint8Array) => number,
): Uint8Array {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const size = check(read(NOTHING), syscall, path);
    if (size === 0) return NOTHING;
    const value = new Uint8Array(size);
    const length = read(value);
    if (length >= 0) return value.subarray(0, length);
    if (lastErrno() !== "ERANGE") check(length, syscall, path);
  }
  throw new KernelError(syscall, "ERANGE", path);
}
