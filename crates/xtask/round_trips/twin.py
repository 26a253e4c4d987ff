"""A network of Lenslet's as a PyTorch module, from its JSON description.

The modules are called as the layers, so that `load_state_dict` takes what
`lenslet export --format torch-safetensors` writes. Pictures have the channels first.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

STEMS = {
    "Conv2D": "conv2d",
    "DepthwiseConv2D": "depthwise_conv2d",
    "SeparableConv2D": "separable_conv2d",
    "MaxPool2D": "max_pooling2d",
    "AveragePool2D": "average_pooling2d",
    "SumPool2D": "sum_pooling2d",
    "GlobalAveragePooling2D": "global_average_pooling2d",
    "BatchNormalization": "batch_normalization",
    "Activation": "activation",
    "Flatten": "flatten",
    "Dense": "dense",
    "Dropout": "dropout",
}


def pair(value):
    return [value, value] if isinstance(value, int) else list(value)


def named(model):
    """The layers with names and inputs, as Lenslet gives them."""
    counts, before, layers = {}, "input_layer", []
    for layer in model["layers"]:
        layer = dict(layer)
        if "name" not in layer:
            stem = STEMS[layer["type"]]
            count = counts.get(stem, 0)
            counts[stem] = count + 1
            layer["name"] = stem if count == 0 else f"{stem}_{count}"
        inputs = layer.get("inputs") or [before]
        layer["inputs"] = [inputs] if isinstance(inputs, str) else inputs
        before = layer["name"]
        layers.append(layer)
    return layers, model.get("output") or before


def same(size, window, stride, dilation):
    """What TensorFlow's `same` puts before and behind an axis."""
    out = -(-size // stride)
    total = max((out - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def activation(choice):
    name, settings = (choice, {}) if isinstance(choice, str) else (choice["name"], choice)
    slope, alpha = settings.get("negative_slope", 0.2), settings.get("alpha", 1.0)
    approximate = "tanh" if settings.get("approximate") else "none"
    return {
        "linear": lambda x: x,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": F.relu,
        "relu6": F.relu6,
        "leaky_relu": lambda x: F.leaky_relu(x, slope),
        "elu": lambda x: F.elu(x, alpha),
        "selu": F.selu,
        "gelu": lambda x: F.gelu(x, approximate=approximate),
        "silu": F.silu,
        "hard_swish": F.hardswish,
        "hard_sigmoid": F.hardsigmoid,
        "softplus": F.softplus,
        "softsign": F.softsign,
        "mish": F.mish,
        "softmax": lambda x: torch.softmax(x, 1),
    }[name]


class Separable(nn.Module):
    def __init__(self, depthwise, pointwise):
        super().__init__()
        self.depthwise, self.pointwise = depthwise, pointwise


class Twin(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.layers, self.last = named(model)
        # Rows and columns that come into each layer.
        self.sizes = {}
        height, width, channels = model["input"]
        example = {"input_layer": torch.zeros(1, channels, height, width)}
        self.eval()
        for layer in self.layers:
            shape = example[layer["inputs"][0]].shape[1:]
            self.sizes[layer["name"]] = tuple(shape[1:])
            module = self.module(layer, shape)
            if module is not None:
                self.add_module(layer["name"], module.eval())
            with torch.no_grad():
                example[layer["name"]] = self.step(layer, [example[i] for i in layer["inputs"]])

    def module(self, layer, shape):
        kind, channels = layer["type"], shape[0]
        bias = layer.get("use_bias", True)
        if kind == "Conv2D":
            size = pair(layer["kernel_size"])
            groups = layer.get("groups", 1)
            return nn.Conv2d(channels, layer["filters"], size, bias=bias, groups=groups)
        if kind == "DepthwiseConv2D":
            wide = channels * layer.get("depth_multiplier", 1)
            return nn.Conv2d(channels, wide, pair(layer["kernel_size"]), bias=bias, groups=channels)
        if kind == "SeparableConv2D":
            wide = channels * layer.get("depth_multiplier", 1)
            size = pair(layer["kernel_size"])
            depthwise = nn.Conv2d(channels, wide, size, bias=False, groups=channels)
            return Separable(depthwise, nn.Conv2d(wide, layer["filters"], 1, bias=bias))
        if kind == "Dense":
            return nn.Linear(channels, layer["units"], bias=bias)
        if kind == "Maxout":
            return nn.Linear(channels, layer["units"] * layer["pieces"], bias=bias)
        if kind == "BatchNormalization":
            norm = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            norm = norm(channels, eps=layer["epsilon"], momentum=1 - layer["momentum"])
            # What Lenslet's layer does without stays as it is.
            norm.weight.requires_grad_(layer.get("scale", True))
            norm.bias.requires_grad_(layer.get("center", True))
            return norm
        if kind == "LayerNormalization":
            return nn.LayerNorm(channels, eps=layer.get("epsilon", 1e-3))
        if kind == "GroupNormalization":
            return nn.GroupNorm(layer["groups"], channels, eps=layer.get("epsilon", 1e-3))
        if kind == "PReLU":
            return nn.PReLU(channels)
        return None

    def step(self, layer, inputs):
        kind, x = layer["type"], inputs[0]
        act = activation(layer.get("activation", "linear"))
        module = getattr(self, layer["name"]) if layer["name"] in self._modules else None
        if kind in ("Conv2D", "DepthwiseConv2D"):
            return act(self.window(layer, x, module))
        if kind == "SeparableConv2D":
            return act(module.pointwise(self.window(layer, x, module.depthwise)))
        if kind == "Dense":
            return act(module(x))
        if kind == "Maxout":
            return module(x).reshape(-1, layer["pieces"], layer["units"]).amax(1)
        if kind == "LayerNormalization" and x.dim() == 4:
            return module(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        if module is not None:
            return module(x)
        if kind in ("MaxPool2D", "AveragePool2D", "SumPool2D"):
            return self.pool(layer, x)
        if kind == "GlobalAveragePooling2D":
            return x.mean((2, 3), keepdim=layer.get("keepdims", False))
        if kind == "ZeroPadding2D":
            (top, bottom), (left, right) = layer["padding"]
            return F.pad(x, (left, right, top, bottom))
        if kind == "Cropping2D":
            (top, bottom), (left, right) = layer["cropping"]
            height, width = self.sizes[layer["name"]]
            return x[:, :, top : height - bottom, left : width - right]
        if kind == "Reshape":
            last = x.permute(0, 2, 3, 1) if x.dim() == 4 else x
            y = last.reshape([-1] + layer["target_shape"])
            return y.permute(0, 3, 1, 2) if y.dim() == 4 else y
        if kind == "Flatten":
            return x.flatten(1)
        if kind == "Rescaling":
            return x * layer["scale"] + layer.get("offset", 0.0)
        if kind == "Add":
            return sum(inputs[1:], inputs[0])
        if kind == "Multiply":
            return math.prod(inputs[1:], start=inputs[0])
        if kind == "Concatenate":
            return torch.cat(inputs, 1)
        if kind == "Activation":
            return act(x)
        if kind == "Softmax":
            return torch.softmax(x, 1)
        if kind == "Dropout":
            return x
        raise NotImplementedError(kind)

    def window(self, layer, x, module):
        stride, dilation = pair(layer.get("strides", 1)), pair(layer.get("dilation_rate", 1))
        if layer.get("padding", "valid") == "same":
            sizes = self.sizes[layer["name"]]
            rows, columns = (
                same(sizes[i], module.kernel_size[i], stride[i], dilation[i]) for i in (0, 1)
            )
            x = F.pad(x, (*columns, *rows))
        weights = module.weight, module.bias
        return F.conv2d(x, *weights, stride=stride, dilation=dilation, groups=module.groups)

    def pool(self, layer, x):
        size = pair(layer["pool_size"])
        stride = pair(layer["strides"]) if layer.get("strides") else size
        ends = False
        if layer.get("padding", "valid") == "same":
            sides = [same(self.sizes[layer["name"]][i], size[i], stride[i], 1) for i in (0, 1)]
            # A border behind alone, which takes no part: windows that are cut off.
            assert all(before == 0 for before, _ in sides), "no such border in PyTorch"
            ends = any(behind > 0 for _, behind in sides)
        if layer["type"] == "MaxPool2D":
            return F.max_pool2d(x, size, stride, ceil_mode=ends)
        mean = F.avg_pool2d(x, size, stride, ceil_mode=ends)
        return mean * (size[0] * size[1]) if layer["type"] == "SumPool2D" else mean

    def forward(self, x):
        values = {"input_layer": x}
        for layer in self.layers:
            values[layer["name"]] = self.step(layer, [values[name] for name in layer["inputs"]])
        return values[self.last]
