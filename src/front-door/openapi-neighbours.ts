/* What the document says of the routes of neighbouring servers. */
import { absent, none, type Operation, predicting } from "./openapi-operation.ts";

function backend(summary: string): Operation {
  const failures = [...predicting, "not-found"] as const;
  const rest = { body: "predict", answer: "prediction", failures } as const;
  return { tag: "neighbours", summary, needed: ["id"], query: ["version"], ...rest };
}

const cleaning: Operation = {
  tag: "neighbours",
  summary: "Forget these lines",
  needed: ["id"],
  answer: "host_logs",
  failures: [...absent, "forbidden"],
};

export const neighbours: Readonly<Record<string, Operation>> = {
  "POST /predict": {
    tag: "neighbours",
    summary: "Predict by the model that the body names, as Model-Nexus does",
    body: "nexus",
    answer: "nexus_prediction",
    failures: predicting,
  },
  "GET /models/info": {
    tag: "neighbours",
    summary: "Inputs and outputs, as Model-Nexus has them",
    query: ["id"],
    answer: "models_info",
    failures: [...absent, "invalid-model"],
  },
  "GET /available_models": {
    tag: "neighbours",
    summary: "Models that serve, as SchwiftServe lists them",
    answer: "available_models",
    failures: none,
  },
  "POST /infer": {
    tag: "neighbours",
    summary: "Predict as the AI Inference Backend Platform does",
    body: "platform",
    answer: "platform_answer",
    failures: predicting,
  },
  "POST /infer/batch": {
    tag: "neighbours",
    summary: "Up to a hundred predictions, each by a model of its own",
    body: "platform_batch",
    answer: "platform_answers",
    failures: predicting,
  },
  "GET /health/live": {
    tag: "neighbours",
    summary: "The process answers",
    answer: "platform_live",
    failures: none,
  },
  "GET /health/ready": {
    tag: "neighbours",
    summary: "Whether traffic should come",
    answer: "platform_ready",
    failures: none,
  },
  "GET /get/getlogs": {
    tag: "neighbours",
    summary: "The last lines of a model's processes",
    needed: ["id"],
    answer: "host_logs",
    failures: absent,
  },
  "POST /post/cleanlogs": cleaning,
  "POST /get/cleanlogs": cleaning,
  "POST /post/addmodel": {
    tag: "neighbours",
    summary: "Models of other kinds, which are not built",
    needed: ["id", "type"],
    query: ["dest"],
    status: null,
    failures: ["forbidden", "not-implemented"],
  },
  ...Object.fromEntries(
    ["/post/predict", "/get/predict"].flatMap((path) =>
      ["GET", "POST"].map((verb) => [
        `${verb} ${path}`,
        backend("Predict by the model that the query names"),
      ]),
    ),
  ),
};
