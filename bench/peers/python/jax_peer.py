"""JAX with optax: one jitted step that owns its parameters and state (donated buffers)."""

import contest
import jax
import jax.numpy as jnp
import networks
import optax
import pictures

args = contest.arguments()
network = networks.of(args.work)
optimizer = optax.adam(0.001, eps=1e-7)


def forward(weights, x, key):
    """Logits; with dropout where there is a key."""
    weights = iter(weights)
    for index, (kind, *numbers) in enumerate(network):
        if kind == "conv":
            x = jax.lax.conv_general_dilated(
                x, next(weights), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            x = jax.nn.relu(x + next(weights))
        elif kind == "pool":
            x = pool(x)
        elif kind == "dropout" and key is not None:
            kept = jax.random.bernoulli(key, 1 - numbers[0], x.shape)
            x = jnp.where(kept, x / (1 - numbers[0]), 0)
        elif kind == "flatten":
            x = x.reshape(x.shape[0], -1)
        elif kind == "dense":
            x = x @ next(weights) + next(weights)
            if index + 1 < len(network):
                x = jax.nn.relu(x)
    return x


def pool(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def train(weights, state, key, x, labels):
    key, dropout = jax.random.split(key)

    def loss_of(weights):
        logits = forward(weights, x, dropout)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    loss, gradients = jax.value_and_grad(loss_of)(weights)
    updates, state = optimizer.update(gradients, state)
    return optax.apply_updates(weights, updates), state, key, loss


train = jax.jit(train, donate_argnums=(0, 1, 2))
predict = jax.jit(lambda weights, x: jax.nn.softmax(forward(weights, x, None)))

weights = [jnp.asarray(w) for w in networks.weights(network)]
batches = pictures.batches(args.data, args.work, args.batch)
batches = [(jnp.asarray(x), jnp.asarray(y, jnp.int32)) for x, y in batches]

if args.training:
    # The cheap generator: JAX's own (threefry) costs more than the rest of the dropout.
    owned = [weights, optimizer.init(weights), jax.random.key(1, impl="unsafe_rbg")]

    def step(index):
        *owned[:], loss = train(*owned, *batches[index % len(batches)])
        loss = float(loss)
        jax.block_until_ready(owned[0])
        return loss

else:

    def step(_):
        for x, _ in batches:
            predict(weights, x).block_until_ready()


contest.report(args, f"{jax.__version__}, optax {optax.__version__}", contest.measure(args, step))
