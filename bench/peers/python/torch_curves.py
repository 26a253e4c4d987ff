"""PyTorch trains what Lenslet's `curves` trained, from the same weights, on the same batches.

    torch_curves.py NETWORK PICTURES FOLDER LEARNING_RATE BATCH LAYOUT

Reads weights.f32 and order.u32 in the folder, and writes torch-LAYOUT.csv (the loss of each step) and torch-LAYOUT-end.csv (on
the test pictures, after the last). LAYOUT is contiguous or channels-last: the same arithmetic, other roundings.
"""

import sys
from pathlib import Path

import networks
import numpy as np
import pictures
import torch
import torch_networks
from torch import nn

name, data, folder, rate, batch, layout = sys.argv[1:]
folder, rate, batch = Path(folder), float(rate), int(batch)
memory = {"contiguous": torch.contiguous_format, "channels-last": torch.channels_last}[layout]
torch.set_flush_denormal(True)

network = networks.NAMED[name]
flat = np.fromfile(folder / "weights.f32", np.float32)
weights, at = [], 0
for like in networks.weights(network):
    weights.append(flat[at : at + like.size].reshape(like.shape))
    at += like.size
assert at == flat.size
model = torch_networks.build(network, weights).to(memory_format=memory)
order = np.fromfile(folder / "order.u32", np.uint32)
pixels, labels = pictures.read(data, pictures.TRAIN)


def tensors(pixels, labels):
    x = pictures.numbers(pixels).transpose(0, 3, 1, 2)
    return torch.from_numpy(x).contiguous(memory_format=memory), torch.from_numpy(labels)


optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
with open(folder / f"torch-{layout}.csv", "w") as losses:
    losses.write("step,loss\n")
    for step, indices in enumerate(order.reshape(-1, batch), 1):
        x, y = tensors(pixels[indices], labels[indices])
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        losses.write(f"{step},{loss.item()}\n")
        losses.flush()

model.eval()
pixels, labels = pictures.read(data, pictures.TEST)
total, right = 0.0, 0
with torch.no_grad():
    for start in range(0, len(labels), 500):
        x, y = tensors(pixels[start : start + 500], labels[start : start + 500])
        outputs = model(x)
        total += nn.functional.cross_entropy(outputs, y, reduction="sum").item()
        right += (outputs.argmax(1) == y).sum().item()
with open(folder / f"torch-{layout}-end.csv", "w") as end:
    end.write(f"loss,accuracy\n{total / len(labels)},{right / len(labels)}\n")
