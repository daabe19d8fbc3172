# Compiles; nothing of it but dist/ goes into the image.
FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY supervisor supervisor
COPY model-host model-host
RUN npm run build

# What runs, without what builds. onnxruntime-node brings the binaries of all platforms, 270 MB: one is needed.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev \
  && cd node_modules/onnxruntime-node/bin/napi-v6 \
  && own="./linux/$(node -p process.arch)" \
  && test -d "$own" \
  && find . -mindepth 2 -maxdepth 2 ! -path "$own" -exec rm -rf {} + \
  && find . -mindepth 1 -type d -empty -delete

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json LICENSE ./
COPY proto proto
COPY models models
# A number, so that Kubernetes can see that it is not root. Everything in /app is root's, and only read.
USER 1000:1000
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
# Ready, not only alive: the supervisor already restarts what dies or hangs, and where the supervisor ends, so does the
# container. A model that is down leaves /readyz at 200, unless model.yaml says that the server needs it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD \
  ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TROUPE_PORT ?? 8080}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "dist/src/main.js", "--host", "0.0.0.0"]
