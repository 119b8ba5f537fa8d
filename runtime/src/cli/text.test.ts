import { describe, expect, test } from "vitest";
import { createAnswerReader, encodeRequest } from "./index.ts";
import { createFrameReader } from "../wire/index.ts";
import { goTime, humanDuration, humanSize, binarySize } from "./human.ts";
import { familiarReference, parseReference } from "./reference.ts";
import { LIST_LAYOUT, layOut } from "./table.ts";
import { evaluate, parseFormat } from "./template/evaluate.ts";
import { parseBytes, parseNanoCpus } from "./values.ts";

describe("humanDuration()", () => {
  const day = 86_400;
  test.each([
    [0.4, "Less than a second"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "About a minute"],
    [120, "2 minutes"],
    [3599, "59 minutes"],
    [3600, "About an hour"],
    [5400, "2 hours"],
    [47 * 3600, "47 hours"],
    [2 * day, "2 days"],
    [14 * day, "2 weeks"],
    [60 * day, "2 months"],
    [2 * 365 * day, "2 years"],
  ])("%d seconds are %j", (seconds, text) => {
    expect(humanDuration(seconds)).toBe(text);
  });
});

test.each([
  [0, "0B"],
  [999, "999B"],
  [1_982_256, "1.98MB"],
  [27_290_000_000, "27.3GB"],
])("humanSize(%d, 3) is %j", (bytes, text) => {
  expect(humanSize(bytes, 3)).toBe(text);
});

test("binarySize() has four digits", () => {
  expect(binarySize(25_276_723_200)).toBe("23.54GiB");
});

test("goTime() names the zone", () => {
  expect(goTime(0)).toMatch(/^19(70|69)-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \S+$/);
});

test.each([
  ["64m", 64 << 20],
  ["1.5K", 1536],
  ["2GiB", 2 * 1024 ** 3],
  ["10b", 10],
  ["7", 7],
])("parseBytes(%j)", (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each([
  ["", "invalid size: ''"],
  ["5x", "invalid suffix: 'x'"],
  ["-5", "invalid size: '-5'"],
  ["5mbb", "invalid suffix: 'mbb'"],
])("parseBytes(%j) is refused", (text, message) => {
  expect(() => parseBytes(text)).toThrow(message);
});

test("parseNanoCpus() refuses what is finer than a billionth", () => {
  expect(parseNanoCpus(".5")).toBe(500_000_000);
  expect(() => parseNanoCpus("1.1234567891")).toThrow("value is too precise");
  expect(() => parseNanoCpus("abc")).toThrow("failed to parse abc as a rational number");
});

test.each([
  ["busybox", "busybox:latest"],
  ["docker.io/library/busybox:1", "busybox:1"],
  ["localhost:5000/a/b", "localhost:5000/a/b:latest"],
  ["team/app@sha256:" + "a".repeat(64), "team/app@sha256:" + "a".repeat(64)],
])("parseReference(%j) is familiar as %j", (text, familiar) => {
  expect(familiarReference(parseReference(text))).toBe(familiar);
});

test.each(["", "a b", "busybox:", "-x", "a//b", "x@sha256:12"])(
  "parseReference(%j) is refused",
  (text) => {
    expect(() => parseReference(text)).toThrow("invalid reference format");
  },
);

describe("layOut()", () => {
  test("gives a column its widest cell, three spaces and at least ten", () => {
    expect(layOut("A\tBB\tC\nlonger than ten\tx\ty\n", LIST_LAYOUT)).toBe(
      "A                 BB        C\nlonger than ten   x         y\n",
    );
  });

  test("an empty column takes no room", () => {
    expect(layOut("a\t\tb\n", LIST_LAYOUT)).toBe("a         b\n");
  });
});

describe("templates", () => {
  const data = {
    Name: "web",
    N: 7,
    List: ["b", "a"],
    Nested: { Deep: { X: true } },
    Labels: { k: "v" },
  };

  test.each([
    ["{{.Name}}-{{ .N }}", "web-7"],
    ["{{range $i, $x := .List}}{{$i}}{{$x}} {{end}}", "0b 1a "],
    ["{{range .Labels.none}}x{{else}}none{{end}}", "none"],
    ["{{with .Nested.Deep}}{{.X}}{{end}}", "true"],
    ["{{if and .Name (gt .N 6)}}yes{{else}}no{{end}}", "yes"],
    ["{{if false}}a{{else if .Name}}b{{else}}c{{end}}", "b"],
    ["{{$x := 1}}{{$x = 2}}{{$x}}", "2"],
    ['{{range .List}}{{if eq . "a"}}{{break}}{{end}}{{.}}{{end}}', "b"],
    ['{{range .List}}{{if eq . "b"}}{{continue}}{{end}}{{.}}{{end}}', "a"],
    ['{{.Name | upper | printf "%s!"}}', "WEB!"],
    ['{{json .List}} {{join .List ","}} {{len .Labels}}', '["b","a"] b,a 1'],
    ['{{index .Labels "k"}} {{index .List 1}} {{slice .Name 1 3}}', "v a eb"],
    ['a {{- " b " -}} c{{/* nothing */}}', "a b c"],
    ["{{.Labels}} {{.List}}", "map[k:v] [b a]"],
    ['{{println .N}}{{print 1 2}}{{title "a bc"}}', "7\n1 2A Bc"],
    ['{{printf "%-5s|%05.1f|%x|%q|%v|%%" .Name 1.25 255 "a" .List}}', 'web  |001.3|ff|"a"|[b a]|%'],
    ["{{range $k, $v := .Labels}}{{$k}}={{$v}}{{end}}", "k=v"],
    ['{{split "a-b" "-"}}{{lower "A"}}{{pad "x" 1 1}}{{truncate "abc" 2}}', "[a b]a x ab"],
    [
      '{{eq .N 1 7}} {{ne .N 1}} {{lt 1 2}} {{le 2 2}} {{ge 1 2}} {{not .Name}} {{or "" .Name}}',
      "true true true true false false web",
    ],
    ["{{(index .List 0)}}{{`raw\\n`}}{{'a'}}", "braw\\n97"],
  ])("%s", (format, expected) => {
    expect(evaluate(parseFormat("", format), data)).toBe(expected);
  });

  test.each([
    ["{{.Foo}}", 'template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"'],
    [
      "{{.Nested.Foo.Bar}}",
      'template: :1:9: executing "" at <.Nested.Foo.Bar>: map has no entry for key "Foo"',
    ],
    [
      "{{index .List 5}}",
      'template: :1:2: executing "" at <index .List 5>: error calling index: index out of range: 5',
    ],
    [
      "{{upper}}",
      'template: :1:2: executing "" at <upper>: wrong number of args for upper: want 1 got 0',
    ],
    [
      "{{eq .Name 1}}",
      'template: :1:2: executing "" at <eq .Name 1>: error calling eq: incompatible types for comparison',
    ],
    ["{{nofunc .}}", 'template: :1: function "nofunc" not defined'],
    ["{{.Name", "template: :1: unclosed action"],
    ["{{if .Name}}", "template: :1: unexpected EOF"],
    ["{{end}}", "template: :1: unexpected {{end}}"],
    ["{{if}}{{end}}", "template: :1: missing value for if"],
    ["\n{{$y}}", 'template: :2: undefined variable "$y"'],
    ['{{"abc}}', "template: :1: unterminated quoted string"],
    ["{{1 2}}", `template: :1:0: executing "" at <1>: can't give argument to non-function 1`],
  ])("%s fails in Go's words", (format, message) => {
    expect(() => evaluate(parseFormat("", format), data)).toThrow(message);
  });
});

test("createFrameReader() refuses what is no frame", () => {
  expect(() => createFrameReader().push(Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 1))).toThrow(
    "Unrecognized",
  );
});

describe("HTTP", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  test("encodeRequest() writes one request, and nobody writes a header into it", () => {
    const request = {
      method: "POST",
      path: "/x\r\nEvil: 1",
      headers: { a: "b" },
      body: bytes("{}"),
    } as const;
    const text = new TextDecoder().decode(encodeRequest(request, "h", true));
    expect(text).toBe(
      "POST /xEvil: 1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: tcp\r\na: b\r\n" +
        "Content-Length: 2\r\n\r\n{}",
    );
  });

  test("after a 101 all bytes are the stream's", () => {
    const reader = createAnswerReader("POST");
    const events = reader.push(bytes("HTTP/1.1 101 UPGRADED\r\nContent-Length: 0\r\n\r\nraw"));
    expect(events.map(({ kind }) => kind)).toEqual(["head", "body"]);
    expect(reader.close().map(({ kind }) => kind)).toEqual(["end"]);
  });

  test("an interim answer is passed over, and 204 has no body", () => {
    const reader = createAnswerReader("POST");
    const events = reader.push(
      bytes("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"),
    );
    expect(events.map(({ kind }) => kind)).toEqual(["head", "end"]);
  });

  test("an answer that is cut short is an error", () => {
    const reader = createAnswerReader("GET");
    reader.push(bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"));
    expect(() => reader.close()).toThrow("unexpected EOF");
    expect(() => createAnswerReader("GET").push(bytes("SSH-2.0\r\n\r\n"))).toThrow("malformed");
  });
});
