"""The worker of 2021 as it started: PyTorch, clients, a pickled checkpoint fetched from the store, then one photo.

`python -m bench.old_worker BUCKET QUEUE [--whole]` says `ready`, and `done` after the first photo. Its system shrank
photos to 512 pixels; `--whole` keeps their size, as ours does. `--save FILE` writes a checkpoint.
Only what every such worker must do is here: it is no slower than it was.
"""

from __future__ import annotations

import argparse
import io
import sys

SIDE = 512
CHECKPOINT = "checkpoint.pth"


def save(file: str) -> None:
    """The old network with random weights, pickled as it was."""
    import torch  # noqa: PLC0415

    from bench.old_network import build  # noqa: PLC0415

    torch.save({"epoch": 4000, "state_dict": build().state_dict()}, file)


def main() -> int:
    """Start, do one photo, end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bucket", nargs="?")
    parser.add_argument("queue", nargs="?")
    parser.add_argument("--whole", action="store_true", help="keep the photo's size")
    parser.add_argument("--save", metavar="FILE")
    chosen = parser.parse_args()
    if chosen.save:
        save(chosen.save)
        return 0

    import boto3  # noqa: PLC0415 — as a script of its time, at the top
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    from bench.old_network import OldNetwork  # noqa: PLC0415

    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    file = io.BytesIO()
    s3.download_fileobj(chosen.bucket, CHECKPOINT, file)
    file.seek(0)
    network = OldNetwork()
    network.load_state_dict(torch.load(file, weights_only=False)["state_dict"])  # unpickles, as it did
    network.eval()
    print("ready", flush=True)

    (message,) = sqs.receive_message(QueueUrl=chosen.queue, WaitTimeSeconds=20)["Messages"]
    photo = io.BytesIO(s3.get_object(Bucket=chosen.bucket, Key=message["Body"])["Body"].read())
    picture = Image.open(photo).convert("RGB")
    if not chosen.whole:
        picture.thumbnail((SIDE, SIDE))
    picture = picture.crop((0, 0, picture.width // 32 * 32, picture.height // 32 * 32))  # its edges went too
    # Three planes at half the size go in, twelve come out and are shuffled: one output pixel for each of the photo.
    half = torch.from_numpy(np.asarray(picture, np.float32)).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        bright = network(torch.nn.functional.avg_pool2d(half, 2))
    codes = (bright[0].permute(1, 2, 0).clamp(0, 1) * 255).byte().numpy()
    out = io.BytesIO()
    Image.fromarray(codes).save(out, "JPEG", quality=95)
    s3.put_object(Bucket=chosen.bucket, Key=f"out/{message['Body']}", Body=out.getvalue())
    sqs.delete_message(QueueUrl=chosen.queue, ReceiptHandle=message["ReceiptHandle"])
    print("done", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
