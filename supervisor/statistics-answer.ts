/* Answers `/v2/models/stats` and its neighbours: which versions are meant, and what the scrape gathered of them. */
import { TroupeError, toFailure } from "../src/protocol/errors.ts";
import { noSuchVersion } from "../src/protocol/model-refusals.ts";
import type { Question, Reply } from "../src/protocol/questions.ts";
import { rssOf } from "./model-description.ts";
import type { KnownModel, ModelRegistry } from "./model-registry.ts";
import { type CountedVersion, isUsed, modelStatistics } from "./model-statistics.ts";
import type { Scrape } from "./scrape.ts";

type StatisticsQuestion = Extract<Question, { type: "statistics" }>;
type Models = Pick<ModelRegistry, "find" | "known" | "view">;
type Counts = Pick<Scrape, "statistics">;

export async function answerStatistics(
  question: StatisticsQuestion,
  models: Models,
  counts: Counts,
): Promise<Reply> {
  try {
    const model_stats = await describe(question, models, counts);
    return { type: "body", body: JSON.stringify({ model_stats }) };
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    return { type: "failed", failure: toFailure(thrown) };
  }
}

/** Where no version is named, of those that run or have been asked for something. */
async function describe(
  { model, version }: StatisticsQuestion,
  models: Models,
  counts: Counts,
): Promise<readonly unknown[]> {
  const meant = () => {
    const named = model === null ? models.known : [models.find(model)];
    return named.flatMap((one) => versionsOf(one, version, models));
  };
  // Before the gathering too, so that nobody waits for it who asks for what is not there.
  meant();
  const counted = await counts.statistics();
  const versions = meant();
  const stats = modelStatistics(counted, versions);
  const isTold = (one: (typeof stats)[number], at: number) =>
    version !== null || versions[at]?.isRunning === true || isUsed(one);
  return stats.filter(isTold);
}

function versionsOf(
  model: KnownModel,
  wanted: string | null,
  models: Models,
): readonly CountedVersion[] {
  const { name, versions } = models.view(model);
  const meant = versions.filter(({ version }) => wanted === null || version === wanted);
  if (wanted !== null && meant.length === 0) throw noSuchVersion(name, wanted, versions);
  return meant.map(({ version }) => ({ model: name, version, ...processesOf(model, version) }));
}

function processesOf(
  { life }: KnownModel,
  version: string,
): Pick<CountedVersion, "isRunning" | "rssBytes"> {
  const groups = life.groups.filter((group) => group.version === version);
  const slots = groups.flatMap(({ all }) => all).map(({ slot }) => slot);
  const isRunning = slots.some(({ pid }) => pid !== undefined);
  return { isRunning, rssBytes: isRunning ? rssOf(slots) : null };
}
