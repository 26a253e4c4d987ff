"""What the works need before they start: pictures, a trained run, a saved model, a picture file."""

import shutil
import struct
import zlib
from functools import cached_property
from pathlib import Path

from . import children, environments, programs
from .failure import note

PYTHON = Path(__file__).parent.parent / "python"
RECORD = 1 + 3 * 32 * 32
TRAIN = [f"data_batch_{i}.bin" for i in range(1, 6)]
# Pictures of each file in the small copy: 300 steps of batch 10, and validation.
SMALL = {**dict.fromkeys(TRAIN, 600), "test_batch.bin": 1000}
# Seconds that preparing may take.
LIMIT = 1800


class Prepared:
    """Made when first asked for; below `--home`."""

    def __init__(self, args):
        self.args = args
        self.folder = args.home / "prepared"
        self.folder.mkdir(parents=True, exist_ok=True)

    @cached_property
    def full(self):
        """The folder with all pictures."""
        if self.args.data:
            return self.args.data.resolve()
        folder = self.folder / "built-in-pictures"
        if not (folder / "test_batch.bin").is_file():
            note("drawing the built-in pictures")
            self._run(programs.program(self.args.home, "pictures"), folder)
        return folder

    @cached_property
    def small(self):
        """The same, but few."""
        folder = self.folder / "small"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, count in SMALL.items():
            with open(self.full / name, "rb") as whole:
                (folder / name).write_bytes(whole.read(count * RECORD))
        return folder

    @property
    def data(self):
        """What steps, epochs and predictions read."""
        return self.small if self.args.smoke else self.full

    @property
    def predicted(self):
        """How many pictures a prediction goes through."""
        return (self.data / "test_batch.bin").stat().st_size // RECORD

    @cached_property
    def trained_run(self):
        """A run's folder of `lenslet train`."""
        folder = self.folder / "run"
        shutil.rmtree(folder, ignore_errors=True)
        self._run(*train(self.args, self.small, folder))
        return folder

    @cached_property
    def keras_model(self):
        """A file of Keras with the same network, trained as long."""
        file = self.folder / "model.keras"
        note("saving a model of Keras")
        python = environments.require(self.args.home, "tensorflow")
        self._run(python, PYTHON / "keras_save.py", self.small, file)
        return file

    @cached_property
    def picture(self):
        """The first test picture as a PNG file."""
        file = self.folder / "picture.png"
        planes = (self.small / "test_batch.bin").read_bytes()[1:RECORD]
        file.write_bytes(png(planes))
        return file

    def _run(self, *command):
        return children.run(command, self.args.threads, LIMIT)


def train(args, data, out):
    """The command that trains the tutorial for an epoch."""
    lenslet = programs.program(args.home, "lenslet")
    return (
        lenslet,
        "train",
        "cifar10",
        "--data",
        data,
        "--epochs",
        1,
        "--out",
        out,
        "--threads",
        args.threads,
        "--quiet",
    )


def png(planes):
    """Red, green and blue planes of 32x32 as the smallest PNG that says it."""
    rows = []
    for y in range(32):
        row = slice(32 * y, 32 * y + 32)
        pixels = zip(planes[:1024][row], planes[1024:2048][row], planes[2048:][row])
        rows.append(b"\0" + bytes(byte for pixel in pixels for byte in pixel))

    def chunk(kind, body):
        checked = kind + body
        return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(rows))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )
