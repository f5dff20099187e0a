"""Compiles graphs beforehand, for an image: `python -m model.baking FOLDER [4000x3000 …]`.

They serve machines whose processor can do the same as this one's; others compile their own.
"""

import argparse
import sys
from pathlib import Path

from model.openvino_engine import OpenVinoEngine
from model.weights import NETWORKS, load_weights

SIZES = ("4000x3000", "4032x3024", "6000x4000")


def main(arguments: list[str] | None = None) -> int:
    """For JPEGs of these sizes, both ways round, by the default network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what GRAPH_CACHE will name")
    parser.add_argument("sizes", nargs="*", default=SIZES, help="of photos, as 4000x3000")
    parser.add_argument("--threads", type=int, help="as ENGINE_THREADS will say, if it will")
    chosen = parser.parse_args(arguments)
    weights = load_weights(NETWORKS["default"])
    engine = OpenVinoEngine(weights, reason="to bake", threads=chosen.threads, graphs=chosen.folder)
    for size in chosen.sizes:
        width, height = (int(side) for side in size.split("x"))
        engine.expect("rgb", width, height, depth_in=8, depth_out=8)
        engine.expect("rgb", height, width, depth_in=8, depth_out=8)
    print(f"{len(list(chosen.folder.glob('*.graph')))} graphs lie in {chosen.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
