/* The .proto files, which lie beside the sources, and go with the product. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

/** From src/front-door/grpc, and from dist/src/front-door/grpc, where the compiled file stands. */
const candidates = ["../../../proto/", "../../../../proto/"];

/** With what it imports. */
export function loadProto(path: string): protobuf.Root {
  const folders = candidates.map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
  const folder = folders.find((one) => existsSync(one + path));
  if (folder === undefined) throw new Error(`${path} is not there`);
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => folder + target;
  root.loadSync(path, { keepCase: true });
  return root.resolveAll() as protobuf.Root;
}
