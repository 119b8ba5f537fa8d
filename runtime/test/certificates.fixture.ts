/**
 * Certificates: an authority of a test's own, a daemon's certificate and a client's, by openssl.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Why no certificates can be made here, or null. */
export function whyNoCertificates(): string | null {
  return spawnSync("openssl", ["version"]).status === 0 ? null : "openssl is not installed";
}

function openssl(directory: string, ...words: string[]): void {
  const ran = spawnSync("openssl", words, { cwd: directory, encoding: "utf8" });
  if (ran.status !== 0) throw new Error(`openssl ${words.join(" ")}: ${ran.stderr}`);
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes an authority: NAME.pem and NAME-key.pem. */
export function makeAuthority(directory: string, name: string): void {
  const files = ["-keyout", `${name}-key.pem`, "-out", `${name}.pem`];
  openssl(directory, "req", "-x509", ...KEY, ...files, "-days", "2", "-subj", `/CN=${name}`);
}

/**
 * Makes a certificate that an authority has signed: NAME-cert.pem and NAME-key.pem.
 *
 * @param usage "serverAuth" for 127.0.0.1 and localhost, "clientAuth" for anybody
 */
export function makeCertificate(
  directory: string,
  authority: string,
  name: string,
  usage: "serverAuth" | "clientAuth",
): void {
  const names = usage === "serverAuth" ? "subjectAltName=IP:127.0.0.1,DNS:localhost\n" : "";
  writeFileSync(join(directory, `${name}.ext`), `${names}extendedKeyUsage=${usage}\n`);
  const request = ["-keyout", `${name}-key.pem`, "-out", `${name}.csr`, "-subj", `/CN=${name}`];
  openssl(directory, "req", ...KEY, ...request);
  const files = ["-in", `${name}.csr`, "-out", `${name}-cert.pem`, "-extfile", `${name}.ext`];
  const signer = ["-CA", `${authority}.pem`, "-CAkey", `${authority}-key.pem`, "-CAcreateserial"];
  openssl(directory, "x509", "-req", "-days", "2", ...files, ...signer);
}
