// Writes the folders of models that contestants serve.
import { appendFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { repositoryRoot } from "./contestant.ts";
import { imageModel, perceptron } from "./made-models.ts";

export function addMade(folder: string, name: string, bytes: Uint8Array, yaml = ""): void {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, "model.onnx"), bytes);
  writeFileSync(join(folder, name, "model.yaml"), yaml);
}

export function addSample(folder: string, name: string, as = name): void {
  cpSync(join(repositoryRoot, "models", name), join(folder, as), { recursive: true });
}

/** What all are compared on: the samples `iris` and `smoother`, `mlp` of 23 MB, and `image`. */
export function addCompared(folder: string, models: string): void {
  for (const name of ["iris", "smoother"]) {
    cpSync(resolve(repositoryRoot, models, name), join(folder, name), { recursive: true });
  }
  addMade(folder, "mlp", perceptron([784, 2048, 2048, 10]));
  addMade(folder, "image", imageModel());
}

/** Behind what the model's own file says. */
export function setReplicas(folder: string, name: string, replicas: number): void {
  appendFileSync(join(folder, name, "model.yaml"), `\nreplicas: ${replicas}\n`);
}
