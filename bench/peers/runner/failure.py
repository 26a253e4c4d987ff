"""What ends the run, or one contestant's part in it, with one line."""

import sys


class Failure(Exception):
    """One line that says what is wrong."""


def note(text):
    """Progress goes to standard error; standard output is the table's."""
    print(text, file=sys.stderr, flush=True)
