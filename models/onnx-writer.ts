/**
 * Writes ONNX models from a plain description; the field numbers are those of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Equal descriptions give equal bytes.
 * Nothing is checked: what ONNX Runtime thinks of the model is found by loading it.
 */
import {
  bytesField,
  concat,
  floatField,
  integerField,
  messageField,
  textField,
} from "./protobuf.ts";

/** The Open Inference names, with their numbers in ONNX's TensorProto.DataType. */
export const elementTypes = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
  BF16: 16,
} as const;

export type ElementType = keyof typeof elementTypes;

export interface TensorValue {
  readonly name: string;
  readonly elementType: ElementType;
  /** A string is a symbolic dimension, whose size the request chooses. */
  readonly shape: readonly (number | string)[];
}

/** A list of maps, one a row: what scikit-learn's converter makes of class probabilities. */
interface MapsValue {
  readonly name: string;
  readonly maps: { readonly key: ElementType; readonly value: ElementType };
}

export interface Initializer {
  readonly name: string;
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  /** Row-major; FP16 and BF16 are their bits as integers, BOOL is 0 and 1. */
  readonly values: Iterable<number | bigint | string>;
}

/** Its elements stand in a file beside the model, from the first byte of it to the last. */
export interface ExternalInitializer {
  readonly name: string;
  readonly elementType: ElementType;
  readonly shape: readonly number[];
  readonly location: string;
}

export type Attribute =
  | { readonly int: number | bigint }
  | { readonly ints: readonly (number | bigint)[] }
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly tensor: Initializer | ExternalInitializer }
  | { readonly graph: Graph };

export interface Node {
  readonly op: string;
  /** An empty name leaves an optional input out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** The operator set the operator belongs to; ONNX's own when absent. */
  readonly domain?: string;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly TensorValue[];
  readonly outputs: readonly (TensorValue | MapsValue)[];
  readonly initializers?: readonly (Initializer | ExternalInitializer)[];
  /** In an order in which each node's inputs are there before it. */
  readonly nodes: readonly Node[];
}

export interface Model extends Graph {
  /** Versions of operator sets by domain, beside ONNX's own. */
  readonly extraOpsets?: Readonly<Record<string, number>>;
}

const irVersion = 8;
const opsetVersion = 17;

type SetElement = (view: DataView, offset: number, value: number | bigint | string) => void;

const setUint8: SetElement = (view, offset, value) => view.setUint8(offset, Number(value));
const setUint16: SetElement = (view, at, value) => view.setUint16(at, Number(value), true);

const rawElements: Record<Exclude<ElementType, "STRING">, readonly [number, SetElement]> = {
  BOOL: [1, setUint8],
  UINT8: [1, setUint8],
  INT8: [1, (view, offset, value) => view.setInt8(offset, Number(value))],
  UINT16: [2, setUint16],
  INT16: [2, (view, offset, value) => view.setInt16(offset, Number(value), true)],
  UINT32: [4, (view, offset, value) => view.setUint32(offset, Number(value), true)],
  INT32: [4, (view, offset, value) => view.setInt32(offset, Number(value), true)],
  UINT64: [8, (view, offset, value) => view.setBigUint64(offset, BigInt(value), true)],
  INT64: [8, (view, offset, value) => view.setBigInt64(offset, BigInt(value), true)],
  FP16: [2, setUint16],
  BF16: [2, setUint16],
  FP32: [4, (view, offset, value) => view.setFloat32(offset, Number(value), true)],
  FP64: [8, (view, offset, value) => view.setFloat64(offset, Number(value), true)],
};

function encodeElements({ elementType, values }: Initializer): Uint8Array[] {
  if (elementType === "STRING") return Array.from(values, (value) => textField(6, String(value)));
  const elements = [...values];
  const [elementBytes, set] = rawElements[elementType];
  const raw = new Uint8Array(elements.length * elementBytes);
  const view = new DataView(raw.buffer);
  for (const [index, value] of elements.entries()) set(view, index * elementBytes, value);
  return [bytesField(9, raw)];
}

const isExternal = 1;

function encodeLocation(location: string): Uint8Array[] {
  const entry = [textField(1, "location"), textField(2, location)];
  return [messageField(13, entry), integerField(14, isExternal)];
}

function encodeTensor(tensor: Initializer | ExternalInitializer): Uint8Array {
  return concat([
    ...tensor.shape.map((size) => integerField(1, size)),
    integerField(2, elementTypes[tensor.elementType]),
    textField(8, tensor.name),
    ...("location" in tensor ? encodeLocation(tensor.location) : encodeElements(tensor)),
  ]);
}

function encodeTensorType(elementType: ElementType, shape: TensorValue["shape"]): Uint8Array {
  const dimensions = shape.map((size) =>
    messageField(1, [typeof size === "number" ? integerField(1, size) : textField(2, size)]),
  );
  return messageField(1, [integerField(1, elementTypes[elementType]), messageField(2, dimensions)]);
}

function encodeMapsType({ key, value }: MapsValue["maps"]): Uint8Array {
  const map = [integerField(1, elementTypes[key]), messageField(2, [encodeTensorType(value, [])])];
  return messageField(4, [messageField(1, [messageField(5, map)])]);
}

function encodeValue(value: TensorValue | MapsValue): Uint8Array {
  const type =
    "maps" in value ? encodeMapsType(value.maps) : encodeTensorType(value.elementType, value.shape);
  return concat([textField(1, value.name), messageField(2, [type])]);
}

/** The value's fields and the number of its kind in AttributeProto.AttributeType. */
function encodeAttributeValue(attribute: Attribute): readonly [number, readonly Uint8Array[]] {
  if ("float" in attribute) return [1, [floatField(2, attribute.float)]];
  if ("int" in attribute) return [2, [integerField(3, attribute.int)]];
  if ("string" in attribute) return [3, [textField(4, attribute.string)]];
  if ("tensor" in attribute) return [4, [bytesField(5, encodeTensor(attribute.tensor))]];
  if ("graph" in attribute) return [5, [bytesField(6, encodeGraph(attribute.graph))]];
  if ("floats" in attribute) return [6, attribute.floats.map((value) => floatField(7, value))];
  if ("ints" in attribute) return [7, attribute.ints.map((value) => integerField(8, value))];
  return [8, attribute.strings.map((value) => textField(9, value))];
}

function encodeAttribute(name: string, attribute: Attribute): Uint8Array {
  const [kind, fields] = encodeAttributeValue(attribute);
  return concat([textField(1, name), ...fields, integerField(20, kind)]);
}

function encodeNode(node: Node): Uint8Array {
  return concat([
    ...node.inputs.map((name) => textField(1, name)),
    ...node.outputs.map((name) => textField(2, name)),
    textField(4, node.op),
    ...Object.entries(node.attributes ?? {}).map(([name, attribute]) =>
      bytesField(5, encodeAttribute(name, attribute)),
    ),
    ...(node.domain === undefined ? [] : [textField(7, node.domain)]),
  ]);
}

function encodeGraph(graph: Graph): Uint8Array {
  return concat([
    ...graph.nodes.map((node) => bytesField(1, encodeNode(node))),
    textField(2, graph.name),
    ...(graph.initializers ?? []).map((tensor) => bytesField(5, encodeTensor(tensor))),
    ...graph.inputs.map((value) => bytesField(11, encodeValue(value))),
    ...graph.outputs.map((value) => bytesField(12, encodeValue(value))),
  ]);
}

/** The bytes of a ModelProto: what an .onnx file holds. */
export function encodeModel(model: Model): Uint8Array {
  const opsets = Object.entries({ "": opsetVersion, ...model.extraOpsets });
  return concat([
    integerField(1, irVersion),
    textField(2, "troupe"),
    bytesField(7, encodeGraph(model)),
    ...opsets.map(([domain, version]) =>
      messageField(8, [textField(1, domain), integerField(2, version)]),
    ),
  ]);
}
