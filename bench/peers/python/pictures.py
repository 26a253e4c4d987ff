"""Reads pictures in the layout of CIFAR-10's binary files."""

from pathlib import Path

import numpy as np

TRAIN = [f"data_batch_{i}.bin" for i in range(1, 6)]
TEST = ["test_batch.bin"]
RECORD = 1 + 3 * 32 * 32


def read(folder, names):
    """Bytes, NHWC, and labels of all records of the files."""
    records = [np.fromfile(Path(folder) / name, np.uint8).reshape(-1, RECORD) for name in names]
    records = np.concatenate(records)
    pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pixels), records[:, 0].astype(np.int64)


def numbers(pixels):
    """What networks read: 0 to 1."""
    return pixels.astype(np.float32) / 255


def batches(folder, work, size):
    """The batches of a work, made before any clock runs: (pictures NHWC 0 to 1, labels) each.

    Training goes through whole batches of the first file, prediction through all pictures of the
    test file; its last batch may be smaller.
    """
    training = not work.startswith("predict")
    pixels, labels = read(folder, TRAIN[:1] if training else TEST)
    end = len(labels) // size * size if training else len(labels)
    starts = range(0, end, size)
    return [(numbers(pixels[i : i + size]), labels[i : i + size]) for i in starts]
