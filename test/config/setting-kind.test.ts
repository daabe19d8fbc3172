import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  addressKind,
  bytesKind,
  choiceKind,
  integerKind,
  millisecondsKind,
  nameKind,
  originsKind,
  pathKind,
  type SettingKind,
  shareKind,
  switchKind,
} from "../../src/config/setting-kind.ts";

type Row<T> = readonly [text: string, value: T | undefined];

function itParses<T>(kind: SettingKind<T>, rows: readonly Row<T>[]): void {
  for (const [text, value] of rows) {
    const words = value === undefined ? "refuses" : "takes";
    it(`${words} ${JSON.stringify(text)}`, () => assert.deepEqual(kind.parse(text), value));
  }
}

describe("an integer", () => {
  const refused = ["", "-1", "+1", "1.0", "1e2", "0x1", " 1", "65536", "a", "9".repeat(400)];
  itParses(integerKind(0, 65_535), [
    ["0", 0],
    ["65535", 65_535],
    ["007", 7],
    ...refused.map((text): Row<number> => [text, undefined]),
  ]);
});

describe("milliseconds", () => {
  itParses(millisecondsKind(1), [
    ["1", 1],
    ["604800000", 604_800_000],
    ["0", undefined],
    ["604800001", undefined],
    ["5s", undefined],
  ]);
});

describe("bytes", () => {
  itParses(bytesKind(2 ** 30), [
    ["1", 1],
    ["1048576", 1_048_576],
    ["32MiB", 33_554_432],
    ["4 KiB", 4096],
    ["1GiB", 2 ** 30],
    ["0", undefined],
    ["0MiB", undefined],
    ["2GiB", undefined],
    ["32MB", undefined],
    ["32mib", undefined],
    ["1.5MiB", undefined],
    ["MiB", undefined],
  ]);

  for (const [value, shown] of [
    [1000, "1000"],
    [1536, "1536"],
    [2048, "2KiB"],
    [2 ** 28, "256MiB"],
    [2 ** 40, "1024GiB"],
  ] as const) {
    it(`shows ${value} as ${shown}`, () => assert.equal(bytesKind(2 ** 40).show(value), shown));
  }
});

describe("a share", () => {
  itParses(shareKind, [
    ["0", 0],
    ["1", 1],
    ["0.25", 0.25],
    [".5", 0.5],
    ["1e-3", 0.001],
    ["1.01", undefined],
    ["-0.1", undefined],
    ["", undefined],
    ["NaN", undefined],
    ["50%", undefined],
  ]);
});

describe("a switch", () => {
  itParses(switchKind, [
    ["true", true],
    ["false", false],
    ["TRUE", undefined],
    ["yes", undefined],
    ["1", undefined],
    ["", undefined],
  ]);
});

describe("a choice", () => {
  itParses(choiceKind(["info", "warn"]), [
    ["warn", "warn"],
    ["WARN", undefined],
    ["", undefined],
  ]);
});

describe("an address", () => {
  itParses(addressKind, [
    ["127.0.0.1", "127.0.0.1"],
    ["::", "::"],
    ["localhost", "localhost"],
    ["models.example.com", "models.example.com"],
    ["", undefined],
    ["127.0.0.1:80", undefined],
    ["[::1]", undefined],
    ["http://localhost", undefined],
    ["-a", undefined],
  ]);
});

describe("a path", () => {
  itParses(pathKind, [
    ["./a b", "./a b"],
    ["", undefined],
    ["a\0b", undefined],
  ]);
});

describe("a name", () => {
  itParses(nameKind, [
    ["troupe-1.eu", "troupe-1.eu"],
    ["", undefined],
    ["a b", undefined],
    ["a\r\nb", undefined],
    ["a".repeat(65), undefined],
  ]);
});

describe("origins", () => {
  itParses<readonly string[]>(originsKind, [
    ["", []],
    ["https://a.com", ["https://a.com"]],
    ["https://A.com:443/, http://b.org:8080", ["https://a.com", "http://b.org:8080"]],
    ["chrome-extension://abc", ["chrome-extension://abc"]],
    ["*", undefined],
    ["a.com", undefined],
    ["https://a.com/path", undefined],
    ["https://me@a.com", undefined],
    ["https://a.com,,https://b.com", undefined],
    ["https://a.com https://b.com", undefined],
  ]);
});
