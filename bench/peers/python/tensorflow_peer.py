"""TensorFlow: one compiled function per step, with or without XLA; and Keras's `predict`."""

import os

import contest
import networks
import pictures

args = contest.arguments(("function", "xla", "predict"))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.config.threading.set_intra_op_parallelism_threads(args.threads)
tf.config.threading.set_inter_op_parallelism_threads(args.threads)

network = networks.of(args.work)
variables = [tf.Variable(w) for w in networks.weights(network)]
moments = [(tf.Variable(tf.zeros_like(v)), tf.Variable(tf.zeros_like(v))) for v in variables]
# beta1 ** step and beta2 ** step
powers = tf.Variable(0.9), tf.Variable(0.999)


# Moving means and variances of normalisations, made by the first call.
moving = []


def forward(x, training):
    return layers(network, x, iter(variables), iter(list(moving)), training)


def layers(network, x, weights, statistics, training):
    for index, (kind, *numbers) in enumerate(network):
        if kind == "conv":
            x = tf.nn.conv2d(x, next(weights), 1, "SAME")
            x = tf.nn.relu(tf.nn.bias_add(x, next(weights)))
        elif kind == "conv_norm":
            _, window, stride, then, *bias = numbers
            x = tf.nn.conv2d(x, next(weights), stride, around(window, stride))
            if bias:
                x = tf.nn.bias_add(x, next(weights))
            x = activation(then, norm(x, weights, statistics, training))
        elif kind == "depthwise_norm":
            window, stride, then = numbers
            strides, padding = [1, stride, stride, 1], around(window, stride)
            x = tf.nn.depthwise_conv2d(x, next(weights), strides, padding)
            x = activation(then, norm(x, weights, statistics, training))
        elif kind == "residual":
            body, filters = numbers
            y, missing = layers(body, x, weights, statistics, training), 0
            if filters:
                missing = (filters - x.shape[3]) // 2
                x = tf.pad(x[:, ::2, ::2, :], [[0, 0], [0, 0], [0, 0], [missing, missing]])
            x = x + y
        elif kind == "relu":
            x = tf.nn.relu(x)
        elif kind == "pool":
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        elif kind == "mean":
            x = tf.reduce_mean(x, [1, 2])
        elif kind == "dropout" and training:
            x = tf.nn.dropout(x, numbers[0])
        elif kind == "flatten":
            x = tf.reshape(x, [x.shape[0], -1])
        elif kind == "dense":
            x = tf.nn.bias_add(tf.matmul(x, next(weights)), next(weights))
            if index + 1 < len(network):
                x = tf.nn.relu(x)
    return x


def around(window, stride):
    """As many zeros on all sides as a window reaches beyond its middle."""
    zeros = [window // 2, window // 2]
    return "SAME" if stride == 1 else [[0, 0], zeros, zeros, [0, 0]]


def activation(name, x):
    return {"relu": tf.nn.relu, "relu6": tf.nn.relu6, None: tf.identity}[name](x)


def norm(x, weights, statistics, training):
    gamma, beta = next(weights), next(weights)
    mean, variance = next(statistics, (None, None))
    if mean is None:
        with tf.init_scope():
            mean, variance = tf.Variable(tf.zeros_like(gamma)), tf.Variable(tf.ones_like(gamma))
        moving.append((mean, variance))
    keep, epsilon = networks.MOMENTUM, networks.EPSILON
    fused = tf.compat.v1.nn.fused_batch_norm
    if not training:
        return fused(x, gamma, beta, mean, variance, epsilon, is_training=False)[0]
    y, batch_mean, batch_variance = fused(x, gamma, beta, epsilon=epsilon)
    mean.assign(keep * mean + (1 - keep) * batch_mean)
    variance.assign(keep * variance + (1 - keep) * batch_variance)
    return y


@tf.function(jit_compile=args.mode == "xla")
def train(x, labels):
    with tf.GradientTape() as tape:
        logits = forward(x, True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(losses)
    # TensorFlow's fused Adam: one kernel a variable, where Keras's optimiser takes about ten.
    for v, (m, s), g in zip(variables, moments, tape.gradient(loss, variables)):
        tf.raw_ops.ResourceApplyAdam(
            var=v.handle,
            m=m.handle,
            v=s.handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=0.001,
            beta1=0.9,
            beta2=0.999,
            epsilon=1e-7,
            grad=g,
        )
    powers[0].assign(powers[0] * 0.9)
    powers[1].assign(powers[1] * 0.999)
    return loss


@tf.function(jit_compile=args.mode == "xla")
def predict(x):
    return tf.nn.softmax(forward(x, False))


def keras_layer(kind, *numbers, last):
    """The same in Keras's own layers."""
    match kind:
        case "conv":
            return keras.layers.Conv2D(*numbers, 3, padding="same", activation="relu")
        case "pool":
            return keras.layers.MaxPool2D(2)
        case "dropout":
            return keras.layers.Dropout(*numbers)
        case "flatten":
            return keras.layers.Flatten()
        case "dense":
            return keras.layers.Dense(*numbers, activation="softmax" if last else "relu")


def keras_predict():
    """Keras's `predict` over all pictures."""
    layers = [keras_layer(*layer, last=layer is network[-1]) for layer in network]
    model = keras.Sequential([keras.Input((32, 32, 3)), *layers])
    model.set_weights(networks.weights(network))
    x = pictures.numbers(pictures.read(args.data, pictures.TEST)[0])

    def step(_):
        assert model.predict(x, batch_size=args.batch, verbose=0).shape == (len(x), 10)

    return step


def bare():
    batches = pictures.batches(args.data, args.work, args.batch)
    batches = [(tf.constant(x), tf.constant(y)) for x, y in batches]

    def train_step(index):
        return float(train(*batches[index % len(batches)]))

    def predict_all(_):
        for x, _ in batches:
            predict(x).numpy()

    return train_step if args.training else predict_all


step = keras_predict() if args.mode == "predict" else bare()
version = (
    f"{tf.__version__}, Keras {keras.__version__}" if args.mode == "predict" else tf.__version__
)
contest.report(args, version, contest.measure(args, step))
