import { describe, expect, test } from "vitest";
import { resolveIdentity } from "./index.ts";

const files = {
  passwd: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/srv:/bin/sh\n7:x:8:9::/seven:\n",
  group: "root:x:0:\napp:x:1001:\nwheel:x:10:root,app\n20:x:30:\n",
};

describe("resolveIdentity()", () => {
  test.each([
    ["", { uid: 0, gid: 0, groups: [0, 10], home: "/root" }],
    ["app", { uid: 1000, gid: 1001, groups: [1001, 10], home: "/srv" }],
    ["1000", { uid: 1000, gid: 1001, groups: [1001, 10], home: "/srv" }],
    ["app:wheel", { uid: 1000, gid: 10, groups: [10], home: "/srv" }],
    ["app:", { uid: 1000, gid: 1001, groups: [1001, 10], home: "/srv" }],
    [":wheel", { uid: 0, gid: 10, groups: [10], home: "/root" }],
    ["5555", { uid: 5555, gid: 0, groups: [0], home: "/" }],
    ["5555:6666", { uid: 5555, gid: 6666, groups: [6666], home: "/" }],
    ["7", { uid: 7, gid: 0, groups: [0], home: "/" }],
  ])("resolves %j", (spec, identity) => {
    expect(resolveIdentity(spec, [], files)).toEqual(identity);
  });

  test("adds groups by name and number, each once", () => {
    expect(resolveIdentity("app", ["wheel", "10", "77"], files).groups).toEqual([1001, 10, 77]);
  });

  test("works without the files, for numbers and root", () => {
    const none = { passwd: undefined, group: undefined };
    expect(resolveIdentity("", [], none)).toEqual({ uid: 0, gid: 0, groups: [0], home: "/" });
    expect(() => resolveIdentity("app", [], none)).toThrow("no matching entries in passwd file");
  });

  test("does not make root of a broken line", () => {
    expect(() => resolveIdentity("app", [], { passwd: "app:x::::\n", group: "" })).toThrow(
      "unable to find user app",
    );
  });

  test.each([
    ["ghost", [], "unable to find user ghost: no matching entries in passwd file"],
    ["app:ghost", [], "unable to find group ghost: no matching entries in group file"],
    ["app", ["ghost"], "unable to find group ghost: no matching entries in group file"],
    ["2147483648", [], "uids and gids must be in range 0-2147483647"],
    ["0:-1", [], "uids and gids must be in range 0-2147483647"],
  ])("refuses %j with groups %j in Docker's words", (spec, additional, message) => {
    expect(() => resolveIdentity(spec, additional, files)).toThrow(
      expect.objectContaining({ code: "user-not-found", class: "invalid", message }),
    );
  });
});
