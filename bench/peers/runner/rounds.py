"""Rounds: in each, every contestant in its turn, the order turned round every other time."""

import csv
import json
import shutil
import statistics
import time
from dataclasses import dataclass, field

from . import children, contestants, environments, programs
from .failure import Failure, note
from .prepared import PYTHON, train

# A contestant may take so much longer than its time before it is stopped: imports, compilation,
# and steps of which the least number takes longer than the time that was asked for.
PATIENCE = 600


@dataclass
class Result:
    """What one contestant reached at one work: a number a round, the last trouble."""

    version: str = ""
    rounds: list = field(default_factory=list)
    samples: list = field(default_factory=list)
    failure: str = ""


def run(args, prepared):
    """{(work, contestant): Result}, in the order in which the table shows them."""
    results = {(w.name, n): Result() for w in args.works for n in args.names[w.name]}
    children.bind(args.threads)
    for work in args.works:
        names = args.names[work.name]
        for index in range(min(args.rounds, work.most_rounds)):
            for name in names if index % 2 == 0 else reversed(names):
                result = results[work.name, name]
                if not result.failure:
                    _turn(args, prepared, work, contestants.ALL[name], result, index)
    return results


def _turn(args, prepared, work, contestant, result, index):
    start = time.perf_counter()
    try:
        version, values = MEASURES[work.kind](args, prepared, work, contestant)
        result.version = version
        result.samples.append(values)
        result.rounds.append(statistics.median(values))
        outcome = f"{result.rounds[-1]:.3f} ({len(values)} x)"
    except Failure as failure:
        result.failure = str(failure)
        outcome = f"failed: {failure}"
    seconds = time.perf_counter() - start
    note(f"{work.name} round {index + 1} {contestant.name}: {outcome}, {seconds:.0f} s in all")


def _steps(args, prepared, work, contestant):
    """The contestant times itself."""
    return _contest(args, work, contestant, prepared.data, contestant.script)


def _contest(args, work, contestant, data, script):
    if contestant.package:
        command = [programs.program(args.home, contestant.package)]
    else:
        command = [environments.require(args.home, contestant.environment), PYTHON / script]
        command += (
            ["--mode", contestant.mode] if contestant.mode and script == contestant.script else []
        )
    command += [
        "--contestant",
        contestant.name,
        "--work",
        work.name,
        "--data",
        data,
        "--threads",
        args.threads,
        "--seconds",
        args.seconds,
        "--warm-up-steps",
        work.warm_up_steps,
        "--warm-up-seconds",
        args.warm_up,
    ]
    limit = args.seconds + args.warm_up + PATIENCE
    done = children.run(command, args.threads, limit)
    try:
        line = json.loads(done.output.strip().splitlines()[-1])
        return line["version"], line["times_ms"]
    except (IndexError, KeyError, ValueError):
        raise Failure("printed no line of results") from None


def _epoch(args, prepared, work, contestant):
    """`fit` alone for Keras; for Lenslet what its history says of the epoch."""
    if contestant.name == "keras":
        return _contest(args, work, contestant, prepared.data, "keras_fit.py")
    run = _lenslet_train(args, prepared, prepared.data)[1]
    with open(run / "history.csv", newline="") as history:
        seconds = [float(row["seconds"]) for row in csv.DictReader(history)]
    return _lenslet_version(args), [1000 * seconds[-1]]


def _memory(args, prepared, work, contestant):
    """The most memory that the training process held, pictures and all."""
    if contestant.name == "keras":
        command = (
            environments.require(args.home, "tensorflow"),
            PYTHON / "keras_fit.py",
            "--contestant",
            "keras",
            "--work",
            "memory",
            "--data",
            prepared.small,
            "--threads",
            args.threads,
            "--seconds",
            0,
            "--warm-up-steps",
            0,
            "--warm-up-seconds",
            0,
        )
        done = children.run(command, args.threads, PATIENCE)
        return json.loads(done.output.strip().splitlines()[-1])["version"], [done.peak_mib]
    done = _lenslet_train(args, prepared, prepared.small)[0]
    return _lenslet_version(args), [done.peak_mib]


def _predict_one(args, prepared, work, contestant):
    """Whole processes, one after the other, until the time is up."""
    if contestant.name == "keras":
        python = environments.require(args.home, "tensorflow")
        command = python, PYTHON / "keras_predict_one.py", prepared.keras_model, prepared.picture
        version = _keras_version(args)
    else:
        lenslet = programs.program(args.home, "lenslet")
        command = lenslet, "predict", prepared.trained_run, prepared.picture
        version = _lenslet_version(args)
    children.run(command, args.threads, PATIENCE)
    times, start = [], time.perf_counter()
    while not times or time.perf_counter() - start < args.seconds:
        times.append(1000 * children.run(command, args.threads, PATIENCE).seconds)
    return version, times


def _size(args, prepared, work, contestant):
    """Bytes of the program; Burn's and candle's have no command line and read no image files."""
    name = "lenslet" if contestant.name == "lenslet" else contestant.package
    return _locked_version(args, contestant.name), [
        programs.program(args.home, name).stat().st_size
    ]


def _lenslet_train(args, prepared, data):
    folder = prepared.folder / "trained"
    shutil.rmtree(folder, ignore_errors=True)
    return children.run(train(args, data, folder), args.threads, PATIENCE), folder


def _lenslet_version(args):
    command = (programs.program(args.home, "lenslet"), "--version")
    return children.run(command, args.threads, 60).output.split()[-1]


def _keras_version(args):
    found = next((args.home / "tensorflow").glob("lib/*/site-packages/keras-*.dist-info"))
    return found.name.removeprefix("keras-").removesuffix(".dist-info")


def _locked_version(args, name):
    if name == "lenslet":
        return _lenslet_version(args)
    package = "candle-core" if name == "candle" else name
    lines = (programs.RUST / "Cargo.lock").read_text().splitlines()
    return lines[lines.index(f'name = "{package}"') + 1].split('"')[1]


MEASURES = {
    "steps": _steps,
    "epoch": _epoch,
    "memory": _memory,
    "predict-one": _predict_one,
    "size": _size,
}
