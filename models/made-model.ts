/** A sample model as its script makes it. */
export interface MadeModel {
  /** What model.onnx holds. */
  readonly bytes: Uint8Array;
  /** How many of the held-out rows the model names rightly. */
  readonly correct: number;
  readonly heldOut: number;
}
