"""Builds the Rust contestants and the program `lenslet`."""

import os
import subprocess
from pathlib import Path

from .failure import Failure, note

PEERS = Path(__file__).parent.parent
ROOT = PEERS.parent.parent
RUST = PEERS / "rust"

# Rivals are built for this very CPU, with all optimisations; Lenslet as everybody builds it.
RIVALS = ("rivals", {"RUSTFLAGS": "-C target-cpu=native"})
LENSLET = ("release", {})


def build(home, contestants):
    """Builds what takes part; what does not build fails later, when it is to run."""
    packages = [c.package for c in contestants if c.package]
    for package in packages:
        kind = LENSLET if package == "peer-lenslet" else RIVALS
        _cargo(home, RUST, package, *kind)
    if "peer-lenslet" in packages:
        _cargo(home, ROOT, "lenslet-cli", *LENSLET)


def program(home, name):
    """The path of a built program."""
    profile = "rivals" if name in ("peer-burn", "peer-candle") else "release"
    path = _target(home, profile) / profile / name
    if not path.is_file():
        raise Failure(f"{name} could not be built")
    return path


def _target(home, profile):
    base = Path(os.environ.get("CARGO_TARGET_DIR") or home / "target")
    # Other flags, other folder: neither build throws the other's work away.
    return base / ("rivals" if profile == "rivals" else "lenslet")


def _cargo(home, folder, package, profile, flags):
    note(f"building {package}")
    # Not `--locked`: the lock file pins the rivals; what Lenslet itself needs may have changed.
    command = ["cargo", "build", "--profile", profile, "-p", package]
    settings = {k: v for k, v in os.environ.items() if k != "RUSTFLAGS"}
    settings |= {**flags, "CARGO_TARGET_DIR": str(_target(home, profile))}
    target = _target(home, profile) / profile
    try:
        done = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True)
    except FileNotFoundError:
        raise Failure("cargo is missing; install Rust from https://rustup.rs") from None
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("error")]
        note(f"{package}: {errors[0] if errors else 'did not build'}")
        # An older build must not stand in for it.
        (target / package.replace("lenslet-cli", "lenslet")).unlink(missing_ok=True)
