"""Writes networks.json: small networks around each layer, as Keras trains and runs them.

    python networks.py

adapted: mean and variance that a Normalization takes from samples of bytes(stream, i) / 255. A case is a model in Lenslet's own JSON, built here in Keras from the same description. Its pixels are bytes(stream, i) / 255, its
weights signed(base + k, i, 0.5) for the k-th weight in Keras's order, layer by layer; moving variances and the like are 0.5 + u instead.
"""

import json
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf
from keras import layers as L
from make import HERE, VERSIONS, exact, short

# Beside this folder: `make` adds the path.
from formula import FORMULA, bits, labels_of, signed, unit

BATCH, CLASSES = 3, 4


def chain(*middle, shape=(6, 5, 2)):
    """The layers between a first convolution and the classes, one after the other."""
    first = dict(type="Conv2D", filters=4, kernel_size=[1, 1], activation="tanh")
    last = [dict(type="Flatten"), dict(type="Dense", units=CLASSES, activation="softmax")]
    return dict(input=list(shape), layers=[first, *middle, *last])


def graph(*middle):
    """Layers with names between a first one, `x`, and the classes."""
    first = dict(name="x", type="Conv2D", filters=4, kernel_size=[1, 1], activation="tanh")
    last = [dict(name="flat", type="Flatten"), dict(name="classes", type="Dense", units=CLASSES, activation="softmax")]
    return dict(input=[6, 5, 2], layers=[first, *middle, *last])


def cases():
    for config in (
        dict(),
        dict(momentum=0.9, epsilon=0.1),
        dict(center=False),
        dict(scale=False, center=False),
    ):
        yield "BatchNormalization", chain(dict(type="BatchNormalization", **config))
    for config in (
        dict(kernel_size=[3, 3]),
        dict(kernel_size=[3, 2], padding="same", depth_multiplier=2),
        dict(kernel_size=[3, 3], strides=[2, 2], padding="same", use_bias=False, activation="relu6"),
        dict(kernel_size=[2, 2], dilation_rate=[2, 2], activation="gelu_tanh"),
    ):
        yield "DepthwiseConv2D", chain(dict(type="DepthwiseConv2D", **config))
    for config in (
        dict(filters=3, kernel_size=[3, 3]),
        dict(filters=5, kernel_size=[3, 3], strides=[2, 2], padding="same", depth_multiplier=2, activation="silu"),
    ):
        yield "SeparableConv2D", chain(dict(type="SeparableConv2D", **config))
    for kind in ("GlobalAveragePooling2D", "GlobalMaxPooling2D"):
        for keepdims in (False, True):
            yield kind, chain(dict(type=kind, keepdims=keepdims))
    yield "ZeroPadding2D", chain(dict(type="ZeroPadding2D", padding=[[1, 2], [0, 3]]))
    # The zeros become the convolution's own.
    yield "ZeroPadding2D", chain(
        dict(type="ZeroPadding2D", padding=[[1, 2], [1, 0]]), dict(type="Conv2D", filters=3, kernel_size=[3, 3], strides=[2, 2])
    )
    yield "Cropping2D", chain(dict(type="Cropping2D", cropping=[[1, 2], [0, 3]]))
    yield "Reshape", chain(dict(type="Reshape", target_shape=[5, -1, 8]), dict(type="Conv2D", filters=2, kernel_size=[2, 2]))
    yield "Rescaling", chain(dict(type="Rescaling", scale=2.0, offset=-0.5))
    yield "Normalization", chain(dict(type="Normalization", mean=[0.1, 0.2, 0.3, 0.4], variance=[0.5, 1.0, 2.0, 0.1]))
    for activation in (
        "relu6 selu gelu_tanh silu hard_silu hard_sigmoid softplus softsign mish exponential".split()
    ):
        yield "Activation", chain(dict(type="Activation", activation=activation))
    for config in (dict(), dict(scale=False), dict(center=False, epsilon=0.1)):
        yield "LayerNormalization", chain(dict(type="LayerNormalization", **config))
        yield "GroupNormalization", chain(dict(type="GroupNormalization", groups=2, **config))
    yield "GroupNormalization", chain(dict(type="GroupNormalization", groups=-1))
    for config in (dict(), dict(shared_axes=[1]), dict(shared_axes=[1, 2]), dict(shared_axes=[1, 2, 3])):
        yield "PReLU", chain(dict(type="PReLU", **config))
    penalty = dict(l1=0.01, l2=0.1)
    yield "penalties", chain(
        dict(
            type="Conv2D", filters=3, kernel_size=[2, 2], kernel_regularizer=penalty, bias_regularizer=penalty, activity_regularizer=penalty
        ),
        dict(type="BatchNormalization", gamma_regularizer=penalty, beta_regularizer=penalty),
        dict(type="Flatten"),
        dict(type="Dense", units=5, kernel_regularizer=penalty, activity_regularizer=dict(l2=0.2)),
    )
    conv = dict(type="Conv2D", filters=4, kernel_size=[3, 3], padding="same")
    yield "Add", dict(
        input=[6, 5, 4],
        layers=[
            dict(name="a", **conv),
            dict(name="b", type="BatchNormalization"),
            dict(name="c", type="Activation", activation="relu"),
            dict(name="d", **conv),
            dict(name="e", type="Add", inputs=["d", "b", "input_layer"]),
            dict(name="f", type="Concatenate", inputs=["e", "c", "a"]),
            dict(name="g", type="Multiply", inputs=["f", "f"]),
            dict(name="h", type="Flatten"),
            dict(name="i", type="Dense", units=CLASSES, activation="softmax"),
        ],
    )
    yield "Activation", chain(dict(type="Activation", activation="gelu"))
    for config in (
        dict(filters=6, kernel_size=[3, 3], padding="same", groups=2),
        dict(filters=2, kernel_size=[3, 2], strides=[2, 2], padding="same", groups=2, use_bias=False, activation="relu"),
        dict(filters=4, kernel_size=[3, 3], groups=4),
        dict(filters=8, kernel_size=[2, 2], groups=4, dilation_rate=[2, 2]),
    ):
        yield "Conv2D", chain(dict(type="Conv2D", **config))
    for axis in ([2, 3], [1, 2, 3]):
        yield "Softmax", chain(dict(type="Softmax", axis=axis))
        yield "LayerNormalization", chain(dict(type="LayerNormalization", axis=axis))
    for axis in (-1, [], [1, 2, 3]):
        yield "Normalization", chain(dict(type="Normalization", axis=axis))
    for shared in ([3], [2], [1, 3]):
        yield "PReLU", chain(dict(type="PReLU", shared_axes=shared))
    # Repeated values: one number a channel, a pixel, a row.
    yield "Multiply", graph(
        dict(name="s", type="GlobalAveragePooling2D", keepdims=True),
        dict(name="t", type="Conv2D", filters=4, kernel_size=[1, 1], activation="sigmoid"),
        dict(name="y", type="Multiply", inputs=["x", "t"]),
    )
    yield "Add", graph(
        dict(name="s", type="GlobalMaxPooling2D"),
        dict(name="t", type="Conv2D", filters=1, kernel_size=[1, 1], inputs=["x"]),
        dict(name="u", type="Add", inputs=["s", "x", "t"]),
        dict(name="v", type="AveragePooling2D", pool_size=[1, 5], inputs=["u"]),
        dict(name="y", type="Multiply", inputs=["v", "u", "s"]),
    )
    for axis in (1, -2):
        yield "Concatenate", graph(
            dict(name="t", type="MaxPooling2D", pool_size=[1, 1]), dict(name="y", type="Concatenate", axis=axis, inputs=["t", "x"])
        )


def ours(model):
    """The description with Lenslet's names for what Keras calls otherwise."""
    text = json.dumps(model)
    text = text.replace('"gelu_tanh"', '{"name": "gelu", "approximate": true}').replace('"hard_silu"', '"hard_swish"')
    return json.loads(text)


def layer_of(config):
    config = dict(config)
    kind = config.pop("type")
    config.pop("inputs", None)
    for key, value in config.items():
        if key.endswith("_regularizer"):
            config[key] = keras.regularizers.L1L2(**value)
        elif value == "gelu_tanh":
            config[key] = lambda x: keras.activations.gelu(x, approximate=True)
        elif key in ("padding", "cropping") and not isinstance(value, str):
            config[key] = tuple(map(tuple, value))
        elif isinstance(value, list):
            config[key] = tuple(value) or None  # no axis at all is None to Keras
    return getattr(L, kind)(**config)


def build(description):
    start = last = keras.Input(tuple(description["input"]))
    results = {"input_layer": start}
    made = []
    for config in description["layers"]:
        layer = layer_of(config)
        inputs = [results[name] for name in config.get("inputs", [])] or last
        last = layer(inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else inputs)
        results[config.get("name")] = last
        made.append(layer)
    return keras.Model(start, last), made


def fill(layers, base):
    k = 0
    trained = []
    for layer in layers:
        for weight in layer.weights:
            shape = tuple(weight.shape)
            spread = "variance" in weight.name
            weight.assign(unit(base + k, shape) + np.float32(0.5) if spread else signed(base + k, shape, 0.5))
            trained += [weight] if weight.trainable else []
            k += 1
        if isinstance(layer, L.Normalization):
            layer.finalize_state()  # it computes with what it finds there
    return trained


def run(n, name, description):
    base = 50_000 + 100 * n
    model, made = build(description)
    trained = fill(made, base)
    count = BATCH * int(np.prod(description["input"]))
    pixels = (bits(base + 90, count) >> np.uint64(56)).astype(np.float32) / np.float32(255)
    pixels = pixels.reshape([BATCH, *description["input"]])
    labels = labels_of(base + 91, BATCH, CLASSES)
    outputs = model(pixels, training=False)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy()
    with tf.GradientTape() as tape:
        loss = cross_entropy(labels, model(pixels, training=True)) + sum(model.losses)
    gradients = tape.gradient(loss, [w.value for w in trained])
    frozen = [w for layer in made for w in layer.weights if not w.trainable and w.name != "count"]
    return {
        "name": f"{n}-{name}",
        "model": ours(description),
        "base": base,
        "outputs": short(outputs),
        "loss": exact(loss),
        "gradients": [short(g) for g in gradients],
        "moved": [short(w.numpy()) for w in frozen],
    }


def adapted(n, axis):
    """What a layer takes from data."""
    shape, stream = (7, 4, 3, 2), 49_000 + n
    pixels = (bits(stream, int(np.prod(shape))) >> np.uint64(56)).astype(np.float32) / np.float32(255)
    layer = L.Normalization(axis=tuple(axis) if axis else None)
    layer.adapt(pixels.reshape(shape))
    mean, variance = (short(w.numpy()) for w in layer.weights[:2])
    return {"axis": axis, "shape": list(shape), "stream": stream, "mean": mean, "variance": variance}


all_adapted = ",\n  ".join(json.dumps(adapted(*case), separators=(",", ":")) for case in enumerate([[-1], [], [1, 2, 3]]))
all_cases = [run(n, *case) for n, case in enumerate(cases())]
lines = ",\n  ".join(json.dumps(case, allow_nan=False, separators=(",", ":")) for case in all_cases)
about = " ".join(__doc__.split("\n\n")[-1].split())
with open(os.path.join(HERE, "networks.json"), "w") as f:
    f.write(f'{{\n "about": {json.dumps(about)},\n "versions": {json.dumps(VERSIONS)},\n "formula": {json.dumps(FORMULA)},\n "cases": [\n  {lines}\n ],\n "adapted": [\n  {all_adapted}\n ]\n}}\n')
print(len(all_cases), "cases")
