/**
 * The default seccomp profile: what a program in a container usually needs.
 *
 * Everything that is not named here fails with EPERM: loading modules, kexec, keyrings, swapping,
 * userfaultfd, io_uring and whatever a later kernel invents. Some calls are allowed only to
 * containers whose capabilities would make them useful, and four calls depend on an argument. The
 * profile has the same effect as Docker's; the lists below are our own, ordered by purpose.
 *
 * Kernel interface: seccomp(2), syscalls(2).
 * Specification: moby v28.2.2, profiles/seccomp, for its effect.
 * Invariants: see `seccomp-filter.ts`, seccomp-default-is-docker.
 * Left out: the rules for machines other than x86 and ARM.
 * Docs: docs/concepts/seccomp.md
 *
 * @module
 */

import { ANY_SCOPE } from "./seccomp-profile.ts";
import type {
  SeccompAction,
  SeccompComparison,
  SeccompProfile,
  SeccompRule,
  SeccompScope,
} from "./seccomp-profile.ts";

const FILES = `
  access chdir chmod chown chown32 close close_range copy_file_range creat dup dup2 dup3 faccessat
  faccessat2 fadvise64 fadvise64_64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchown32
  fchownat fcntl fcntl64 fdatasync flock fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate
  ftruncate64 futimesat getcwd getdents getdents64 ioctl lchown lchown32 link linkat listmount
  _llseek lseek lstat lstat64 mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat
  openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
  rename renameat renameat2 rmdir sendfile sendfile64 splice stat stat64 statfs statfs64 statmount
  statx symlink symlinkat sync sync_file_range syncfs tee truncate truncate64 umask unlink unlinkat
  utime utimensat utimensat_time64 utimes vmsplice write writev`;

const EXTENDED_ATTRIBUTES = `
  fgetxattr flistxattr fremovexattr fsetxattr getxattr getxattrat lgetxattr listxattr listxattrat
  llistxattr lremovexattr lsetxattr removexattr removexattrat setxattr setxattrat`;

const WAITING_FOR_FILES = `
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
  epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1
  inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup
  io_submit _newselect pipe pipe2 poll ppoll ppoll_time64 pselect6 pselect6_time64 select signalfd
  signalfd4`;

const MEMORY = `
  brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock mlock2
  mlockall mmap mmap2 mprotect mremap mseal msync munlock munlockall munmap pkey_alloc pkey_free
  pkey_mprotect process_mrelease remap_file_pages`;

const PROCESSES = `
  capget capset execve execveat exit exit_group fork getcpu getpgid getpgrp getpid getppid
  getpriority getrlimit getrusage getsid get_thread_area gettid ioprio_get ioprio_set pidfd_open
  pidfd_send_signal prctl prlimit64 rseq sched_getaffinity sched_getattr sched_getparam
  sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
  sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
  sched_yield setpgid setpriority setrlimit set_robust_list get_robust_list setsid set_thread_area
  set_tid_address ugetrlimit uretprobe vfork wait4 waitid waitpid`;

const SANDBOXES_OF_THEIR_OWN = `
  landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp`;

const USERS_AND_GROUPS = `
  getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32
  getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
  setgroups setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid
  setreuid32 setuid setuid32`;

const SIGNALS = `
  kill pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask
  sigreturn tgkill tkill`;

/** The clock may be read and, without CAP_SYS_TIME, "adjusted" only by nothing. */
const TIME = `
  adjtimex alarm clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
  clock_gettime64 clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer
  time timer_create timer_delete timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime
  timerfd_settime64 timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
  times`;

const SOCKETS = `
  accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg
  recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`;

const COMMUNICATION_BETWEEN_PROCESSES = `
  futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake ipc mq_getsetattr mq_notify
  mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl
  msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`;

const THE_MACHINE = `
  getrandom riscv_hwprobe sysinfo uname`;

const ALLOW: SeccompAction = { kind: "allow" };
const EPERM = 1;
const ENOSYS = 38;

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}

function allow(names: string, includes: Partial<SeccompScope> = {}): SeccompRule {
  return {
    names: words(names),
    action: ALLOW,
    args: [],
    includes: { ...ANY_SCOPE, ...includes },
    excludes: ANY_SCOPE,
  };
}

/** Allowed when the first argument compares so. */
function allowIf(name: string, op: SeccompComparison, value: number): SeccompRule {
  return { ...allow(name), args: [{ index: 0, op, value: BigInt(value), valueTwo: 0n }] };
}

const WITHOUT_SYS_ADMIN: SeccompScope = { ...ANY_SCOPE, caps: ["CAP_SYS_ADMIN"] };

const EVERYBODY: readonly SeccompRule[] = [
  FILES,
  EXTENDED_ATTRIBUTES,
  WAITING_FOR_FILES,
  MEMORY,
  PROCESSES,
  SANDBOXES_OF_THEIR_OWN,
  USERS_AND_GROUPS,
  SIGNALS,
  TIME,
  SOCKETS,
  COMMUNICATION_BETWEEN_PROCESSES,
  THE_MACHINE,
].map((names) => allow(names));

/** Tracing was a way around seccomp until 4.8 made the kernel check after the tracer. */
const SINCE_4_8 = allow("process_vm_readv process_vm_writev ptrace", { minKernel: "4.8" });

/** AF_VSOCK, which leads to the hypervisor and has no namespaces. */
const AF_VSOCK = 40;

/** Linux, 32-bit addresses, old memory layout (0x20000), and both; and the question "which?". */
const PERSONALITIES = [0x0, 0x0008, 0x20000, 0x20008, 0xffffffff];

/** CLONE_NEWNS … CLONE_NEWNET, without CLONE_NEWTIME: a child in a new namespace. */
const CLONE_NAMESPACES = 0x7e020000;

const BY_ARGUMENT: readonly SeccompRule[] = [
  allowIf("socket", "SCMP_CMP_NE", AF_VSOCK),
  ...PERSONALITIES.map((value) => allowIf("personality", "SCMP_CMP_EQ", value)),
  {
    ...allowIf("clone", "SCMP_CMP_MASKED_EQ", CLONE_NAMESPACES),
    excludes: WITHOUT_SYS_ADMIN,
  },
  // A filter cannot look into clone3's structure. "No such call" makes libraries use clone instead.
  {
    ...allow("clone3"),
    action: { kind: "errno", errno: ENOSYS },
    excludes: WITHOUT_SYS_ADMIN,
  },
];

const BY_MACHINE: readonly SeccompRule[] = [
  allow("arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls", {
    arches: ["arm", "arm64"],
  }),
  allow("arch_prctl", { arches: ["amd64", "x32"] }),
  allow("modify_ldt", { arches: ["amd64", "x32", "x86"] }),
];

const MOUNTS_AND_NAMESPACES = `
  bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr
  lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open
  quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare`;

/** Calls that a capability brings with it. */
const BY_CAPABILITY: readonly (readonly [capability: string, names: string])[] = [
  ["CAP_DAC_READ_SEARCH", "open_by_handle_at"],
  ["CAP_SYS_ADMIN", MOUNTS_AND_NAMESPACES],
  ["CAP_SYS_BOOT", "reboot"],
  ["CAP_SYS_CHROOT", "chroot"],
  ["CAP_SYS_MODULE", "delete_module init_module finit_module"],
  ["CAP_SYS_PACCT", "acct"],
  ["CAP_SYS_PTRACE", "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace"],
  ["CAP_SYS_RAWIO", "iopl ioperm"],
  ["CAP_SYS_TIME", "settimeofday stime clock_settime clock_settime64"],
  ["CAP_SYS_TTY_CONFIG", "vhangup"],
  ["CAP_SYS_NICE", "get_mempolicy mbind set_mempolicy set_mempolicy_home_node"],
  ["CAP_SYSLOG", "syslog"],
  ["CAP_BPF", "bpf"],
  ["CAP_PERFMON", "perf_event_open"],
];

/**
 * The profile of containers that ask for none.
 *
 * @example defaultSeccompProfile().defaultAction // { kind: "errno", errno: 1 }
 */
export function defaultSeccompProfile(): SeccompProfile {
  return {
    defaultAction: { kind: "errno", errno: EPERM },
    rules: [
      ...EVERYBODY,
      SINCE_4_8,
      ...BY_ARGUMENT,
      ...BY_MACHINE,
      ...BY_CAPABILITY.map(([capability, names]) => allow(names, { caps: [capability] })),
    ],
    architectures: new Map([
      ["SCMP_ARCH_X86_64", ["SCMP_ARCH_X86", "SCMP_ARCH_X32"]],
      ["SCMP_ARCH_AARCH64", ["SCMP_ARCH_ARM"]],
    ]),
  };
}
