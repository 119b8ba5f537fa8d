import { expect, test } from "vitest";
import { parseDaemonOptions } from "./options.ts";

test("parseDaemonOptions() has Drydock's places when nothing is said", () => {
  expect(parseDaemonOptions([])).toEqual({
    root: "/var/lib/drydock",
    hosts: [{ kind: "unix", path: "/run/drydock.sock" }],
    group: null,
    cgroupParent: null,
    pidFile: null,
    debug: false,
    help: false,
    version: false,
    ignored: [],
  });
});

test("parseDaemonOptions() takes dockerd's names, as suites that start a daemon give them", () => {
  const options = parseDaemonOptions([
    "--data-root=/d/r",
    "--exec-root",
    "/d/e",
    "--pidfile=/d/pid",
    "-H",
    "unix:///d/s",
    "--host=/d/t",
    "--config-file",
    "/d/c.json",
    "--debug=true",
    "-l",
    "warn",
    "--storage-driver",
    "overlay2",
    "--init=false",
    "--userns-remap=",
  ]);
  expect(options).toMatchObject({
    root: "/d/r",
    pidFile: "/d/pid",
    debug: true,
    hosts: [
      { kind: "unix", path: "/d/s" },
      { kind: "unix", path: "/d/t" },
    ],
    ignored: ["--exec-root", "--config-file", "--init"],
  });
});

test("parseDaemonOptions() refuses what it cannot obey, and says what to write", () => {
  const refused: [string[], string][] = [
    [["--nonsense"], "unknown flag: --nonsense"],
    [["-x"], "unknown flag: -x"],
    [["surplus"], "unknown flag: surplus"],
    [["--root"], "flag needs an argument: --root"],
    [["--debug=maybe"], 'invalid value for --debug: expected true or false, got "maybe"'],
    [["-H", "ftp://x"], 'cannot listen on "ftp://x"'],
    [["-H", "tcp://x:99999"], 'cannot listen on "tcp://x:99999"'],
    [["-s", "vfs"], "--storage-driver=vfs is not supported"],
    [["--userns-remap=default"], "--userns-remap=default is not supported"],
  ];
  for (const [args, message] of refused) expect(() => parseDaemonOptions(args)).toThrow(message);
});

test("parseDaemonOptions() listens on TCP only when told that it is safe", () => {
  const args = ["-H", "tcp://127.0.0.1:2375"];
  expect(() => parseDaemonOptions(args)).toThrow("refusing to listen on TCP without TLS");
  expect(parseDaemonOptions([...args, "--insecure-tcp"]).hosts).toEqual([
    { kind: "tcp", address: "127.0.0.1", port: 2375 },
  ]);
});
