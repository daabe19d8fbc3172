/* What the calls of Open Inference V2 beside inference answer: what the routes of the same names do, in messages. */
import type { Clock } from "../../platform/clock.ts";
import type { DoorEvent, DoorSettings } from "../../protocol/control.ts";
import { TroupeError } from "../../protocol/errors.ts";
import type { Directory } from "../directory.ts";
import { judgeManagement } from "../management-guard.ts";
import { metadataJson } from "../model-json.ts";
import type { AskSupervisor } from "../queries.ts";
import { judgeModel, judgeServer } from "../readiness.ts";
import { askModelConfig } from "../v2-config.ts";
import { extensions } from "../v2-extensions.ts";
import { loadModel, unloadModel } from "../v2-loading.ts";
import { changeLogging } from "../v2-logging-change.ts";
import { memories, noMemory, noNamedRepository } from "../v2-refusals.ts";
import { checkUnload, repositoryIndex } from "../v2-repository.ts";
import { traceChangeOf } from "../v2-trace.ts";
import { changeTracing } from "../v2-trace-change.ts";
import { headerOf } from "./call-status.ts";
import type { Answerer, CallHead } from "./calls.ts";
import type { Json } from "./definitions.ts";
import { type LoadRequest, readLoadOf } from "./load-request.ts";

export interface V2Parts {
  readonly directory: Directory;
  readonly settings: DoorSettings;
  readonly ask: AskSupervisor;
  readonly clock: Clock;
  readonly tell: (event: DoorEvent) => unknown;
}

interface Named {
  readonly name: string;
  readonly version: string;
}

interface Change {
  readonly repository_name: string;
  readonly model_name: string;
  readonly parameters: Readonly<Record<string, Json>>;
}

interface TraceAsk {
  readonly settings: Readonly<Record<string, { readonly value: readonly string[] }>>;
  readonly model_name: string;
}

/** By the names of their methods. */
export function v2Answers(parts: V2Parts): Readonly<Record<string, Answerer>> {
  return { ...serverAnswers(parts), ...modelAnswers(parts), ...changes(parts), ...refusals };
}

function serverAnswers({ directory, settings, ask }: V2Parts) {
  return {
    ServerLive: () => ({ live: true }),
    ServerReady: () => ({ ready: judgeServer(directory.server, directory.models).ready }),
    ServerMetadata: () => ({ name: settings.serverName, version: settings.version, extensions }),
    RepositoryIndex: ({ repository_name, ready }: Change & { readonly ready: boolean }) => {
      checkRepository(repository_name);
      return { models: repositoryIndex(directory.models, ready) };
    },
    ModelStatistics: async ({ name, version }: Named) =>
      JSON.parse(
        await ask({ type: "statistics", model: orNull(name), version: orNull(version) }),
      ) as Json,
  };
}

function modelAnswers({ directory, ask }: V2Parts) {
  return {
    ModelReady: ({ name, version }: Named) => {
      const asked = version === "" ? undefined : directory.find(name, version).version;
      return { ready: judgeModel(directory.server, directory.model(name), asked).ready };
    },
    ModelMetadata: ({ name, version }: Named) => {
      const target = directory.find(name, orUndefined(version));
      return metadataJson(target.model, target.version);
    },
    ModelConfig: async ({ name, version }: Named) => {
      const config = await askModelConfig(ask, directory.find(name, orUndefined(version)));
      return { config: withNumbers(config) };
    },
  };
}

function changes(parts: V2Parts) {
  const { settings, ask } = parts;
  const { maxUploadBytes } = settings;
  const guard = guardOf(settings);
  return {
    RepositoryModelLoad: async (request: LoadRequest, head: CallHead) => {
      guard(head);
      checkRepository(request.repository);
      const read = readLoadOf(request, maxUploadBytes);
      const { requestId } = head;
      await loadModel({ ...parts, maxUploadBytes, requestId }, request.model, read);
      return {};
    },
    RepositoryModelUnload: async (request: Change, head: CallHead) => {
      guard(head);
      checkRepository(request.repository_name);
      checkUnload({ parameters: plainValues(request.parameters) });
      await unloadModel(ask, request.model_name, head.requestId);
      return {};
    },
    TraceSetting: async ({ settings: asked, model_name }: TraceAsk, head: CallHead) => {
      if (Object.keys(asked).length > 0) guard(head);
      const change = traceChangeOf(traceFields(asked));
      return { settings: traceValues(await changeTracing(parts, orNull(model_name), change)) };
    },
    LogSettings: async (
      { settings: asked }: { readonly settings: Change["parameters"] },
      head: CallHead,
    ) => {
      const fields = plainValues(asked);
      if (Object.keys(fields).length > 0) guard(head);
      return { settings: settingValues(await changeLogging(ask, fields)) };
    },
  };
}

function guardOf({ management, allowedOrigins }: DoorSettings): (head: CallHead) => void {
  return ({ metadata, host }) => {
    const origin = headerOf(metadata, "origin");
    const secFetchSite = headerOf(metadata, "sec-fetch-site");
    const refusal = judgeManagement({ management, allowedOrigins, host, origin, secFetchSite });
    if (refusal !== undefined) throw refusal;
  };
}

function refusal(words: string): Answerer {
  return () => {
    throw new TroupeError("not-implemented", words);
  };
}

const [system, cuda] = Object.values(memories).map((name) => refusal(noMemory(name)));

const refusals = {
  SystemSharedMemoryStatus: system,
  SystemSharedMemoryRegister: system,
  SystemSharedMemoryUnregister: system,
  CudaSharedMemoryStatus: cuda,
  CudaSharedMemoryRegister: cuda,
  CudaSharedMemoryUnregister: cuda,
} as Readonly<Record<string, Answerer>>;

function checkRepository(name: string): void {
  if (name !== "") throw new TroupeError("not-implemented", noNamedRepository);
}

function orUndefined(text: string): string | undefined {
  return text === "" ? undefined : text;
}

function orNull(text: string): string | null {
  return text === "" ? null : text;
}

/** Of messages with one field of several, the value of that field. */
function plainValues(messages: Change["parameters"]): Json {
  return Object.fromEntries(
    Object.entries(messages).map(([name, one]) => [name, one[String(one["parameter_choice"])]]),
  );
}

function settingValues(settings: Json): Json {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, settingValue(value)]),
  );
}

function settingValue(value: unknown): Json {
  if (typeof value === "boolean") return { bool_param: value };
  return typeof value === "number" ? { uint32_param: value } : { string_param: value };
}

/** Of levels there may be several; a setting without a value gives the field back. */
function traceFields(settings: TraceAsk["settings"]): Json {
  return Object.fromEntries(
    Object.entries(settings).map(([name, { value }]) => {
      const [only = null, ...others] = value;
      return [name, others.length > 0 ? value : only];
    }),
  );
}

function traceValues(settings: Json): TraceAsk["settings"] {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      { value: Array.isArray(value) ? value : [String(value)] },
    ]),
  );
}

/** Versions are numbers in this message; Troupe's may have any name. */
function withNumbers(config: Json): Json {
  const policy = config["version_policy"] as {
    readonly specific?: { readonly versions: readonly unknown[] };
  };
  if (policy.specific === undefined) return config;
  const versions = policy.specific.versions.filter((one) => typeof one === "number");
  return { ...config, version_policy: { specific: { versions } } };
}
