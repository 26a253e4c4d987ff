"""The networks, as lists that every Python contestant builds from, and their first weights."""

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


def _conv_norm(filters, window=3, stride=1, then="relu"):
    """Zeros around, as many as the window reaches beyond its middle; no bias; batch normalisation."""
    return ("conv_norm", filters, window, stride, then)


def _basic(filters, stride=1):
    """He et al. 2016, section 4.2; a shortcut to more channels is option A's, without parameters."""
    body = (_conv_norm(filters, 3, stride), _conv_norm(filters, then=None))
    return (("residual", body, filters if stride > 1 else None), ("relu",))


def _bottleneck(channels, filters, expansion, stride):
    """Sandler et al. 2018, table 1."""
    wide = (_conv_norm(channels * expansion, 1, then="relu6"),) if expansion > 1 else ()
    body = (*wide, ("depthwise_norm", 3, stride, "relu6"), _conv_norm(filters, 1, then=None))
    return (("residual", body, None),) if (stride, filters) == (1, channels) else body


def _mobilenet_v2():
    layers, channels = [_conv_norm(32, then="relu6")], 32
    for expansion, filters, blocks, stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 1),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for block in range(blocks):
            layers += _bottleneck(channels, filters, expansion, stride if block == 0 else 1)
            channels = filters
    return (*layers, _conv_norm(1280, 1, then="relu6"), ("mean",), ("dropout", 0.2), ("dense", 10))


# The same as `lenslet models` lists, layer by layer.
RESNET20 = (
    _conv_norm(16),
    *(layer for _ in range(3) for layer in _basic(16)),
    *(layer for filters in (32, 64) for n in range(3) for layer in _basic(filters, 1 if n else 2)),
    ("mean",),
    ("dense", 10),
)
VGG11 = (
    *(
        layer
        for stage in ((64,), (128,), (256, 256), (512, 512), (512, 512))
        for layer in (*(("conv_norm", filters, 3, 1, "relu", "bias") for filters in stage), ("pool",))
    ),
    ("flatten",),
    ("dense", 10),
)
MOBILENET_V2 = _mobilenet_v2()
# The settings of batch normalisation: share of the moving statistics that stays, epsilon.
MOMENTUM, EPSILON = 0.9, 1e-5
PARAMETERS = {
    TUTORIAL: 1_060_138,
    VGG: 1_186_378,
    RESNET20: 269_722,
    VGG11: 9_231_114,
    MOBILENET_V2: 2_236_682,
}
NAMED = {"vgg": VGG, "resnet20": RESNET20, "vgg11": VGG11, "mobilenet_v2": MOBILENET_V2}


def of(work):
    """The network of a work, whose name is KIND-BATCH."""
    return NAMED.get(work.rsplit("-", 1)[0], TUTORIAL)


def weights(network):
    """What training changes, layer by layer, kernels HWIO or in x out: Glorot's kernels and a bias
    where there is no normalisation, else He's kernels, scales of one and shifts of zero."""
    made = _weights(network, np.random.default_rng(1), _Map())
    assert sum(w.size for w in made) == PARAMETERS[network]
    return made


class _Map:
    """The size of what goes from layer to layer."""

    side, channels = 32, 3

    def step(self, stride):
        self.side = -(-self.side // stride)


def _weights(network, random, at):
    made = []
    for kind, *settings in network:
        if kind == "conv":
            filters = settings[0]
            shape = (3, 3, at.channels, filters)
            made += _layer(random, shape, 9 * at.channels, 9 * filters)
            at.channels = filters
        elif kind == "conv_norm":
            filters, window, stride, _, *bias = settings
            made.append(_he(random, (window, window, at.channels, filters)))
            made += [np.zeros(filters, np.float32) for _ in bias]
            made += _norm(filters)
            at.channels = filters
            at.step(stride)
        elif kind == "depthwise_norm":
            window, stride, _ = settings
            made += [_he(random, (window, window, at.channels, 1)), *_norm(at.channels)]
            at.step(stride)
        elif kind == "residual":
            made += _weights(settings[0], random, at)
        elif kind == "pool":
            at.side //= 2
        elif kind in ("flatten", "mean"):
            at.channels *= at.side**2 if kind == "flatten" else 1
        elif kind == "dense":
            made += _layer(random, (at.channels, settings[0]), at.channels, settings[0])
            at.channels = settings[0]
    return made


def _he(random, shape):
    """Normal numbers of He's deviation, by the fan-in that Keras takes."""
    deviation = np.sqrt(2 / np.prod(shape[:3]))
    return random.normal(0, deviation, shape).astype(np.float32)


def _norm(channels):
    return [np.ones(channels, np.float32), np.zeros(channels, np.float32)]


def _layer(random, shape, inputs, outputs):
    limit = np.sqrt(6 / (inputs + outputs))
    kernel = random.uniform(-limit, limit, shape).astype(np.float32)
    return [kernel, np.zeros(shape[-1], np.float32)]
