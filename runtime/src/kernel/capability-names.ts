/**
 * Capabilities: root's power in 41 pieces, by name and number.
 *
 * The kernel keeps each set of a thread as a bit mask of 64 bits, in two words of 32.
 *
 * Kernel interface: capabilities(7), capget(2).
 * Invariants: none.
 * Left out: nothing; a running kernel may know fewer than this list.
 * Docs: docs/concepts/kernel.md
 *
 * @module
 */
/** All of them, in the order of their numbers: CAP_CHOWN is 0. */
export const CAPABILITIES: readonly string[] = `
CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID
CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN
CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT CAP_SYS_PTRACE
CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME
CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP
CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ
CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE`
  .trim()
  .split(/\s+/);

/**
 * The number of a capability.
 *
 * @returns the number, or undefined for an unknown name
 * @example capabilityNumber("CAP_KILL") // 5
 */
export function capabilityNumber(name: string): number | undefined {
  const index = CAPABILITIES.indexOf(name);
  return index < 0 ? undefined : index;
}

/** The name of a capability; one that is newer than this list is called by its number. */
export function capabilityName(number: number): string {
  return CAPABILITIES[number] ?? `CAP_${number}`;
}

/** The names of the bits that are set in two words of 32. */
export function namesOfMask(low: number, high: number): readonly string[] {
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    const word = bit < 32 ? low : high;
    if (((word >>> (bit % 32)) & 1) === 1) names.push(capabilityName(bit));
  }
  return names;
}

/**
 * Two words of 32 bits with the bits of the given capabilities, or the first name that is unknown.
 */
export function maskOfNames(
  names: readonly string[],
): { readonly low: number; readonly high: number } | { readonly unknown: string } {
  const words = [0, 0];
  for (const name of names) {
    const number = capabilityNumber(name);
    if (number === undefined) return { unknown: name };
    const word = number < 32 ? 0 : 1;
    words[word] = ((words[word] ?? 0) | (1 << (number % 32))) >>> 0;
  }
  return { low: words[0] ?? 0, high: words[1] ?? 0 };
}
