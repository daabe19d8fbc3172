/* What becomes of a request for which no host of its version is there. */

import { defaultVersion } from "../protocol/default-version.ts";
import type { ModelView, VersionState } from "../protocol/views.ts";

export type Rerouting =
  | { readonly type: "wait" }
  /** Another version answers it, as its caller named none. */
  | { readonly type: "move"; readonly version: string }
  /** Nobody will come. */
  | { readonly type: "fail" };

export interface Stranded {
  readonly version: string;
  /** No other version may answer it. */
  readonly isTied: boolean;
}

/** A version that is ready has hosts or is just losing them, of which the next view tells. */
export function reroute({ version, isTied }: Stranded, model: ModelView | undefined): Rerouting {
  const own = model?.versions.find((one) => one.version === version);
  if (own?.state === "ready") return { type: "wait" };
  const other = model === undefined || isTied ? undefined : defaultVersion(model);
  const isAwaited = own !== undefined && mayServe(own.state);
  if (other?.state === "ready") return { type: "move", version: other.version };
  if (isAwaited) return { type: "wait" };
  if (other === undefined || !mayServe(other.state)) return { type: "fail" };
  return { type: "move", version: other.version };
}

function mayServe(state: VersionState): boolean {
  return state === "ready" || state === "recovering" || state === "loading";
}
