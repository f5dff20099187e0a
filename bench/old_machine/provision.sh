#!/usr/bin/env bash
# The old machine, as its author describes it: a stock image with docker, and the worker's image loaded in advance.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get update -qq
apt-get install -y -qq --no-install-recommends linux-image-amd64 docker.io iptables >/dev/null
apt-get purge -y -qq 'linux-image*cloud*' >/dev/null
apt-get clean
rm /usr/sbin/policy-rc.d
dockerd --iptables=false --bridge=none --exec-root=/run/docker-bake --pidfile=/run/docker-bake.pid -H unix:///run/docker-bake.sock >/tmp/dockerd.log 2>&1 &
for _ in $(seq 120); do
  [ -S /run/docker-bake.sock ] && break
  sleep 0.5
done
docker -H unix:///run/docker-bake.sock import --change 'CMD ["/usr/local/bin/python3", "/old/worker.py"]' \
  --change 'ENV PYTHONUNBUFFERED=1' - old-worker:latest </image.tar
kill "$(cat /run/docker-bake.pid)"
wait || true
rm -rf /image.tar /tmp/* /var/lib/apt/lists/*
: >/etc/machine-id
: >/etc/fstab
