import { describe, expect, test } from "vitest";
import { adviseChange, applyChange } from "./change.ts";

const portsOf = (ports: string) => Object.fromEntries(ports.split(" ").map((port) => [port, {}]));

describe("applyChange()", () => {
  test.each([
    ['CMD ["a", "b c"]', { Cmd: ["a", "b c"] }],
    ["cmd echo hi", { Cmd: ["/bin/sh", "-c", "echo hi"] }],
    ['ENTRYPOINT ["/run"]', { Entrypoint: ["/run"] }],
    ["ENV A=2 B=\"x y\" C='q'", { Env: ["A=2", "Z=9", "B=x y", "C=q"] }],
    ["ENV A all the rest", { Env: ["A=all the rest", "Z=9"] }],
    ["LABEL k=v", { Labels: { old: "1", k: "v" } }],
    ["EXPOSE 80 53/UDP 90-91", { ExposedPorts: portsOf("80/tcp 53/udp 90/tcp 91/tcp") }],
    ['VOLUME ["/a", "/b"]', { Volumes: { "/a": {}, "/b": {} } }],
    ["WORKDIR sub/../dir", { WorkingDir: "/srv/dir" }],
    ["USER 7:8", { User: "7:8" }],
    ["CMD", { Cmd: [] }],
    ["ONBUILD RUN make", { OnBuild: ["RUN make"] }],
    ["HEALTHCHECK NONE", { Healthcheck: { Test: ["NONE"] } }],
    [
      "HEALTHCHECK --interval=1m0.5s --retries=2 CMD curl -f http://localhost/",
      {
        Healthcheck: {
          Test: ["CMD-SHELL", "curl -f http://localhost/"],
          Interval: 60_500_000_000,
          Retries: 2,
        },
      },
    ],
    ['HEALTHCHECK CMD ["true"]', { Healthcheck: { Test: ["CMD", "true"] } }],
  ])("%s", (line, expected) => {
    const before = { Env: ["A=1", "Z=9"], Labels: { old: "1" }, WorkingDir: "/srv" };
    expect(applyChange(before, line)).toEqual({ ...before, ...expected });
  });

  test.each([
    ["RUN ls", "RUN is not a valid change command"],
    ["", "is not a valid change command"],
    ["VOLUME", "VOLUME requires at least one argument"],
    ["ENV A", "ENV must have two arguments"],
    ["EXPOSE lots", "invalid containerPort: lots"],
    ["EXPOSE 80-70", "invalid containerPort: 80-70"],
    ["EXPOSE 70000", "invalid containerPort: 70000"],
    ["HEALTHCHECK ls", 'Unknown type "LS" in HEALTHCHECK'],
    ["HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"],
    ["HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"],
    ["HEALTHCHECK --interval=soon CMD x", 'invalid --interval "soon"'],
    ["HEALTHCHECK --often=1s CMD x", "Unknown flag: --often"],
    ["ONBUILD ONBUILD RUN x", "Chaining ONBUILD"],
    ["ONBUILD from x", "FROM isn't allowed as an ONBUILD trigger"],
  ])("%j is refused", (line, why) => {
    expect(() => applyChange({}, line)).toThrow(why);
  });
});

describe("applyChange() says what was meant", () => {
  test.each([
    ["CDM sh", /Did you mean CMD\?/],
    ["MAINTAINER adam", /LABEL maintainer=/],
    ["RUN ls", /in the container/],
    ["XYZZYPLUGH 1", /^Changes are CMD/],
  ])("%s", (line, hint) => {
    const refusal = expect.objectContaining({ hint: expect.stringMatching(hint) });
    expect(() => applyChange({}, line)).toThrow(refusal);
  });
});

describe("adviseChange()", () => {
  test.each([
    ['CMD ["npm", "start]', /looks like a list but is no JSON/],
    ["ENTRYPOINT ['npm', 'start']", /double quotes/],
    ['CMD [ "ufw allow 5000" ]', /Separate words: \["ufw","allow","5000"\]/],
  ])("%s is hardly meant", (line, said) => {
    expect(adviseChange(line)).toMatch(said);
  });

  test.each(['CMD ["npm", "start"]', "CMD npm start", "CMD [ -f x ] && y", 'LABEL a="[b"'])(
    "%s may be meant",
    (line) => {
      expect(adviseChange(line)).toBeUndefined();
    },
  );
});
