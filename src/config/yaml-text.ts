/* How changed documents and new values are written as text that people keep. */
import { Document, isScalar, isSeq, type Node, visit } from "yaml";

/** Folding would rewrite long lines that nobody has touched. */
const style = { lineWidth: 0 } as const;

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
