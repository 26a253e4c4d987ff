"""Writes networks.json: small networks around layers that PyTorch has too, as it trains and runs them.

    python networks.py

A case is a model in Lenslet's own JSON, and its inputs come by ../formula.py: pixels are bytes(stream, i) / 255, the
k-th weight signed(base + k, i, 0.5), layer by layer, in Keras's shapes; moving variances are 0.5 + u. moved: the moving means alone, for
PyTorch's moving variance follows the sample's, n / (n - 1) times the batch's.
"""

import numpy as np
import torch
from common import bits, labels_of, signed, tensor_of, unit, write
from torch.nn import functional as F

BATCH, CLASSES = 3, 4
SHAPE = (6, 5, 2)


class Weights:
    """The weights of a case, in turn: parameters in Keras's shapes."""

    def __init__(self, base):
        self.base, self.count, self.trained = base, 0, []

    def next(self, *shape, trained=True, variance=False):
        stream = self.base + self.count
        self.count += 1
        tensor = torch.from_numpy(unit(stream, shape) + np.float32(0.5) if variance else signed(stream, shape, 0.5))
        if trained:
            self.trained.append(tensor.requires_grad_())
        return tensor


def activate(name, x):
    return {
        None: lambda x: x,
        "relu": F.relu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "relu6": F.relu6,
        "selu": F.selu,
        "elu": F.elu,
        "gelu": F.gelu,
        "silu": F.silu,
        "hard_swish": F.hardswish,
        "hard_sigmoid": F.hardsigmoid,
        "softplus": F.softplus,
        "softsign": F.softsign,
        "mish": F.mish,
    }[name](x)


def layer(config, weights, x):
    """A function of (x NCHW, training), and the moving means that it has."""
    config = dict(config)
    kind = config.pop("type")
    channels = x.shape[1]
    if kind in ("Conv2D", "DepthwiseConv2D"):
        depthwise = kind == "DepthwiseConv2D"
        h, w = config["kernel_size"]
        groups = channels if depthwise else config.get("groups", 1)
        filters = channels * config.get("depth_multiplier", 1) if depthwise else config["filters"]
        kernel = weights.next(h, w, channels, filters // channels) if depthwise else weights.next(h, w, channels // groups, filters)
        bias = weights.next(filters) if config.get("use_bias", True) else None
        stride, dilation = config.get("strides", (1, 1)), config.get("dilation_rate", (1, 1))
        # "same" with an odd window and stride 1: as many zeros on all sides.
        around = tuple(d * (k // 2) for d, k in zip(dilation, (h, w))) if config.get("padding") == "same" else 0

        def run(x, training):
            k = kernel.permute(2, 3, 0, 1).reshape(filters, 1, h, w) if depthwise else kernel.permute(3, 2, 0, 1)
            return activate(config.get("activation"), F.conv2d(x, k, bias, tuple(stride), around, tuple(dilation), groups))

        return run, []
    if kind == "BatchNormalization":
        gamma, beta = weights.next(channels), weights.next(channels)
        mean, variance = weights.next(channels, trained=False), weights.next(channels, trained=False, variance=True)
        moving = mean.clone()
        keep, epsilon = config.get("momentum", 0.99), config.get("epsilon", 1e-3)

        def run(x, training):
            if training:
                return F.batch_norm(x, moving, variance.clone(), gamma, beta, True, 1 - keep, epsilon)
            return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, epsilon)

        return run, [moving]
    if kind == "GroupNormalization":
        gamma, beta = weights.next(channels), weights.next(channels)
        groups = channels if config["groups"] == -1 else config["groups"]
        return lambda x, training: F.group_norm(x, groups, gamma, beta, 1e-3), []
    if kind == "LayerNormalization":
        axes = config.get("axis", [3])
        shape = [(x.shape[2], x.shape[3], channels)[axis - 1] for axis in axes]
        gamma, beta = weights.next(*shape), weights.next(*shape)
        return lambda x, training: F.layer_norm(x.permute(0, 2, 3, 1), shape, gamma, beta, 1e-3).permute(0, 3, 1, 2), []
    if kind == "PReLU":
        alpha = weights.next(1, 1, channels)
        return lambda x, training: F.prelu(x, alpha.reshape(-1)), []
    size = tuple(config.get("pool_size", (2, 2)))
    stride = tuple(config.get("strides", size))
    plain = {
        "MaxPool2D": lambda x: F.max_pool2d(x, size, stride),
        "AveragePool2D": lambda x: F.avg_pool2d(x, size, stride),
        "GlobalAveragePooling2D": lambda x: x.mean((2, 3), keepdim=True),
        "GlobalMaxPooling2D": lambda x: x.amax((2, 3), keepdim=True),
        "ZeroPadding2D": lambda x: F.pad(x, [*config["padding"][1], *config["padding"][0]]),
        "Activation": lambda x: activate(config["activation"], x),
    }[kind]
    return lambda x, training: plain(x), []


def cases():
    for config in (
        dict(filters=6, kernel_size=[3, 3], padding="same", groups=2),
        dict(filters=2, kernel_size=[3, 2], strides=[2, 2], groups=2, use_bias=False, activation="relu"),
        dict(filters=4, kernel_size=[3, 3], groups=4),
        dict(filters=8, kernel_size=[2, 2], groups=4, dilation_rate=[2, 2]),
        dict(filters=5, kernel_size=[3, 3], padding="same", activation="tanh"),
        dict(filters=5, kernel_size=[3, 2], strides=[2, 1]),
        dict(filters=3, kernel_size=[3, 3], padding="same", dilation_rate=[2, 2]),
    ):
        yield dict(type="Conv2D", **config)
    for config in (
        dict(kernel_size=[3, 3], padding="same"),
        dict(kernel_size=[3, 2], strides=[2, 2], depth_multiplier=2, use_bias=False),
    ):
        yield dict(type="DepthwiseConv2D", **config)
    yield dict(type="BatchNormalization")
    yield dict(type="BatchNormalization", momentum=0.9, epsilon=0.1)
    yield dict(type="GroupNormalization", groups=2)
    yield dict(type="GroupNormalization", groups=-1)
    yield dict(type="LayerNormalization")
    yield dict(type="LayerNormalization", axis=[1, 2, 3])
    yield dict(type="PReLU", shared_axes=[1, 2])
    for kind in ("MaxPool2D", "AveragePool2D"):
        yield dict(type=kind)
        yield dict(type=kind, pool_size=[3, 2], strides=[1, 2])
    for kind in ("GlobalAveragePooling2D", "GlobalMaxPooling2D"):
        yield dict(type=kind, keepdims=True)
    yield dict(type="ZeroPadding2D", padding=[[1, 2], [0, 3]])
    for name in "relu tanh sigmoid relu6 selu elu gelu silu hard_swish hard_sigmoid softplus softsign mish".split():
        yield dict(type="Activation", activation=name)


def run(n, config):
    base = 80_000 + 100 * n
    first = dict(type="Conv2D", filters=4, kernel_size=[1, 1], activation="tanh")
    last = [dict(type="Flatten"), dict(type="Dense", units=CLASSES, activation="softmax")]
    model = dict(input=list(SHAPE), layers=[first, config, *last])
    pixels = (bits(base + 90, BATCH * int(np.prod(SHAPE))) >> np.uint64(56)).astype(np.float32) / np.float32(255)
    x = torch.from_numpy(pixels.reshape(BATCH, *SHAPE).transpose(0, 3, 1, 2).copy())
    labels = torch.from_numpy(labels_of(base + 91, BATCH, CLASSES))
    weights, moved, y, functions = Weights(base), [], x, []
    for description in (first, config):
        function, moving = layer(description, weights, y)
        functions.append(function)
        moved += moving
        with torch.no_grad():
            y = function(y, False)
    features = y[0].numel()
    kernel, bias = weights.next(features, CLASSES), weights.next(CLASSES)

    def scores(training):
        y = x
        for function in functions:
            y = function(y, training)
        return y.permute(0, 2, 3, 1).reshape(BATCH, -1) @ kernel + bias

    with torch.no_grad():
        outputs = torch.softmax(scores(False), 1)
    loss = F.cross_entropy(scores(True), labels)
    gradients = torch.autograd.grad(loss, weights.trained)
    return {
        "name": f"{n}-{config['type']}",
        "model": model,
        "base": base,
        "outputs": tensor_of(outputs),
        "loss": float(loss.detach()),
        "gradients": [tensor_of(g) for g in gradients],
        "moved": [tensor_of(m) for m in moved],
    }


np.seterr(over="ignore")  # the formula wraps
torch.set_num_threads(1)
write("networks.json", __doc__, [run(n, config) for n, config in enumerate(cases())])
