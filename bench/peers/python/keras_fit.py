"""Keras's `fit` on the tutorial: an epoch with validation, batch 10. Only `fit` is timed."""

import time

import contest
import keras_tutorial

args = contest.arguments()
keras_tutorial.threads(args.threads)
(x, y), test = keras_tutorial.data(args.data)
model = keras_tutorial.model()
if args.work == "epoch":
    # Traced and compiled before the clock runs.
    model.fit(
        x[:20], y[:20], batch_size=10, validation_data=(test[0][:64], test[1][:64]), verbose=0
    )
start = time.perf_counter()
history = model.fit(x, y, batch_size=10, epochs=1, validation_data=test, verbose=0).history
milliseconds = 1000 * (time.perf_counter() - start)
version = keras_tutorial.version()
contest.report(args, version, {"times_ms": [milliseconds], "loss": history["loss"][-1]})
