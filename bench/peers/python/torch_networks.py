"""The networks as PyTorch's modules."""

import networks
import numpy as np
import torch
from torch import nn


class Residual(nn.Module):
    """What the layers make of the input, and the input: of it, where that has fewer channels, every
    second pixel between zeros (He et al. 2016, option A)."""

    def __init__(self, body, missing):
        super().__init__()
        self.body, self.missing = body, missing

    def forward(self, x):
        y = self.body(x)
        if self.missing:
            half = self.missing // 2
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, half))
        return x + y


class Mean(nn.Module):
    """The mean of each channel."""

    def forward(self, x):
        return x.mean((2, 3))


def build(network, weights=None):
    """The network, from these weights, or from those that all Python contestants start from."""
    weights = networks.weights(network) if weights is None else weights
    builder = Builder(iter(weights))
    model = builder.sequence(network, last=True)
    assert next(builder.weights, None) is None
    return model


class Builder:
    def __init__(self, weights):
        self.weights, self.side, self.channels = weights, 32, 3

    def sequence(self, network, last=False):
        layers = []
        for index, (kind, *settings) in enumerate(network):
            layers += getattr(self, kind)(*settings)
            if kind == "dense" and not (last and index + 1 == len(network)):
                layers.append(nn.ReLU())
        return nn.Sequential(*layers)

    def conv(self, filters):
        layer = nn.Conv2d(self.channels, filters, 3, padding="same")
        self.channels = filters
        self._load(layer, self._filters(), next(self.weights))
        return [layer, nn.ReLU()]

    def conv_norm(self, filters, window, stride, then, bias=None):
        bias = bias is not None
        layer = nn.Conv2d(self.channels, filters, window, stride, window // 2, bias=bias)
        self.channels = filters
        self._load(layer, self._filters(), next(self.weights) if bias else None)
        return [layer, self._norm(), *self._activation(then)]

    def depthwise_norm(self, window, stride, then):
        groups = self.channels
        layer = nn.Conv2d(groups, groups, window, stride, window // 2, groups=groups, bias=False)
        self._load(layer, np.transpose(next(self.weights), (2, 3, 0, 1)), None)
        return [layer, self._norm(), *self._activation(then)]

    def residual(self, body, filters):
        before = self.channels
        return [Residual(self.sequence(body), filters - before if filters else 0)]

    def relu(self):
        return [nn.ReLU()]

    def pool(self):
        return [nn.MaxPool2d(2)]

    def dropout(self, rate):
        return [nn.Dropout(rate)]

    def mean(self):
        return [Mean()]

    def flatten(self):
        return [nn.Flatten()]

    def dense(self, units):
        kernel = next(self.weights)
        layer = nn.Linear(kernel.shape[0], units)
        self._load(layer, kernel.T, next(self.weights))
        return [layer]

    def _activation(self, name):
        return {"relu": [nn.ReLU()], "relu6": [nn.ReLU6()], None: []}[name]

    def _filters(self):
        return np.transpose(next(self.weights), (3, 2, 0, 1))

    def _norm(self):
        layer = nn.BatchNorm2d(self.channels, networks.EPSILON, 1 - networks.MOMENTUM)
        self._load(layer, next(self.weights), next(self.weights))
        return layer

    def _load(self, layer, weight, bias):
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
            if bias is not None:
                layer.bias.copy_(torch.from_numpy(bias))
