"""The tutorial as its readers write it in Keras."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras  # noqa: E402
import pictures  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402


def version():
    return f"{keras.__version__}, TensorFlow {tf.__version__}"


def threads(count):
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)


def data(folder):
    """Training and test pictures with their labels."""
    x, y = pictures.read(folder, pictures.TRAIN)
    xt, yt = pictures.read(folder, pictures.TEST)
    return (pictures.numbers(x), y), (pictures.numbers(xt), yt)


def model():
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, (3, 3), padding="same", activation="relu"),
            layers.Conv2D(32, (3, 3), padding="same", activation="relu"),
            layers.MaxPool2D((2, 2)),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    assert network.count_params() == 1_060_138
    network.compile(
        optimizer=keras.optimizers.Adam(),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network
