"""PyTorch: eager, with channels last, and compiled (with channels last)."""

import contest
import networks
import numpy as np
import pictures
import torch
from torch import nn

args = contest.arguments(("eager", "channels-last", "compiled"))
torch.set_num_threads(args.threads)
torch.set_flush_denormal(True)
layout = torch.contiguous_format if args.mode == "eager" else torch.channels_last


def build(network):
    """The network as a module, with the weights that all Python contestants start from."""
    weights = iter(networks.weights(network))
    layers, side, channels, elements = [], 32, 3, None
    for index, (kind, *numbers) in enumerate(network):
        if kind == "conv":
            layers += [nn.Conv2d(channels, numbers[0], 3, padding="same"), nn.ReLU()]
            load(layers[-2], np.transpose(next(weights), (3, 2, 0, 1)), next(weights))
            channels = numbers[0]
        elif kind == "pool":
            layers.append(nn.MaxPool2d(2))
            side //= 2
        elif kind == "dropout":
            layers.append(nn.Dropout(numbers[0]))
        elif kind == "flatten":
            layers.append(nn.Flatten())
            elements = side * side * channels
        elif kind == "dense":
            layers.append(nn.Linear(elements, numbers[0]))
            load(layers[-1], next(weights).T, next(weights))
            elements = numbers[0]
            if index + 1 < len(network):
                layers.append(nn.ReLU())
    return nn.Sequential(*layers)


def load(layer, weight, bias):
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
        layer.bias.copy_(torch.from_numpy(bias))


def compiled(function):
    return torch.compile(function, dynamic=False) if args.mode == "compiled" else function


model = build(networks.of(args.work)).to(memory_format=layout)
batches = [
    (
        torch.from_numpy(x.transpose(0, 3, 1, 2)).contiguous(memory_format=layout),
        torch.from_numpy(y),
    )
    for x, y in pictures.batches(args.data, args.work, args.batch)
]

if args.training:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, eps=1e-7, fused=True)
    loss_of = compiled(lambda x, y: nn.functional.cross_entropy(model(x), y))

    def step(index):
        loss = loss_of(*batches[index % len(batches)])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

else:
    model.eval()
    if args.mode == "compiled":
        # Weights that never change may be laid out for the kernels while compiling.
        import torch._inductor.config

        torch._inductor.config.freezing = True
    outputs_of = compiled(lambda x: torch.softmax(model(x), 1))

    def step(_):
        # Freezing asks for no_grad; it refuses inference_mode.
        with torch.no_grad():
            for x, _ in batches:
                outputs_of(x)


contest.report(args, torch.__version__, contest.measure(args, step))
