/** Models for tests whose running time is chosen, by whoever makes them or by whoever asks. */
import {
  elementTypes,
  encodeModel,
  type Graph,
  type Initializer,
  type Node,
  type TensorValue,
} from "./onnx-writer.ts";

interface HeavyCost {
  readonly size: number;
  readonly repeats: number;
}

function fp32(name: string, shape: TensorValue["shape"]): TensorValue {
  return { name, elementType: "FP32", shape };
}

function int64(name: string, shape: TensorValue["shape"]): TensorValue {
  return { name, elementType: "INT64", shape };
}

function integers(name: string, values: readonly number[]): Initializer {
  return { name, elementType: "INT64", shape: [values.length], values };
}

/** The first two inputs and the first output of every Loop's body: what ONNX hands it each time, and whether to go on. */
const iteration = int64("iteration", []);
const goOn: TensorValue = { name: "go_on", elementType: "BOOL", shape: [] };
const goOnStill: TensorValue = { name: "go_on_still", elementType: "BOOL", shape: [] };
const keepGoing = { op: "Identity", inputs: ["go_on"], outputs: ["go_on_still"] };

interface Part {
  readonly initializers: readonly Initializer[];
  readonly nodes: readonly Node[];
}

/** Ones where row and column are equal, made while loading, so that the model stays small. */
function identityMatrix(name: string, rows: number, columns: number): Part {
  return {
    initializers: [integers(`${name}_shape`, [rows, columns])],
    nodes: [
      { op: "ConstantOfShape", inputs: [`${name}_shape`], outputs: [`${name}_zeros`] },
      { op: "EyeLike", inputs: [`${name}_zeros`], outputs: [name] },
    ],
  };
}

function loop(inputs: readonly string[], output: string, body: Graph): Node {
  return { op: "Loop", inputs, outputs: [output], attributes: { body: { graph: body } } };
}

/**
 * `x` FP32 [batch,4] → `y` FP32 [batch,4], the same values by a long way: each row is widened to `size` numbers and
 * multiplied by the identity matrix `repeats` times, which no optimizer takes out. With size 256 and repeats 1000,
 * one row took 4 ms, eight 9 ms and 64 rows 56 ms on one core where this was written; both numbers scale it.
 */
export function heavyModel({ size, repeats }: HeavyCost): Uint8Array {
  const row = (name: string) => fp32(name, ["batch", size]);
  const matrices = [
    identityMatrix("widen", 4, size),
    identityMatrix("keep", size, size),
    identityMatrix("narrow", size, 4),
  ];
  const body = {
    name: "multiply",
    inputs: [iteration, goOn, row("before")],
    outputs: [goOnStill, row("after")],
    nodes: [keepGoing, { op: "MatMul", inputs: ["before", "keep"], outputs: ["after"] }],
  };
  return encodeModel({
    name: "heavy",
    inputs: [fp32("x", ["batch", 4])],
    outputs: [fp32("y", ["batch", 4])],
    initializers: [
      integers("repeats", [repeats]),
      ...matrices.flatMap((matrix) => matrix.initializers),
    ],
    nodes: [
      ...matrices.flatMap((matrix) => matrix.nodes),
      { op: "MatMul", inputs: ["x", "widen"], outputs: ["wide"] },
      loop(["repeats", "", "wide"], "wide_still", body),
      { op: "MatMul", inputs: ["wide_still", "narrow"], outputs: ["y"] },
    ],
  });
}

/** `trips` INT64 [1] → `count` INT64 [1], counted one by one: a huge number of trips never ends, and 0 or less gives 0. */
export function loopModel(): Uint8Array {
  const body = {
    name: "count-one",
    inputs: [iteration, goOn, int64("before", [1])],
    outputs: [goOnStill, int64("after", [1])],
    nodes: [keepGoing, { op: "Add", inputs: ["before", "one"], outputs: ["after"] }],
  };
  return encodeModel({
    name: "loop",
    inputs: [int64("trips", [1])],
    outputs: [int64("count", [1])],
    initializers: [integers("zero", [0]), integers("one", [1])],
    nodes: [
      { op: "Squeeze", inputs: ["trips", "zero"], outputs: ["trip_count"] },
      loop(["trip_count", "", "zero"], "count", body),
    ],
  });
}

/**
 * `trips` INT64 [batch,1] → `count` INT64 [batch,1], as loopModel for every row: rows batch, and the largest number of
 * trips decides how long all of them take.
 */
export function batchedLoopModel(): Uint8Array {
  const { nodes, body } = countingRows();
  const rows = (name: string) => int64(name, ["batch", 1]);
  return encodeModel({
    name: "batched-loop",
    inputs: [rows("trips")],
    outputs: [rows("count")],
    nodes: [
      ...nodes,
      { op: "Sub", inputs: ["trips", "trips"], outputs: ["zeros"] },
      loop(["trip_count", "", "zeros"], "count", body),
    ],
  });
}

/**
 * `trips` INT64 [batch,1], `total` INT64 [batch,1] → `count` INT64 [batch,1], `total_out`: as batchedLoopModel, but each
 * row counts on from its state. A row's time is chosen by its trips, and its answer tells all that came before it.
 */
export function totalModel(): Uint8Array {
  const { nodes, body } = countingRows();
  const rows = (name: string) => int64(name, ["batch", 1]);
  return encodeModel({
    name: "total",
    inputs: [rows("trips"), rows("total")],
    outputs: [rows("count"), rows("total_out")],
    nodes: [
      ...nodes,
      loop(["trip_count", "", "total"], "count", body),
      { op: "Identity", inputs: ["count"], outputs: ["total_out"] },
    ],
  });
}

/** What both models of rows have in common: the largest number of trips, and a body that counts those that go on. */
function countingRows(): { readonly nodes: readonly Node[]; readonly body: Graph } {
  const rows = (name: string) => int64(name, ["batch", 1]);
  const nodes: readonly Node[] = [
    {
      op: "ReduceMax",
      inputs: ["trips"],
      outputs: ["trip_count"],
      attributes: { keepdims: { int: 0 } },
    },
  ];
  const body: Graph = {
    name: "count-rows",
    inputs: [iteration, goOn, rows("before")],
    outputs: [goOnStill, rows("after")],
    nodes: [
      keepGoing,
      { op: "Less", inputs: ["iteration", "trips"], outputs: ["counts"] },
      {
        op: "Cast",
        inputs: ["counts"],
        outputs: ["step"],
        attributes: { to: { int: elementTypes.INT64 } },
      },
      { op: "Add", inputs: ["before", "step"], outputs: ["after"] },
    ],
  };
  return { nodes, body };
}
