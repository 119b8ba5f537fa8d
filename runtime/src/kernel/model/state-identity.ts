/**
 * State of identity: who acts, and the namespaces that hold no process or place.
 *
 * Kernel interface: credentials(7), user_namespaces(7), uts_namespaces(7).
 * Invariants: none.
 * Left out: file capabilities, keys.
 * Docs: docs/concepts/model.md
 *
 * @module
 */

/** A range of a user namespace: `count` ids from `inside` are `outside` and on in the parent. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** A user namespace: user_namespaces(7). Ids that the model stores are those of the first one. */
export interface UserNamespace {
  readonly kind: "user";
  readonly inode: number;
  readonly parent: UserNamespace | undefined;
  readonly level: number;
  readonly ownerUid: number;
  uidMap: readonly IdRange[];
  gidMap: readonly IdRange[];
}

/** Who acts. Never changed, only replaced: whoever keeps one keeps the power of that moment. */
export interface Credentials {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly userNamespace: UserNamespace;
  readonly bounding: readonly string[];
  readonly permitted: readonly string[];
  readonly effective: readonly string[];
  readonly inheritable: readonly string[];
  readonly ambient: readonly string[];
}

/** Host and domain name. */
export interface UtsNamespace {
  readonly kind: "uts";
  readonly inode: number;
  readonly owner: UserNamespace;
  hostname: string;
  domainname: string;
}

/** A namespace with nothing inside that the port can see. */
export interface PlainNamespace {
  readonly kind: "ipc" | "time";
  readonly inode: number;
  readonly owner: UserNamespace;
}
