"""Who takes part, and what starts each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Contestant:
    name: str
    # The virtual environment of a Python contestant, or the Cargo package of a Rust one.
    environment: str = ""
    package: str = ""
    # A Python contestant's script and the rest of its command.
    script: str = ""
    mode: str = ""


ALL = {
    c.name: c
    for c in (
        Contestant("lenslet", package="peer-lenslet"),
        Contestant("tensorflow", "tensorflow", script="tensorflow_peer.py", mode="function"),
        Contestant("tensorflow-xla", "tensorflow", script="tensorflow_peer.py", mode="xla"),
        Contestant("keras", "tensorflow", script="tensorflow_peer.py", mode="predict"),
        Contestant("torch-eager", "torch", script="torch_peer.py", mode="eager"),
        Contestant("torch-channels-last", "torch", script="torch_peer.py", mode="channels-last"),
        Contestant("torch-compiled", "torch", script="torch_peer.py", mode="compiled"),
        Contestant("jax", "jax", script="jax_peer.py"),
        Contestant("onnxruntime", "onnxruntime", script="onnxruntime_peer.py"),
        Contestant("burn", package="peer-burn"),
        Contestant("candle", package="peer-candle"),
    )
}
