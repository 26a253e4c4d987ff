"""What is compared."""

from dataclasses import dataclass

STEPS = (
    "lenslet",
    "tensorflow",
    "tensorflow-xla",
    "torch-eager",
    "torch-channels-last",
    "torch-compiled",
    "jax",
    "burn",
    "candle",
)


# Who trains the networks that have a name.
NAMED = ("lenslet", "tensorflow", "tensorflow-xla", "torch-channels-last", "torch-compiled")


@dataclass(frozen=True)
class Work:
    name: str
    # What the table calls it.
    title: str
    contestants: tuple
    # "steps": the contestant times itself; the others are told in `rounds.py`.
    kind: str
    # "ms", "images/s" (measured in ms as well), "MiB" or "bytes".
    unit: str = "ms"
    warm_up_steps: int = 200
    # Enough rounds, however many are asked for.
    most_rounds: int = 1000


ALL = {
    w.name: w
    for w in (
        Work("step-10", "training step, batch 10", STEPS, "steps"),
        Work("step-32", "training step, batch 32", STEPS, "steps"),
        Work("step-128", "training step, batch 128", STEPS, "steps"),
        Work(
            "predict-256",
            "prediction, batch 256",
            (*STEPS, "keras", "onnxruntime"),
            "steps",
            unit="images/s",
            warm_up_steps=3,
        ),
        Work(
            "vgg-128",
            "VGG-like training step, batch 128",
            ("lenslet", "tensorflow", "torch-channels-last", "torch-compiled"),
            "steps",
            warm_up_steps=20,
        ),
        *(
            Work(f"{network}-{batch}", f"{title} training step, batch {batch}", NAMED, "steps")
            for network, title in (
                ("resnet20", "ResNet-20"),
                ("vgg11", "VGG-11"),
                ("mobilenet_v2", "MobileNetV2"),
            )
            for batch in (32, 128)
        ),
        Work("epoch", "one epoch with validation", ("lenslet", "keras"), "epoch", most_rounds=2),
        Work("predict-one", "one picture, start to end", ("lenslet", "keras"), "predict-one"),
        Work(
            "memory",
            "peak memory of training",
            ("lenslet", "keras"),
            "memory",
            unit="MiB",
            most_rounds=2,
        ),
        Work(
            "size",
            "program on disk",
            ("lenslet", "burn", "candle"),
            "size",
            unit="bytes",
            most_rounds=1,
        ),
    )
}
