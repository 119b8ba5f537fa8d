import { expect, test } from "vitest";
import { parseSignal } from "./signals.ts";

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
