import { readFileSync } from "node:fs";

/** In the order of the model's outputs and of model.yaml's labels. */
export const speciesNames: readonly string[] = ["setosa", "versicolor", "virginica"];

export interface Flower {
  /** Centimetres: sepal length, sepal width, petal length, petal width. */
  readonly measures: readonly number[];
  /** Index into speciesNames. */
  readonly species: number;
}

export interface Flowers {
  readonly training: readonly Flower[];
  readonly heldOut: readonly Flower[];
}

function parseFlower(line: string): Flower {
  const cells = line.split(",");
  const species = speciesNames.indexOf(cells[4] ?? "");
  const measures = cells.slice(0, 4).map(Number);
  if (cells.length !== 5 || species < 0 || measures.some(Number.isNaN)) {
    throw new Error(`Cannot read flower "${line}": expected four numbers and a species`);
  }
  return { measures, species };
}

/** Fisher's 150 flowers; every fifth of each species is held out. */
export function readFlowers(): Flowers {
  const text = readFileSync(new URL("iris.csv", import.meta.url), "utf8");
  const flowers = text.trim().split("\n").slice(1).map(parseFlower);
  const isHeldOut = (index: number) => index % 5 === 4;
  return {
    training: flowers.filter((_, index) => !isHeldOut(index)),
    heldOut: flowers.filter((_, index) => isHeldOut(index)),
  };
}
