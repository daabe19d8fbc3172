/*
 * The readable form of the document: Swagger UI, whose files come with a package and are read when they are asked for,
 * so that neither the start nor a front door that nobody reads pays for them. None of the package's code runs here.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { FastifyInstance } from "fastify";
import { TroupeError } from "../protocol/errors.ts";

/** Addresses are relative, so that the page works behind a proxy's prefix too. */
const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="stylesheet" href="docs/index.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`;

/** Without `validatorUrl` the page would ask a server of Swagger's about the document. */
const start = `SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  validatorUrl: null,
  tryItOutEnabled: true,
  filter: true,
});
`;

/** The page's pictures are in its style sheet. */
const policy =
  "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const files: Readonly<Record<string, string>> = {
  "index.css": "text/css",
  "swagger-ui.css": "text/css",
  "swagger-ui-bundle.js": "text/javascript",
};

export function addDocsPage(app: FastifyInstance): void {
  app.get("/docs", (_request, reply) => {
    reply.type("text/html; charset=utf-8").header("content-security-policy", policy);
    return page;
  });
  app.get<{ Params: { file: string } }>("/docs/:file", async ({ params: { file } }, reply) => {
    // Its own links are relative, so that the page is at home without the slash only.
    if (file === "") return reply.redirect("../docs", 308);
    if (file === "start.js") return reply.type("text/javascript; charset=utf-8").send(start);
    const type = Object.hasOwn(files, file) ? files[file] : undefined;
    if (type === undefined) throw new TroupeError("not-found", `no file /docs/${file}`);
    reply.type(`${type}; charset=utf-8`).header("cache-control", "max-age=3600");
    return readFile(placeOf(file));
  });
}

function placeOf(file: string): string {
  return fileURLToPath(import.meta.resolve(`@fastify/swagger-ui/static/${file}`));
}
