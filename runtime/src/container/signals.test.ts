import { expect, test } from "vitest";
import { parseSignal, signalFate } from "./signals.ts";

test("parseSignal() takes numbers and names as Docker does", () => {
  const cases = {
    "9": "SIGKILL",
    KILL: "SIGKILL",
    kill: "SIGKILL",
    SIGKILL: "SIGKILL",
    sigterm: "SIGTERM",
    "15": "SIGTERM",
    "RTMIN+3": "SIGRTMIN+3",
    "37": "SIGRTMIN+3",
    POLL: "SIGIO",
  };
  for (const [text, name] of Object.entries(cases)) expect(parseSignal(text)).toBe(name);
});

test("parseSignal() refuses what is no signal, in Docker's words", () => {
  for (const text of ["", "0", "65", "-9", "1.5", "NOPE", "SIG", "RTMIN+99"]) {
    expect(() => parseSignal(text)).toThrow(`Invalid signal: ${text}`);
  }
});

test("signalFate() tells what process 1 and others do with a signal", () => {
  const TERM = 15;
  const status = (masks: Readonly<Record<string, string>>, pids = "70\t1"): string => {
    const all = { SigBlk: "0", SigIgn: "0", SigCgt: "0", ...masks };
    const lines = Object.entries(all).map(([name, mask]) => `${name}:\t${mask.padStart(16, "0")}`);
    return ["Name:\tsh", `NSpid:\t${pids}`, ...lines, ""].join("\n");
  };
  const bit = (1 << (TERM - 1)).toString(16);
  expect(signalFate(status({}), TERM)).toBe("dropped");
  expect(signalFate(status({}, "70"), TERM)).toBe("fatal");
  expect(signalFate(status({}, "71\t11"), TERM)).toBe("fatal");
  expect(signalFate(status({ SigCgt: bit }), TERM)).toBe("handled");
  expect(signalFate(status({ SigBlk: bit }), TERM)).toBe("handled");
  expect(signalFate(status({ SigIgn: bit }), TERM)).toBe("ignored");
  expect(signalFate(status({ SigIgn: bit }, "70"), TERM)).toBe("ignored");
  // A neighbour's bit is not its own; of real-time signals the last is the highest.
  expect(signalFate(status({ SigCgt: "2000" }), TERM)).toBe("dropped");
  expect(signalFate(status({ SigCgt: "8000000000000000" }), 64)).toBe("handled");
  expect(signalFate(status({ SigCgt: "ffffffffffffffff" }), 9)).toBe("fatal");
  expect(signalFate("Name:\tsh\n", TERM)).toBeNull();
});
