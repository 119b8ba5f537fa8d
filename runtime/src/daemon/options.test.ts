import { expect, test } from "vitest";
import { parseDaemonOptions, type DaemonOptions } from "./options.ts";

const parse = (args: readonly string[], file?: object | string): DaemonOptions =>
  parseDaemonOptions(args, (path) => {
    if (file === undefined || path === "/nowhere") return null;
    return typeof file === "string" ? file : JSON.stringify(file);
  });

test("parseDaemonOptions() has Drydock's places when nothing is said", () => {
  expect(parse([])).toEqual({
    root: "/var/lib/drydock",
    hosts: [{ kind: "unix", path: "/run/drydock.sock" }],
    tls: null,
    group: null,
    cgroupParent: null,
    pidFile: null,
    settings: {
      debug: false,
      logLevel: "info",
      logFormat: "text",
      labels: [],
      logDriver: "",
      logOptions: {},
    },
    instead: null,
    ignored: [],
  });
});

test("parseDaemonOptions() takes dockerd's names, as suites that start a daemon give them", () => {
  const words =
    "--data-root=/d/r --exec-root /d/e --pidfile=/d/pid -H unix:///d/s --host=/d/t " +
    "--config-file /d/c.json --debug=true -l warn --storage-driver overlay2 --init=false " +
    "--userns-remap= --label a=b --label c=d --log-opt max-size=1m";
  const options = parse(words.split(" "), " ");
  expect(options).toMatchObject({
    root: "/d/r",
    pidFile: "/d/pid",
    settings: {
      debug: true,
      logLevel: "warn",
      labels: ["a=b", "c=d"],
      logOptions: { "max-size": "1m" },
    },
    hosts: [
      { kind: "unix", path: "/d/s" },
      { kind: "unix", path: "/d/t" },
    ],
    ignored: ["--exec-root", "--init"],
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
    [["-l", "loud"], "invalid logging level: loud"],
    [["--log-format=xml"], "invalid log format: xml"],
    [["--label", "plain"], "bad attribute format: plain"],
    [["--log-opt", "max-size"], 'invalid value for --log-opt: "max-size"'],
    [["--config-file", "/nowhere"], "file /nowhere: no such file"],
    [["-s", "vfs"], "--storage-driver=vfs is not supported"],
    [["--userns-remap=default"], "--userns-remap=default is not supported"],
  ];
  for (const [args, message] of refused) expect(() => parse(args)).toThrow(message);
});

test("parseDaemonOptions() reads the file as if its options were flags", () => {
  const file = {
    "data-root": "/d/r",
    hosts: ["unix:///d/s", "tcp://127.0.0.1"],
    tlsverify: true,
    tlscacert: "/c/ca.pem",
    labels: ["a=b"],
    "log-opts": { "max-size": "1m", "max-file": "3" },
    "shutdown-timeout": 15,
    "default-address-pools": [{ base: "10.0.0.0/8", size: 24 }],
  };
  expect(parse(["--debug"], file)).toEqual(
    parse(
      (
        "--debug --data-root /d/r -H unix:///d/s -H tcp://127.0.0.1:2376 --tlsverify " +
        "--tlscacert /c/ca.pem --label a=b --log-opt max-size=1m --log-opt max-file=3 " +
        "--shutdown-timeout 15 --default-address-pool x"
      ).split(" "),
    ),
  );
});

test("parseDaemonOptions() refuses a file that it cannot obey, and one that repeats a flag", () => {
  const refused: [string[], object | string, string][] = [
    [[], "{", "unable to configure the daemon with file /etc/drydock/daemon.json: "],
    [[], "[]", "expected an object"],
    [[], { foo: 1, bar: 2 }, "directives don't match any configuration option: foo, bar"],
    [[], { "config-file": "/x" }, "directives don't match any configuration option: config-file"],
    [[], { debug: "yes" }, "debug: expected true or false"],
    [[], { labels: "a=b" }, "labels: expected a list of texts"],
    [[], { labels: [1] }, "labels: expected a list of texts"],
    [[], { "log-opts": ["a"] }, "log-opts: expected an object of texts"],
    [[], { "data-root": {} }, "data-root: expected a text"],
    [
      ["--debug", "--label", "a=b", "--label", "c=d"],
      { debug: false, labels: ["x=y"] },
      "specified both as a flag and in the configuration file: " +
        "debug: (from flag: true, from file: false), " +
        "labels: (from flag: [a=b c=d], from file: [x=y])",
    ],
  ];
  for (const [args, file, message] of refused) expect(() => parse(args, file)).toThrow(message);
  expect(parse(["--help"], "{").instead).toBe("help");
});

test("parseDaemonOptions() listens on TCP only when told who may enter", () => {
  const tcp = ["-H", "tcp://127.0.0.1"];
  expect(() => parse(tcp)).toThrow("refusing to listen on TCP without TLS");
  expect(() => parse([...tcp, "--tls"])).toThrow("with encryption alone");
  const at = (port: number) => [{ kind: "tcp", address: "127.0.0.1", port }];
  expect(parse([...tcp, "--tls=false"])).toMatchObject({ hosts: at(2375), tls: null });
  expect(parse([...tcp, "--tls", "--tlsverify=false"])).toMatchObject({
    hosts: at(2376),
    tls: { ca: null, cert: "/etc/drydock/cert.pem", key: "/etc/drydock/key.pem" },
  });
  expect(parse([...tcp, "--tlsverify", "--tlscert=/c"])).toMatchObject({
    hosts: at(2376),
    tls: { ca: "/etc/drydock/ca.pem", cert: "/c", key: "/etc/drydock/key.pem" },
  });
  expect(parse(["-H", "tcp://[::1]:7", "--tls=false"]).hosts).toEqual([
    { kind: "tcp", address: "::1", port: 7 },
  ]);
});
