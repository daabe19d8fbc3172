/* What server reflection tells of the .proto files: encoded descriptors, and which of them has which name. */
import protobuf from "protobufjs";
import descriptor, { type IDescriptorProto } from "protobufjs/ext/descriptor/index.js";

export interface FileDescriptor {
  readonly name: string;
  readonly services: readonly string[];
  /** Full names of messages, enums, services and methods. */
  readonly symbols: ReadonlySet<string>;
  /** An encoded google.protobuf.FileDescriptorProto. */
  readonly bytes: Buffer;
}

/** One for each package: files of one package are told as one. */
export function describeFiles(roots: readonly protobuf.Root[]): readonly FileDescriptor[] {
  return roots.flatMap(describeRoot);
}

interface FileProto {
  readonly name: string;
  readonly messageType: readonly IDescriptorProto[];
}

function describeRoot(root: protobuf.Root): readonly FileDescriptor[] {
  const { toDescriptor } = root as unknown as {
    toDescriptor(this: protobuf.Root, edition: string): { readonly file: readonly FileProto[] };
  };
  const symbols = new Set<string>();
  const services: string[] = [];
  collect(root, symbols, services);
  return toDescriptor.call(root, "proto3").file.map((file) => {
    for (const message of file.messageType) nameMaps(message);
    const bytes = Buffer.from(descriptor.FileDescriptorProto.encode(file).finish());
    return { name: file.name, services, symbols, bytes };
  });
}

/** protobufjs calls the entries of a map as the map; protoc, and whoever checks, knows them by another name. */
function nameMaps(message: IDescriptorProto): void {
  for (const nested of message.nestedType ?? []) {
    if (nested.options?.mapEntry !== true) {
      nameMaps(nested);
      continue;
    }
    const before = nested.name ?? "";
    const field = message.field?.find((one) => one.typeName === before);
    if (field === undefined) continue;
    nested.name = `${before.charAt(0).toUpperCase()}${before.slice(1)}Entry`;
    field.typeName = nested.name;
  }
}

function collect(
  object: protobuf.ReflectionObject,
  symbols: Set<string>,
  services: string[],
): void {
  const name = object.fullName.slice(1);
  const isNamed = object instanceof protobuf.Type || object instanceof protobuf.Enum;
  if (isNamed || object instanceof protobuf.Service) symbols.add(name);
  if (object instanceof protobuf.Service) {
    services.push(name);
    for (const method of object.methodsArray) symbols.add(`${name}.${method.name}`);
  }
  if (!(object instanceof protobuf.Namespace)) return;
  for (const nested of object.nestedArray) collect(nested, symbols, services);
}
