/**
 * libc: the functions of the C library that the Linux kernel port calls, declared once.
 *
 * koffi calls a C function from JavaScript: given the C types, it puts the arguments where the C
 * calling convention wants them, and a typed array is passed as a pointer to its bytes. Everything
 * here is a thin door to one system call; the other files of this folder say what is asked of it.
 * `syscall(2)` itself is declared several times, once for each shape of arguments, since it takes
 * whatever the call with that number takes.
 *
 * Kernel interface: syscall(2), errno(3).
 * Invariants: none.
 * Left out: calls on other threads (koffi's `async`): a system call is made where it is read.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
import koffi from "koffi";
import { concatBytes } from "../bytes.ts";
import { bytesOfName, isEscaped } from "../file-names.ts";
import { KernelError } from "../port.ts";
import { errnoName } from "./errno.ts";
import { syscallNumbersOf, type RawSyscall } from "./syscall-numbers.ts";

type Bytes = Uint8Array | Int32Array | Uint32Array | BigInt64Array | BigUint64Array | null;

/**
 * The C library as this folder uses it. Every function returns -1 for failure unless it says
 * otherwise.
 */
export interface Libc {
  /** See `clone` in clone(2): starts `fn(arg)` on a stack; `pid` is where the child's is put. */
  readonly clone: (...call: [bigint, bigint, number, bigint, bigint]) => number;
  readonly getcontext: (context: bigint) => number;
  /** Numbers and addresses only. */
  readonly makecontext: (context: bigint, fn: bigint, args: readonly (number | bigint)[]) => void;
  /** Where the calling thread's errno lies. */
  readonly errnoAddress: () => bigint;
  /** The address of a C function. */
  readonly functionAddress: (name: string) => bigint;
  /** The address of a C function that runs a function of ours; it stays for good. */
  readonly callbackAddress: (body: () => void) => bigint;
  readonly waitpid: (pid: number, status: Int32Array, options: number) => number;
  readonly kill: (pid: number, signal: number) => number;
  readonly signal: (signal: number, handler: number) => number | bigint;
  readonly getpid: () => number;
  readonly setsid: () => number;
  readonly unshare: (flags: number) => number;
  readonly setns: (fd: number, kind: number) => number;
  readonly mount: (...call: MountArguments) => number;
  readonly umount2: (target: string, flags: number) => number;
  readonly chdir: (path: string) => number;
  readonly umask: (mask: number) => number;
  readonly sethostname: (name: string, length: number) => number;
  readonly setdomainname: (name: string, length: number) => number;
  readonly prctl: (...options: [number, number, number, number, number]) => number;
  readonly flock: (fd: number, operation: number) => number;
  readonly dup2: (from: number, to: number) => number;
  readonly pipe2: (fds: Int32Array, flags: number) => number;
  readonly fcntl: (fd: number, command: number, value: number) => number;
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly socketpair: (...call: [number, number, number, Int32Array]) => number;
  readonly sendmsg: (fd: number, message: Uint8Array, flags: number) => number;
  readonly recvmsg: (fd: number, message: Uint8Array, flags: number) => number;
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly recv: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly ioctl: (fd: number, request: number, bytes: Bytes) => number;
  readonly ioctlNumber: (fd: number, request: number, value: number) => number;
  readonly getrandom: (bytes: Uint8Array, count: number, flags: number) => number;
  readonly clock_gettime: (clock: number, seconds: BigInt64Array) => number;
  readonly llistxattr: (path: CText, list: Uint8Array, size: number) => number;
  readonly flistxattr: (fd: number, list: Uint8Array, size: number) => number;
  readonly lgetxattr: (...call: [CText, string, Uint8Array, number]) => number;
  readonly fgetxattr: (...call: [number, string, Uint8Array, number]) => number;
  readonly lsetxattr: (...call: [CText, string, Uint8Array, number, number]) => number;
  readonly fsetxattr: (...call: [number, string, Uint8Array, number, number]) => number;
  readonly lremovexattr: (path: CText, name: string) => number;
  /** syscall(2) with numbers only. */
  readonly raw: (call: RawSyscall, ...values: readonly number[]) => number;
  /** syscall(2) with two paths. */
  readonly rawPaths: (call: RawSyscall, first: string, second: string) => number;
  /** syscall(2) with a directory descriptor, a path and two numbers. */
  readonly rawAt: (...call: [RawSyscall, number, CText, number, number]) => number;
  /** syscall(2) with two numbers and two pointers. */
  readonly rawBytes: (...call: [RawSyscall, number, number, Bytes, Bytes]) => number;
  /** syscall(2) with one number, two pointers and one number. */
  readonly rawMask: (...call: [RawSyscall, number, Bytes, Bytes, number]) => number;
  /** syscall(2) with two pointers. */
  readonly rawPair: (call: RawSyscall, first: Bytes, second: Bytes) => number;
  /**
   * The address of a typed array's bytes, for structures that hold pointers. It must be kept alive
   * by the caller.
   */
  readonly addressOf: (bytes: Uint8Array) => bigint;
}

type MountArguments = [string, string, string | null, number, string | null];

/**
 * Binds the C library of this process.
 *
 * @param arch Node's name of the architecture, for the numbers of the raw calls
 */
export function openLibc(arch: string): Libc {
  const library = koffi.load(null);
  const numbers = syscallNumbersOf(arch);
  // koffi types every function as (...args: any[]) => any; the interface above says what each one
  // takes.
  const bind = (name: string, result: string, types: readonly string[]) =>
    library.func(name, result, [...types]) as never;
  const long6 = Array.from({ length: 6 }, () => "long");
  const raw6 = library.func("syscall", "long", ["long", ...long6]);
  const rawPaths = library.func("syscall", "long", ["long", "str", "str"]);
  const rawAt = library.func("syscall", "long", ["long", "long", "str", "long", "long"]);
  const rawBytes = library.func("syscall", "long", ["long", "long", "long", "void *", "void *"]);
  const rawMask = library.func("syscall", "long", ["long", "long", "void *", "void *", "long"]);
  const rawPair = library.func("syscall", "long", ["long", "void *", "void *"]);
  const makecontext = library.func("void makecontext(uintptr_t, uintptr_t, int, ...)");
  const callback = koffi.proto("void (void)");
  const dlsym = library.func("dlsym", "uintptr_t", ["uintptr_t", "str"]);
  const errnoLocation = library.func("__errno_location", "uintptr_t", []);
  return {
    ...processFunctions(bind),
    ...fileFunctions(bind),
    raw: (call, ...values) => {
      const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
      return Number(raw6(numbers[call], a, b, c, d, e, f));
    },
    rawPaths: (call, ...rest) => Number(rawPaths(numbers[call], ...rest)),
    rawAt: (call, ...rest) => Number(rawAt(numbers[call], ...rest)),
    rawBytes: (call, ...rest) => Number(rawBytes(numbers[call], ...rest)),
    rawMask: (call, ...rest) => Number(rawMask(numbers[call], ...rest)),
    rawPair: (call, ...rest) => Number(rawPair(numbers[call], ...rest)),
    makecontext: (context, fn, args) => {
      makecontext(context, fn, args.length, ...args.flatMap((each) => ["int64_t", each]));
    },
    errnoAddress: () => BigInt(errnoLocation() as number | bigint),
    functionAddress: (name) => BigInt(dlsym(0, name) as number | bigint),
    callbackAddress: (body) => koffi.address(koffi.register(body, koffi.pointer(callback))),
    addressOf: (bytes) => koffi.address(bytes),
  };
}

type Bind = (name: string, result: string, types: readonly string[]) => never;

/** What concerns the calling process, its children and its view of the machine. */
function processFunctions(bind: Bind) {
  return {
    clone: bind("clone", "int", ["uintptr_t", "uintptr_t", "int", "uintptr_t", "uintptr_t"]),
    getcontext: bind("getcontext", "int", ["uintptr_t"]),
    waitpid: bind("waitpid", "int", ["int", "int32_t *", "int"]),
    kill: bind("kill", "int", ["int", "int"]),
    signal: bind("signal", "uintptr_t", ["int", "uintptr_t"]),
    getpid: bind("getpid", "int", []),
    setsid: bind("setsid", "int", []),
    unshare: bind("unshare", "int", ["int"]),
    setns: bind("setns", "int", ["int", "int"]),
    mount: bind("mount", "int", ["str", "str", "str", "ulong", "str"]),
    umount2: bind("umount2", "int", ["str", "int"]),
    chdir: bind("chdir", "int", ["str"]),
    umask: bind("umask", "uint32_t", ["uint32_t"]),
    sethostname: bind("sethostname", "int", ["str", "size_t"]),
    setdomainname: bind("setdomainname", "int", ["str", "size_t"]),
    prctl: bind("prctl", "int", ["int", "ulong", "ulong", "ulong", "ulong"]),
    getrandom: bind("getrandom", "long", ["uint8_t *", "size_t", "uint32_t"]),
    clock_gettime: bind("clock_gettime", "int", ["int", "int64_t *"]),
  };
}

/** What concerns files, descriptors and sockets. */
function fileFunctions(bind: Bind) {
  return {
    flock: bind("flock", "int", ["int", "int"]),
    dup2: bind("dup2", "int", ["int", "int"]),
    pipe2: bind("pipe2", "int", ["int32_t *", "int"]),
    fcntl: bind("fcntl", "int", ["int", "int", "long"]),
    socket: bind("socket", "int", ["int", "int", "int"]),
    socketpair: bind("socketpair", "int", ["int", "int", "int", "int32_t *"]),
    sendmsg: bind("sendmsg", "long", ["int", "uint8_t *", "int"]),
    recvmsg: bind("recvmsg", "long", ["int", "uint8_t *", "int"]),
    send: bind("send", "long", ["int", "uint8_t *", "size_t", "int"]),
    recv: bind("recv", "long", ["int", "uint8_t *", "size_t", "int"]),
    ioctl: bind("ioctl", "int", ["int", "ulong", "void *"]),
    ioctlNumber: bind("ioctl", "int", ["int", "ulong", "long"]),
    llistxattr: bind("llistxattr", "long", ["str", "uint8_t *", "size_t"]),
    flistxattr: bind("flistxattr", "long", ["int", "uint8_t *", "size_t"]),
    lgetxattr: bind("lgetxattr", "long", ["str", "str", "uint8_t *", "size_t"]),
    fgetxattr: bind("fgetxattr", "long", ["int", "str", "uint8_t *", "size_t"]),
    fsetxattr: bind("fsetxattr", "int", ["int", "str", "uint8_t *", "size_t", "int"]),
    lsetxattr: bind("lsetxattr", "int", ["str", "str", "uint8_t *", "size_t", "int"]),
    lremovexattr: bind("lremovexattr", "int", ["str", "str"]),
  };
}

/** The errno of the last call made through `Libc` on this thread. */
export function lastErrno(): string {
  return errnoName(koffi.errno());
}

/**
 * Turns -1 into an error.
 *
 * @param result what the C function returned
 * @returns the result, when it is not negative
 * @throws KernelError with the errno of the call
 */
export function check(result: number, syscall: string, subject: string): number {
  if (result < 0) throw new KernelError(syscall, lastErrno(), subject);
  return result;
}

/** What C takes as a text: for bytes that are no UTF-8, these with a NUL at their end. */
export type CText = string | Uint8Array;

/** The same for a file, whose name need not be UTF-8. @throws KernelError EINVAL as `cPath` */
export function cName(syscall: string, path: string): CText {
  const name = cPath(syscall, path);
  return isEscaped(name) ? concatBytes([bytesOfName(name), new Uint8Array(1)]) : name;
}

/**
 * A path as C takes it. @throws KernelError EINVAL when it holds a NUL, which would end it early
 */
export function cPath(syscall: string, path: string): string {
  if (path.includes("\0")) throw new KernelError(syscall, "EINVAL", path);
  return path;
}
