"""What the numbers were measured on."""

import datetime
import platform
import subprocess
from pathlib import Path

FEATURES = ("avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile")


def describe(args):
    cpu, features = _cpu()
    return {
        "cpu": cpu,
        "features": features,
        "threads": args.threads,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "rust": _output("rustc", "--version"),
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "commit": _commit(),
        "data": "CIFAR-10" if args.data else "built-in pictures",
    }


def _cpu():
    info = Path("/proc/cpuinfo")
    fields = {}
    for line in info.read_text().splitlines() if info.is_file() else []:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = fields.get("flags", "").split()
    return fields.get("model name", platform.machine()), [f for f in FEATURES if f in flags]


def _commit():
    commit = _output("git", "rev-parse", "--short", "HEAD")
    changed = _output("git", "status", "--porcelain", "--untracked-files=no")
    return f"{commit} and changes" if changed else commit


def _output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent)
    except OSError:
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"
