# shellcheck shell=bash
# Sourced by provision.sh for FLAVOUR=gpu: NVIDIA's driver on the host, its user half in the unpacked image.
# Not tried on a GPU yet; what each line rests on is in ami/README.md.
# shellcheck disable=SC2154 # image and given are provision.sh's
driver=${NVIDIA_DRIVER:-580}
kernel=$(find /lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
keyring=cuda-keyring_1.1-1_all.deb
curl -fsSLo "/tmp/$keyring" "https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/$keyring"
dpkg -i "/tmp/$keyring" >/dev/null
sed -i 's/^Components: main$/Components: main contrib/' /etc/apt/sources.list.d/*.sources 2>/dev/null || true
apt-get update -qq
apt-get install -y -qq "nvidia-driver-pinning-$driver" "linux-headers-$kernel" >/dev/null
apt-get install -y -qq --no-install-recommends nvidia-driver-cuda nvidia-kernel-open-dkms nvidia-persistenced nvidia-modprobe >/dev/null
modinfo -k "$kernel" nvidia >/dev/null || { echo "NVIDIA's module was not built for kernel $kernel: see dkms's log above" >&2; exit 1; }

# The libraries that CUDA programs open by name; torch brings the rest of CUDA itself.
for library in libcuda.so.1 libnvidia-ml.so.1 libnvidia-ptxjitcompiler.so.1 libnvidia-nvvm.so.4 libnvidia-gpucomp.so; do
  found=$(ldconfig -p | awk -v name="$library" 'index($1, name) == 1 && /x86-64/ { print $NF; exit }')
  if [ -z "$found" ]; then
    case $library in
      libcuda* | libnvidia-ml* | libnvidia-ptx*) echo "$library is missing: NVIDIA's packages have changed" >&2; exit 1 ;;
    esac
    continue # only some driver versions have it
  fi
  install -m 644 "$(realpath "$found")" "$image/usr/lib/x86_64-linux-gnu/$(basename "$found")"
done
install -m 755 /usr/bin/nvidia-smi "$image/usr/bin/"
chroot "$image" ldconfig

install -m 644 "$given/host/gpu/firstlight-gpu.service" /etc/systemd/system/
install -m 644 "$given/host/gpu/gpu.conf" /etc/systemd/system/firstlight-worker.service.d/
