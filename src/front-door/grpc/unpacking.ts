/* Messages that are packed, which few bytes may make large. */
import { TroupeError } from "../../protocol/errors.ts";
import { type Coding, unpacker } from "../content-coding.ts";

export interface UnpackLimits {
  readonly coding: Coding;
  readonly maxBytes: number;
  /** Told of each piece how many bytes it has; says where they are too many. */
  readonly onBytes: (bytes: number) => TroupeError | undefined;
}

/** Rejects with `invalid-request` for what is not packed so, and where a limit is passed. */
export function unpack(packed: Buffer, limits: UnpackLimits): Promise<Buffer> {
  const { coding, maxBytes, onBytes } = limits;
  const source = unpacker(coding);
  const pieces: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    source.on("data", (piece: Buffer) => {
      pieces.push(piece);
      bytes += piece.length;
      const error = bytes > maxBytes ? tooLarge(maxBytes) : onBytes(piece.length);
      if (error === undefined) return;
      source.destroy();
      reject(error);
    });
    source.on("end", () => resolve(Buffer.concat(pieces)));
    source.on("error", ({ message }) => {
      const words = `a message must be ${coding} as its grpc-encoding says, got other bytes: ${message}`;
      reject(new TroupeError("invalid-request", words));
    });
    source.end(packed);
  });
}

function tooLarge(maxBytes: number): TroupeError {
  const words = `a message must be at most ${maxBytes} bytes unpacked, got more`;
  return new TroupeError("payload-too-large", words);
}
