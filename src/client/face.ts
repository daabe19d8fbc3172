/* The types that users of the client write down. */
export type { Datatype } from "../protocol/model-metadata.ts";
export type {
  BatchingView,
  HealthView,
  ModelMetadata,
  ModelView,
  Nested,
  PredictAnswer,
  TensorView,
  TreeView,
  UploadedView,
  VersionView,
} from "./answers.ts";
export type { ClientOptions, UploadOptions } from "./client.ts";
export type { ClientErrorCode } from "./client-error.ts";
export type { FeedItem, FeedOptions } from "./event-feed.ts";
export type { Features } from "./features.ts";
export type { CallOptions } from "./http.ts";
export type { InferAnswer } from "./infer-messages.ts";
export type { InferOptions, ModelHandle, PredictOptions } from "./model-handle.ts";
export type { Samples } from "./samples.ts";
export type { StreamAnswer, StreamRequest } from "./stream-frames.ts";
export type { StreamOptions, StreamSession } from "./stream-session.ts";
export type { Inputs, InputTensor, OutputTensor } from "./typed-tensors.ts";
export type { Upload, UploadFile, UploadProgress } from "./upload.ts";
