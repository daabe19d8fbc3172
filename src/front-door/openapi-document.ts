/* OpenAPI 3.1 of this server: its routes as they are registered, and a body for each version that has been loaded. */
import { defaultVersion } from "../protocol/default-version.ts";
import type { ModelView } from "../protocol/views.ts";
import { isTritonsPath } from "./failure-form.ts";
import { answerSchemas } from "./openapi-answers.ts";
import { predictExample, v2Example } from "./openapi-examples.ts";
import { predictBodySchema, type TakenBy, v2BodySchema } from "./openapi-inputs.ts";
import { type Operation, type RequestForm, tags } from "./openapi-operation.ts";
import { operations } from "./openapi-operations.ts";
import { headerParameters, parametersOf, requestBodyOf } from "./openapi-requests.ts";
import {
  errorSchema,
  failureResponses,
  responsesOf,
  tritonErrorSchema,
} from "./openapi-responses.ts";
import type { Schema } from "./openapi-schema.ts";
import { predictEndpoints } from "./predict-path.ts";

/** The schemas by which Fastify writes the answers of a route, by status. */
export type WrittenAnswers = ReadonlyMap<string, Schema>;

interface Named {
  readonly serverName: string;
  readonly version: string;
  readonly compatTriton: boolean;
}

type Paths = Readonly<Record<string, Schema>>;

/** What is the same for all models; `written` is by verb and path. */
export function generalPaths(written: WrittenAnswers, compatTriton: boolean): Paths {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const [key, operation] of Object.entries(operations)) {
    const [verb = "", path = ""] = key.split(" ");
    paths[path] ??= {};
    paths[path][verb.toLowerCase()] = {
      operationId: `${verb.toLowerCase()}${path.replace(/\W+/g, "_").replace(/_$/, "")}`,
      ...describe({ path, compatTriton }, operation, written.get(key)),
    };
  }
  return paths;
}

export function openApiDocument(
  { serverName, version, compatTriton }: Named,
  paths: Paths,
  models: readonly ModelView[],
): Schema {
  return {
    openapi: "3.1.0",
    info: {
      title: serverName,
      version,
      description:
        "Models in processes of their own. Any other verb on these paths gets 405 with Allow, any other path 404.",
    },
    servers: [{ url: "./" }],
    tags: [...models.filter(isKnown).map(modelTag), ...tags],
    paths: {
      ...paths,
      ...Object.assign({}, ...models.map((model) => modelPaths(model, compatTriton))),
    },
    components: components[compatTriton ? "triton" : "troupe"],
  };
}

const shared = { parameters: headerParameters };
const schemas = { error: errorSchema, ...answerSchemas };
const all = Object.values(operations);

const components = {
  troupe: { ...shared, schemas, responses: failureResponses(all, ["troupe"]) },
  triton: {
    ...shared,
    schemas: { ...schemas, triton_error: tritonErrorSchema },
    responses: failureResponses(all, ["troupe", "triton"]),
  },
};

interface Spoken {
  readonly path: string;
  readonly compatTriton: boolean;
}

function describe(
  { path, compatTriton }: Spoken,
  operation: Operation,
  written: Schema = {},
): Schema {
  const { summary, tag, body } = operation;
  return {
    summary,
    tags: [tag],
    parameters: parametersOf(path, operation),
    ...(body === undefined ? {} : { requestBody: requestBodyOf(body) }),
    responses: responsesOf(operation, {
      written,
      dialect: compatTriton && isTritonsPath(path) ? "triton" : "troupe",
    }),
  };
}

function isKnown({ versions }: ModelView): boolean {
  return versions.some(({ metadata }) => metadata !== null);
}

function modelTag({ name, description }: ModelView): Schema {
  return { name: tagOf(name), description };
}

function tagOf(model: string): string {
  return `model ${model}`;
}

/** Versions that were never loaded have no paths of their own: nobody knows yet what they take. */
function modelPaths(model: ModelView, compatTriton: boolean): Paths {
  const chosen = defaultVersion(model)?.version;
  const paths: Record<string, Schema> = {};
  for (const { version, metadata } of model.versions) {
    if (metadata === null) continue;
    const taken = { metadata, defaults: model.defaults };
    for (const codec of ["predict", "v2"] as const) {
      const [plain, versioned] = predictEndpoints[codec];
      const at = { model: model.name, version, compatTriton };
      if (version === chosen) Object.assign(paths, onePath(plain, codec, at, taken));
      Object.assign(paths, onePath(versioned, codec, at, taken));
    }
  }
  return paths;
}

interface Place {
  readonly model: string;
  readonly version: string;
  readonly compatTriton: boolean;
}

const bodies = {
  predict: (taken: TakenBy) => ({
    schema: predictBodySchema(taken),
    example: predictExample(taken),
  }),
  v2: (taken: TakenBy) => ({ schema: v2BodySchema(taken), example: v2Example(taken) }),
} as const;

function onePath(
  endpoint: string,
  codec: Extract<RequestForm, "predict" | "v2">,
  { model, version, compatTriton }: Place,
  taken: TakenBy,
): Paths {
  const path = endpoint.replace("{model}", model).replace("{version}", version);
  const operation = operations[`POST ${endpoint}`] as Operation;
  const post = {
    ...describe({ path, compatTriton }, operation),
    summary: `${operation.summary}: ${model}, version ${version}`,
    tags: [tagOf(model)],
    requestBody: requestBodyOf(codec, bodies[codec](taken)),
  };
  return { [path]: { post } };
}
