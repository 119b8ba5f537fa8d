/**
 * Port of files: the part of the one door that concerns names, bytes and attributes.
 *
 * Kernel interface: path_resolution(7), inode(7), xattr(7).
 * Invariants: none; `kernel/conformance/` says what every implementation must do.
 * Left out: files that were there and stay open for writing: such calls open what they need and
 *   close it again.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */

/** What lstat(2) tells about a file. Times are in milliseconds since the epoch. */
export interface FileStat {
  readonly type: "file" | "directory" | "symlink" | "char" | "block" | "fifo" | "socket";
  /** Permission bits with set-id and sticky bits, without the file type (0 to 0o7777). */
  readonly mode: number;
  readonly hostUid: number;
  readonly hostGid: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly inode: number;
  readonly device: number;
  readonly links: number;
  /** Device number of a char or block node, as `major` and `minor`; zero for other types. */
  readonly rdevMajor: number;
  readonly rdevMinor: number;
}

/**
 * How `writeFile` opens: `create` truncates or makes the file, `exclusive` fails with EEXIST,
 * `append` adds at the end, `existing` needs the file (kernel files).
 */
export type WriteMode = "create" | "exclusive" | "append" | "existing";

/**
 * Files and directories: path_resolution(7). A path is absolute or relative to the working
 * directory of the process.
 */
export interface Files {
  /** @syscall read(2) - "the whole of a file" */
  readFile(path: string): Uint8Array;
  /** @syscall read(2) - "the whole of a file as UTF-8; kernel files under /proc and /sys too" */
  readText(path: string): string;
  /**
   * @syscall pread(2) - "part of a file: at most `lengthBytes` from `offsetBytes`; shorter at the
   * end, empty behind it"
   */
  readRange(path: string, offsetBytes: number, lengthBytes: number): Uint8Array;
  /**
   * @syscall open(2) - "open a file to read it, not following a last link (ELOOP) and not waiting
   * for a fifo's writer; whatever becomes of its name, the answers are about this very file"
   */
  openFile(path: string): OpenFile;
  /**
   * @syscall open(2) - "make a file that is not there (EEXIST), closed to others, and keep it open
   * to fill it; whatever becomes of its name, what is done is done to this very file"
   */
  createFile(path: string): NewFile;
  /**
   * @syscall openat2(2) - "hold the directory that a path leads to where links and `..` mean
   * another root (RESOLVE_IN_ROOT), in one step: nobody can lead it out meanwhile; ENOSYS before
   * Linux 5.6"
   */
  holdDirectory(root: string, path: string): HeldDirectory;
  /**
   * @syscall write(2) - "write bytes or UTF-8 text in one write(2)"; `permissions` are applied
   * exactly when the file is made, default 0o644
   */
  writeFile(path: string, data: Uint8Array | string, mode: WriteMode, permissions?: number): void;
  /**
   * @syscall write(2) - "write each text with a call of its own into one opened file that is there,
   * as lists of cgroups take their lines"
   */
  writeEach(path: string, texts: readonly string[]): void;
  /** @syscall fsync(2) - "flush one file or directory to the disk" */
  fsync(path: string): void;
  /**
   * @syscall mkdir(2) - "make one directory"; `permissions` are applied exactly, whatever the umask
   */
  mkdir(path: string, permissions: number): void;
  /** @syscall rmdir(2) - "remove an empty directory, or a cgroup without processes" */
  rmdir(path: string): void;
  /** @syscall unlink(2) - "remove a name" */
  unlink(path: string): void;
  /** @syscall rename(2) - "move a name, atomically" */
  rename(from: string, to: string): void;
  /** @syscall link(2) - "give an inode a second name" */
  link(existing: string, path: string): void;
  /** @syscall symlink(2) - "make a symbolic link" */
  symlink(target: string, path: string): void;
  /** @syscall readlink(2) - "read a symbolic link" */
  readlink(path: string): string;
  /** @syscall getdents64(2) - "the names in a directory, sorted by code unit, without . and .." */
  readdir(path: string): readonly string[];
  /** @syscall lstat(2) - "describe a name, not following a last symbolic link" */
  lstat(path: string): FileStat;
  /** @syscall stat(2) - "describe what a name leads to" */
  stat(path: string): FileStat;
  /** @syscall lstat(2) - "like `lstat`; undefined where ENOENT or ENOTDIR says that nothing is" */
  lstatIfPresent(path: string): FileStat | undefined;
  /** @syscall stat(2) - "like `stat`; undefined where ENOENT or ENOTDIR says that nothing is" */
  statIfPresent(path: string): FileStat | undefined;
  /**
   * @syscall stat(2) - "beside everything else: resolves once a path's file system has answered,
   * whatever it said; one whose server is gone may never do"
   */
  reach(path: string): Promise<void>;
  /** @syscall chmod(2) CAP_FOWNER "set permission bits, following links" */
  chmod(path: string, permissions: number): void;
  /** @syscall lchown(2) CAP_CHOWN "set owner and group of the name itself" */
  lchown(path: string, hostUid: number, hostGid: number): void;
  /** @syscall utimensat(2) - "set the modification and access time, not following a last link" */
  lutimes(path: string, mtimeMs: number): void;
  /** @syscall truncate(2) - "set a file's length" */
  truncate(path: string, sizeBytes: number): void;
  /** @syscall mknod(2) CAP_MKNOD "make a device node or fifo" */
  mknod(path: string, node: DeviceNode): void;
  /** @syscall listxattr(2) - "the names of extended attributes, of the name itself" */
  listXattr(path: string): readonly string[];
  /** @syscall getxattr(2) - "one extended attribute, of the name itself" */
  getXattr(path: string, name: string): Uint8Array;
  /**
   * @syscall setxattr(2) CAP_SYS_ADMIN "set an extended attribute, of the name itself" (capability
   * for trusted.*)
   */
  setXattr(path: string, name: string, value: Uint8Array): void;
  /** @syscall removexattr(2) CAP_SYS_ADMIN "remove an extended attribute, of the name itself" */
  removeXattr(path: string, name: string): void;
  /**
   * @syscall flock(2) - "take an exclusive lock on a file for as long as the returned handle lives;
   * EWOULDBLOCK when held elsewhere"
   */
  lockFile(path: string): Lock;
}

/** A file that is open until it is disposed of. */
export interface OpenFile extends Disposable {
  /**
   * Fills bytes from an offset: pread(2).
   *
   * @returns how many there were; fewer than asked for at the end, 0 behind it
   */
  read(into: Uint8Array, offsetBytes: number): number;
  /** As that of a path. */
  listXattr(): readonly string[];
  /** As that of a path. */
  getXattr(name: string): Uint8Array;
}

/** A file that was just made, with mode 0600, open until it is disposed of. */
export interface NewFile extends Disposable {
  /** Adds at its end: write(2). */
  write(bytes: Uint8Array): void;
  /**
   * The same beside everything else: whoever disposes of the file waits for it first, and nobody
   * changes the bytes meanwhile.
   */
  writeAside(bytes: Uint8Array): Promise<void>;
  /** fchown(2) */
  chown(hostUid: number, hostGid: number): void;
  /** fchmod(2) */
  chmod(permissions: number): void;
  /** Sets the modification and access time: futimens(3). */
  utimes(mtimeMs: number): void;
  /** As that of a path. */
  setXattr(name: string, value: Uint8Array): void;
}

/** A directory that stays the same one until it is disposed of, wherever it is moved. */
export interface HeldDirectory extends Disposable {
  /** Leads to it, for the process that holds it; itself a link. */
  readonly path: string;
}

/** A lock that ends with `release` or with the process. */
export interface Lock {
  release(): void;
}

/** A device node or fifo to make. */
export interface DeviceNode {
  readonly type: "char" | "block" | "fifo";
  readonly major: number;
  readonly minor: number;
  readonly permissions: number;
}
