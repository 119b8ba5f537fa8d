import { expect, test } from "vitest";
import { RuntimeError } from "../errors/index.ts";
import {
  canonicalForm,
  familiarForm,
  parseImageQuery,
  parseReference,
  withDefaultTag,
} from "./reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

test.each([
  ["busybox", "docker.io/library/busybox", "busybox"],
  ["busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"],
  ["library/busybox", "docker.io/library/busybox", "busybox"],
  ["index.docker.io/busybox", "docker.io/library/busybox", "busybox"],
  ["docker.io/a/b", "docker.io/a/b", "a/b"],
  ["localhost/x", "localhost/x", "localhost/x"],
  ["localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"],
  ["[::1]:5000/x", "[::1]:5000/x", "[::1]:5000/x"],
  ["Host/x", "Host/x", "Host/x"],
  ["gcr.io/a/b/c", "gcr.io/a/b/c", "gcr.io/a/b/c"],
  [`busybox@${digest}`, `docker.io/library/busybox@${digest}`, `busybox@${digest}`],
  [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`, `busybox:1@${digest}`],
  ["docker.io/localhost/x", "docker.io/localhost/x", "docker.io/localhost/x"],
  ["docker.io/docker.io/x", "docker.io/docker.io/x", "docker.io/docker.io/x"],
  ["a__b/c--d.e", "docker.io/a__b/c--d.e", "a__b/c--d.e"],
])("parseReference(%j) reads it as Docker does", (text, canonical, familiar) => {
  const reference = parseReference(text);
  expect(canonicalForm(reference)).toBe(canonical);
  expect(familiarForm(reference)).toBe(familiar);
});

test.each([
  ["", "invalid reference format"],
  ["Busybox", "invalid reference format: repository name (library/Busybox) must be lowercase"],
  ["a/B:1", "invalid reference format: repository name (a/B) must be lowercase"],
  [
    "a".repeat(64),
    `invalid repository name (${"a".repeat(64)}), cannot specify 64-byte hexadecimal strings`,
  ],
  ["a//b", "invalid reference format"],
  ["-a", "invalid reference format"],
  ["a___b", "invalid reference format"],
  ["a:", "invalid reference format"],
  ["a:-x", "invalid reference format"],
  ["a b", "invalid reference format"],
  ["a@sha256:123", "invalid reference format"],
  [`a@sha256:${"a".repeat(63)}`, "invalid checksum digest length"],
  [`a@md5:${"a".repeat(32)}`, "unsupported digest algorithm"],
  [`a@sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
])("parseReference(%j) refuses it with Docker's text", (text, message) => {
  expect(() => parseReference(text)).toThrow(message);
  expect(() => parseReference(text)).toThrow(RuntimeError);
});

test("parseImageQuery() takes 64 hex digits, with or without their algorithm, as an id", () => {
  expect(parseImageQuery("b".repeat(64))).toEqual({ kind: "id", id: `sha256:${"b".repeat(64)}` });
  expect(parseImageQuery(digest)).toEqual({ kind: "id", id: digest });
  expect(parseImageQuery("busybox").kind).toBe("name");
});

test("withDefaultTag() leaves a tag or a digest alone", () => {
  expect(familiarForm(withDefaultTag(parseReference("a")))).toBe("a:latest");
  expect(familiarForm(withDefaultTag(parseReference("a:1")))).toBe("a:1");
  expect(familiarForm(withDefaultTag(parseReference(`a@${digest}`)))).toBe(`a@${digest}`);
});
