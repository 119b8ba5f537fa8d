import { expect, test } from "vitest";
import { RuntimeError } from "../errors/index.ts";
import { exitCodeOfFailure } from "./exit-code.ts";
import { runInit } from "./init.ts";
import type { InitAction, InitPlan } from "./init-plan.ts";
import { createPaperKernel } from "./paper-kernel.fixture.ts";
import type { PaperOptions, PaperWalk } from "./paper-kernel.fixture.ts";

function planOf(...actions: readonly InitAction[]): InitPlan {
  return actions.map((action) => ({ ...action, concept: "container", why: `do ${action.op}` }));
}

function walk(options: PaperOptions, ...actions: readonly InitAction[]): PaperWalk {
  const paper = createPaperKernel(options);
  paper.walk((inside) => runInit(inside, planOf(...actions), null));
  return paper;
}

const exec = (...argv: readonly string[]): InitAction => ({
  op: "exec",
  argv,
  env: ["PATH=/usr/bin::/bin", "A=1"],
});

function failureOf(options: PaperOptions, ...actions: readonly InitAction[]): unknown {
  try {
    walk(options, ...actions);
    return undefined;
  } catch (error) {
    return error;
  }
}

test("exec finds a command in PATH, in its order, and adds HOME", () => {
  const files = { "/usr/bin/sh": "ENOENT", "./sh": 0o644, "/bin/sh": 0o755 };
  const paper = walk({ files }, exec("sh", "-c", "ls"));
  expect(paper.argsOf("execve")).toEqual([
    ["/bin/sh", ["sh", "-c", "ls"], ["PATH=", "A=", "HOME="]],
  ]);
});

test("exec says in Docker's words why a command cannot run", () => {
  const absent = { "/usr/bin/x": "ENOENT", "./x": "ENOENT", "/bin/x": "ENOENT" };
  const cases: readonly (readonly [PaperOptions, string, string, string])[] = [
    [{ files: absent }, "x", "command-not-found", 'exec: "x": executable file not found in $PATH'],
    [
      { files: { ...absent, "./x": 0o644 } },
      "x",
      "command-not-executable",
      'exec: "x": permission denied',
    ],
    [
      { files: { "/x": "ENOENT" } },
      "/x",
      "command-not-found",
      'exec: "/x": stat /x: no such file or directory',
    ],
    [{ files: { "/x": 0o644 } }, "/x", "command-not-executable", 'exec: "/x": permission denied'],
    [{}, "/etc", "command-not-executable", 'exec: "/etc": is a directory'],
    [
      { files: { "/x": 0o755 }, failAt: 2, errno: "ENOENT" },
      "/x",
      "command-not-found",
      'exec: "/x": /x: no such file or directory',
    ],
    [
      { files: { "/x": 0o755 }, failAt: 2, errno: "ENOEXEC" },
      "/x",
      "command-not-executable",
      'exec: "/x": exec format error',
    ],
  ];
  for (const [options, command, code, words] of cases) {
    expect(failureOf(options, exec(command))).toMatchObject({
      code,
      class: "invalid",
      message: `unable to start container process: ${words}`,
    });
  }
});

const EXECVE_HINTS: readonly (readonly [string, string, RegExp])[] = [
  ["ENOENT", "/x: no such file or directory", /first line's interpreter/],
  ["EACCES", "permission denied", /x bit.*directories above.*noexec/],
  ["ENOEXEC", "exec format error", /kind of machine.*#!/],
  ["E2BIG", "argument list too long", /128 KiB.*file/],
  ["ETXTBSY", "text file busy", /open for writing/],
  ["EPERM", "operation not permitted", /seccomp.*capabilities/],
  ["ELOOP", "too many levels of symbolic links", /circle.*interpreter/],
  ["EMFILE", "too many open files", /--ulimit nofile/],
  ["ENFILE", "too many open files in system", /file-nr/],
  ["ENOMEM", "cannot allocate memory", /--memory/],
  ["EAGAIN", "resource temporarily unavailable", /--ulimit nproc/],
  ["EIO", "input/output error", /dmesg/],
  ["ELIBBAD", "ELIBBAD", /execve\(2\)/],
];

test.each(EXECVE_HINTS)(
  "what execve means by %s is said, with what to do",
  (errno, words, hint) => {
    const files = { "/x": 0o755 };
    const failure = failureOf({ files, failAt: 2, errno }, exec("/x"));
    expect(failure).toMatchObject({
      code: errno === "ENOENT" ? "command-not-found" : "command-not-executable",
      errno,
      message: `unable to start container process: exec: "/x": ${words}`,
      hint: expect.stringMatching(hint) as string,
    });
    expect((failure as { hint: string }).hint.includes("x bit")).toBe(errno === "EACCES");
  },
);

test("a path whose links lead in a circle, or that cannot be read, is not called missing", () => {
  for (const [errno, words] of [
    ["ELOOP", "stat /x: too many levels of symbolic links"],
    ["EIO", "stat /x: input/output error"],
  ] as const) {
    expect(failureOf({ files: { "/x": errno } }, exec("/x"))).toMatchObject({
      code: "command-not-executable",
      errno,
      message: `unable to start container process: exec: "/x": ${words}`,
    });
  }
});

test("a command is not said to be missing when a directory of PATH could not be looked into", () => {
  const files = { "/usr/bin/sh": "EIO", "/bin/sh": 0o755 };
  const failure = failureOf({ files }, exec("sh"));
  expect(failure).toMatchObject({ code: "command-not-executable", errno: "EIO" });
  const passedOver = { "/usr/bin/sh": "ELOOP", "./sh": "ENAMETOOLONG", "/bin/sh": 0o755 };
  expect(walk({ files: passedOver }, exec("sh")).argsOf("execve")).toHaveLength(1);
});

test("look-up-user and user become who the container's files say, with groups and home", () => {
  const texts = {
    "/etc/passwd": "app:x:7:8::/srv:/bin/sh\n",
    "/etc/group": "web:x:9:app\n",
  };
  const paper = walk(
    { texts },
    { op: "look-up-user", user: "app", additionalGroups: ["77"] },
    { op: "own-stdio", gid: null },
    { op: "user" },
    exec("/bin/true"),
  );
  expect(paper.argsOf("setGroups")).toEqual([[[8, 9, 77]]]);
  expect(paper.argsOf("setUid")).toEqual([[7]]);
  expect(paper.argsOf("ownStdio")).toEqual([[7, 8]]);
  const nobody = failureOf({ texts }, { op: "look-up-user", user: "x", additionalGroups: [] });
  expect(nobody).toMatchObject({
    code: "user-not-found",
    message: "unable to find user x: no matching entries in passwd file",
  });
});

test("mount-inside and bind follow links inside the root, and make what is missing", () => {
  const files = { "/r/data": "ENOENT", "/r/data/x": "ENOENT", "/src": 0o644 };
  const links = { "/r/dev": "/data" };
  const bind = {
    op: "bind",
    source: "/src",
    kind: null,
    root: "/r",
    path: "/dev/../dev/x",
  } as const;
  const paper = walk(
    { files, links },
    { ...bind, recursive: false, flags: ["MS_RDONLY"], propagation: ["MS_PRIVATE"] },
    exec("/bin/true"),
  );
  expect(paper.argsOf("mkdir")).toEqual([["/r/data", 0o755]]);
  expect(paper.argsOf("writeFile")[0]?.[0]).toBe("/r/data/x");
  expect(paper.argsOf("mount").map(([call]) => call)).toMatchObject([
    { source: "/src", target: "/r/data/x", flags: ["MS_BIND"] },
    { target: "/r/data/x", flags: ["MS_BIND", "MS_REMOUNT", "MS_RDONLY"] },
    { target: "/r/data/x", flags: ["MS_PRIVATE"] },
  ]);
});

test("a bind whose source is missing, or of another kind, is told in Docker's words", () => {
  const bind = { op: "bind", source: "/src", kind: null, root: "/r", path: "/x" } as const;
  const rest = { recursive: true, flags: [], propagation: [] } as const;
  expect(failureOf({ files: { "/src": "ENOENT" } }, { ...bind, ...rest })).toMatchObject({
    code: "volume-invalid",
    message: expect.stringContaining("bind source path does not exist: /src") as string,
  });
  expect(failureOf({ files: { "/src": 0o644 } }, { ...bind, ...rest })).toMatchObject({
    message: expect.stringContaining("Are you trying to mount a directory onto a file") as string,
  });
});

test("a working directory that cannot be entered is told with its path", () => {
  for (const [errno, words] of [
    ["ENOENT", "no such file or directory"],
    ["ENOTDIR", "not a directory"],
    ["EACCES", "permission denied"],
  ] as const) {
    expect(failureOf({ failAt: 1, errno }, { op: "workdir", path: "/w" })).toMatchObject({
      code: "workdir-invalid",
      message: `unable to start container process: chdir to cwd ("/w") failed: ${words}`,
    });
  }
  expect(
    failureOf({ files: { "/w": 0o644 } }, { op: "make-directory", path: "/w", permissions: 0o755 }),
  ).toMatchObject({ message: "Cannot mkdir: /w is not a directory" });
});

test("exec -w of a relative directory is refused, also where the root has one of that name", () => {
  const failure = failureOf({ files: { rel: 0o755 } }, { op: "workdir", path: "rel" });
  expect(failure).toMatchObject({ message: "Cwd must be an absolute path" });
  expect(failure instanceof RuntimeError && exitCodeOfFailure(failure)).toBe(126);
});

test("any other failure says what was being done, and which call said no", () => {
  expect(failureOf({ failAt: 1, errno: "EPERM" }, { op: "hostname", name: "boat" })).toMatchObject({
    code: "kernel-call-failed",
    class: "internal",
    errno: "EPERM",
    message: 'Cannot do hostname: setHostname "boat": EPERM',
    operation: "hostname",
    hint: expect.stringContaining("privilege") as string,
  });
});
