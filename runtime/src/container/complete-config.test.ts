import { describe, expect, test } from "vitest";
import { argvOf, completeConfig, completeHostConfig, mergeEnv } from "./complete-config.ts";
import type { ImageDefaults } from "./complete-config.ts";
import { PLAIN_CONFIG, PLAIN_HOST_CONFIG } from "./plan.fixture.ts";

const image: ImageDefaults = {
  User: "app",
  Env: ["PATH=/image", "A=image"],
  Cmd: ["default"],
  Entrypoint: null,
  WorkingDir: "/srv",
  Labels: { a: "image", b: "image" },
  ExposedPorts: { "80/tcp": {} },
  Volumes: {},
  StopSignal: "SIGQUIT",
};
const empty = { ...PLAIN_CONFIG, Cmd: null };

function argv(config: object, defaults: object = {}): readonly string[] {
  return argvOf(completeConfig({ ...empty, ...config }, { ...image, ...defaults }));
}

test("completeConfig() takes from the image what the client left open", () => {
  const own = { ...empty, User: "root", Env: ["A=own", "B=own"], Labels: { b: "own" } };
  expect(completeConfig(own, image)).toMatchObject({
    User: "root",
    Env: ["A=own", "B=own", "PATH=/image"],
    WorkingDir: "/srv",
    Labels: { a: "image", b: "own" },
    ExposedPorts: { "80/tcp": {} },
    StopSignal: "SIGQUIT",
  });
});

test("completeConfig() joins entrypoint and command by Docker's rules", () => {
  const entry = { Entrypoint: ["entry"] };
  expect(argv({})).toEqual(["default"]);
  expect(argv({ Cmd: ["own"] })).toEqual(["own"]);
  expect(argv({ Cmd: [] })).toEqual(["default"]);
  expect(argv({}, entry)).toEqual(["entry", "default"]);
  expect(argv({ Cmd: ["own"] }, entry)).toEqual(["entry", "own"]);
  expect(argv({ Entrypoint: ["mine"] }, entry)).toEqual(["mine"]);
  expect(argv({ Entrypoint: ["mine"], Cmd: ["own"] }, entry)).toEqual(["mine", "own"]);
  expect(argv({ Entrypoint: [""], Cmd: ["own"] }, entry)).toEqual(["own"]);
});

test("completeConfig() refuses a container without a command", () => {
  expect(() => argv({}, { Cmd: null })).toThrow("no command specified");
  expect(() => argv({ Entrypoint: [""] })).toThrow("no command specified");
});

test("mergeEnv() replaces in place, appends, and removes a bare name", () => {
  expect(mergeEnv(["A=1", "B=2", "C=a=b"], ["B=3", "D=4", "A"])).toEqual(["B=3", "C=a=b", "D=4"]);
});

describe("completeHostConfig()", () => {
  const swapOf = (Memory: number, MemorySwap: number) =>
    completeHostConfig({ ...PLAIN_HOST_CONFIG, Memory, MemorySwap }, 1).MemorySwap;

  test("gives as much swap again as memory when nobody said a word about it", () => {
    expect(swapOf(8192, 0)).toBe(16_384);
    expect(swapOf(8192, 8192)).toBe(8192);
    expect(swapOf(8192, -1)).toBe(-1);
    expect(swapOf(0, 0)).toBe(0);
  });
});
