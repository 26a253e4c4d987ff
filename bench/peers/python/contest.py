"""What every Python contestant does alike: arguments, the clock, the line of results."""

import argparse
import json
import math
import time

# However slow a step is, so many are warm-up, and so many are timed.
LEAST_WARM_UP, LEAST_TIMED = 2, 3


def arguments(modes=()):
    """The arguments that the runner gives; the batch size is the end of the work's name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--contestant", required=True)
    parser.add_argument("--mode", choices=modes or None)
    parser.add_argument("--work", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warm-up-steps", type=int, required=True)
    parser.add_argument("--warm-up-seconds", type=float, required=True)
    args = parser.parse_args()
    args.batch = int(args.work.rsplit("-", 1)[-1]) if "-" in args.work else 10
    args.training = not args.work.startswith("predict")
    return args


def measure(args, step):
    """Calls `step(index)` until it is warm, then times it. It returns the loss, or nothing.

    A step has done its work when it returns: the contestant waits for what runs in the background.
    """
    warm, start = 0, time.perf_counter()
    while warm < LEAST_WARM_UP or (
        warm < args.warm_up_steps and time.perf_counter() - start < args.warm_up_seconds
    ):
        loss = step(warm)
        warm += 1
    times, start = [], time.perf_counter()
    while len(times) < LEAST_TIMED or time.perf_counter() - start < args.seconds:
        before = time.perf_counter()
        loss = step(warm + len(times))
        times.append(1000 * (time.perf_counter() - before))
    return {"times_ms": times, "warm_up_steps": warm, "loss": loss}


def report(args, version, results):
    """Prints the line that the runner reads."""
    loss = results.get("loss")
    if loss is not None and not math.isfinite(loss):
        raise SystemExit(f"the loss became {loss}")
    results["times_ms"] = [round(t, 4) for t in results["times_ms"]]
    line = {"contestant": args.contestant, "version": version, "work": args.work, **results}
    print(json.dumps(line), flush=True)
