/**
 * errno: the kernel's one-word answers.
 *
 * A system call that fails gives a small number; its name is what people know ("ENOENT"). The
 * numbers below are those of `asm-generic/errno.h`, which x86_64 and arm64 share.
 *
 * Kernel interface: errno(3).
 * Invariants: none.
 * Left out: alpha, mips, parisc and sparc, which number some errors differently.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */

/**
 * The names in the order of their numbers, from 1 to 133; the gaps (41 and 58) are names of none.
 */
const NAMES = `
EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK
EBUSY EEXIST EXDEV ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE
EROFS EMLINK EPIPE EDOM ERANGE EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP - ENOMSG EIDRM
ECHRNG EL2NSYNC EL3HLT EL3RST ELNRNG EUNATCH ENOCSI EL2HLT EBADE EBADR EXFULL ENOANO EBADRQC
EBADSLT - EBFONT ENOSTR ENODATA ETIME ENOSR ENONET ENOPKG EREMOTE ENOLINK EADV ESRMNT ECOMM EPROTO
EMULTIHOP EDOTDOT EBADMSG EOVERFLOW ENOTUNIQ EBADFD EREMCHG ELIBACC ELIBBAD ELIBSCN ELIBMAX
ELIBEXEC EILSEQ ERESTART ESTRPIPE EUSERS ENOTSOCK EDESTADDRREQ EMSGSIZE EPROTOTYPE ENOPROTOOPT
EPROTONOSUPPORT ESOCKTNOSUPPORT EOPNOTSUPP EPFNOSUPPORT EAFNOSUPPORT EADDRINUSE EADDRNOTAVAIL
ENETDOWN ENETUNREACH ENETRESET ECONNABORTED ECONNRESET ENOBUFS EISCONN ENOTCONN ESHUTDOWN
ETOOMANYREFS ETIMEDOUT ECONNREFUSED EHOSTDOWN EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN
ENOTNAM ENAVAIL EISNAM EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY EKEYEXPIRED
EKEYREVOKED EKEYREJECTED EOWNERDEAD ENOTRECOVERABLE ERFKILL EHWPOISON`
  .trim()
  .split(/\s+/);

/**
 * The name of an errno.
 *
 * EWOULDBLOCK and ENOTSUP have the numbers of EAGAIN and EOPNOTSUPP, and are called so here.
 *
 * @returns the name, or `"E<number>"` for a number that has none
 * @example errnoName(2) // "ENOENT"
 */
export function errnoName(number: number): string {
  const name = NAMES[number - 1];
  return name === undefined || name === "-" ? `E${number}` : name;
}

/**
 * The number of an errno.
 *
 * @returns the number, or undefined for an unknown name
 * @example errnoNumber("ENOENT") // 2
 */
export function errnoNumber(name: string): number | undefined {
  const index = NAMES.indexOf(name);
  return index < 0 || name === "-" ? undefined : index + 1;
}
