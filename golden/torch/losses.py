"""Writes losses.json: the losses that PyTorch has, and their gradients.

    python losses.py

In the form of ../keras/losses.json. loss: as Lenslet describes it; activation: Keras's, between input and loss; targets: class indices,
or a row of numbers for each sample; value: of the mean over the samples; gradient: its, with respect to the input. PyTorch's own mean
divides by the weights of the classes, Keras's by the number of samples: the latter is here. Focal losses are not in PyTorch.
"""

import numpy as np
import torch
from common import labels_of, signed, tensor_of, unit, write
from torch.nn import functional as F

BATCH, CLASSES, BASE = 3, 5, 91_000
WEIGHTS = [0.5, 1.0, 2.0, 0.25, 1.5]


def shares(stream):
    rows = unit(stream, (BATCH, CLASSES))
    return rows / rows.sum(1, keepdims=True)


def many(stream):
    return (unit(stream, (BATCH, CLASSES)) < 0.5).astype(np.float32)


def cases():
    """(Lenslet's loss, last activation, kind of targets, PyTorch's loss of each sample)"""
    weights = torch.tensor(WEIGHTS)
    for smoothing in (0.0, 0.1):
        smooth = dict(label_smoothing=smoothing) if smoothing else {}

        def cross_entropy(x, y, weight=None, smooth=smooth):
            return F.cross_entropy(x, y, weight, reduction="none", **smooth)

        def binary(x, y, smoothing=smoothing):
            y = y * (1 - smoothing) + smoothing / 2
            return F.binary_cross_entropy_with_logits(x, y, reduction="none").mean(1)

        def logits(name, **more):
            return dict(name=name, from_logits=True, **smooth, **more)

        yield logits("sparse_categorical_crossentropy"), None, "labels", cross_entropy
        yield logits("categorical_crossentropy"), None, "labels", cross_entropy
        yield logits("categorical_crossentropy"), None, "shares", cross_entropy
        yield logits("binary_crossentropy"), None, "many", binary
        of_softmax = dict(name="sparse_categorical_crossentropy", from_logits=False, **smooth)
        yield of_softmax, "softmax", "labels", cross_entropy
        yield dict(name="binary_crossentropy", from_logits=False, **smooth), "sigmoid", "many", binary
    # With smoothing PyTorch weighs each class of the smoothed row, Keras the sample.
    weighed = dict(name="sparse_categorical_crossentropy", from_logits=True, class_weights=WEIGHTS)
    yield weighed, None, "labels", lambda x, y: F.cross_entropy(x, y, weights, reduction="none")
    yield dict(name="mean_squared_error"), None, "shares", lambda x, y: F.mse_loss(x, y, reduction="none").mean(1)
    yield dict(name="mean_squared_error"), "softmax", "labels", of_squares


def of_squares(x, y):
    return F.mse_loss(torch.softmax(x, 1), F.one_hot(y, CLASSES).float(), reduction="none").mean(1)


def run(n, loss, activation, targets, function):
    stream = BASE + 10 * n
    x = torch.from_numpy(signed(stream, (BATCH, CLASSES), 2.0)).requires_grad_()
    draws = {"labels": lambda: labels_of(stream + 1, BATCH, CLASSES), "shares": lambda: shares(stream + 1), "many": lambda: many(stream + 1)}
    y = draws[targets]()
    value = function(x, torch.from_numpy(y)).mean()
    (gradient,) = torch.autograd.grad(value, x)
    given = {"labels": y.tolist()} if targets == "labels" else {"rows": tensor_of(torch.from_numpy(y))["values"]}
    return {
        "loss": loss,
        "activation": activation,
        "targets": given,
        "input": tensor_of(x),
        "value": float(value.detach()),
        "gradient": tensor_of(gradient),
    }


np.seterr(over="ignore")  # the formula wraps
torch.set_num_threads(1)
write("losses.json", __doc__, [run(n, *case) for n, case in enumerate(cases())], key="all")
