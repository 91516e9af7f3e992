# The hub, its render engine and `swell`, with the programs of Debian that it runs: git, ssh, gpg, and the shell that
# git needs to start ssh. Build from the repository's top with deploy/images/build.sh, which names the bases by
# their digests; without digests it does not build.
ARG NODE_DIGEST
ARG GO_DIGEST
ARG BASE_DIGEST

FROM docker.io/library/golang:1.26-trixie@${GO_DIGEST} AS engine
WORKDIR /src
COPY hub/engine/go.mod hub/engine/go.sum ./
RUN go mod download
COPY hub/engine ./
# Nothing of the machine, the time or the checkout gets into it: its digest is the renderer's version.
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o /groundswell-engine .

FROM docker.io/library/node:24-trixie-slim@${NODE_DIGEST} AS app
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
COPY proto/package.json proto/
COPY hub/package.json hub/
COPY agent/package.json agent/
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY proto proto
COPY hub hub
COPY deploy/build deploy/build
WORKDIR /app/hub/dashboard
RUN node ../../node_modules/vite/bin/vite.js build
WORKDIR /app
# `swell` of the image is started by the Node that is there.
RUN node deploy/build/main.mjs hub swell \
 && mkdir /cli \
 && sed '1s|.*|#!/nodejs/bin/node|' dist/swell.mjs > /cli/swell.mjs \
 && chmod 0555 /cli/swell.mjs \
 && ln -s swell.mjs /cli/swell \
 && rm dist/swell.mjs

FROM docker.io/library/node:24-trixie-slim@${NODE_DIGEST} AS programs
# As of one day, so that the same build has the same packages.
ARG DEBIAN_SNAPSHOT
COPY deploy/images/collect.sh /usr/local/bin/collect
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN printf 'deb [check-valid-until=no] http://snapshot.debian.org/archive/debian/%s trixie main\n' "${DEBIAN_SNAPSHOT}" > /etc/apt/sources.list \
 && rm -f /etc/apt/sources.list.d/debian.sources \
 && apt-get update \
 && apt-get install --yes --no-install-recommends git openssh-client gpg gpg-agent \
 && rm -rf /var/lib/apt/lists/* \
 && bash /usr/local/bin/collect /rootfs

FROM gcr.io/distroless/nodejs24-debian13@${BASE_DIGEST}
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Groundswell hub" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=programs /rootfs/usr /usr
# Git starts ssh by it, and knows it by this name only.
COPY --from=programs /rootfs/sh /bin/sh
COPY --from=engine --chmod=0555 /groundswell-engine /usr/local/bin/groundswell-engine
COPY --from=app /app/dist /app
COPY --from=app /cli /usr/local/bin
# What glibc keeps for an agent's connection is large and mostly untouched: mapped by itself, it is not reused piece by piece.
ENV NODE_ENV=production \
    MALLOC_MMAP_THRESHOLD_=16384 \
    PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin \
    GROUNDSWELL_ENGINE=/usr/local/bin/groundswell-engine
USER 65532:65532
EXPOSE 8080 8443 8444 8445
ENTRYPOINT ["/nodejs/bin/node", "/app/hub/main.js"]
