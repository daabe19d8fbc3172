/* The AI Backend's predictions: the query names the model, and what it takes is what it takes elsewhere. */
import type { PredictPath } from "../predict-path.ts";

export const backendPredictUrls = ["/post/predict", "/get/predict"] as const;

/** Undefined where the path is another, or where no model is named, or several, or several versions. */
export function matchBackendPath(url: string): PredictPath | undefined {
  const endpoint = backendPredictUrls.find((one) => url.startsWith(`${one}?`));
  if (endpoint === undefined) return undefined;
  const query = new URLSearchParams(url.slice(endpoint.length + 1));
  const [model = "", ...others] = query.getAll("id");
  const [version, ...versions] = query.getAll("version");
  if (model === "" || others.length > 0 || versions.length > 0) return undefined;
  return { endpoint, codec: "predict", hurried: false, model, version };
}
