import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { writeTensorFrame } from "../../src/client/binary-frames.ts";
import { binaryCodec } from "../../src/client/binary-tensors.ts";
import type { RawAnswer } from "../../src/client/client-error.ts";
import type { InferCodec } from "../../src/client/infer-messages.ts";
import { jsonCodec } from "../../src/client/json-tensors.ts";
import { readFrame } from "../../src/client/stream-frames.ts";
import { SocketWriter } from "../../src/front-door/socket-writer.ts";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";
import type { AnswerBody } from "../../src/protocol/host-frames.ts";
import type { Codec } from "../../src/tensors/codec.ts";
import { predictBinaryCodec } from "../../src/tensors/predict-codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { v2BinaryCodec, v2Codec } from "../../src/tensors/v2-codec.ts";
import { assertSame, jsonDatatypes, modelOf, someTensors } from "../tensors/any-tensor.ts";

const runs = { numRuns: 200, includeErrorInReport: true };

function inputsOf(tensors: readonly Tensor[]): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(tensors.map((tensor, i) => [`in_${i}`, tensor]));
}

const lengthHeader = "inference-header-content-length";

/** An answer as it comes over HTTP. */
function httpAnswer({ json, tensors }: AnswerBody): RawAnswer {
  const isBinary = tensors.length > 0;
  return {
    status: 200,
    body: Uint8Array.from(Buffer.concat([json, ...tensors])),
    header: (name) => (isBinary && name === lengthHeader ? String(json.length) : null),
  };
}

/** What the server reads of a request, and the answer of a model that gives back what it got. */
function echo(codec: Codec, body: Uint8Array, tensors: readonly Tensor[]): AnswerBody {
  const model = modelOf(tensors);
  const request = codec.decode(body, model);
  assertSame(request.inputs, tensors);
  return codec.encode({ request, requestId: "r", outputs: request.inputs }, model);
}

function overHttp(client: InferCodec, tensors: readonly Tensor[]): AnswerBody {
  const { body, headers } = client.write({ inputs: inputsOf(tensors) });
  const length = headers[lengthHeader];
  if (length === undefined) return echo(v2Codec, Buffer.from(body as string), tensors);
  return echo(
    v2BinaryCodec,
    Buffer.concat([lengthPrefix(Number(length)), body as Uint8Array]),
    tensors,
  );
}

/** The message of a done frame, as the client gets it. */
function socketMessage({ json, tensors }: AnswerBody): string | Uint8Array<ArrayBuffer> {
  const sent: [Buffer, { readonly binary: boolean }][] = [];
  const socket = {
    bufferedAmount: 0,
    send: (...[data, options]: [Buffer, { readonly binary: boolean }]) =>
      sent.push([data, options]),
  };
  const writer = new SocketWriter(
    socket as never,
    { cork: () => undefined, uncork: () => undefined },
    {
      settings: { wsMaxBufferedBytes: 1 },
      metrics: { framesOut: { add: () => undefined } } as never,
      onTaken: () => undefined,
      onClogged: () => undefined,
    },
  );
  const jsonBytes = tensors.length === 0 ? 0 : json.length;
  writer.body("done", 7, { jsonBytes, body: Buffer.concat([json, ...tensors]) }, () => undefined);
  const [data, { binary }] = sent[0] as (typeof sent)[0];
  return binary ? Uint8Array.from(data) : data.toString();
}

describe("Tensors of a client reach the server and come back the same, of any datatype and shape:", () => {
  for (const [name, client, wanted] of [
    ["in JSON", jsonCodec, { types: jsonDatatypes, finite: true }],
    ["in binary", binaryCodec, {}],
  ] as const) {
    it(`${name}, over HTTP`, () => {
      const property = fc.property(someTensors(wanted), (tensors) => {
        const { outputs } = client.read(httpAnswer(overHttp(client, tensors)));
        assertSame(Object.values(outputs), tensors);
      });
      fc.assert(property, runs);
    });
  }

  it("in frames of a WebSocket", () => {
    const property = fc.property(someTensors(), (tensors) => {
      const frame = writeTensorFrame({
        inputs: inputsOf(tensors),
        outputs: tensors.map((_, i) => `out_${i}`),
        fields: { type: "infer", id: 7 },
      });
      const message = socketMessage(echo(predictBinaryCodec, frame, tensors));
      const answer = readFrame(message) as { readonly id: number; readonly tensors: object };
      assert.equal(answer.id, 7);
      assertSame(Object.values(answer.tensors), tensors);
    });
    fc.assert(property, runs);
  });
});
