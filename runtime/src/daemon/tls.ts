/**
 * TLS: the certificates that let clients trust the daemon, and the daemon its clients.
 *
 *     authority ── signs ──▶ the daemon's certificate ──▶ shown to clients: is this my daemon?
 *         └────── signs ──▶ a client's certificate ────▶ shown to the daemon: may this one enter?
 *
 * A client's certificate is its key to the door: whoever holds one is root on this machine.
 *
 * Kernel interface: open(2), read(2).
 * Specification: RFC 8446 (TLS 1.3), RFC 5280 (certificates).
 * Invariants: none.
 * Left out: lists of revoked certificates: make a new authority, and send SIGHUP.
 * Docs: docs/concepts/daemon.md
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { createSecureContext, type TlsOptions } from "node:tls";
import { invalid } from "./flags.ts";
import type { TlsFiles } from "./options.ts";

/**
 * Reads the certificates.
 *
 * @throws RuntimeError request-invalid when one is missing, or the key is another certificate's
 */
export function readTls({ ca, cert, key }: TlsFiles): TlsOptions {
  const options: TlsOptions = {
    cert: readPem(cert, "--tlscert"),
    key: readPem(key, "--tlskey"),
    minVersion: "TLSv1.2",
    ...(ca === null
      ? {}
      : { ca: readPem(ca, "--tlscacert"), requestCert: true, rejectUnauthorized: true }),
  };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw invalid(
      `could not load X509 key pair ${cert}, ${key}: ${cause instanceof Error ? cause.message : String(cause)}`,
      "Check that the files are in PEM form, and that the key belongs to the certificate.",
    );
  }
  return options;
}

function readPem(path: string, flag: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw invalid(`could not read certificate ${path}: ${why}`, `Name it with ${flag}.`);
  }
}
