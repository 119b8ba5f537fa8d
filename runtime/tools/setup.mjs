/**
 * Setup: install what is missing, say so, and go on with what there is.
 *
 * `npm start` and `npm test` must work in a fresh clone, so this file uses nothing but Node. npm
 * packages are installed when those in node_modules are not the ones that package-lock.json names.
 * Two Debian packages are wanted besides: nftables, with which ports are published, and
 * busybox-static, from which the first image is made. They are installed where that is possible
 * (Debian or Ubuntu, as root); elsewhere they are named.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The directory of the clone. */
export const house = fileURLToPath(new URL("../..", import.meta.url));

/** Installs npm packages and, where possible, system packages; exits when the former fails. */
export function installWhatIsMissing() {
  requireNode(20);
  installNpmPackages();
  installSystemPackages();
}

function requireNode(least) {
  if (Number(process.versions.node.split(".")[0]) >= least) return;
  console.error(`setup: Node ${least} or later is needed, this is ${process.version}`);
  process.exit(1);
}

function installNpmPackages() {
  if (npmPackagesAreInstalled()) return;
  console.log("setup: installing npm packages (npm ci)");
  const npm = spawnSync("npm", ["ci", "--no-fund", "--no-audit"], { cwd: house, stdio: "inherit" });
  if (npm.status === 0) return;
  console.error("setup: npm ci failed; the npm registry must be reachable the first time");
  process.exit(1);
}

/** npm keeps a copy of the lock file of what it installed: every package we need must be in it. */
function npmPackagesAreInstalled() {
  const installedFile = join(house, "node_modules", ".package-lock.json");
  if (!existsSync(installedFile)) return false;
  const wanted = JSON.parse(readFileSync(join(house, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional, link }]) =>
      path === "" ||
      optional ||
      link ||
      !path.startsWith("node_modules/") ||
      installed[path]?.version === version,
  );
}

/** Debian package, whether it is there, and what is lost without it. */
const systemPackages = [
  {
    name: "nftables",
    present: () => ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft"].some(existsSync),
    without: "ports of containers cannot be published",
  },
  {
    name: "busybox-static",
    present: () => ["/bin/busybox", "/usr/bin/busybox"].some(isStaticProgram),
    without: "the first image is made of the system's own shell and tools",
  },
];

function installSystemPackages() {
  const missing = () => systemPackages.filter(({ present }) => !present());
  if (missing().length === 0) return;
  if (process.getuid?.() === 0 && existsSync("/usr/bin/apt-get")) {
    const names = missing().map(({ name }) => name);
    console.log(`setup: installing Debian packages with apt-get: ${names.join(", ")}`);
    if (!aptGet("install", ...names)) {
      aptGet("update");
      aptGet("install", ...names);
    }
  }
  for (const { name, without } of missing()) {
    console.log(`setup: ${name} is missing and could not be installed: ${without}`);
  }
}

function aptGet(command, ...names) {
  const options = command === "install" ? ["-y", "--no-install-recommends"] : [];
  const ran = spawnSync("apt-get", ["-q", command, ...options, ...names], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return ran.status === 0;
}

/**
 * Whether a file is an ELF program without a PT_INTERP entry: one that needs no loader or library.
 */
function isStaticProgram(path) {
  if (!existsSync(path)) return false;
  const elf = readFileSync(path);
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2) return false;
  const tableAt = Number(elf.readBigUInt64LE(32));
  const [entryBytes, entries] = [elf.readUInt16LE(54), elf.readUInt16LE(56)];
  const interpreter = 3;
  return Array.from({ length: entries }, (_, i) =>
    elf.readUInt32LE(tableAt + i * entryBytes),
  ).every((type) => type !== interpreter);
}
