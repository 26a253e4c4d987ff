#!/usr/bin/env python3
"""Runs Lenslet and its peers on the same work, in turn, and prints one table. See README.md."""

import sys

from runner import environments, options, programs, rounds, table
from runner.failure import Failure
from runner.prepared import Prepared


def main():
    args = options.read()
    environments.make(args.home, args.contestants)
    programs.build(args.home, args.contestants)
    prepared = Prepared(args)
    results = rounds.run(args, prepared)
    print(table.markdown(args, prepared, results))
    if args.out:
        table.write_json(args, results)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"error: {failure}")
    except KeyboardInterrupt:
        sys.exit("interrupted")
