import { describe, expect, test } from "vitest";
import { parseSecurityOptions } from "./index.ts";

describe("parseSecurityOptions()", () => {
  test.each([
    ["no-new-privileges", "set"],
    ["no-new-privileges:true", "set"],
    ["no-new-privileges=1", "set"],
    ["no-new-privileges:false", "unset"],
  ])("reads %s", (word, expected) => {
    expect(parseSecurityOptions([word]).noNewPrivileges).toBe(expected);
  });

  test("reads seccomp as unconfined, built in or a profile's text", () => {
    const seccompOf = (word: string) => parseSecurityOptions([word]).seccomp;
    expect(seccompOf("seccomp=unconfined")).toBe("unconfined");
    expect(seccompOf("seccomp:unconfined")).toBe("unconfined");
    expect(seccompOf("seccomp=builtin")).toBe("default");
    expect(seccompOf('seccomp={"a":"b=c"}')).toEqual({ profile: '{"a":"b=c"}' });
  });

  test("lets a later word win", () => {
    const words = ["no-new-privileges", "no-new-privileges=false", "systempaths=unconfined"];
    const options = parseSecurityOptions(words);
    expect(options).toMatchObject({ noNewPrivileges: "unset", systemPaths: "unconfined" });
  });

  test.each(["apparmor=unconfined", "label=disable", "label:type:x", "disable"])(
    "takes %s and warns that it has no effect",
    (word) => {
      expect(parseSecurityOptions([word]).warnings).toEqual([
        expect.stringContaining("has no effect"),
      ]);
    },
  );

  test.each([
    ["wibble", 'invalid --security-opt 1: "wibble"'],
    ["wibble=1", 'invalid --security-opt 2: "wibble=1"'],
    ["no-new-privileges=maybe", 'invalid --security-opt 2: "no-new-privileges=maybe"'],
    ["systempaths=some", 'invalid --security-opt 2: "systempaths=some"'],
  ])("refuses %s in Docker's words", (word, message) => {
    expect(() => parseSecurityOptions([word])).toThrow(message);
  });
});
