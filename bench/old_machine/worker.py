"""The old worker as its author's repositories describe it, to be timed: everything first, then the queue.

    import torch ─▶ clients ─▶ checkpoint from the store, unpickled ─▶ queue ─▶ photo ─▶ 512 px network ─▶ store

Runs in a container on the old machine. It says on its output what it has reached.
"""

from __future__ import annotations

import io
import os
import sys
import time


def say(words: str) -> None:
    print(f"old: {words}", flush=True)


def main() -> int:
    say("python")
    import boto3  # noqa: PLC0415 — the order is what is measured
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    from bench.old_network import build  # noqa: PLC0415

    say("torch imported")
    bucket, queue = os.environ["BUCKET"], os.environ["QUEUE"]
    store, line = boto3.client("s3"), boto3.client("sqs")
    network = build()
    checkpoint = io.BytesIO(store.get_object(Bucket=bucket, Key="checkpoint.pth")["Body"].read())
    network.load_state_dict(torch.load(checkpoint, weights_only=False))
    network.eval()
    say("weights loaded")
    while True:
        got = line.receive_message(QueueUrl=queue, MaxNumberOfMessages=1, WaitTimeSeconds=5).get("Messages", [])
        if not got:
            time.sleep(1.0)
            continue
        key = got[0]["Body"]
        photo = Image.open(io.BytesIO(store.get_object(Bucket=bucket, Key=f"in/{key}")["Body"].read())).convert("RGB")
        photo.thumbnail((512, 512))
        codes = np.asarray(photo.resize((256, 256)), np.float32) / 255
        with torch.inference_mode():
            bright = network(torch.from_numpy(codes.transpose(2, 0, 1)[None]) * 6)[0]
        picture = Image.fromarray((bright.clamp(0, 1).numpy().transpose(1, 2, 0) * 255).astype(np.uint8))
        file = io.BytesIO()
        picture.save(file, "png")
        store.put_object(Bucket=bucket, Key=f"out/{key}", Body=file.getvalue())
        line.delete_message(QueueUrl=queue, ReceiptHandle=got[0]["ReceiptHandle"])
        say("first result")


if __name__ == "__main__":
    sys.exit(main())
