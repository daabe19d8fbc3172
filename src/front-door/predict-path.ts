import type { CodecName } from "../protocol/frames.ts";

/** The wire formats that predictions over HTTP have. */
export type HttpCodec = Extract<CodecName, "predict" | "v2" | "nexus" | "platform">;

export interface PredictPath {
  /** The route's template, for metrics. */
  readonly endpoint: string;
  readonly codec: HttpCodec;
  /** It waits for no company, whatever the model's configuration says of it. */
  readonly hurried: boolean;
  readonly model: string;
  readonly version: string | undefined;
}

/** The first word of a path says which. Of all, `/predict` alone never waits for company. */
export const predictEndpoints = {
  predict: ["/predict/{model}", "/predict/{model}/versions/{version}"],
  predict_batched: ["/predict_batched/{model}", "/predict_batched/{model}/versions/{version}"],
  v2: ["/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/infer"],
} as const satisfies Record<string, readonly [string, string]>;

/** Undefined where the path is none that takes a prediction. Splitting costs less here than a router's tree. */
export function matchPredictPath(url: string): PredictPath | undefined {
  const query = url.indexOf("?");
  const parts = (query < 0 ? url : url.slice(0, query)).split("/");
  if (parts[1] === "predict" || parts[1] === "predict_batched") {
    return matched(parts[1], parts.slice(2));
  }
  if (parts[1] !== "v2" || parts[2] !== "models" || parts.at(-1) !== "infer") return undefined;
  return matched("v2", parts.slice(3, -1));
}

/** What stands between the fixed parts: a model, or a model, the word `versions`, and one. */
function matched(
  route: keyof typeof predictEndpoints,
  [model, word, version, ...rest]: string[],
): PredictPath | undefined {
  const [plain, versioned] = predictEndpoints[route];
  const codec = route === "v2" ? "v2" : "predict";
  const name = decoded(model);
  if (name === undefined || rest.length > 0) return undefined;
  const hurried = route === "predict";
  if (word === undefined) {
    return { endpoint: plain, codec, hurried, model: name, version: undefined };
  }
  const versionName = decoded(version);
  if (word !== "versions" || versionName === undefined) return undefined;
  return { endpoint: versioned, codec, hurried, model: name, version: versionName };
}

function decoded(part: string | undefined): string | undefined {
  if (part === undefined || part === "") return undefined;
  if (!part.includes("%")) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
