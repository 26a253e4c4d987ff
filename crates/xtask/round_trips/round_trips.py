"""Models that go to onnxruntime, Keras and PyTorch, and models that come from Keras and PyTorch.

Usage: round_trips.py PROGRAM WORK [NETWORK...]. `cargo run -p xtask -- round-trips` runs it.
"""

import json
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from twin import Twin

try:
    import torchvision
except ImportError as error:
    torchvision = None
    print(f"without torchvision: {error}")

# TensorFlow before PyTorch ends the process: both bring LLVM.
import keras_trips

HERE = Path(__file__).parent
IMAGES, SIZE, BOUND = 256, 32, 1e-5
ZOO = ["cnn", "lenet5", "vgg11", "resnet20", "resnet18", "wide_resnet_16_4", "mobilenet_v2"]
OWN = ["odd", "flat", "functions"]
# Of layers and activations that Keras has, too: in the place of `flat` and `functions` there.
FOR_KERAS = ["vectors", "curves"]
# What no layer does, so that it must be refused: where a file has the first operator, the second is
# named. PyTorch 2.15 writes adaptive pooling as pixels picked out of the whole batch in a row, and
# softplus and mish as a choice between two formulas.
REFUSED = {
    ("mobilenet_v2", "dynamo"): ("Gather", "Reshape"),
    ("functions", "dynamo"): ("Greater", "Greater"),
}
PROGRAM, WORK = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
failures = []


def lenslet(*words):
    ended = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True)
    if ended.returncode != 0:
        raise RuntimeError(f"lenslet {' '.join(map(str, words))}: {ended.stderr.strip()}")
    return ended.stdout


def pictures():
    """Pictures of soft spots, as files and as numbers (N, H, W, C)."""
    folder = WORK / "pictures"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    random = np.random.default_rng(7)
    all = []
    for i in range(IMAGES):
        small = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        soft = np.asarray(Image.fromarray(small).resize((SIZE, SIZE), Image.BICUBIC))
        noise = random.integers(-20, 21, soft.shape)
        picture = np.clip(soft.astype(int) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{i:04}.png")
        all.append(picture)
    return folder, np.stack(all)


def ours(run, folder):
    """What Lenslet says of each picture, a column a class."""
    classes = json.loads((run / "model.json").read_text())["classes"]
    column = {name: i for i, name in enumerate(classes)}
    result = np.zeros((IMAGES, len(classes)))
    for row, one in enumerate(json.loads(lenslet("predict", run, folder, "--json"))):
        for guess in one["probabilities"]:
            result[row, column[guess["class"]]] = guess["probability"]
    return result


def compare(what, expected, came):
    apart = float(np.abs(expected - came).max())
    good = apart <= BOUND
    print(f"  {what:44} {apart:.1e}{'' if good else '   TOO FAR'}", flush=True)
    if not good:
        failures.append(what)


def check_shapes(path):
    """The checker's full check, and a shape for every value, as Netron shows it."""
    onnx.checker.check_model(str(path), full_check=True)
    graph = onnx.load(path).graph
    told = {value.name for value in [*graph.value_info, *graph.output]}
    missing = [name for node in graph.node for name in node.output if name not in told]
    assert not missing, f"no shape of {missing}"


def to_onnxruntime(name, run, expected, images):
    for layout in ["nchw", "nhwc"]:
        for flags in [[], ["--bytes"]]:
            path = WORK / name / f"{layout}{''.join(flags)}.onnx"
            lenslet("export", run, "--format", "onnx", "--layout", layout, *flags, "--out", path)
            check_shapes(path)
            x = images if flags else (images.astype(np.float32) / 255)
            x = x.transpose(0, 3, 1, 2) if layout == "nchw" else x
            session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
            compare(f"onnxruntime, {path.name}", expected, session.run(None, {"input": x})[0])


def torchvisions(name, classes):
    """torchvision's network where ours has its names."""
    if torchvision is None or name not in ["resnet18", "mobilenet_v2"]:
        return None
    if name == "resnet18":
        return torchvision.models.resnet18(num_classes=classes)
    settings = [[1, 16, 1, 1], [6, 24, 2, 1], [6, 32, 3, 2], [6, 64, 4, 2]]
    settings += [[6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]]
    network = torchvision.models.MobileNetV2(classes, inverted_residual_setting=settings)
    # For small pictures, as in the zoo.
    network.features[0][0].stride = (1, 1)
    return network


def twins(name, description):
    network = torchvisions(name, len(description["classes"]))
    if network is None:
        return Twin(description["model"])
    return torch.nn.Sequential(network, torch.nn.Softmax(1))


def state(network):
    """The weights with the names that files have."""
    return network[0] if isinstance(network, torch.nn.Sequential) else network


def to_torch(name, run, expected, x):
    path = WORK / name / "model.torch.safetensors"
    lenslet("export", run, "--format", "torch-safetensors", "--out", path)
    with safe_open(path, "pt") as file:
        description = json.loads(file.metadata()["lenslet"])
    if name in ["resnet18", "mobilenet_v2"] and torchvision is None:
        print("  PyTorch: skipped, it needs torchvision")
        return None
    network = twins(name, description)
    state(network).load_state_dict(load_file(path), strict=True)
    network.eval()
    with torch.no_grad():
        came = network(x).numpy()
    whose = " of torchvision" if name in ["resnet18", "mobilenet_v2"] else ""
    compare(f"PyTorch, load_state_dict{whose}", expected, came)
    return network


def train(network, x):
    """A few steps, so that nothing is as Lenslet left it, moving statistics included."""
    torch.manual_seed(3)
    labels = torch.randint(0, 10, (IMAGES,))
    learnt = [weights for weights in network.parameters() if weights.requires_grad]
    optimizer = torch.optim.SGD(learnt, lr=0.01, momentum=0.9)
    network.train()
    for start in range(0, 128, 32):
        optimizer.zero_grad()
        p = network(x[start : start + 32])
        loss = torch.nn.functional.nll_loss(torch.log(p + 1e-7), labels[start : start + 32])
        loss.backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        return network(x).numpy()


def from_torch(name, network, folder, x):
    expected = train(network, x)
    path = WORK / name / "state_dict.safetensors"
    save_file({key: value.contiguous() for key, value in state(network).state_dict().items()}, path)
    own = HERE / "networks" / f"{name}.toml"
    model = [own] if own.exists() else [name, "--input", f"{SIZE}x{SIZE}x3"]
    classes = ["--classes", ",".join(map(str, range(10)))]
    run = imported(name, path, "from-state-dict", "--model", *model, *classes)
    compare("imported from a PyTorch state_dict", expected, ours(run, folder))
    for exporter in ["torchscript", "dynamo"]:
        path = WORK / name / f"{exporter}.onnx"
        try:
            export(network, x, path, exporter)
        except Exception as error:  # noqa: BLE001 - whatever PyTorch cannot do is not ours
            print(f"  torch.onnx.export ({exporter}) cannot: {str(error).splitlines()[0][:80]}")
            continue
        has, named = REFUSED.get((name, exporter), ("nothing", ""))
        if has in operators(path):
            refused(name, path, named)
            continue
        run = imported(name, path, f"from-{exporter}", *classes)
        compare(f"imported from torch.onnx ({exporter})", expected, ours(run, folder))


def export(network, x, path, exporter):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            batch = torch.export.Dim("N")
            torch.onnx.export(
                network, (x[:2],), path, dynamo=True, external_data=False, verbose=False,
                dynamic_shapes=({0: batch},),
            )
        else:
            torch.onnx.export(
                network, (x[:2],), path, dynamo=False, opset_version=17,
                dynamic_axes={"x": {0: "N"}}, input_names=["x"],
            )


def operators(path):
    return {node.op_type for node in onnx.load(path).graph.node}


def keras_trip(folder):
    """What keras_trips.py needs of this script."""

    def refuses(part, *words):
        try:
            lenslet(*words)
        except RuntimeError as error:
            assert part in str(error), error
            print(f"  refused, and named: {part}")
        else:
            failures.append(f"lenslet {' '.join(map(str, words))} went well")

    classes = ["--classes", ",".join(map(str, range(10)))]
    return SimpleNamespace(
        work=WORK,
        lenslet=lenslet,
        refuses=refuses,
        compare=compare,
        ours=lambda run: ours(run, folder),
        imported=lambda name, path, to, *flags: imported(name, path, to, *flags, *classes),
    )


def refused(name, path, operator):
    try:
        imported(name, path, "refused")
    except RuntimeError as error:
        assert f"({operator}): " in str(error), error
        print(f"  refused, and named: {path.name}, {operator}")
    else:
        failures.append(f"{path.name} was taken")


def imported(name, path, to, *flags):
    run = WORK / name / to
    shutil.rmtree(run, ignore_errors=True)
    lenslet("import", path, *flags, "--out", run)
    return run


def main():
    chosen = sys.argv[3:] or ZOO + OWN + FOR_KERAS + list(keras_trips.BUILT)
    folder, images = pictures()
    x = torch.from_numpy(images.transpose(0, 3, 1, 2).astype(np.float32) / 255)
    trip = keras_trip(folder)
    for name in chosen:
        print(name, flush=True)
        try:
            shutil.rmtree(WORK / name, ignore_errors=True)
            if name in keras_trips.BUILT:
                (WORK / name).mkdir(parents=True)
                keras_trips.built(trip, name, images)
                continue
            run = WORK / name / "run"
            own = HERE / "networks" / f"{name}.toml"
            model = own if own.exists() else name
            words = ["--epochs", 1, "--limit", 320, "--batch-size", 32, "--out", run]
            lenslet("train", "synthetic", "--model", model, *words)
            expected = ours(run, folder)
            keras_trips.to_keras(trip, name, run, expected, images)
            if name in FOR_KERAS:
                continue
            to_onnxruntime(name, run, expected, images)
            network = to_torch(name, run, expected, x)
            if network is not None:
                from_torch(name, network, folder, x)
        except (RuntimeError, AssertionError, onnx.checker.ValidationError) as error:
            failures.append(name)
            print(f"  FAILED: {error}", flush=True)
    print(f"{len(chosen)} networks, {len(failures)} failures")
    sys.exit(1 if failures else 0)


main()
