"""What the scripts here share: the formula, and how a file is written."""

import json
import os
import sys

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))
from formula import bits, labels_of, signed, unit  # noqa: E402, F401


def values(tensor):
    """Each the shortest decimal that reads back as the same float32."""
    found = [float(np.format_float_scientific(v, unique=True)) for v in tensor.detach().numpy().ravel()]
    return [int(v) if v == 0 else v for v in found]


def tensor_of(tensor):
    return {"shape": list(tensor.shape), "values": values(tensor)}


def write(name, doc, cases, key="cases"):
    """Writes the cases, a line each; the last paragraph of the script's words says what they are."""
    lines = ",\n  ".join(json.dumps(case, separators=(",", ":")) for case in cases)
    about = " ".join(doc.split("\n\n")[-1].split())
    versions = json.dumps({"torch": torch.__version__, "numpy": np.__version__})
    with open(os.path.join(HERE, name), "w") as f:
        f.write(f'{{\n "about": {json.dumps(about)},\n "versions": {versions},\n "{key}": [\n  {lines}\n ]\n}}\n')
