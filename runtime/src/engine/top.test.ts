import { describe, expect, test } from "vitest";
import { columnsOf } from "./top.ts";

describe("columnsOf()", () => {
  test.each([
    ["-ef", "uid pid ppid c stime tty time cmd"],
    ["", "uid pid ppid c stime tty time cmd"],
    ["aux", "user pid pcpu pmem vsz rss tty stat start bsdtime command"],
    ["-o pid,comm", "pid comm"],
    ["-eo pid,args", "pid command"],
  ])("%s", (options, expected) => {
    expect(columnsOf(options).join(" ")).toBe(expected);
  });

  test.each(["-o pid -o comm", "--sort=-rss", "-o nosuch"])("%s is refused", (options) => {
    expect(() => columnsOf(options)).toThrow(/unknown option or column/);
  });
});
