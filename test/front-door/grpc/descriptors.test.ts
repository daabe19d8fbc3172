import assert from "node:assert/strict";
import { describe, it } from "node:test";
import protobuf from "protobufjs";
import descriptor, { type IDescriptorProto } from "protobufjs/ext/descriptor/index.js";
import { describeFiles } from "../../../src/front-door/grpc/descriptors.ts";
import { loadProto } from "../../../src/front-door/grpc/proto-files.ts";

const files = describeFiles([
  loadProto("inference.proto"),
  loadProto("grpc/health/v1/health.proto"),
]);

interface FileProto {
  readonly package: string;
  readonly messageType: readonly IDescriptorProto[];
}

function decoded(at: number): FileProto {
  return descriptor.FileDescriptorProto.decode(
    files[at]?.bytes ?? Buffer.of(),
  ) as unknown as FileProto;
}

describe("describeFiles", () => {
  it("has one file for each package, with its services", () =>
    assert.deepEqual(
      files.map(({ name, services }) => [name, services]),
      [
        ["inference.proto", ["inference.GRPCInferenceService"]],
        ["grpc_health_v1.proto", ["grpc.health.v1.Health"]],
      ],
    ));

  it("knows messages, enums, services and methods by their full names", () => {
    const names = [
      "inference.ModelInferRequest.InferInputTensor",
      "inference.DataType",
      "inference.GRPCInferenceService",
      "inference.GRPCInferenceService.ModelInfer",
    ];
    assert.deepEqual(
      names.filter((name) => !files[0]?.symbols.has(name)),
      [],
    );
    assert.equal(files[0]?.symbols.has("inference"), false);
  });

  it("names the entries of maps as protoc does, which others insist on", () => {
    const message = decoded(0).messageType.find(({ name }) => name === "ModelInferRequest");
    const field = message?.field?.find(({ name }) => name === "parameters");
    const entry = message?.nestedType?.find(({ name }) => name === "ParametersEntry");
    assert.deepEqual([field?.typeName, entry?.options?.mapEntry], ["ParametersEntry", true]);
  });

  it("encodes what can be read again", () => {
    const set = descriptor.FileDescriptorSet.create({ file: [decoded(0), decoded(1)] as never });
    const { fromDescriptor } = protobuf.Root as unknown as {
      fromDescriptor(this: typeof protobuf.Root, set: unknown): protobuf.Root;
    };
    const root = fromDescriptor.call(protobuf.Root, set);
    assert.ok(root.lookupType("inference.ModelInferRequest"));
    assert.ok(root.lookupService("grpc.health.v1.Health"));
  });
});
