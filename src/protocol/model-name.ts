/** What the names of models and of their versions may be: they stand in routes, metrics and file names. */
const namePattern = /^(?!\.)[A-Za-z0-9._-]{1,64}$/;

export const nameRule = "1 to 64 letters, digits, dots, dashes or underscores, no dot first";

export function isName(text: string): boolean {
  return namePattern.test(text);
}

/** In whatever case, as some disks tell no difference. */
const fileLike = /\.onnx$|^model\.yaml$/i;

/** A version's folder stands among the model's files, and must not be taken for one of them. */
export const versionRule = `${nameRule}, no .onnx at the end, and not model.yaml`;

export function isVersionName(text: string): boolean {
  return isName(text) && !fileLike.test(text);
}
