import { expect, test } from "vitest";
import { nearest } from "./nearest.ts";

test("nearest() offers only what is near", () => {
  expect(nearest("containr", ["container", "image"])).toBe("container");
  expect(nearest("sp", ["ps", "run"])).toBe("ps");
  expect(nearest("xyz", ["ps", "run"])).toBeUndefined();
});
