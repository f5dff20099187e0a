"""Take out of installed packages what this program never opens: `python slim.py PREFIX`.

Each removal has its reason. A pattern that matches nothing in a package that is there ends the build: it is stale.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

AWS_SERVICES = ("dynamodb", "ec2", "s3", "service-quotas", "sqs", "sts")  # sts: roles that tokens stand for, too

NOT_NEEDED: dict[str, dict[str, str]] = {  # package → what of it → why it goes
    "openvino": {
        "libs/libopenvino_intel_gpu_plugin.so": "Intel's GPUs; we compute on the CPU",
        "libs/libopenvino_intel_npu_plugin*.so": "Intel's NPUs",
        "libs/cache.json": "tuning of the GPU plugin",
        "libs/libopenvino_onnx_frontend.so*": "reads models of other makers; ours is built call by call",
        "libs/libopenvino_tensorflow_frontend.so*": "as above",
        "libs/libopenvino_tensorflow_lite_frontend.so*": "as above",
        "libs/libopenvino_pytorch_frontend.so*": "as above",
        "libs/libopenvino_paddle_frontend.so*": "as above",
        "libs/libopenvino_jax_frontend.so*": "as above",
        "libs/libopenvino_gguf_frontend.so*": "as above",
        "libs/libopenvino_auto_plugin.so": "chooses among devices; there is one",
        "libs/libopenvino_auto_batch_plugin.so": "collects requests of many clients; there is one",
        "libs/libopenvino_hetero_plugin.so": "shares a network among devices",
        "libs/libopenvino_c.so*": "for programs in C",
        "frontend/onnx": "reads models of other makers",
        "frontend/tensorflow": "as above",
        "frontend/pytorch": "as above",
        "frontend/paddle": "as above",
        "frontend/jax": "as above",
        "include": "for compilers",
        "cmake": "for compilers",
        "tools": "converts and measures models",
        "torch": "torch.compile on OpenVINO",
    },
    "cv2": {
        "**/*.pyi": "for type checkers",
    },
    "numpy": {
        "**/tests": "its tests",
        "_core/include": "for compilers",
        "_core/lib": "for compilers",
        "f2py": "wraps Fortran",
        "random/lib": "for compilers",
        "distutils": "builds packages",
        "_core/*_tests.*.so": "its tests",
        "_core/_simd.*.so": "its tests",
        "**/*.pyi": "for type checkers",
    },
    "PIL": {
        "_imagingft.*": "draws text",
        "_imagingtk.*": "windows",
        "**/*.pyi": "for type checkers",
    },
    "rawpy": {
        "libraw_r.so": "a copy of libraw_r.so.25: a wheel holds no links",
        "libraw_r.so.*.*": "as above",
    },
    "torch": {
        "include": "for compilers",
        "share": "for compilers",
        "test": "its tests",
        "bin/*[tT]est*": "its tests",
        "bin/protoc*": "for compilers",
    },
}
BESIDE = {  # package → files of its own beside it that go with the above
    "PIL": ("pillow.libs/libfreetype-*", "pillow.libs/libharfbuzz-*", "pillow.libs/libbrotli*"),
}
UNSEEN = ("torch",)  # its CUDA wheel was never opened where this was written: what is not there is no error


class Stale(Exception):
    """A pattern matches nothing; take it out of the table or write it anew."""


def main(prefix: str) -> None:
    for packages in Path(prefix).glob("lib*/python3*/site-packages"):
        for name, patterns in NOT_NEEDED.items():
            if (packages / name).is_dir():
                for pattern in patterns:
                    _remove(packages / name, pattern)
                for pattern in BESIDE.get(name, ()):
                    _remove(packages, pattern)
        if (packages / "botocore").is_dir():
            _keep_services(packages / "botocore" / "data")
    for folder in ("share", "include"):
        shutil.rmtree(Path(prefix) / folder, ignore_errors=True)


def _remove(folder: Path, pattern: str) -> None:
    found = list(folder.glob(pattern))
    if not found and folder.name not in UNSEEN:
        raise Stale(f"{folder.name}/{pattern} is not there any more: take it out of docker/slim.py")
    for each in found:
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink(missing_ok=True)


def _keep_services(data: Path) -> None:
    """Of 400 descriptions of services those we speak to; the files beside them tell endpoints and retries of all."""
    for each in data.iterdir():
        if each.is_dir() and each.name not in AWS_SERVICES:
            shutil.rmtree(each)


if __name__ == "__main__":
    main(sys.argv[1])
