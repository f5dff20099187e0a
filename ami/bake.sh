#!/usr/bin/env bash
# `make bake`: builds the worker's container image and bakes a machine image of each flavour from it.
#
#   FLAVOURS="cpu gpu"      which; each needs its own instance for some minutes (c7i.xlarge, g4dn.xlarge)
#   PROJECT=firstlight      the tag that tells this service's images apart
#   AWS_DEFAULT_REGION=…    where; an image belongs to one region
#   ENGINE_CLI=docker       or podman
set -euo pipefail
cd "$(dirname "$0")/.."

flavours=${FLAVOURS:-cpu gpu}
project=${PROJECT:-firstlight}
region=${AWS_DEFAULT_REGION:-${AWS_REGION:-}}
python=.venv/bin/python

stop() { echo "make bake: $1" >&2; exit 1; }

[ -n "$region" ] || stop "no region is chosen: set AWS_DEFAULT_REGION"
[ -x "$python" ] || stop "there is no $python: run \`make bake\`, which makes it"
builder=${ENGINE_CLI:-$(command -v docker || command -v podman || true)}
[ -n "$builder" ] || stop "neither docker nor podman is here: install one of them"
command -v packer >/dev/null || stop "packer is not here: https://developer.hashicorp.com/packer/install"
"$python" - <<'PYTHON' || stop "no AWS credentials can be used: set AWS_PROFILE or run \`aws configure\`"
from jobs.clients import Clients
from jobs.errors import StoreBusy
from jobs.provision import account
import sys
try:
    print(f"account {account(Clients())}")
except StoreBusy as fact:
    sys.exit(str(fact))
PYTHON
for flavour in $flavours; do
  case $flavour in cpu | gpu) ;; *) stop "FLAVOURS=$flavour is not known: use cpu, gpu or both" ;; esac
done

revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
git diff --quiet HEAD 2>/dev/null || revision="$revision-dirty"
given=$(mktemp -d)
container=
clean() {
  [ -z "$container" ] || "$builder" rm "$container" >/dev/null 2>&1 || true
  rm -rf "$given"
}
trap clean EXIT # Packer ends its own instance, key and security group, also after a failure and Ctrl-C

packer version | grep -qE 'v1\.[0-6]\.' && stop "this packer is older than 1.7: install a newer one"
packer init ami
for flavour in $flavours; do
  echo "== $flavour: container image"
  "$builder" build -f docker/worker.Dockerfile --target "$flavour" --build-arg "REVISION=$revision" -t "firstlight-worker:$flavour" .
  "$builder" image inspect --format '{{json .Config}}' "firstlight-worker:$flavour" >"$given/config.json"
  PYTHONPATH=. "$python" ami/image.py "$given/config.json" "$given"
  container=$("$builder" create "firstlight-worker:$flavour")
  "$builder" export "$container" | gzip -1 >"$given/image.tar.gz"
  "$builder" rm "$container" >/dev/null
  container=
  echo "== $flavour: machine image"
  packer build -var "flavour=$flavour" -var "given=$given" -var "revision=$revision" -var "project=$project" -var "region=$region" ami
  rm -f "$given"/*
done
echo "Baked. \`make deploy\` takes the newest of each flavour; \`make bake-clean\` removes older ones."
