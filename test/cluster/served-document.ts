/* The document at /openapi.json of a real server, which is asked by it, and whose answers are judged by it. */
import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Ask, Reply } from "./http-client.ts";
import { asksById } from "./neighbour-asks.ts";

export type Json = Readonly<Record<string, unknown>>;
/** What stands for the parameters of a path. */
export type Values = Readonly<Record<string, string>>;

interface Response {
  readonly description: string;
  readonly headers?: Readonly<
    Record<string, { readonly required?: boolean; readonly schema: Json }>
  >;
  readonly content?: Readonly<Record<string, { readonly schema?: Json }>>;
}

interface Operation {
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Json; readonly example?: Json }>>;
  };
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>;
}

export interface Document extends Json {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Json & { readonly responses: Readonly<Record<string, Response>> };
}

interface Asked {
  get<Body>(path: string): Promise<Reply<Body>>;
  send<Body>(ask: Ask): Promise<Reply<Body>>;
}

export class ServedDocument {
  readonly served: Document;
  /** What was answered, by verb and path of the document. */
  readonly answered = new Map<string, Set<number>>();
  readonly ajv = new Ajv2020({ strict: false, validateFormats: false });
  readonly #server: Asked;

  static async of(server: Asked): Promise<ServedDocument> {
    return new ServedDocument((await server.get<Document>("/openapi.json")).json, server);
  }

  private constructor(served: Document, server: Asked) {
    this.served = served;
    this.#server = server;
    this.ajv.addSchema({ $id: "served", components: served.components });
  }

  /** Verbs and paths. */
  get keys(): readonly string[] {
    return Object.entries(this.served.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
    );
  }

  operationAt(verb: string, path: string): Operation {
    const found = this.served.paths[path]?.[verb.toLowerCase()];
    assert.ok(found !== undefined, `${verb} ${path} is not in the document`);
    return found;
  }

  describes(key: string, status: number): boolean {
    const [verb = "", path = ""] = key.split(" ");
    return Object.hasOwn(this.operationAt(verb, path).responses, status);
  }

  /** Gives the status of an answer, which is one that the document describes. */
  async ask(key: string, values: Values, more: Partial<Ask> = {}): Promise<number> {
    const [method = "", path = ""] = key.split(" ");
    const byId = asksById.test(path) ? `?id=${values["model"]}` : "";
    const query = values["format"] === undefined ? byId : `?format=${values["format"]}`;
    const at = path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name);
    const reply = await this.#server.send<unknown>({ method, path: at + query, ...more });
    this.#judge(key, reply);
    return reply.status;
  }

  #judge(key: string, reply: Reply<unknown>): void {
    const [verb = "", path = ""] = key.split(" ");
    const response = this.#responseAt(this.operationAt(verb, path), reply.status);
    assert.ok(response !== undefined, `${key} answers ${reply.status}, not in the document`);
    for (const [name, { required, schema }] of Object.entries(response.headers ?? {})) {
      const value = reply.headers[name];
      assert.ok(value !== undefined || !required, `${key} ${reply.status} has no ${name}`);
      if (value !== undefined) this.#checkValid(schema, value);
    }
    if (reply.headers["retry-after"] !== undefined) assert.ok(response.headers?.["retry-after"]);
    this.#judgeBody(key, response, reply);
    this.answered.set(key, (this.answered.get(key) ?? new Set()).add(reply.status));
  }

  #responseAt(operation: Operation, status: number): Response | undefined {
    const found = operation.responses[status];
    if (found === undefined || !("$ref" in found)) return found;
    return this.served.components.responses[found.$ref.replace("#/components/responses/", "")];
  }

  #judgeBody(key: string, { content, description }: Response, reply: Reply<unknown>): void {
    if (content === undefined || (reply.text === "" && description.includes("without a body"))) {
      assert.equal(reply.text, "", key);
      return;
    }
    const type = String(reply.headers["content-type"]).split(";")[0] ?? "";
    const described = content[type];
    assert.ok(described !== undefined, `${key} answers ${type}, not in the document`);
    if (described.schema === undefined) return;
    this.#checkValid(described.schema, type === "application/json" ? reply.json : reply.text);
  }

  #checkValid(schema: Json, value: unknown): void {
    const words = JSON.stringify(schema).replaceAll('"#/components', '"served#/components');
    const accepts = this.ajv.compile(JSON.parse(words) as Json);
    assert.ok(accepts(value), `${this.ajv.errorsText(accepts.errors)} in ${JSON.stringify(value)}`);
  }
}
