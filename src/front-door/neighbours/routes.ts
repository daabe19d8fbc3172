/* What neighbouring servers answer beside predictions, a file each. */
import type { FastifyInstance } from "fastify";
import type { Directory } from "../directory.ts";
import type { ManagementParts } from "../management-routes.ts";
import { addAiBackend } from "./ai-backend-routes.ts";
import { addInferencePlatform } from "./inference-platform.ts";
import { addModelNexus } from "./model-nexus.ts";
import { addSchwiftServe } from "./schwift-serve.ts";

export interface NeighbourParts extends ManagementParts {
  readonly directory: Directory;
}

export function addNeighbours(app: FastifyInstance, parts: NeighbourParts): void {
  addModelNexus(app, parts);
  addSchwiftServe(app, parts);
  addInferencePlatform(app, parts);
  addAiBackend(app, parts);
}
