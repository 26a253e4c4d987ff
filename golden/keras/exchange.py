#!/usr/bin/env python3
"""Writes models as Keras saves them, and what they predict.

    python exchange.py

Output: chain.keras, chain.weights.h5 (a Sequential model), graph.keras (a Functional one), both
compiled and trained a little, and exchange.json beside this script. What differs from day to day is
made the same: times, and the numbers by which Keras calls shared objects. In hdf5/: weights of one
layer in forms of HDF5 that Keras does not write. In fuzz/corpus/keras: what the fuzzer begins with.
"""

import json
import os
import re
import zipfile

import h5py
import numpy as np
from make import HERE, VERSIONS, keras, layers

IMAGES, SIZE = 4, 8
ABOUT = (
    "Probabilities of the models in chain.keras, chain.weights.h5 and graph.keras for 4 images of 8x8x3: "
    "byte i of all of them is (37 i + 11 (i div 7)) mod 256, and the models see a 255th of it."
)


def images():
    i = np.arange(IMAGES * SIZE * SIZE * 3)
    pixels = ((37 * i + 11 * (i // 7)) % 256).astype(np.uint8)
    return pixels.reshape(IMAGES, SIZE, SIZE, 3).astype(np.float32) / np.float32(255)


def chain():
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-4)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_initializer="he_normal"),
        ],
        name="chain",
    )


def graph():
    """Branches made in another order than Keras lists them in, and settings that are objects."""
    input = keras.Input((SIZE, SIZE, 3), name="pictures")
    late = layers.Conv2D(4, 1, padding="same", use_bias=False, name="late")(input)
    x = layers.Conv2D(4, 3, padding="same", activation=layers.LeakyReLU(negative_slope=0.1), name="first")(input)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.DepthwiseConv2D(3, padding="same", activation="silu", depthwise_regularizer="l2")(x)
    x = layers.ReLU(max_value=6)(x)
    x = layers.SeparableConv2D(4, 3, padding="same", name="second")(x)
    x = layers.Add()([x, late])
    x = layers.Concatenate()([layers.PReLU(shared_axes=[1, 2])(x), x])
    x = layers.GlobalAveragePooling2D()(x)
    output = layers.Dense(3, activation="softmax")(x)
    return keras.Model(input, output, name="graph")


def save(model, path):
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(entries["metadata.json"])
    metadata["date_saved"] = "2026-01-01@00:00:00"
    entries["metadata.json"] = json.dumps(metadata).encode()
    config = re.sub(rb'"shared_object_id": \d+', b'"shared_object_id": 1', entries["config.json"])
    entries["config.json"] = config
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def timeless(what):
    """Settings of an object whose header says nothing of when it was made."""
    settings = h5py.h5p.create(what)
    settings.set_obj_track_times(False)
    return settings


def group(parent, name):
    return h5py.Group(h5py.h5g.create(parent.id, name.encode(), gcpl=timeless(h5py.h5p.GROUP_CREATE)))


def forms():
    """Weights of a Dense(2) behind 3 numbers, as HDF5 may have them; most of it is to be refused."""
    kernel, bias = np.arange(6, dtype="f4").reshape(3, 2), np.array([0.5, -1], "f4")

    def numbers(vars, dtype="f4", **options):
        vars.create_dataset("0", data=kernel.astype(dtype), **options)
        vars.create_dataset("1", data=bias.astype(dtype))

    def external_data(vars):
        vars.create_dataset("0", (3, 2), "f4", external=[("elsewhere.bin", 0, 24)])
        vars["1"] = bias

    def virtual(vars):
        space, settings = h5py.h5s.create_simple((3, 2)), timeless(h5py.h5p.DATASET_CREATE)
        settings.set_virtual(space, b"elsewhere.h5", b"kernel", space)
        h5py.h5d.create(vars.id, b"0", h5py.h5t.IEEE_F32LE, space, settings)
        vars["1"] = bias

    def link(vars, to):
        numbers(group(vars.parent, "real"))
        vars["0"], vars["1"] = to, bias

    def compact(vars):
        space = h5py.h5s.create_simple((3, 2))
        settings = timeless(h5py.h5p.DATASET_CREATE)
        settings.set_layout(h5py.h5d.COMPACT)
        h5py.h5d.create(vars.id, b"0", h5py.h5t.IEEE_F32LE, space, settings)
        vars["0"][...] = kernel
        vars["1"] = bias

    def many(vars):
        numbers(vars)
        for i in range(2, 20):
            vars[str(i)] = bias

    return {
        "plain": numbers,
        "half": lambda vars: numbers(vars, "f2"),
        "double": lambda vars: numbers(vars, "f8"),
        "compact": compact,
        "big_endian": lambda vars: numbers(vars, ">f4"),
        "unsigned": lambda vars: numbers(vars, "u4"),
        "chunks": lambda vars: numbers(vars, chunks=(3, 1)),
        "gzip": lambda vars: numbers(vars, compression="gzip"),
        "strings": lambda vars: vars.create_dataset("0", data=["a", "b"]),
        "booleans": lambda vars: numbers(vars, "?"),
        "external_data": external_data,
        "virtual": virtual,
        "soft_link": lambda vars: link(vars, h5py.SoftLink("/layers/dense/real/0")),
        "external_link": lambda vars: link(vars, h5py.ExternalLink("elsewhere.h5", "/kernel")),
        "many": many,
        "loop": lambda vars: vars.__setitem__("0", vars.parent),
    }


def write_forms():
    os.makedirs(os.path.join(HERE, "hdf5"), exist_ok=True)
    # Groups and headers have an old form, which Keras uses, and a new one.
    both = ("plain", "chunks", "soft_link", "external_link", "many", "loop")
    for name, fill in forms().items():
        for libver in ("earliest", "latest") if name in both else ("latest",):
            path = os.path.join(HERE, "hdf5", f"{name}.{libver}.h5")
            access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
            oldest = h5py.h5f.LIBVER_LATEST if libver == "latest" else h5py.h5f.LIBVER_EARLIEST
            access.set_libver_bounds(oldest, h5py.h5f.LIBVER_LATEST)
            made = h5py.h5f.create(path.encode(), h5py.h5f.ACC_TRUNC, timeless(h5py.h5p.FILE_CREATE), access)
            with h5py.File(made) as file:
                fill(group(group(group(file, "layers"), "dense"), "vars"))


def write_corpus():
    """What the fuzzer begins with: an archive, weights, and a description with the weights behind a 0."""
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), layers.Conv2D(2, 3), layers.BatchNormalization(), layers.Flatten(), layers.Dense(2)]
    )
    folder = os.path.join(HERE, "../../fuzz/corpus/keras")
    os.makedirs(folder, exist_ok=True)
    save(model, os.path.join(folder, "small.keras"))
    model.save_weights(os.path.join(folder, "small.weights.h5"))
    with zipfile.ZipFile(os.path.join(folder, "small.keras")) as archive:
        parts = archive.read("config.json") + b"\0" + archive.read("model.weights.h5")
    with zipfile.ZipFile(os.path.join(HERE, "graph.keras")) as archive:
        described = archive.read("config.json") + b"\0" + archive.read("model.weights.h5")
    for name, content in (("small.parts", parts), ("graph.parts", described)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)


def main():
    write_forms()
    x = images()
    predictions = {}
    for make in (chain, graph):
        keras.utils.set_random_seed(7)
        model = make()
        model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, np.arange(IMAGES) % 3, epochs=3, batch_size=2, shuffle=False, verbose=0)
        save(model, os.path.join(HERE, f"{model.name}.keras"))
        if make is chain:
            model.save_weights(os.path.join(HERE, "chain.weights.h5"))
        predictions[model.name] = model.predict(x, verbose=0).astype(float).tolist()
    write_corpus()
    with open(os.path.join(HERE, "exchange.json"), "w") as file:
        json.dump({"about": ABOUT, "versions": VERSIONS, **predictions}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
