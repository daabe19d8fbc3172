import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, it } from "node:test";
import type { FastifyInstance } from "fastify";
import { readFlags } from "../../src/config/flags.ts";
import { snakeCase } from "../../src/config/key-name.ts";
import { defaultModelConfig, parseModelConfig } from "../../src/config/model-config.ts";
import { parseSchwiftConfig } from "../../src/config/schwift-config.ts";
import { parseSettingsFile } from "../../src/config/settings-file.ts";
import { settingsMarkdown } from "../../src/config/settings-page.ts";
import { addManagement, type ManagementParts } from "../../src/front-door/management-routes.ts";
import { neighbourRoutes } from "../../src/front-door/neighbours/body-routes.ts";
import { addNeighbours, type NeighbourParts } from "../../src/front-door/neighbours/routes.ts";
import { predictEndpoints } from "../../src/front-door/predict-path.ts";
import { grpcCodeOf, httpStatus, retryHeaders } from "../../src/front-door/statuses.ts";
import { addV2Logging } from "../../src/front-door/v2-logging-routes.ts";
import {
  addV2Repository,
  type V2RepositoryParts,
} from "../../src/front-door/v2-repository-routes.ts";
import { addV2Statistics } from "../../src/front-door/v2-statistics-routes.ts";
import { addV2Trace, type TraceParts } from "../../src/front-door/v2-trace-routes.ts";
import { errorCodes } from "../../src/protocol/errors.ts";
import { anchorsIn, blocksOf, linksIn, readme, repository, tableOf, unpadded } from "./readme.ts";

describe("the README's table of settings", () => {
  it("is the one that the settings make", () => {
    assert.ok(unpadded(readme).includes(`\n${unpadded(settingsMarkdown())}\n`));
  });
});

describe("the README's table of model.yaml", () => {
  it("has every key with its default", () => {
    const listed = tableOf(readme, ["key", "default", "meaning"]);
    const defaults = keysOf(defaultModelConfig, "");
    assert.deepEqual(Object.fromEntries(listed.map(([key, value]) => [key, value])), defaults);
  });
});

/** Dotted keys to their values as YAML has them. */
function keysOf(config: object, prefix: string): Record<string, string> {
  const entries = Object.entries(config).flatMap(([key, value]): [string, string][] => {
    const name = `${prefix}${snakeCase(key)}`;
    if (key === "versions") return [[name, `{ ${value.type}: ${value.count} }`]];
    if (typeof value !== "object" || value === null) return [[name, String(value ?? "")]];
    if (Array.isArray(value)) return [[name, `[${value.join(", ")}]`]];
    if (Object.keys(value).length === 0) return [[name, "{}"]];
    return Object.entries(keysOf(value, `${name}.`));
  });
  return Object.fromEntries(entries);
}

describe("the README's table of errors", () => {
  const rows = tableOf(readme, ["code", "HTTP", "gRPC", "means", "try again?"]);

  it("has every code with its status", () => {
    const listed = rows.map(([code, status, grpc]) => [code, Number(status), grpc]);
    assert.deepEqual(
      listed,
      errorCodes.map((code) => [code, httpStatus[code], grpcCodeOf({ code, message: "" })]),
    );
  });

  it("promises Retry-After where it comes", () => {
    const promised = rows.filter((row) => row[4]?.includes("Retry-After")).map(([code]) => code);
    assert.deepEqual(
      promised,
      errorCodes.filter((code) => retryHeaders(code, undefined).length > 0),
    );
  });
});

describe("the README's table of routes", () => {
  const head = ["method", "path", "request", "answer", "statuses"];
  const listed = tableOf(readme, head).map(([method, path]) => `${method} ${path}`);

  it("has every route that takes a prediction", () => {
    const paths = Object.values(predictEndpoints).flat();
    assert.deepEqual(
      paths.filter((path) => !listed.includes(`POST ${path}`)),
      [],
    );
  });

  it("has every route that shows or changes models", () => {
    const routes = managementRoutes();
    assert.ok(routes.length > 0);
    assert.deepEqual(
      routes.filter((route) => !listed.includes(route)),
      [],
    );
  });

  it("has every other route", () => {
    const source = readFileSync(resolve(repository, "src/front-door/plain-routes.ts"), "utf8");
    const paths = [...source.matchAll(/app\.get\(\s*"([^"]+)"/g)].map(([, path = ""]) =>
      path.replace(/:(\w+)/g, "{$1}"),
    );
    assert.ok(paths.length > 0);
    assert.deepEqual(
      paths.filter((path) => !listed.includes(`GET ${path}`)),
      [],
    );
  });
});

describe("the README's pages of neighbours", () => {
  const pages = readme.slice(
    readme.indexOf("\n## Neighbours\n"),
    readme.indexOf("\n## The tree\n"),
  );

  it("have every path of theirs", () => {
    const paths: string[] = [...neighbourRoutes.keys()];
    const noting = (url: string) => paths.push(url);
    const route = ({ url }: { readonly url: string }) => noting(url);
    const app: unknown = { get: noting, post: noting, route };
    addNeighbours(app as FastifyInstance, { settings: {} } as NeighbourParts);
    assert.ok(paths.length > neighbourRoutes.size);
    assert.deepEqual(
      paths.filter((path) => !new RegExp(`[ \`]${path}[\`?]`).test(pages)),
      [],
    );
  });

  it("have an example each", () => {
    const [, ...sections] = pages.split("\n### ");
    assert.deepEqual(
      sections
        .filter((text) => !text.includes("\n```sh\ncurl "))
        .map((text) => text.split("\n")[0]),
      [],
    );
  });
});

function managementRoutes(): readonly string[] {
  const routes: string[] = [];
  const noting = (method: string) => (url: string) =>
    routes.push(`${method} ${url.replace(/:(\w+)/g, "{$1}")}`);
  const app: unknown = {
    get: noting("GET"),
    post: noting("POST"),
    patch: noting("PATCH"),
    delete: noting("DELETE"),
  };
  const parts: unknown = { settings: { maxUploadBytes: 0 } };
  addManagement(app as FastifyInstance, parts as ManagementParts);
  addV2Repository(app as FastifyInstance, parts as V2RepositoryParts);
  addV2Statistics(app as FastifyInstance, parts as ManagementParts);
  addV2Logging(app as FastifyInstance, parts as ManagementParts);
  addV2Trace(app as FastifyInstance, parts as TraceParts);
  return routes;
}

describe("the README's files", () => {
  for (const { language, text, line } of blocksOf(readme)) {
    if (language !== "yaml") continue;
    it(`are valid, line ${line}`, () => {
      if (text.startsWith("model:")) assert.ok(parseSchwiftConfig(text, "flowers.yaml"));
      else if (text.includes("description:")) parseModelConfig(text, "model.yaml");
      else assert.equal(parseSettingsFile(text, "troupe.yaml").type, "read");
    });
  }
});

describe("the README's commands", () => {
  const manifest = readFileSync(resolve(repository, "package.json"), "utf8");
  const { scripts } = JSON.parse(manifest) as { readonly scripts: Record<string, string> };

  it("are scripts of the project", () => {
    const named = [...readme.matchAll(/`npm run (\w+)`/g)].map(([, script = ""]) => script);
    assert.deepEqual(
      named.filter((script) => !(script in scripts)),
      [],
    );
  });

  it("have flags that the server knows", () => {
    const flags = [...readme.matchAll(/^npm start -- (.+)$/gm)].map(([, text = ""]) => text);
    assert.ok(flags.length > 0);
    for (const text of flags) assert.equal(readFlags(text.split(" ")).type, "read", text);
  });
});

describe("the README's links", () => {
  const links = linksIn(readme).filter((link) => !link.startsWith("http"));

  it("lead to headings", () => {
    const anchors = anchorsIn(readme);
    assert.deepEqual(
      links.filter((link) => link.startsWith("#") && !anchors.has(link)),
      [],
    );
  });

  it("lead to files", () => {
    const missing = links.filter((link) => !link.startsWith("#"));
    assert.deepEqual(
      missing.filter((link) => !existsSync(resolve(repository, link))),
      [],
    );
  });
});
