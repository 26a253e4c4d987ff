"""Runs one program and says how it went."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

from .failure import Failure


@dataclass(frozen=True)
class Done:
    output: str
    seconds: float
    # Peak resident memory. The system counts in what this script itself had in use when it started
    # the program (about 20 MiB): smaller programs seem to need that much.
    peak_mib: float


def run(command, threads, limit, **settings):
    """Runs the command on the first `threads` cores; a `Failure` has its last line of error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=_environment(threads),
            start_new_session=True,
            **settings,
        )
        late = threading.Event()
        timer = threading.Timer(limit, lambda: (late.set(), _kill(child)))
        timer.start()
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            _kill(child)
            raise
        finally:
            timer.cancel()
        seconds = time.perf_counter() - start
        # Popen must not wait once more.
        child.returncode = os.waitstatus_to_exitcode(status)
        if late.is_set():
            raise Failure(f"took longer than {limit:.0f} s")
        if child.returncode:
            raise Failure(_last_line(err) or f"ended with status {child.returncode}")
        out.seek(0)
        return Done(out.read().decode(errors="replace"), seconds, used.ru_maxrss / 1024)


def _environment(threads):
    count = str(threads)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    # No bytecode in the repository; the rest is the surroundings as they are.
    return {**os.environ, **dict.fromkeys(names, count), "PYTHONDONTWRITEBYTECODE": "1"}


def bind(threads):
    """Keeps this process, and with it all that it starts, on so many cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _kill(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _last_line(file):
    file.seek(0)
    lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    lines = [line for line in lines if line]
    return lines[-1][:200] if lines else ""
