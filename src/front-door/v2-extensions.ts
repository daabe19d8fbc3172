/** Of Triton's extensions to Open Inference V2, those that work here. */
export const extensions: readonly string[] = [
  "binary_tensor_data",
  "classification",
  "logging",
  "model_configuration",
  "model_repository",
  "model_repository(unload_dependents)",
  "schedule_policy",
  "sequence",
  "statistics",
  "trace",
];
