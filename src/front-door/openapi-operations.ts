/*
 * What the document at /openapi.json says of each route, beside the schemas that Fastify has of it. A test compares this
 * table with the routes there are, and another one asks each of them.
 */
import type { ErrorCode } from "../protocol/errors.ts";
import type { AnswerName } from "./openapi-answers.ts";
import { neighbours } from "./openapi-neighbours.ts";
import {
  absent,
  asked,
  change,
  none,
  type Operation,
  predicting,
  small,
  twice,
} from "./openapi-operation.ts";

const v2Model = "/v2/models/{model}";

const predictions: Readonly<Record<string, Operation>> = {
  ...twice("POST /predict/{model}", "", {
    tag: "predictions",
    summary: "Predict, in Troupe's own JSON",
    body: "predict",
    answer: "prediction",
    failures: predicting,
  }),
  ...twice("POST /predict_batched/{model}", "", {
    tag: "predictions",
    summary: "The same, in company where others ask too",
    body: "predict",
    answer: "prediction",
    failures: predicting,
  }),
  ...twice(`POST ${v2Model}`, "/infer", {
    tag: "predictions",
    summary: "Predict, by Open Inference V2",
    body: "v2",
    answer: "v2_answer",
    failures: predicting,
  }),
};

const v2: Readonly<Record<string, Operation>> = {
  "GET /v2": { tag: "health", summary: "Name, version and extensions", failures: none },
  "GET /v2/health/live": {
    tag: "health",
    summary: "The process answers",
    isSilentInTriton: true,
    failures: none,
  },
  "GET /v2/health/ready": readiness(),
  "GET /v2/models": { tag: "models", summary: "All models, with their states", failures: none },
  ...twice(`GET ${v2Model}`, "", {
    tag: "models",
    summary: "Inputs, outputs, batching and labels",
    failures: absent,
  }),
  ...twice(`GET ${v2Model}`, "/ready", {
    tag: "health",
    summary: "Whether a model serves, and if not, why",
    isSilentInTriton: true,
    failures: absent,
  }),
  ...twice(`GET ${v2Model}`, "/config", {
    tag: "models",
    summary: "Triton's configuration of a model",
    answer: "triton_config",
    failures: [...absent, "invalid-model"],
  }),
  ...twice(`GET ${v2Model}`, "/stats", {
    tag: "operations",
    summary: "Statistics of a model",
    answer: "statistics",
    failures: absent,
  }),
  "GET /v2/models/stats": {
    tag: "operations",
    summary: "Statistics of all models",
    answer: "statistics",
    failures: asked,
  },
  "POST /v2/repository/index": {
    tag: "models",
    summary: "All versions of all models",
    body: "fields",
    answer: "repository_index",
    failures: small,
  },
  "POST /v2/repository/models/{model}/load": repositoryChange("Load a model"),
  "POST /v2/repository/models/{model}/unload": repositoryChange("Unload a model"),
  "GET /v2/logging": {
    tag: "operations",
    summary: "What is logged",
    answer: "logging",
    failures: asked,
  },
  ...traceSetting("/v2/trace/setting", "Which requests are traced", asked),
  ...traceSetting(`${v2Model}/trace/setting`, "Which requests of a model are traced", absent),
  "GET /v2/trace": {
    tag: "operations",
    summary: "The last traces, newest first",
    query: ["model"],
    answer: "traces",
    failures: absent,
  },
  "POST /v2/logging": {
    tag: "operations",
    summary: "Change what is logged",
    body: "fields",
    answer: "logging",
    failures: [...asked, ...small, "forbidden", "not-implemented"],
  },
};

const management: Readonly<Record<string, Operation>> = {
  "GET /models": {
    tag: "models",
    summary: "All models",
    query: ["format"],
    answer: "models_or_list",
    failures: asked,
  },
  "GET /models/{model}": view("What its folder holds, and how it fares", "model"),
  "GET /models/{model}/versions/{version}": view("The same, of one version", "model_version"),
  "GET /models/{model}/config": view("Its configuration, and where it is from", "config"),
  "POST /models": upload("uploaded"),
  "POST /models/upload": upload("nexus_upload"),
  "POST /models/{model}/load": modelChange("Load a model"),
  "POST /models/{model}/unload": modelChange("Unload a model"),
  "POST /models/{model}/restart": modelChange("Replace its processes"),
  "PATCH /models/{model}": {
    tag: "models",
    summary: "Change keys of its model.yaml",
    body: "patch",
    answer: "changed",
    failures: [...change, ...small],
  },
  ...twice("DELETE /models/{model}", "", {
    tag: "models",
    summary: "Remove a model",
    answer: "changed_or_deleted",
    failures: change,
  }),
};

const server: Readonly<Record<string, Operation>> = {
  "GET /": { tag: "operations", summary: "Where to look", answer: "signs", failures: none },
  "GET /livez": { tag: "health", summary: "The process answers", failures: none },
  "GET /readyz": readiness(),
  "GET /health": { tag: "health", summary: "Status, uptime, models", failures: none },
  "GET /supervisor": {
    tag: "operations",
    summary: "Every process and how it fares",
    answer: "tree",
    failures: asked,
  },
  "GET /metrics": {
    tag: "operations",
    summary: "Metrics in Prometheus' text format",
    answer: "metrics",
    failures: asked,
  },
  "GET /openapi.json": {
    tag: "operations",
    summary: "This document",
    answer: "document",
    failures: none,
  },
  "GET /docs": {
    tag: "operations",
    summary: "This document, to read",
    answer: "page",
    failures: none,
  },
  "GET /docs/{file}": {
    tag: "operations",
    summary: "What the page is made of",
    answer: "page",
    failures: ["not-found"],
  },
};

const sockets: Readonly<Record<string, Operation>> = {
  "GET /ws": socket("Predictions of any model", []),
  "GET /events": socket("What happens to models and processes", ["since", "run"]),
  ...twice(`GET ${v2Model}`, "/stream", socket("Predictions of one model", ["samples"])),
};

const notHere: Readonly<Record<string, Operation>> = Object.fromEntries(
  [
    ...["systemsharedmemory", "cudasharedmemory"].flatMap((memory) =>
      [`/v2/${memory}`, `/v2/${memory}/region/{region}`].flatMap((place) => [
        `GET ${place}/status`,
        `POST ${place}/register`,
        `POST ${place}/unregister`,
      ]),
    ),
    ...["index", "models/{model}/load", "models/{model}/unload"].map(
      (action) => `POST /v2/repository/{repository}/${action}`,
    ),
    ...[v2Model, `${v2Model}/versions/{version}`].flatMap((url) => [
      `POST ${url}/generate`,
      `POST ${url}/generate_stream`,
    ]),
  ].map((key) => [key, refused()]),
);

/** By verb and path. */
export const operations: Readonly<Record<string, Operation>> = {
  ...predictions,
  ...v2,
  ...management,
  ...server,
  ...sockets,
  ...neighbours,
  ...notHere,
};

function readiness(): Operation {
  const row = { tag: "health", summary: "Whether traffic should come", query: ["model"] } as const;
  return { ...row, isSilentInTriton: true, failures: ["model-not-found"] };
}

function view(summary: string, answer: AnswerName): Operation {
  return { tag: "models", summary, answer, failures: [...absent, "invalid-model"] };
}

function modelChange(summary: string): Operation {
  return { tag: "models", summary, query: ["version"], answer: "changed", failures: change };
}

function repositoryChange(summary: string): Operation {
  const failures = [...change, ...small, "not-implemented"] as const;
  return { tag: "models", summary, body: "fields", answer: "empty", failures };
}

function traceSetting(path: string, summary: string, failures: readonly ErrorCode[]) {
  const row = { tag: "operations", summary, answer: "trace_setting" } as const;
  const changing = [...failures, ...small, "forbidden"] as const;
  return {
    [`GET ${path}`]: { ...row, failures },
    [`POST ${path}`]: { ...row, body: "fields", failures: changing },
  } as const satisfies Readonly<Record<string, Operation>>;
}

function upload(answer: AnswerName): Operation {
  return {
    tag: "models",
    summary: "Upload a version of a model",
    query: ["id", "name", "version"],
    body: "upload",
    answer,
    status: 201,
    failures: [...change, ...small, "overloaded"],
  };
}

function socket(summary: string, query: readonly string[]): Operation {
  const failures = ["forbidden", "not-found", "model-not-found", "draining"] as const;
  return { tag: "sockets", summary, query, status: 101, answer: "empty", failures };
}

function refused(): Operation {
  const summary = "Of Open Inference V2, and not supported";
  return { tag: "not here", summary, status: null, failures: ["not-implemented"] };
}
