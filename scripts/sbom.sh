#!/usr/bin/env bash
# What the hub and the operator are made of, as CycloneDX: target/sbom/{gohub,gohub-operator}.cdx.json
set -euo pipefail
cd "$(dirname "$0")/.."
into=${CARGO_TARGET_DIR:-target}/sbom
mkdir -p "$into"
for program in gohub gohub-operator; do
    python3 -B scripts/sbom.py "$program" > "$into/$program.cdx.json"
    echo "$into/$program.cdx.json"
done
