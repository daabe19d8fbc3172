/* What the path of a WebSocket says: whose frames it takes, and what its binary frames hold. */
import { TroupeError } from "../protocol/errors.ts";
import { type InferFrame, type SampleCodec, sampleCodecs } from "./socket-frame.ts";

/** The model that the path names, where it names one. */
export interface SocketTarget {
  readonly endpoint: string;
  readonly model: string | undefined;
  readonly version: string | undefined;
  /** The samples that binary frames hold; undefined where they hold requests with binary tensors. */
  readonly samples: SampleCodec | undefined;
}

const streamPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/stream$/;

/** Frames of samples name no model, so that only a socket of one model can have them. */
export function checkSamples(url: string, { model, samples }: SocketTarget): void {
  const query = new URLSearchParams(url.split("?")[1] ?? "");
  const asked = query.get("samples");
  if (asked === null || (samples !== undefined && model !== undefined)) return;
  const words =
    model === undefined
      ? `samples belong to one model: ask for '?samples=' at /v2/models/{model}/stream`
      : `samples must be one of ${sampleCodecs.join(", ")}, got '${asked}'`;
  throw new TroupeError("invalid-request", words);
}

/** `/ws`, or the stream of one model. */
export function matchSocketPath(url: string): SocketTarget | undefined {
  const [path = url, query = ""] = url.split("?");
  const asked = new URLSearchParams(query).get("samples");
  const samples = sampleCodecs.find((codec) => codec === asked);
  if (path === "/ws") return { endpoint: "/ws", model: undefined, version: undefined, samples };
  const match = streamPath.exec(path);
  if (match === null) return undefined;
  const [, model, version] = match;
  const middle = version === undefined ? "" : "/versions/{version}";
  try {
    return {
      endpoint: `/v2/models/{model}${middle}/stream`,
      model: decodeURIComponent(model ?? ""),
      version: version === undefined ? undefined : decodeURIComponent(version),
      samples,
    };
  } catch {
    return undefined;
  }
}

/** Whom a frame is for. Throws `invalid-request` where neither it nor the path says so, or they disagree. */
export function addressOf(
  frame: Pick<InferFrame, "model" | "version">,
  { model, version }: SocketTarget,
): { readonly model: string; readonly version: string | undefined } {
  if (model === undefined) {
    if (frame.model !== undefined) return { model: frame.model, version: frame.version };
    throw new TroupeError("invalid-request", "model must name a model on this socket, got nothing");
  }
  if (frame.model !== undefined && frame.model !== model) {
    const words = `model must be '${model}' on this socket, got '${frame.model}'`;
    throw new TroupeError("invalid-request", words);
  }
  return { model, version: version ?? frame.version };
}
