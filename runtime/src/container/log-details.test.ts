import { describe, expect, test } from "vitest";
import { detailsOf } from "./log-details.ts";

describe("detailsOf()", () => {
  const of = (Config: Record<string, string>, Type = "json-file"): string =>
    detailsOf({
      id: "0123456789abcdef".repeat(4),
      name: "web",
      imageId: `sha256:${"ab".repeat(32)}`,
      config: {
        Labels: { app: "a,b=c d", tier: "1" },
        Env: ["VERSION=1=2", "EMPTY"],
        Image: "nginx",
      },
      hostConfig: { LogConfig: { Type, Config } },
    });

  test.each([
    [{}, ""],
    [{ labels: "tier,nosuch", env: "VERSION" }, "VERSION=1%3D2,tier=1"],
    [{ labels: "app" }, "app=a%2Cb%3Dc+d"],
    [{ env: "EMPTY" }, "EMPTY="],
    [{ "labels-regex": "^t", "env-regex": "ON$" }, "VERSION=1%3D2,tier=1"],
    [{ tag: "{{.Name}}/{{.ID}} {{.Nosuch}}" }, "tag=web%2F0123456789ab+%7B%7B.Nosuch%7D%7D"],
    [{ tag: "{{ .ImageName }}-{{.ImageID}}" }, "tag=nginx-abababababab"],
  ])("of %j are %j", (options, details) => {
    expect(of(options)).toBe(details);
  });

  test("are none with the driver local", () => {
    expect(of({ labels: "app" }, "local")).toBe("");
  });
});
