/**
 * Volumes: the options of a tmpfs, as people write them.
 *
 * A tmpfs is a file system in memory. Of its options, some are flags of mount(2) (`noexec`) and
 * some are the file system's own (`size=64m`); people write them in one list and the kernel wants
 * them apart. Docker begins with noexec, nosuid and nodev, which the list can take back.
 *
 * Kernel interface: mount(2), tmpfs(5).
 * Specification: Docker, "tmpfs mounts".
 * Invariants:
 *   tmpfs-option-is-kept   every option of the list is either in force or refused; of two opposites
 *                          the later one wins
 * Left out: mpol, which needs NUMA nodes; propagation words.
 * Docs: docs/concepts/volumes.md
 *
 * @module
 */
import { RuntimeError } from "../errors/index.ts";
import type { MountFlag } from "../kernel/index.ts";

/** What mount(2) wants. */
export interface TmpfsOptions {
  readonly flags: readonly MountFlag[];
  readonly data: string;
}

/** Each word that is a flag, and whether it sets or takes it back. */
const FLAG_WORDS: Readonly<Record<string, readonly [flag: MountFlag, isSet: boolean]>> = {
  ro: ["MS_RDONLY", true],
  rw: ["MS_RDONLY", false],
  noexec: ["MS_NOEXEC", true],
  exec: ["MS_NOEXEC", false],
  nosuid: ["MS_NOSUID", true],
  suid: ["MS_NOSUID", false],
  nodev: ["MS_NODEV", true],
  dev: ["MS_NODEV", false],
  noatime: ["MS_NOATIME", true],
  atime: ["MS_NOATIME", false],
  relatime: ["MS_RELATIME", true],
  norelatime: ["MS_RELATIME", false],
  strictatime: ["MS_STRICTATIME", true],
  nostrictatime: ["MS_STRICTATIME", false],
};

/** What the kernel takes for each option of the file system's own; it refuses all else at mount. */
const DATA_VALUES: Readonly<Record<string, readonly [form: RegExp, words: string]>> = {
  mode: [/^0*[0-7]{1,4}$/, "is an octal number such as 1777"],
  uid: [/^\d{1,10}$/, "is a number"],
  gid: [/^\d{1,10}$/, "is a number"],
  size: [/^\d+[kmgt%]?$/i, "is a number of bytes, or with k, m, g or %"],
  nr_inodes: [/^\d+[kmg]?$/i, "is a number, or with k, m or g"],
  nr_blocks: [/^\d+[kmg]?$/i, "is a number, or with k, m or g"],
};

const DEFAULTS = "noexec,nosuid,nodev";

/**
 * Sorts a list of options into flags and data.
 *
 * @throws RuntimeError `volume-invalid` for an option that tmpfs does not have, or a value that it
 *   does not take
 * @example parseTmpfsOptions("exec,size=64m") // { flags: ["MS_NOSUID", "MS_NODEV"], data:
 *   "size=64m" }
 */
export function parseTmpfsOptions(text: string): TmpfsOptions {
  const flags = new Set<MountFlag>();
  const data = new Map<string, string>();
  for (const word of `${DEFAULTS},${text}`.split(",").filter((each) => each !== "")) {
    const known = FLAG_WORDS[word];
    const [key = "", value = ""] = word.split("=");
    if (known !== undefined) {
      const [flag, isSet] = known;
      if (isSet) flags.add(flag);
      else flags.delete(flag);
    } else {
      const [form, words] = DATA_VALUES[key] ?? refuseOption(word, "");
      if (!form.test(value)) refuseOption(word, `: ${key} ${words}`);
      data.set(key, value);
    }
  }
  return { flags: [...flags], data: [...data].map((pair) => pair.join("=")).join(",") };
}

function refuseOption(word: string, why: string): never {
  throw new RuntimeError({
    code: "volume-invalid",
    class: "invalid",
    operation: "check volumes",
    subject: word,
    message: `invalid tmpfs option [${JSON.stringify(word)}]${why}`,
    hint: "Known are size=, mode=, uid=, gid=, nr_inodes=, ro, exec, suid, dev and their opposites.",
  });
}
