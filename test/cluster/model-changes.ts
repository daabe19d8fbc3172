/* What operators do to the models of a cluster, and what they then see. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Cluster, HostTreeView } from "./cluster.ts";
import type { Reply } from "./http-client.ts";
import { waitFor } from "./wait.ts";

export interface VersionDescription {
  readonly version: string;
  readonly state: string;
  readonly reason: string | null;
}

export interface ModelDescription {
  readonly default: string | null;
  readonly description: string;
  readonly rollout: string | null;
  readonly versions: readonly VersionDescription[];
  readonly replicas: { readonly wanted: number; readonly ready: number };
  readonly error: string;
  readonly code: string;
}

export function modelsFolder({ home }: Cluster): string {
  return join(home, "models");
}

/** Longer than any test waits. */
export const longBake = "bake_ms: 600000\n";

/** Asks a model that echoes, without naming a version. */
export async function assertServes(at: Cluster, model: string, version: string): Promise<void> {
  const { status, json, text } = await at.predict(model, { features: [1, 2, 3, 4] });
  assert.deepEqual([status, json.version], [200, version], text);
}

/** As by hand: the server does not hear of it. */
export function addVersion(cluster: Cluster, model: string, version: string, onnx: Uint8Array) {
  const folder = join(modelsFolder(cluster), model, version);
  mkdirSync(folder);
  writeFileSync(join(folder, "model.onnx"), onnx);
}

export function yamlOf(cluster: Cluster, model: string): string {
  return readFileSync(join(modelsFolder(cluster), model, "model.yaml"), "utf8");
}

/** What uploads under way, or cut off, have on the disk. */
export function litterOf(cluster: Cluster): readonly string[] {
  const work = join(modelsFolder(cluster), ".troupe", "work");
  if (!existsSync(work)) return [];
  return readdirSync(work, { recursive: true })
    .map(String)
    .filter((path) => path.split("/").length > 2);
}

/** `what` is `load`, `unload` or `restart`, with its query. */
export function post(cluster: Cluster, model: string, what: string) {
  return cluster.send<ModelDescription>({ method: "POST", path: `/models/${model}/${what}` });
}

export function patch(
  cluster: Cluster,
  model: string,
  changes: unknown,
): Promise<Reply<ModelDescription>> {
  const headers = { "content-type": "application/json" };
  return cluster.send({ method: "PATCH", path: `/models/${model}`, headers, body: changes });
}

export async function upload(
  cluster: Cluster,
  fields: Readonly<Record<string, string>>,
  onnx: Uint8Array,
): Promise<Reply<ModelDescription>> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set("file", new Blob([Buffer.from(onnx)]), "model.onnx");
  const encoded = new Response(form);
  const headers = { "content-type": encoded.headers.get("content-type") ?? "" };
  const body = Buffer.from(await encoded.arrayBuffer());
  return cluster.send({ method: "POST", path: "/models", headers, body });
}

export async function versionOf(cluster: Cluster, model: string, version: string) {
  return (await cluster.get<VersionDescription>(`/models/${model}/versions/${version}`)).json;
}

export async function hostsOfVersion(
  cluster: Cluster,
  model: string,
  version: string,
): Promise<readonly HostTreeView[]> {
  const found = (await cluster.tree()).models.find(({ name }) => name === model);
  return found?.versions.find((one) => one.version === version)?.hosts ?? [];
}

/** Resolves with the pids when there are so many processes of the model, none of them among `gone`, all ready. */
export function settled(
  cluster: Cluster,
  model: string,
  replicas = 1,
  gone: readonly number[] = [],
): Promise<readonly number[]> {
  return waitFor(async () => {
    const hosts = await cluster.hosts(model);
    const pids = hosts.flatMap(({ pid }) => pid ?? []);
    const isThere = hosts.every(({ state }) => state === "ready") && hosts.length === replicas;
    return isThere && !pids.some((pid) => gone.includes(pid)) && pids;
  }, `${replicas} hosts of ${model} without ${gone}`);
}
