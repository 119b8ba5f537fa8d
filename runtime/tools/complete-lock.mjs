/**
 * Complete lock: name in package-lock.json the packages of other platforms that npm could not see.
 *
 * A tool with native parts lists one optional package for each platform. npm leaves out of the lock
 * those that its registry does not hold (a mirror may hold only its own platform's), and `npm ci`
 * then refuses the lock as incomplete, on any registry. An entry without a hash is enough: npm
 * skips a package whose os or cpu is another's, and asks the registry for one that is ours.
 *
 * Run it after changing dependencies: npm run lock
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL("../../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(file, "utf8"));
const { packages } = lock;
const platform =
  /(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)-(arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64)(?:.*-?(gnu|musl))?/;

let added = 0;
for (const [path, { optionalDependencies, dev }] of Object.entries(packages)) {
  if (!path.startsWith("node_modules/")) continue;
  for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
    const [matched, os, cpu, libc] = platform.exec(name) ?? [];
    const key = `node_modules/${name}`;
    if (matched === undefined || packages[key] !== undefined || !/^\d/.test(version)) continue;
    packages[key] = {
      version,
      cpu: [cpu],
      ...(dev && { dev }),
      ...(os === "linux" && libc !== undefined && { libc: [libc === "gnu" ? "glibc" : "musl"] }),
      optional: true,
      os: [os],
    };
    added += 1;
  }
}
const byPath = ([a], [b]) => (a < b ? -1 : 1);
lock.packages = Object.fromEntries(Object.entries(packages).toSorted(byPath));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`lock: ${added} packages of other platforms added`);
