"""The two networks, as lists that every Python contestant builds from, and their first weights."""

import numpy as np

# Convolutions are 3x3, "same", with ReLU; every dense layer but the last has ReLU.
TUTORIAL = (
    ("conv", 32),
    ("conv", 32),
    ("pool",),
    ("dropout", 0.5),
    ("flatten",),
    ("dense", 128),
    ("dense", 10),
)
VGG = (
    ("conv", 64),
    ("conv", 64),
    ("pool",),
    ("conv", 128),
    ("conv", 128),
    ("pool",),
    ("conv", 256),
    ("conv", 256),
    ("pool",),
    ("flatten",),
    ("dense", 10),
)
PARAMETERS = {TUTORIAL: 1_060_138, VGG: 1_186_378}


def of(work):
    """The network of a work."""
    return VGG if work.startswith("vgg") else TUTORIAL


def weights(network):
    """A kernel (HWIO, or in x out) and a bias for each layer that has them: Glorot's, Keras's."""
    random = np.random.default_rng(1)
    side, channels, elements = 32, 3, None
    made = []
    for kind, *numbers in network:
        if kind == "conv":
            made += _layer(random, (3, 3, channels, numbers[0]), 9 * channels, 9 * numbers[0])
            channels = numbers[0]
        elif kind == "pool":
            side //= 2
        elif kind == "flatten":
            elements = side * side * channels
        elif kind == "dense":
            made += _layer(random, (elements, numbers[0]), elements, numbers[0])
            elements = numbers[0]
    assert sum(w.size for w in made) == PARAMETERS[network]
    return made


def _layer(random, shape, inputs, outputs):
    limit = np.sqrt(6 / (inputs + outputs))
    kernel = random.uniform(-limit, limit, shape).astype(np.float32)
    return [kernel, np.zeros(shape[-1], np.float32)]
