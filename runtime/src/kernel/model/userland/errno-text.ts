/**
 * Errno text: how the C library words an errno.
 *
 * Kernel interface: strerror(3).
 * Invariants: none.
 * Left out: errnos that no call of the port gives.
 * Docs: docs/concepts/model.md
 *
 * @module
 */

const TEXTS: Readonly<Record<string, string>> = {
  E2BIG: "Argument list too long",
  EACCES: "Permission denied",
  EAGAIN: "Resource temporarily unavailable",
  EBADF: "Bad file descriptor",
  EBUSY: "Device or resource busy",
  EEXIST: "File exists",
  EFBIG: "File too large",
  EINVAL: "Invalid argument",
  EIO: "Input/output error",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  EMLINK: "Too many links",
  ENAMETOOLONG: "File name too long",
  ENODATA: "No data available",
  ENODEV: "No such device",
  ENOENT: "No such file or directory",
  ENOEXEC: "Exec format error",
  ENOMEM: "Cannot allocate memory",
  ENOSPC: "No space left on device",
  ENOSYS: "Function not implemented",
  ENOTBLK: "Block device required",
  ENOTCONN: "Transport endpoint is not connected",
  ENOTDIR: "Not a directory",
  ENOTEMPTY: "Directory not empty",
  ENOTSUP: "Operation not supported",
  ENOTTY: "Inappropriate ioctl for device",
  ENXIO: "No such device or address",
  EOPNOTSUPP: "Operation not supported",
  EOVERFLOW: "Value too large for defined data type",
  EPERM: "Operation not permitted",
  EPIPE: "Broken pipe",
  ERANGE: "Numerical result out of range",
  EROFS: "Read-only file system",
  ESRCH: "No such process",
  ESTALE: "Stale file handle",
  ETXTBSY: "Text file busy",
  EUSERS: "Too many users",
  EXDEV: "Invalid cross-device link",
};

/** The words for an errno. */
export function errnoText(errno: string): string {
  return TEXTS[errno] ?? errno;
}
