#!/usr/bin/env python3
"""Writes the golden values that Lenslet's tests compare with: what Keras computes.

    pip install -r requirements.txt && python make.py [layers] [optimizers] [schedules] [losses] [metrics] [tutorial]

Output: layers.json, optimizers.json, schedules.json, losses.json, metrics.json, tutorial.json beside this script.
Everything that goes in (weights, images, labels, gradients) comes from ../formula.py.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf
from keras import layers

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.dirname(HERE))
from formula import FORMULA, bits, labels_of, signed, unit

VERSIONS = {"tensorflow": tf.__version__, "keras": keras.__version__, "numpy": np.__version__}

# ---------------------------------------------------------------------------------------------
# Writing


def short(a):
    """A float32 tensor as its shape and values, each the shortest decimal (at most 9 digits) that reads back as the same float32."""
    a = np.asarray(a)
    assert a.dtype == np.float32 and np.isfinite(a).all(), a
    values = [float(np.format_float_scientific(v, unique=True)) for v in a.ravel()]
    return {"shape": list(a.shape), "values": [int(v) if v == 0 else v for v in values]}


def exact(a):
    """float32 or float64 numbers in full (as float64)."""
    return np.asarray(a).astype(np.float64).tolist()


def write(name, about, lists):
    """`lists`: key -> list, written one entry a line, or any other value, written on one line."""
    parts = [f'"about": {json.dumps(about)}', f'"versions": {json.dumps(VERSIONS)}', f'"formula": {json.dumps(FORMULA)}']
    for key, value in lists.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines = ",\n  ".join(json.dumps(v, allow_nan=False, separators=(",", ":")) for v in value)
            parts.append(f'"{key}": [\n  {lines}\n ]')
        else:
            parts.append(f'"{key}": {json.dumps(value, allow_nan=False)}')
    path = os.path.join(HERE, name)
    text = "{\n " + ",\n ".join(parts) + "\n}\n"
    json.loads(text)
    with open(path, "w") as f:
        f.write(text)
    print(f"{name}: {len(text)} bytes")


# ---------------------------------------------------------------------------------------------
# Layers


def layer_cases():
    """(layer class, config with Keras's names, input shape, input scale)"""
    image = (2, 7, 5, 2)
    conv = [
        dict(filters=3, kernel_size=[3, 3], strides=[1, 1], padding="same"),
        dict(filters=3, kernel_size=[3, 3], strides=[1, 1], padding="valid"),
        dict(filters=3, kernel_size=[3, 3], strides=[2, 2], padding="same"),
        dict(filters=3, kernel_size=[3, 3], strides=[2, 2], padding="valid"),
        dict(filters=2, kernel_size=[3, 3], strides=[2, 1], padding="same"),
        dict(filters=2, kernel_size=[3, 3], strides=[2, 1], padding="valid"),
        dict(filters=2, kernel_size=[3, 3], strides=[1, 1], padding="same", dilation_rate=[2, 2]),
        dict(filters=2, kernel_size=[3, 3], strides=[1, 1], padding="valid", dilation_rate=[2, 2]),
        dict(filters=3, kernel_size=[1, 1], strides=[1, 1], padding="same"),
        dict(filters=3, kernel_size=[1, 1], strides=[2, 2], padding="valid"),
        dict(filters=2, kernel_size=[3, 2], strides=[1, 1], padding="same"),
        dict(filters=2, kernel_size=[3, 2], strides=[1, 1], padding="valid"),
        dict(filters=2, kernel_size=[3, 2], strides=[2, 2], padding="same"),
        dict(filters=2, kernel_size=[3, 2], strides=[2, 1], padding="valid"),
        dict(filters=2, kernel_size=[5, 5], strides=[1, 1], padding="same"),
        dict(filters=2, kernel_size=[5, 5], strides=[2, 2], padding="same"),
        dict(filters=2, kernel_size=[5, 5], strides=[1, 1], padding="valid"),
        dict(filters=3, kernel_size=[3, 3], strides=[1, 1], padding="same", use_bias=False),
        dict(filters=3, kernel_size=[3, 3], strides=[1, 1], padding="same", activation="relu"),
        dict(filters=3, kernel_size=[3, 3], strides=[2, 2], padding="same", activation="relu", use_bias=False),
    ]
    for c in conv:
        yield "Conv2D", c, image, 1
    # An even size: "same" with stride 2 then pads the far side only.
    yield "Conv2D", dict(filters=2, kernel_size=[3, 3], strides=[2, 2], padding="same"), (2, 6, 4, 2), 1

    for kind in ("MaxPooling2D", "AveragePooling2D"):
        for pool in ([2, 2], [3, 3], [3, 2]):
            for strides in (None, [1, 1], [2, 2]):
                if pool == [2, 2] and strides == [2, 2]:
                    strides = [2, 1]  # [2, 2] is what None means there
                for padding in ("valid", "same"):
                    yield kind, dict(pool_size=pool, strides=strides, padding=padding), image, 1
        yield kind, dict(pool_size=[2, 2], strides=None, padding="valid"), (2, 6, 4, 2), 1

    yield "Dense", dict(units=4), (2, 5), 1
    yield "Dense", dict(units=4, use_bias=False), (2, 5), 1
    yield "Dense", dict(units=4, activation="relu"), (2, 5), 1
    yield "Dense", dict(units=3, activation="softmax"), (2, 5), 1
    yield "Dense", dict(units=3), (2, 3, 4), 1

    # A wider range than [-1, 1): saturation shows.
    for activation in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "softmax"):
        yield "Activation", dict(activation=activation), (2, 9), 8
    yield "Activation", dict(activation="softmax"), (2, 3, 5), 8
    yield "Activation", dict(activation="softmax"), (2, 5), 256
    yield "LeakyReLU", dict(negative_slope=0.3), (2, 9), 8
    yield "LeakyReLU", dict(negative_slope=0.1), (2, 9), 8
    yield "ReLU", dict(), (2, 9), 8
    yield "ELU", dict(alpha=0.5), (2, 9), 8
    yield "Softmax", dict(), (2, 9), 8
    yield "Flatten", dict(), (2, 3, 4, 2), 1


def make_layers():
    cases = []
    for n, (kind, config, shape, scale) in enumerate(layer_cases()):
        # A case's streams: base for the input, then one for each weight; base + 9 for r.
        base = 10_000 + 10 * n
        layer = getattr(layers, kind)(**config)
        x = tf.constant(signed(base, shape, scale))
        layer.build(shape)
        layer.set_weights([signed(base + 1 + k, tuple(w.shape)) for k, w in enumerate(layer.weights)])
        weights = [w.value for w in layer.weights]
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
            r = signed(base + 9, tuple(y.shape))
            total = tf.reduce_sum(y * r)
        dx, *dw = tape.gradient(total, [x] + weights)
        cases.append(
            {
                "name": f"{n}-{kind}",
                "layer": kind,
                "config": config,
                "input": {"shape": list(shape), "stream": base, "scale": scale},
                "weights": [
                    {"name": w.name, "shape": list(w.shape), "stream": base + 1 + k} for k, w in enumerate(layer.weights)
                ],
                "r_stream": base + 9,
                "output": short(y),
                "input_gradient": short(dx),
                "weight_gradients": [short(g) for g in dw],
            }
        )
    write(
        "layers.json",
        "One Keras layer a case, float32. input = signed(input.stream, i, input.scale); each weight = signed(stream, i, 1), the bias "
        "too; r = signed(r_stream, i, 1) in the output's shape. output = layer(input); the gradients are those of sum(output * r). "
        "A config key that is absent has Keras's default (use_bias true, dilation 1, no activation); strides null: the pool size. "
        "Tensors: shape and flat values, shortest decimals that read back as the same float32.",
        {"cases": cases},
    )


# ---------------------------------------------------------------------------------------------
# Optimisers

STEPS = 20
# Two tensors: what looks at a whole tensor, or at all of them, shows.
TENSORS = [(5, 4), (3,)]
# Settings that every optimiser has, by the name that a test finds them under.
AROUND = [
    dict(weight_decay=0.05),
    dict(clipnorm=0.5),
    dict(clipvalue=0.25),
    dict(global_clipnorm=0.5),
    dict(use_ema=True, ema_momentum=0.9),
    dict(use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=4),
    dict(gradient_accumulation_steps=3),
    dict(gradient_accumulation_steps=3, clipnorm=0.25, weight_decay=0.05, use_ema=True, ema_momentum=0.9),
]


def optimizer_cases():
    """(Keras's class, config, scale of the gradients)"""
    tiny = 2.0**-23  # gradients of about 1e-7, where epsilon matters
    yield "Adam", {}, 1.0
    yield "Adam", dict(learning_rate=0.01, beta_1=0.8), 1.0
    yield "Adam", {}, tiny
    yield "Adam", dict(amsgrad=True, beta_2=0.5), 1.0
    yield "AdamW", {}, 1.0
    yield "AdamW", dict(learning_rate=0.05, weight_decay=0.2), 1.0
    yield "SGD", {}, 1.0
    yield "SGD", dict(learning_rate=0.1), 1.0
    yield "SGD", dict(learning_rate=0.1, momentum=0.9), 1.0
    yield "SGD", dict(learning_rate=0.1, momentum=0.9, nesterov=True), 1.0
    yield "RMSprop", {}, 1.0
    yield "RMSprop", dict(learning_rate=0.01, rho=0.5), tiny
    yield "RMSprop", dict(momentum=0.9), 1.0
    yield "RMSprop", dict(centered=True), 1.0
    yield "RMSprop", dict(centered=True, momentum=0.5, rho=0.8), 1.0
    yield "Adagrad", {}, 1.0
    yield "Adagrad", dict(learning_rate=0.1, initial_accumulator_value=0.0), 1.0
    yield "Nadam", {}, 1.0
    yield "Nadam", dict(learning_rate=0.01, beta_1=0.8, beta_2=0.9), 1.0
    yield "Lion", {}, 1.0
    yield "Lion", dict(learning_rate=0.01, beta_1=0.5, beta_2=0.8), 1.0
    yield "Lamb", {}, 1.0
    yield "Lamb", dict(learning_rate=0.05, weight_decay=0.1), 1.0
    yield "Muon", {}, 1.0
    yield "Muon", dict(learning_rate=0.02, nesterov=False, ns_steps=3, rms_rate=0.5, momentum=0.8), 1.0
    for around in AROUND:
        for kind in ("Adam", "SGD", "RMSprop", "Lion", "Lamb", "Muon"):
            yield kind, around, 1.0


def make_optimizers():
    cases = []
    for kind, config, scale in optimizer_cases():
        more = {}
        if kind == "Muon" and "weight_decay" in config:
            more["adam_weight_decay"] = config["weight_decay"]  # Lenslet has one decay for both
        optimizer = getattr(keras.optimizers, kind)(**config, **more)
        # Keras decays everything; Lenslet by default no biases, so its test says that it should.
        variables = [keras.Variable(signed(4000 + 100 * t, shape)) for t, shape in enumerate(TENSORS)]
        optimizer.build(variables)
        after = []
        for step in range(1, STEPS + 1):
            gradients = [tf.constant(signed(4000 + 100 * t + step, shape, scale)) for t, shape in enumerate(TENSORS)]
            optimizer.apply(gradients, variables)
            if step in (1, 2, 3, 5, 8, 13, STEPS):
                after.append([step, *(short(v.numpy())["values"] for v in variables)])
        optimizer.finalize_variable_values(variables)
        finished = [short(v.numpy())["values"] for v in variables]
        cases.append({"optimizer": kind, "config": config, "gradient_scale": scale, "after": after, "finished": finished})
    write(
        "optimizers.json",
        "Two float32 parameter tensors, a 5 x 4 matrix and a vector of 3 (tensor t = 0, 1), that start at signed(4000 + 100 t, i, 1); the "
        "gradients of step 1..20 are signed(4000 + 100 t + step, i, gradient_scale). config: what differs from Keras's defaults. "
        "after: [step, tensor 0, tensor 1] after some of the steps; finished: both after finalize_variable_values. Shortest decimals that "
        "read back as the same float32.",
        {"cases": cases},
    )


# ---------------------------------------------------------------------------------------------
# Schedules


def make_schedules():
    k = keras.optimizers.schedules
    # Lenslet's description, its learning rate, Keras's schedule.
    pairs = [
        (dict(name="exponential", decay_steps=10, decay_rate=0.5), 0.1, k.ExponentialDecay(0.1, 10, 0.5)),
        (
            dict(name="exponential", decay_steps=7, decay_rate=0.9, staircase=True),
            0.01,
            k.ExponentialDecay(0.01, 7, 0.9, staircase=True),
        ),
        (dict(name="step", step_size=8, gamma=0.25), 0.1, k.ExponentialDecay(0.1, 8, 0.25, staircase=True)),
        (
            dict(name="piecewise", boundaries=[3, 20], factors=[1.0, 0.5, 0.1]),
            0.2,
            k.PiecewiseConstantDecay([3, 20], [0.2, 0.1, 0.02]),
        ),
        (dict(name="polynomial", decay_steps=30), 0.1, k.PolynomialDecay(0.1, 30)),
        (
            dict(name="polynomial", decay_steps=30, end_learning_rate=0.01, power=2.0),
            0.1,
            k.PolynomialDecay(0.1, 30, 0.01, power=2.0),
        ),
        (
            dict(name="polynomial", decay_steps=9, end_learning_rate=0.01, power=0.5, cycle=True),
            0.1,
            k.PolynomialDecay(0.1, 9, 0.01, power=0.5, cycle=True),
        ),
        (dict(name="cosine", decay_steps=40), 0.1, k.CosineDecay(0.1, 40)),
        (dict(name="cosine", decay_steps=25, alpha=0.1), 0.1, k.CosineDecay(0.1, 25, alpha=0.1)),
        (
            dict(name="cosine", decay_steps=20, alpha=0.1, warmup_steps=8),
            0.1,
            k.CosineDecay(0.0, 20, alpha=0.1, warmup_target=0.1, warmup_steps=8),
        ),
        (
            dict(name="cosine", decay_steps=20, warmup_steps=8, warmup_from=0.25),
            0.1,
            k.CosineDecay(0.025, 20, warmup_target=0.1, warmup_steps=8),
        ),
        (dict(name="cosine_restarts", first_decay_steps=7), 0.1, k.CosineDecayRestarts(0.1, 7)),
        (
            dict(name="cosine_restarts", first_decay_steps=9, t_mul=1.0, m_mul=0.5, alpha=0.05),
            0.1,
            k.CosineDecayRestarts(0.1, 9, t_mul=1.0, m_mul=0.5, alpha=0.05),
        ),
        (
            dict(name="cosine_restarts", first_decay_steps=5, t_mul=1.5, m_mul=0.8),
            0.1,
            k.CosineDecayRestarts(0.1, 5, t_mul=1.5, m_mul=0.8),
        ),
    ]
    cases = [
        {"schedule": schedule, "learning_rate": rate, "rates": short(np.array([f(s) for s in range(48)], np.float32))["values"]}
        for schedule, rate, f in pairs
    ]
    write(
        "schedules.json",
        "schedule and learning_rate: what Lenslet is told. rates: what the same Keras schedule gives for steps 0..47.",
        {"cases": cases},
    )


# ---------------------------------------------------------------------------------------------
# Losses


def loss_configs():
    """(Keras's class, config, last activation, kind of targets, weights of the classes)"""
    smooth = dict(label_smoothing=0.1)
    for logits in (True, False):
        form = dict(from_logits=logits)
        ending = None if logits else "softmax"
        yield "SparseCategoricalCrossentropy", form, ending, "labels", [0.5, 1.0, 2.0, 0.25, 1.5]
        # Keras has no smoothing for labels: what Lenslet should find is that of one-hot rows.
        yield "SparseCategoricalCrossentropy", {**form, **smooth}, ending, "labels", None
        for targets in ("labels", "shares"):
            yield "CategoricalCrossentropy", form, ending, targets, None
            yield "CategoricalCrossentropy", {**form, **smooth}, ending, targets, [0.5, 1.0, 2.0, 0.25, 1.5]
            yield "CategoricalFocalCrossentropy", form, ending, targets, None
            yield "CategoricalFocalCrossentropy", {**form, **smooth, "alpha": 0.7, "gamma": 1.3}, ending, targets, None
        ending = None if logits else "sigmoid"
        for targets in ("labels", "many"):
            yield "BinaryCrossentropy", form, ending, targets, None
            yield "BinaryCrossentropy", {**form, **smooth}, ending, targets, None
            yield "BinaryFocalCrossentropy", form, ending, targets, None
            balance = dict(apply_class_balancing=True, alpha=0.3, gamma=1.5)
            yield "BinaryFocalCrossentropy", {**form, **smooth, **balance}, ending, targets, None
    for targets in ("shares", "labels"):
        # Outputs between 0 and 1 that are nobody's softmax or sigmoid.
        yield "CategoricalCrossentropy", {}, "outputs", targets, None
        yield "CategoricalFocalCrossentropy", {}, "outputs", targets, None
        yield "BinaryCrossentropy", {}, "outputs", targets, None
        yield "BinaryFocalCrossentropy", {}, "outputs", targets, None
    yield "MeanSquaredError", {}, None, "shares", None
    yield "MeanSquaredError", {}, "softmax", "labels", None


def loss_case(numbered):
    n, (kind, config, ending, targets, weights) = numbered
    batch, classes = 3, 5
    x = tf.constant(unit(6000 + n, (batch, classes)) * np.float32(0.8) + np.float32(0.1) if ending == "outputs" else signed(6000 + n, (batch, classes), 4))
    labels = labels_of(6200 + n, batch, classes)
    if targets == "labels":
        rows = np.eye(classes, dtype=np.float32)[labels]
    elif targets == "many":
        rows = (unit(6400 + n, (batch, classes)) > 0.5).astype(np.float32)
    else:
        rows = unit(6400 + n, (batch, classes))
        rows = rows / rows.sum(-1, keepdims=True)
    sparse = kind.startswith("Sparse")
    smoothing = config.get("label_smoothing")
    function = getattr(keras.losses, kind.removeprefix("Sparse") if sparse and smoothing else kind)(**config)
    truth = labels if sparse and not smoothing else rows
    weight = None if weights is None else np.array(weights, np.float32)[rows.argmax(-1)]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = getattr(keras.activations, ending)(x) if ending in ("softmax", "sigmoid") else x
        value = function(truth, y, sample_weight=weight)
    gradient = tape.gradient(value, x)
    name = keras.src.utils.naming.to_snake_case(kind)
    case = {"loss": {"name": name, **config, **({"class_weights": weights} if weights else {})}, "activation": ending if ending != "outputs" else None}
    case["targets"] = {"labels": labels.tolist()} if targets == "labels" else {"rows": short(rows)["values"]}
    return {**case, "input": short(x), "value": exact(value), "gradient": short(gradient)}


def make_losses():
    cases = []
    loss = {f: keras.losses.SparseCategoricalCrossentropy(from_logits=f) for f in (False, True)}

    def add(name, kind, x, labels, function, compiled=False, **more):
        def run(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                value = function(x)
            return value, tape.gradient(value, x)

        x = np.asarray(x, np.float32)
        value, gradient = (tf.function(run) if compiled else run)(tf.constant(x))
        case = {"name": name, "kind": kind, "input": short(x), "labels": list(map(int, labels))}
        cases.append({**case, "loss": exact(value), "gradient": short(gradient), **more})

    for n, (batch, classes, scale) in enumerate([(4, 10, 1), (3, 5, 4), (1, 2, 16), (3, 4, 128)]):
        x, y = signed(5000 + n, (batch, classes), scale), labels_of(5100 + n, batch, classes)
        add(f"logits-{n}", "logits", x, y, lambda t, y=y: loss[True](y, t))
    logits = signed(5010, (4, 10), 2)
    y = labels_of(5110, 4, 10)
    p = np.exp(logits.astype(np.float64))
    p = (p / p.sum(-1, keepdims=True)).astype(np.float32)
    add("probabilities", "probabilities", p, y, lambda t: loss[False](y, t))
    saturated = [[0, 1, 0, 0], [0.25, 0.25, 0.5, 0], [1, 0, 0, 0], [0.125, 0.5, 0.375, 0]]
    for name, labels in (("right", [1, 2, 0, 1]), ("wrong", [0, 3, 2, 3])):
        add(f"saturated-{name}", "probabilities", saturated, labels, lambda t, labels=np.array(labels): loss[False](labels, t))
    # Softmax followed by the loss from probabilities, as the tutorial's model has it, with respect to the logits. Keras looks through
    # the softmax, eagerly and compiled: nothing is clipped. evaluate_loss: a compiled Model's own answer for the same numbers.
    extreme = np.array([[40, 0, -40], [-200, 0, 200], [3, 2, 1]], np.float32)
    model = keras.Sequential([keras.Input((3,)), layers.Activation("softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    for name, labels in (("right", [0, 2, 0]), ("wrong", [2, 0, 1])):
        model.reset_metrics()
        evaluate_loss = float(model.evaluate(extreme, np.array(labels), batch_size=3, verbose=0))
        for compiled in (False, True):
            how = "compiled" if compiled else "eager"
            add(
                f"softmax-then-loss-{name}-{how}",
                f"softmax+probabilities {how}",
                extreme,
                labels,
                lambda t, labels=np.array(labels): loss[False](labels, keras.activations.softmax(t)),
                compiled,
                evaluate_loss=evaluate_loss,
            )
    cases_of_all = list(map(loss_case, enumerate(loss_configs())))
    write(
        "losses.json",
        "SparseCategoricalCrossentropy, mean over the batch, float32. kind: logits (from_logits=True), probabilities "
        "(from_logits=False, the input is the probabilities; Keras clips them to [1e-7, 1 - 1e-7], takes the logarithm and feeds it to "
        "softmax cross-entropy, which normalises again), softmax+probabilities (the input is logits, keras softmax, then the loss from "
        "probabilities, which Keras computes from the logits behind the softmax, unclipped; 'compiled' is within tf.function, as fit runs "
        "it; evaluate_loss is what Model.evaluate says). gradient: of the loss with respect to the input. "
        "labels are class indices. The loss is a float32 in full; the tensors' values are the shortest decimals that read back. "
        "all: every loss of a batch of 3 samples with 5 outputs. loss: as Lenslet describes it; activation: Keras's, between the input and the "
        "loss; targets: class indices, or a row of numbers for each sample; value and gradient (with respect to the input) of the mean.",
        {"cases": cases, "all": cases_of_all},
    )


# ---------------------------------------------------------------------------------------------
# The tutorial's network


def tutorial_weights(shapes):
    """Tensor t from stream 1000 + t within Glorot's limit; biases zero."""
    out = []
    for t, shape in enumerate(shapes):
        if len(shape) == 1:
            out.append(np.zeros(shape, np.float32))
            continue
        field = int(np.prod(shape[:-2]))
        limit = np.float32(np.sqrt(6.0 / (field * shape[-2] + field * shape[-1])))
        out.append(signed(1000 + t, shape, limit))
    return out


def tutorial_batch(step, batch=10):
    pixels = (bits(2000 + step, batch * 32 * 32 * 3) >> np.uint64(56)).astype(np.float32)
    images = (pixels / np.float32(255)).reshape(batch, 32, 32, 3)
    return images, labels_of(3000 + step, batch, 10)


def tutorial_run(floatx):
    keras.config.set_floatx(floatx)
    keras.utils.clear_session()
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, (3, 3), padding="same", activation="relu"),
            layers.Conv2D(32, (3, 3), padding="same", activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Dropout(0.0),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.set_weights(tutorial_weights([tuple(w.shape) for w in model.weights]))
    assert model.count_params() == 1_060_138 and all(w.dtype == floatx for w in model.weights)
    optimizer = keras.optimizers.Adam(learning_rate=1e-3, epsilon=1e-7)
    optimizer.build(model.trainable_variables)
    loss_of = keras.losses.SparseCategoricalCrossentropy()
    head = model.layers[-1]
    body = keras.Model(model.inputs, model.layers[-2].output)

    def logits(x):
        return (tf.matmul(body(x), head.kernel.value) + head.bias.value).numpy()

    @tf.function  # as fit compiles it
    def step(x, y):
        with tf.GradientTape() as tape:
            value = loss_of(y, model(x, training=True))
        gradients = tape.gradient(value, [v.value for v in model.trainable_variables])
        optimizer.apply(gradients, model.trainable_variables)
        return value, gradients

    def weight_norms():
        return [float(np.linalg.norm(w.numpy().astype(np.float64).ravel())) for w in model.weights]

    first = tf.constant(tutorial_batch(1)[0].astype(floatx))
    result = {"logits_before": exact(logits(first)), "losses": []}
    for n in range(1, STEPS + 1):
        x, y = tutorial_batch(n)
        value, gradients = step(tf.constant(x.astype(floatx)), tf.constant(y))
        result["losses"].append(exact(value))
        if n == 1:
            result["gradient_norms_1"] = [float(np.linalg.norm(g.numpy().astype(np.float64).ravel())) for g in gradients]
            result["gradient_heads_1"] = [exact(g.numpy().ravel()[:8]) for g in gradients]
            result["weight_norms_1"] = weight_norms()
            result["logits_after_1"] = exact(logits(first))
    result["weight_norms_after"] = weight_norms()
    result["logits_after"] = exact(logits(first))
    tensors = [{"name": w.path, "shape": list(w.shape), "stream": 1000 + t} for t, w in enumerate(model.weights)]
    keras.config.set_floatx("float32")
    return tensors, result


def make_tutorial():
    tensors, f32 = tutorial_run("float32")
    _, f64 = tutorial_run("float64")
    images, labels = tutorial_batch(1)
    for t, w in zip(tensors, tutorial_weights([tuple(t["shape"]) for t in tensors])):
        if len(t["shape"]) == 1:
            del t["stream"]
            t["zeros"] = True
        else:
            t["first"] = exact(w.ravel()[:3])
    gap = max(abs(a - b) for a, b in zip(f32["losses"], f64["losses"]))
    write(
        "tutorial.json",
        "Conv2D(32, 3x3, same, relu), Conv2D(32, 3x3, same, relu), MaxPooling2D(2x2), Dropout(0), Flatten, Dense(128, relu), "
        "Dense(10, softmax) on 32x32x3 inputs; sparse categorical cross-entropy, Adam(1e-3, beta 0.9 and 0.999, epsilon 1e-7), batches "
        "of 10, 20 steps on 20 batches. Weights: tensors[t] = signed(1000 + t, i, limit), limit = sqrt(6 / (fan_in + fan_out)) computed in "
        "f64 and cast to f32 (fans include the kernel's height x width), product in f32; biases zero. Batch of step 1..20: pixel i "
        "(NHWC flat index) = (bits(2000 + step, i) >> 56) / 255, an f32 division; label i = (bits(3000 + step, i) >> 33) % 10. "
        "float32: computed by Keras in float32; float64: the same start values (the f32 ones) computed by Keras in float64, which tells "
        "rounding from error. losses: of each step, before its update. logits_*: of step 1's batch, before the softmax: before any "
        "update, after step 1, after step 20. gradient_norms_1, weight_norms_1, weight_norms_after: Euclidean norm of each tensor "
        "(gradients at step 1; weights after step 1 and after 20). gradient_heads_1: each gradient's first 8 values at step 1. "
        "Numbers in full as f64.",
        {
            "tensors": tensors,
            "batch_1": {"pixels_255_first": [int(round(float(v) * 255)) for v in images.ravel()[:8]], "labels": labels.tolist()},
            "largest_loss_gap_float32_float64": gap,
            "float32": f32,
            "float64": f64,
        },
    )
    for a, b in zip(f32["losses"], f64["losses"]):
        print(f"  {a:.7f} {b:.7f} {a - b:+.1e}")
    for k in ("logits_before", "logits_after_1", "logits_after"):
        print(f"  {k}: largest gap {np.abs(np.array(f32[k]) - np.array(f64[k])).max():.1e}")


# ---------------------------------------------------------------------------------------------
# Metrics


def make_metrics():
    cases = []
    for number, (samples, classes, many, share) in enumerate([(40, 4, True, 0.3), (33, 7, True, 0.6), (40, 1, True, 0.5), (50, 5, False, 0)]):
        outputs = unit(9000 + number, (samples, classes))
        if many:
            truth = (unit(9100 + number, (samples, classes)) < share).astype(np.float32)
            outputs = outputs * np.float32(0.75) + truth * np.float32(0.25)
        else:
            outputs = outputs**8
            outputs /= outputs.sum(-1, keepdims=True)
            truth = np.eye(classes, dtype=np.float32)[labels_of(9100 + number, samples, classes)]
        metrics = [keras.metrics.BinaryAccuracy(), keras.metrics.Precision(), keras.metrics.Recall()]
        # So many thresholds that the area is nearly that through all of them.
        metrics.append(keras.metrics.AUC(num_thresholds=20001, multi_label=True, num_labels=classes))
        for start in range(0, samples, 16):
            for metric in metrics:
                metric.update_state(truth[start : start + 16], outputs[start : start + 16])
        case = {"classes": classes, "truth": short(truth)["values"], "outputs": short(outputs)["values"], "many_labels": many}
        names = ["binary_accuracy", "precision", "recall", "auc"]
        cases.append(case | {name: float(metric.result()) for name, metric in zip(names, metrics)})
    write(
        "metrics.json",
        "Rows of outputs and of what they should be. binary_accuracy: BinaryAccuracy; precision, recall: Precision and Recall with the threshold 0.5; auc: "
        "AUC with multi_label and 20001 thresholds, of which Keras takes the trapezoids. Updated by batches of 16.",
        {"cases": cases},
    )


def main():
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    parts = {"layers": make_layers, "optimizers": make_optimizers, "schedules": make_schedules, "losses": make_losses, "metrics": make_metrics, "tutorial": make_tutorial}
    for part in sys.argv[1:] or parts:
        parts[part]()


if __name__ == "__main__":
    np.seterr(over="ignore")  # the formula wraps
    main()
