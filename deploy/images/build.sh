#!/bin/bash
# Builds an image: deploy/images/build.sh hub|agent TAG [docker buildx flags]. The bases' digests come from the
# environment (NODE_DIGEST, GO_DIGEST, BASE_DIGEST), or are asked for and printed, to be kept for building the same again.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=${1:?hub or agent}
tag=${2:?the tag of the image}
shift 2

digest_of() { docker buildx imagetools inspect --format '{{.Manifest.Digest}}' "$1"; }
: "${NODE_DIGEST:=$(digest_of docker.io/library/node:24-trixie-slim)}"
: "${GO_DIGEST:=$(digest_of docker.io/library/golang:1.26-trixie)}"
: "${BASE_DIGEST:=$(digest_of gcr.io/distroless/nodejs24-debian13:nonroot)}"
: "${REVISION:=$(git rev-parse HEAD)}"
# Files and layers are dated by the commit, packages come of its day.
SOURCE_DATE_EPOCH=$(git show -s --format=%ct "$REVISION")
: "${DEBIAN_SNAPSHOT:=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%dT000000Z)}"
: "${VERSION:=$(node -p "require('./package.json').version")}"
export SOURCE_DATE_EPOCH
printf '%s=%s\n' NODE_DIGEST "$NODE_DIGEST" GO_DIGEST "$GO_DIGEST" BASE_DIGEST "$BASE_DIGEST" \
  DEBIAN_SNAPSHOT "$DEBIAN_SNAPSHOT" REVISION "$REVISION" VERSION "$VERSION" >&2

exec docker buildx build --file "deploy/images/$name.Dockerfile" --tag "$tag" \
  --build-arg NODE_DIGEST="$NODE_DIGEST" --build-arg GO_DIGEST="$GO_DIGEST" --build-arg BASE_DIGEST="$BASE_DIGEST" \
  --build-arg DEBIAN_SNAPSHOT="$DEBIAN_SNAPSHOT" --build-arg VERSION="$VERSION" --build-arg REVISION="$REVISION" \
  --build-arg SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" --output type=image,rewrite-timestamp=true "$@" .
