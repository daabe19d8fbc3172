/* The neighbours' predictions whose models stand in their bodies, by path. */
import type { BodyRoute } from "../body-route.ts";
import { nexusPrediction } from "./nexus-prediction.ts";
import { platformBatch, platformInference } from "./platform-inference.ts";

export const neighbourRoutes: ReadonlyMap<string, BodyRoute> = new Map(
  [nexusPrediction, platformInference, platformBatch].map((route) => [route.endpoint, route]),
);
