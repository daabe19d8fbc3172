import type { ModelView, TensorView, VersionView } from "../client/answers.ts";
import { type Command, modelWord } from "./command.ts";
import { exitCode } from "./exit-codes.ts";
import type { Paint } from "./paint.ts";
import { clientOf, sayJson } from "./shell.ts";
import { type Column, tableText } from "./table.ts";
import { bytesText, tensorText } from "./units.ts";

export const modelsCommand: Command = {
  name: "models",
  help: "the models, or one of them, with their versions",
  words: [{ ...modelWord, name: "[model]" }],
  options: [],
  asksServer: true,
  run: async (shell, { words: [name = ""], options }) => {
    const client = clientOf(shell, options);
    const { signal } = shell;
    const models =
      name === "" ? await client.models({ signal }) : [await client.model(name).view({ signal })];
    if (options.json === true) sayJson(shell, name === "" ? models : models[0]);
    else shell.out.write(modelsText(models, shell.paint));
    return exitCode.done;
  },
};

interface Row {
  readonly model: ModelView;
  /** Undefined where nothing is in the model's folder that could be served. */
  readonly version: VersionView | undefined;
}

const columns: readonly Column<Row>[] = [
  { title: "MODEL", of: ({ model }) => model.name },
  { title: "VERSION", of: ({ model, version }) => version && marked(model, version) },
  { title: "STATE", of: ({ model, version }) => (version ?? model).state, isState: true },
  { title: "KIND", of: ({ version }) => version?.kind },
  { title: "HOSTS", of: ({ version }) => version?.replicas, align: "right" },
  { title: "MEMORY", of: ({ version }) => memoryOf(version), align: "right" },
  { title: "TAKES", of: ({ version }) => tensorsText(version?.inputs) },
  { title: "GIVES", of: ({ version }) => tensorsText(version?.outputs) },
  { title: "REASON", of: ({ model, version }) => reasonOf(model, version) },
];

export function modelsText(models: readonly ModelView[], paint: Paint): string {
  if (models.length === 0) return "no models\n";
  const rows = models.flatMap((model): readonly Row[] =>
    model.versions.length === 0
      ? [{ model, version: undefined }]
      : model.versions.map((version) => ({ model, version })),
  );
  return tableText(rows, columns, paint);
}

function reasonOf(model: ModelView, version: VersionView | undefined): string | null {
  if (version === undefined) return model.reason;
  return version.reason ?? (version.version === model.default ? model.reason : null);
}

/** A star stands at the version that answers those who name none, where there are several. */
function marked({ versions, default: chosen }: ModelView, { version }: VersionView): string {
  return versions.length > 1 && version === chosen ? `${version} *` : version;
}

function memoryOf(version: VersionView | undefined): string | null {
  return version === undefined || version.replicas === 0
    ? null
    : bytesText(version.memory.rss_bytes);
}

function tensorsText(tensors: readonly TensorView[] | null | undefined): string | undefined {
  return tensors?.map(tensorText).join(", ");
}
