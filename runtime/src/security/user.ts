/**
 * Users: who a container's process is.
 *
 * Docker's `user[:group]` means names of the container's own /etc/passwd and /etc/group, or numbers
 * that need not appear there. The kernel only knows numbers, so names are looked up just before
 * they are needed, inside the container's root file system: the host's users do not matter.
 *
 * Kernel interface: setresuid(2), setresgid(2), setgroups(2); passwd(5), group(5).
 * Specification: OCI image-spec v1.1, config.md, "User"; Docker Engine API v1.50, "User".
 * Invariants:
 *   user-numbers-pass   a numeric uid:gid always resolves to itself, whatever passwd and group say
 *   user-round-trip     every user that passwd lists resolves by name to its own uid, gid and home
 * Left out: NSS (LDAP, systemd): only the two files are read, as in Docker.
 * Docs: docs/concepts/users.md
 *
 * @module
 */

import { RuntimeError } from "../errors/index.ts";

/** A uid or gid as the container's user namespace numbers it. */
export type ContainerUserId = number & { readonly __viewpoint?: "container" };

/** One line of /etc/passwd, as far as it matters here. */
export interface PasswdEntry {
  readonly name: string;
  readonly uid: ContainerUserId;
  readonly gid: ContainerUserId;
  readonly home: string;
}

/** One line of /etc/group. */
export interface GroupEntry {
  readonly name: string;
  readonly gid: ContainerUserId;
  readonly members: readonly string[];
}

/** Who a process will be. */
export interface Identity {
  readonly uid: ContainerUserId;
  readonly gid: ContainerUserId;
  /** For setgroups(2): the primary group first, then the others, each once. */
  readonly groups: readonly ContainerUserId[];
  /** For HOME, unless the environment has one. */
  readonly home: string;
}

/** The text of the container's two files; undefined where a file is missing. */
export interface UserFiles {
  readonly passwd: string | undefined;
  readonly group: string | undefined;
}

const MAX_ID = 2 ** 31 - 1;

function fieldsOf(text: string | undefined): readonly (readonly string[])[] {
  return (text ?? "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(":"));
}

/** A decimal number, or undefined. */
function parseId(text: string): number | undefined {
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

/**
 * Parses /etc/passwd. Lines without numeric ids are skipped: reading a broken uid as 0 would make
 * root of a typing error.
 *
 * @example parsePasswd("app:x:1000:1000::/srv:/bin/sh\n")[0]?.home // "/srv"
 */
export function parsePasswd(text: string | undefined): readonly PasswdEntry[] {
  return fieldsOf(text).flatMap(([name = "", , uidText = "", gidText = "", , home = ""]) => {
    const uid = parseId(uidText);
    const gid = parseId(gidText);
    return uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home }];
  });
}

/**
 * Parses /etc/group; lines without a numeric id are skipped.
 *
 * @example parseGroup("wheel:x:10:root,app\n")[0]?.members // ["root", "app"]
 */
export function parseGroup(text: string | undefined): readonly GroupEntry[] {
  return fieldsOf(text).flatMap(([name = "", , gidText = "", members = ""]) => {
    const gid = parseId(gidText);
    if (gid === undefined) return [];
    return [{ name, gid, members: members.split(",").filter((member) => member !== "") }];
  });
}

function notFound(what: string, word: string, reason: string): RuntimeError {
  return new RuntimeError({
    code: "user-not-found",
    class: "invalid",
    message: `unable to find ${what} ${word}${reason}`,
    operation: "look up the user",
    subject: word,
    hint: `Use a ${what} that the image knows (see its /etc/passwd and /etc/group), or a number.`,
  });
}

function checkRange(id: number, word: string): number {
  if (id >= 0 && id <= MAX_ID) return id;
  throw new RuntimeError({
    code: "user-not-found",
    class: "invalid",
    message: `uids and gids must be in range 0-${MAX_ID}`,
    operation: "look up the user",
    subject: word,
    hint: "Use a smaller number.",
  });
}

function resolveGroup(word: string, groups: readonly GroupEntry[]): ContainerUserId {
  const number = parseId(word);
  const entry = groups.find(({ name, gid }) =>
    number === undefined ? name === word : gid === number,
  );
  if (entry !== undefined) return entry.gid;
  if (number === undefined) throw notFound("group", word, ": no matching entries in group file");
  return checkRange(number, word);
}

/** `--group-add`: by name, else by number. A name that looks like a number is tried first. */
function resolveAdditionalGroup(word: string, groups: readonly GroupEntry[]): ContainerUserId {
  const entry = groups.find(({ name, gid }) => name === word || String(gid) === word);
  if (entry !== undefined) return entry.gid;
  const number = parseId(word);
  if (number === undefined) throw notFound("group", word, ": no matching entries in group file");
  return checkRange(number, word);
}

function resolveUser(
  word: string,
  users: readonly PasswdEntry[],
): { readonly name: string; readonly uid: number; readonly gid: number; readonly home: string } {
  const number = word === "" ? 0 : parseId(word);
  const entry = users.find(({ name, uid }) =>
    number === undefined ? name === word : uid === number,
  );
  if (entry !== undefined) return entry;
  if (number === undefined) throw notFound("user", word, ": no matching entries in passwd file");
  return { name: "", uid: checkRange(number, word), gid: 0, home: "/" };
}

/**
 * Resolves Docker's `user[:group]`.
 *
 * Supplementary groups come from /etc/group only when no group is named, as in Docker.
 *
 * @param spec `""` (root), `name`, `uid`, `name:group`, `uid:gid` and every mix
 * @param additionalGroups `--group-add`: names or numbers
 * @throws RuntimeError `user-not-found` (400) in Docker's words, also for numbers above 2³¹ − 1
 * @example
 * resolveIdentity("app", [], { passwd: "app:x:7:8::/srv:/bin/sh", group: "web:x:9:app" })
 * // { uid: 7, gid: 8, groups: [8, 9], home: "/srv" }
 */
export function resolveIdentity(
  spec: string,
  additionalGroups: readonly string[],
  files: UserFiles,
): Identity {
  const colon = spec.indexOf(":");
  const userWord = colon === -1 ? spec : spec.slice(0, colon);
  const groupWord = colon === -1 ? "" : spec.slice(colon + 1);
  const groups = parseGroup(files.group);
  const user = resolveUser(userWord, parsePasswd(files.passwd));
  const gid = groupWord === "" ? user.gid : resolveGroup(groupWord, groups);
  const memberships =
    groupWord === "" && user.name !== ""
      ? groups.filter(({ members }) => members.includes(user.name)).map((group) => group.gid)
      : [];
  const added = additionalGroups.map((word) => resolveAdditionalGroup(word, groups));
  return {
    uid: user.uid,
    gid,
    groups: [...new Set([gid, ...memberships, ...added])],
    home: user.home === "" ? "/" : user.home,
  };
}
