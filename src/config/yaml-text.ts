/* YAML as text that people keep: what is changed in it, and how new values are written into it. */
import { Document, isScalar, isSeq, type Node, parseDocument, type Tags, visit } from "yaml";

/** Folding would rewrite long lines that nobody has touched. */
const style = { lineWidth: 0 } as const;

/** Of a text that `parseYaml` takes, with comments. */
export function openYaml(text: string): Document {
  return parseDocument(text, {
    schema: "core",
    resolveKnownTags: false,
    customTags: (tags) => tags.map(asWritten),
  });
}

export function yamlText(document: Document): string {
  return document.toString(style);
}

/** A value of JSON as YAML that is easy to read. */
export function writeYaml(value: unknown): string {
  const document = new Document(null, { schema: "core" });
  document.contents = readableNode(document, value);
  return yamlText(document);
}

/** Lists of numbers or texts, nested or not, stand in one line. */
export function readableNode(document: Document, value: unknown): Node {
  const node = document.createNode(value);
  visit(node, {
    Seq: (_, list) => {
      if (!isFlat(list)) return;
      list.flow = true;
    },
  });
  return node;
}

function isFlat(node: unknown): boolean {
  return isSeq(node) ? node.items.every(isFlat) : isScalar(node);
}

/** Numbers keep what a label or a version may be told by: `007` and `1e3`. */
function asWritten(tag: Tags[number]): Tags[number] {
  if (typeof tag === "string" || tag.collection !== undefined || !isNumeric(tag.tag)) return tag;
  const { stringify } = tag;
  return {
    ...tag,
    stringify: (item, ...rest) => item.source ?? stringify?.(item, ...rest) ?? String(item.value),
  };
}

function isNumeric(tag: string): boolean {
  return tag === "tag:yaml.org,2002:int" || tag === "tag:yaml.org,2002:float";
}
