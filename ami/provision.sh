#!/usr/bin/env bash
# Makes a Debian 12 root file system into a worker's machine. Packer runs it on an instance, bench/boots.py in a chroot.
#
#   provision.sh FOLDER        as root; FOLDER holds image.tar (the unpacked OCI image), image.conf and names (from
#                              ami/image.py) and host/ (from this folder)
#   FLAVOUR=cpu|gpu            gpu: NVIDIA's driver, its user half inside the unpacked image, and its daemon
#   RESOLVER=169.254.169.253   the name server; the default is every VPC's own
set -euo pipefail

given=$(realpath "$1")
flavour=${FLAVOUR:-cpu}
resolver=${RESOLVER:-169.254.169.253}
home=/opt/firstlight
image=$home/image
export DEBIAN_FRONTEND=noninteractive

[ "$(id -u)" = 0 ] || { echo "provision.sh needs root: Packer gives it by sudo" >&2; exit 1; }
if [ -e "$given/image.tar.gz" ]; then gunzip -f "$given/image.tar.gz"; fi
for needed in image.tar image.conf names host/launch.py; do
  [ -e "$given/$needed" ] || { echo "$given/$needed is missing: run \`make bake\`, which makes it" >&2; exit 1; }
done
case $flavour in cpu | gpu) ;; *) echo "FLAVOUR=$flavour is not known: use cpu or gpu" >&2; exit 1 ;; esac

# --- What nobody on this machine needs. No ssh: nobody logs in, a machine that misbehaves is ended.
apt-get update -qq
mapfile -t unwanted < <(dpkg-query -W -f '${Package}\n' 2>/dev/null | grep -xE \
  'cloud-init|cloud-guest-utils|openssh-server|openssh-sftp-server|unattended-upgrades|chrony|netplan\.io|apparmor|rsyslog|cron|amazon-ssm-agent|systemd-resolved|systemd-timesyncd|polkitd|apt-listchanges' || true)

# --- The image, unpacked: systemd runs it, so no engine has to start first.
rm -rf "$home"
install -d -m 755 "$home" "$image" "$home/host"
tar -C "$image" --numeric-owner -xf "$given/image.tar"
[ -x "$image/usr/local/bin/python3" ] || { echo "the image has no /usr/local/bin/python3: build docker/worker.Dockerfile" >&2; exit 1; }
install -d -m 755 "$image"/{proc,sys,dev,run,tmp,mnt,data}
: >>"$image/etc/resolv.conf" # something to mount the host's on
install -m 644 "$given"/host/*.py "$given/names" "$home/host/"
worker_user=$(sed -n 's/^User=//p' "$given/image.conf")
worker_group=$(sed -n 's/^Group=//p' "$given/image.conf")
groupadd --force --gid "$worker_group" firstlight-worker # systemd runs nobody whom the host does not know
groupadd --force --system firstlight-launch
for user in "firstlight-worker --uid $worker_user" "firstlight-launch --system"; do
  read -r name options <<<"$user"
  # shellcheck disable=SC2086
  id "$name" >/dev/null 2>&1 || useradd $options --no-create-home --home-dir / -g "$name" -s /usr/sbin/nologin "$name"
done
install -d /etc/systemd/system/firstlight-worker.service.d
install -m 644 "$given"/host/units/* /etc/systemd/system/
install -m 644 "$given/image.conf" /etc/systemd/system/firstlight-worker.service.d/

disk=/sys/dev/block/$(stat -c %Hd:%Ld "$image")
[ -e "$disk/queue" ] || disk=$disk/.. # of a partition
read_ahead=$disk/queue/read_ahead_kb
[ -w "$read_ahead" ] || read_ahead=/dev/null # a file system without a disk of its own
usual=$(cat "$read_ahead")
release() {
  for folder in proc dev; do ! mountpoint -q "$image/$folder" || umount "$image/$folder"; done
  echo "$usual" >"$read_ahead"
}
trap release EXIT
# --- GPU: the driver's kernel half on the host, its user half in the image, where a container runtime's hook would
# mount it at each start. Both are of one version for as long as this image lives.
if [ "$flavour" = gpu ]; then
  # shellcheck source=/dev/null
  . "$given/host/gpu.sh"
fi

chroot "$image" ldconfig
chroot "$image" /usr/local/bin/python3 -m compileall -q /app
# One photo in the image as it will run: this compiles the graph for this kind of processor, writes what bytecode is
# missing, and lists what a start reads. As root, or the kernel would not tell which pieces of a file were read.
mount -t proc none "$image/proc"
echo 128 >"$read_ahead" # as EC2's disks have it: where a kernel reads ahead 8 MB, every piece of a file looks hot
sed -n 's/^Environment="\(GRAPH_CACHE\|ENGINE\|CUDA_MODULE_LOADING\|PATH\|PYTHON[A-Z]*\)=\(.*\)"$/\1=\2/p' "$given/image.conf" >"$home/environ"
mapfile -t environ <"$home/environ"
install -m 755 -d "$image/data/graphs"
chroot "$image" env -i "${environ[@]}" SANDBOX=auto HOME=/tmp sh -c 'cd /app && python3 -m worker.hot_files --list /tmp/hot-files'
mv "$image/tmp/hot-files" "$home/host/hot-files"
chmod 644 "$home/host/hot-files"
rm -f "$home/environ"
release
trap - EXIT

# --- Network, clock, journal. The clock is the hypervisor's, right to the second at boot; a machine lives hours.
rm -rf /etc/systemd/network/* /etc/netplan /etc/network/interfaces.d
install -m 644 "$given/host/10-firstlight.network" /etc/systemd/network/
rm -f /etc/resolv.conf
printf 'nameserver %s\noptions timeout:1 attempts:3\n' "$resolver" >/etc/resolv.conf
install -d /etc/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\nForwardToSyslog=no\nForwardToWall=no\n' >/etc/systemd/journald.conf.d/firstlight.conf
install -d /etc/systemd/system.conf.d
printf '[Manager]\nCrashReboot=yes\n' >/etc/systemd/system.conf.d/firstlight.conf # a PID 1 that froze would end nothing
: >/etc/machine-id # a new one for each machine, in memory
: >/etc/fstab      # the root stays as it was baked: read-only

# --- What systemd starts: our target alone.
ln -sfn /etc/systemd/system/firstlight.target /etc/systemd/system/default.target
rm -rf /etc/systemd/system/*.wants /etc/systemd/system-generators
install -d /etc/systemd/system-generators
for generator in /lib/systemd/system-generators/*; do # each is a process before the first unit
  [ -e "$generator" ] && ln -sfn /dev/null "/etc/systemd/system-generators/$(basename "$generator")"
done
for unit in systemd-network-generator.service systemd-journal-flush.service systemd-networkd.socket dbus.service dbus.socket \
  systemd-networkd-wait-online.service systemd-udev-settle.service; do
  ln -sfn /dev/null "/etc/systemd/system/$unit"
done

# --- Kernel: Debian's cloud kernel has NVMe and ext4 built in, so it mounts the root by itself, without an initramfs.
kernel=$(find /lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
for builtin in BLK_DEV_NVME EXT4_FS SECURITY_LANDLOCK SECCOMP_FILTER; do
  grep -qx "CONFIG_$builtin=y" "/boot/config-$kernel" || {
    echo "kernel $kernel has no built-in $builtin: choose a base image with linux-image-cloud-amd64" >&2
    exit 1
  }
done
rm -f /boot/initrd.img*
if [ -d /etc/default/grub.d ] || [ -f /etc/default/grub ]; then
  install -d /etc/default/grub.d
  cat >/etc/default/grub.d/99-firstlight.cfg <<'GRUB'
GRUB_TIMEOUT=0
GRUB_RECORDFAIL_TIMEOUT=0
GRUB_DISABLE_LINUX_UUID=true
GRUB_DISABLE_LINUX_PARTUUID=false
GRUB_CMDLINE_LINUX="console=ttyS0 net.ifnames=0"
GRUB_CMDLINE_LINUX_DEFAULT="quiet ro panic=5 systemd.show_status=false"
GRUB
  if command -v update-grub >/dev/null; then update-grub; fi
fi

# --- Nothing of the bake stays behind.
if [ "${#unwanted[@]}" -gt 0 ]; then
  apt-get purge -y -qq "${unwanted[@]}" >/dev/null
fi
apt-get clean
rm -rf /var/lib/apt/lists/* /var/log/* /var/cache/* /var/lib/cloud /etc/ssh /root/.ssh /home/*/.ssh /tmp/* 2>/dev/null || true
passwd -l root >/dev/null
echo "provisioned: $flavour, $(wc -l <"$home/host/hot-files") pieces to read ahead, kernel $kernel, $(du -sh --one-file-system / 2>/dev/null | cut -f1) in all"
