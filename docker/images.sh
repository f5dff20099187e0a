#!/bin/sh
# Build the images with the engine that is here: docker/images.sh [FLAVOUR …], cpu unless told; DIGEST=@sha256:… pins the base.
set -eu
cd "$(dirname "$0")/.."
if docker version >/dev/null 2>&1; then
  build="docker build"
elif command -v podman >/dev/null; then
  build="podman build --format docker --layers" # OCI's own format knows no health checks
elif command -v buildah >/dev/null; then
  build="buildah build --format docker --layers"
else
  echo "Images need Docker, Podman or Buildah: on Debian or Ubuntu, apt-get install podman; else https://docs.docker.com/get-docker/" >&2
  exit 2
fi
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
image() { # TAG FILE TARGET
  echo "$1"
  # shellcheck disable=SC2086 # a command of several words
  $build --build-arg "DIGEST=${DIGEST:-}" --build-arg "REVISION=$revision" -f "docker/$2.Dockerfile" --target "$3" -t "$1" .
}
image firstlight-api api api
image firstlight-api:bridge api bridge
for flavour in "${@:-cpu}"; do
  image "firstlight-worker:$flavour" worker "$flavour"
done
