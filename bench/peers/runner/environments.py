"""A virtual environment for each Python rival, with the versions in `requirements/`."""

import subprocess
import sys
from pathlib import Path

from .failure import Failure, note

REQUIREMENTS = Path(__file__).parent.parent / "requirements"


def python(home, name):
    return home / name / "bin" / "python"


def make(home, contestants):
    """Makes what is missing or was made from other requirements."""
    for name in sorted({c.environment for c in contestants if c.environment}):
        wanted = (REQUIREMENTS / f"{name}.txt").read_text()
        # Written last: an environment without it was broken off.
        made = home / name / "made-from.txt"
        if made.is_file() and made.read_text() == wanted:
            continue
        note(f"environment {name}: installing")
        try:
            _make(home / name, REQUIREMENTS / f"{name}.txt")
        except (OSError, subprocess.CalledProcessError) as error:
            # Its contestants will fail one by one, with their reasons; the others go on.
            note(f"environment {name}: {_reason(error)}")
            continue
        made.write_text(wanted)


def _make(folder, requirements):
    folder.parent.mkdir(parents=True, exist_ok=True)
    _run(sys.executable, "-m", "venv", folder)
    pip = (folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install")
    _run(*pip, "--quiet", "--no-cache-dir", "-r", requirements)


def _run(*command):
    subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True)


def _reason(error):
    lines = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
    return lines[-1] if lines else "failed"


def require(home, name):
    if not (home / name / "made-from.txt").is_file():
        raise Failure(f"environment {name} could not be made")
    return python(home, name)
