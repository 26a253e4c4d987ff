"""Models that go to Keras 3, and models that come from it.

Keras runs on TensorFlow: on PyTorch its AveragePooling2D with padding="same" counts the padding, too.
"""

import json
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

# What Keras does not have, so that its export must be refused, and named.
REFUSED = {"flat": "(Maxout): Keras has no such layer", "functions": "(Conv2D): Keras has no activation"}


def load(path):
    """Safe mode refuses code; a model of built-in layers has none."""
    return keras.models.load_model(path, safe_mode=True)


def predict(model, x):
    return model.predict(x, batch_size=64, verbose=0)


def to_keras(trip, name, run, expected, images):
    """Lenslet's model in Keras, with its input as numbers and as bytes."""
    for flags in [[], ["--bytes"]]:
        path = trip.work / name / f"model{''.join(flags)}.keras"
        words = ["export", run, "--format", "keras", *flags, "--out", path]
        if name in REFUSED:
            trip.refuses(REFUSED[name], *words)
            continue
        trip.lenslet(*words)
        model = load(path)
        x = images if flags else images.astype(np.float32) / 255
        trip.compare(f"Keras, {path.name}", expected, predict(model, x))
        again = trip.imported(name, path, f"again{''.join(flags)}")
        trip.compare(f"imported again, {path.name}", expected, trip.ours(again))
        if not flags:
            from_keras(trip, name, model, x)


def from_keras(trip, name, model, x):
    """The model, after Keras has trained it, as an archive and as weights alone."""
    trained(model, x)
    expected = predict(model, x)
    folder = trip.work / name
    model.save(folder / "trained.keras")
    model.save_weights(folder / "trained.weights.h5")
    run = trip.imported(name, folder / "trained.keras", "from-keras")
    trip.compare("imported from .keras", expected, trip.ours(run))
    description = folder / "trained.toml"
    description.write_text(toml(json.loads((run / "model.json").read_text())["model"]))
    run = trip.imported(name, folder / "trained.weights.h5", "from-h5", "--model", description)
    trip.compare("imported from .weights.h5", expected, trip.ours(run))


def trained(model, x):
    """A few steps, so that nothing is as Lenslet left it, moving statistics included."""
    keras.utils.set_random_seed(3)
    labels = np.random.randint(0, 10, len(x))
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:128], labels[:128], batch_size=32, verbose=0)


def value(it):
    if isinstance(it, dict):
        return "{ " + ", ".join(f"{key} = {value(part)}" for key, part in it.items()) + " }"
    if isinstance(it, list):
        return "[" + ", ".join(map(value, it)) + "]"
    return json.dumps(it)


def toml(model):
    """A description as a model file."""
    lines = [f"{key} = {value(it)}" for key, it in model.items() if key != "layers"]
    for layer in model["layers"]:
        lines += ["", "[[layers]]"] + [f"{key} = {value(it)}" for key, it in layer.items()]
    return "\n".join(lines) + "\n"


def tutorial(size):
    """The network of TensorFlow's tutorial on images, with what keeps it from learning by heart."""
    l2 = keras.regularizers.L2(1e-4)
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            layers.Conv2D(32, 3, activation="relu", kernel_regularizer=l2),
            layers.MaxPooling2D(),
            layers.SpatialDropout2D(0.1),
            layers.Conv2D(64, 3, activation="relu", kernel_regularizer=keras.regularizers.L1L2(1e-6, 1e-4)),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu", kernel_initializer="he_normal"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(64, activation="relu", bias_regularizer="l2", activity_regularizer="l1"),
            layers.Dense(10, activation="softmax"),
        ],
        name="tutorial",
    )


def residual(size):
    """Blocks with shortcuts; branches are made in another order than Keras lists them in."""

    def block(x, filters, strides):
        shortcut = layers.Conv2D(filters, 1, strides=strides, use_bias=False)(x)
        shortcut = layers.BatchNormalization(momentum=0.9)(shortcut)
        y = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
        y = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(y)
        y = layers.Activation("silu")(y)
        y = layers.SeparableConv2D(filters, 3, padding="same", depth_multiplier=2)(y)
        y = layers.GroupNormalization(4)(y)
        return layers.ReLU(max_value=6)(layers.Add()([y, shortcut]))

    input = keras.Input((size, size, 3), name="pictures")
    x = layers.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.04, 0.09, 0.01])(input)
    x = layers.ZeroPadding2D(((0, 1), (1, 0)))(x)
    x = layers.Conv2D(8, 3, strides=2, activation=layers.LeakyReLU(negative_slope=0.1))(x)
    x = block(x, 16, 1)
    y = layers.PReLU(shared_axes=[1, 2])(block(x, 16, 2))
    z = layers.AveragePooling2D(2, padding="same")(layers.LayerNormalization()(x))
    x = layers.Concatenate()([y, z, layers.Multiply()([y, z])])
    x = layers.GlobalAveragePooling2D()(block(x, 24, 2))
    output = layers.Softmax()(layers.Dense(10)(layers.ELU(0.5)(x)))
    return keras.Model(input, output, name="residual")


# Networks that are built in Keras.
BUILT = {"tutorial": tutorial, "residual": residual}


def built(trip, name, images):
    x = images.astype(np.float32) / 255
    from_keras(trip, name, BUILT[name](images.shape[1]), x)
