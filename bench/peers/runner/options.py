"""The command line."""

import argparse
import os
from pathlib import Path

from . import contestants, works
from .failure import Failure

EPILOG = f"works: {', '.join(works.ALL)}\ncontestants: {', '.join(contestants.ALL)}"


def read():
    """The arguments, checked; names are turned into works and contestants."""
    parser = argparse.ArgumentParser(
        description="Runs Lenslet and its peers on the same work, in turn, and prints one table.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--works", metavar="NAME,...", help="only these works [default: all]")
    parser.add_argument("--only", metavar="NAME,...", help="only these contestants, and lenslet")
    parser.add_argument("--skip", metavar="NAME,...", help="without these works or contestants")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="[default: 5]")
    parser.add_argument(
        "--seconds",
        type=float,
        default=5,
        metavar="S",
        help="timed work of each contestant in each round [default: 5]",
    )
    parser.add_argument(
        "--warm-up",
        type=float,
        default=20,
        metavar="S",
        help="the longest that its warm-up steps may take [default: 20]",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="[default: all cores]")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="the folder cifar-10-batches-bin [default: built-in pictures]",
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="DIR",
        default=_home(),
        help="environments and builds [default: $LENSLET_PEERS, else ~/.cache/lenslet-peers]",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="write all that was measured")
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="one very short round on few pictures: does everything work? Its times mean nothing",
    )
    args = parser.parse_args()
    _check(args)
    args.home = args.home.resolve()
    if args.smoke:
        args.rounds, args.seconds, args.warm_up = 1, 0.2, 0.5
    skipped = _names(args.skip, {**works.ALL, **contestants.ALL}, "--skip")
    chosen = _names(args.works, works.ALL, "--works") or list(works.ALL)
    args.works = [works.ALL[name] for name in chosen if name not in skipped]
    only = _names(args.only, contestants.ALL, "--only") or list(contestants.ALL)
    allowed = (set(only) | {"lenslet"}) - set(skipped)
    args.names = {w.name: [n for n in w.contestants if n in allowed] for w in args.works}
    args.contestants = [
        c for n, c in contestants.ALL.items() if any(n in s for s in args.names.values())
    ]
    if not args.contestants:
        raise Failure("nothing is left to run; choose fewer names for --skip")
    return args


def _home():
    return Path(os.environ.get("LENSLET_PEERS") or Path.home() / ".cache" / "lenslet-peers")


def _names(text, known, option):
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise Failure(f"{option}: there is no `{name}`; there are {', '.join(known)}")
    return names


def _check(args):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    args.threads = cores if args.threads is None else args.threads
    if not 1 <= args.threads <= cores:
        raise Failure(f"--threads {args.threads}: from 1 to the {cores} cores there are")
    if args.rounds < 1:
        raise Failure(f"--rounds {args.rounds}: at least 1")
    for option, value in (("--seconds", args.seconds), ("--warm-up", args.warm_up)):
        if not 0 < value < 1e6:
            raise Failure(f"{option} {value}: more than 0 seconds")
    if args.data and not (args.data / "test_batch.bin").is_file():
        raise Failure(f"--data {args.data}: no folder with data_batch_1.bin ... test_batch.bin")
    if args.out and not args.out.resolve().parent.is_dir():
        raise Failure(f"--out {args.out}: its folder is missing")
