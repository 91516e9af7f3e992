# The agent: one file on a base with Node and nothing else. Build from the repository's top with
# deploy/images/build.sh, which names the bases by their digests; without digests it does not build.
ARG NODE_DIGEST
ARG BASE_DIGEST

FROM docker.io/library/node:24-trixie-slim@${NODE_DIGEST} AS build
WORKDIR /src
COPY package.json package-lock.json tsconfig.json ./
COPY proto/package.json proto/
COPY hub/package.json hub/
COPY agent/package.json agent/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY proto proto
COPY agent agent
COPY deploy/build deploy/build
RUN node deploy/build/main.mjs agent

FROM gcr.io/distroless/nodejs24-debian13@${BASE_DIGEST}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Groundswell agent" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build --chmod=0444 /src/dist/agent.mjs /app/agent.mjs
ENV NODE_ENV=production
USER 65532:65532
EXPOSE 8081
ENTRYPOINT ["/nodejs/bin/node", "/app/agent.mjs"]
