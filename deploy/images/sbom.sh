#!/bin/bash
# Writes what npm packages hub and agent are made of, in CycloneDX: deploy/images/sbom.sh DIRECTORY
set -euo pipefail
cd "$(dirname "$0")/../.."
into=${1:?the directory to write to}
mkdir -p "$into"
for name in hub agent; do
  npm sbom --sbom-format cyclonedx --sbom-type application --omit dev --package-lock-only --workspace "$name" --workspace proto \
    > "$into/groundswell-$name.cdx.json"
done
