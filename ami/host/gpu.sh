# shellcheck shell=bash
# Sourced by provision.sh for FLAVOUR=gpu, on a machine that has a GPU: NVIDIA's driver on the host, its user half in the
# unpacked image. Never run yet; what each line rests on is in ami/README.md.
# shellcheck disable=SC2154 # image and given are provision.sh's
driver=${NVIDIA_DRIVER:-580} # the least for CUDA 13, which torch brings
kernel=$(find /lib/modules -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
no_gpu() { echo "gpu.sh: $1" >&2; exit 1; }

keyring=cuda-keyring_1.1-1_all.deb
apt-get install -y -qq --no-install-recommends ca-certificates curl >/dev/null
curl -fsSLo "/tmp/$keyring" "https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/$keyring"
dpkg -i "/tmp/$keyring" >/dev/null
sed -i '/^Components:/ { /contrib/! s/$/ contrib/ }' /etc/apt/sources.list.d/*.sources # some of its dependencies lie there
apt-get update -qq
# The pin first, or a newer branch comes in; headers of this kernel, or dkms builds nothing and says nothing.
apt-get install -y -qq --no-install-recommends "nvidia-driver-pinning-$driver" dkms "linux-headers-$kernel" >/dev/null
apt-get install -y -qq --no-install-recommends nvidia-kernel-open-dkms nvidia-driver-cuda nvidia-persistenced nvidia-modprobe >/dev/null
version=$(modinfo -k "$kernel" -F version nvidia) || no_gpu "dkms built no module for kernel $kernel: see /var/lib/dkms/nvidia/*/build/make.log"
compgen -G "/lib/firmware/nvidia/$version/gsp_*.bin" >/dev/null || no_gpu "the firmware of driver $version is missing: the open module needs it"

# The libraries of the driver that CUDA programs open by name, those of NVIDIA's own cuda-compat package; torch brings the
# rest of CUDA. What a branch has not, its libcuda does not ask for; the first three are asked for by every one.
for library in libcuda.so.1 libnvidia-ml.so.1 libnvidia-ptxjitcompiler.so.1 libnvidia-nvvm.so.4 libnvidia-nvvm70.so.4 \
  "libnvidia-gpucomp.so.$version" "libnvidia-tileiras.so.$version"; do
  found=$(ldconfig -p | awk -v name="$library" '$1 == name && /x86-64/ { print $NF; exit }')
  if [ -n "$found" ]; then
    install -m 644 "$(realpath "$found")" "$image/usr/lib/x86_64-linux-gnu/$(basename "$(realpath "$found")")"
  else
    case $library in libcuda* | libnvidia-ml* | libnvidia-ptx*) no_gpu "$library is missing: NVIDIA's packages have changed" ;; esac
  fi
done
install -m 755 "$(command -v nvidia-smi)" "$image/usr/bin/"
chroot "$image" ldconfig

install -m 644 "$given/host/gpu/firstlight-gpu.service" /etc/systemd/system/
install -m 644 "$given/host/gpu/gpu.conf" /etc/systemd/system/firstlight-worker.service.d/

# The driver is tried before the image is made, and the first photo runs on the GPU: its libraries are hot files, too.
[ "$(uname -r)" = "$kernel" ] || no_gpu "kernel $kernel is installed and $(uname -r) runs: bake from a newer base image"
modprobe nvidia
modprobe nvidia-uvm
nvidia-modprobe -c 0 -u
mount --bind /dev "$image/dev"
chroot "$image" nvidia-smi -L
