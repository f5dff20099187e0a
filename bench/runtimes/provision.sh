#!/usr/bin/env bash
# Gives our machine a container engine, to be timed against none: `provision.sh podman|docker`, after ami/provision.sh.
#
# In the engines' favour: the image is the one that was tried at bake time, no seccomp filter is made, nothing is logged
# by them, docker has no network to set up and starts as soon as systemd can start anything.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
engine=$1
image=/opt/firstlight/image
units=/etc/systemd/system
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get update -qq
case $engine in
  podman) apt-get install -y -qq --no-install-recommends podman runc >/dev/null ;;
  docker) apt-get install -y -qq --no-install-recommends docker.io >/dev/null ;;
esac
apt-get clean
rm /usr/sbin/policy-rc.d
sed -n 's/^Environment="\(.*\)"$/\1/p' "$units/firstlight-worker.service.d/image.conf" >/opt/firstlight/image.env
echo PULSE_FILE=/run/firstlight/pulse >>/opt/firstlight/image.env
rm -r "$units/firstlight-worker.service.d"
install -m 644 "/runtimes/$engine.service" "$units/firstlight-worker.service"
if [ "$engine" = docker ]; then
  install -m 644 /runtimes/dockerd.service "$units/"
  ln -sfn /dev/null "$units/firstlight-read-ahead.service" # of the tree that docker does not run
  dockerd --iptables=false --bridge=none --exec-root=/run/docker-bake --pidfile=/run/docker-bake.pid -H unix:///run/docker-bake.sock >/tmp/dockerd.log 2>&1 &
  for _ in $(seq 120); do
    [ -S /run/docker-bake.sock ] && break
    sleep 0.5
  done
  tar -C "$image" --numeric-owner -c . | docker -H unix:///run/docker-bake.sock import - firstlight-worker:latest
  kill "$(cat /run/docker-bake.pid)"
  wait || true
fi
rm -rf "$units"/*.wants /tmp/* /var/lib/apt/lists/* # what the packages would start by themselves
