"""Writes optimizers.json: what PyTorch's optimisers make of Keras's cases.

    python optimizers.py

In the form of ../keras/optimizers.json. config: what Lenslet is told; torch: what PyTorch was, where that has other names. Where the
two put epsilon in different places it is next to nothing. Lion and LAMB are not in PyTorch; its Muon computes in bfloat16.
"""

import numpy as np
import torch
from common import signed, values, write

STEPS, KEPT = 20, (1, 2, 3, 5, 8, 13, 20)
TENSORS = [(5, 4), (3,)]
TINY = 1e-12


def cases():
    """(Lenslet's name and config, PyTorch's name and config, scale of the gradients, what clips them)"""
    adam = dict(betas=(0.9, 0.999), eps=TINY)
    yield "SGD", {}, "SGD", dict(lr=0.01), 1.0, None
    yield "SGD", dict(learning_rate=0.1, momentum=0.9), "SGD", dict(lr=0.1, momentum=0.9), 1.0, None
    nesterov = dict(momentum=0.9, nesterov=True)
    yield "SGD", dict(learning_rate=0.1, **nesterov), "SGD", dict(lr=0.1, **nesterov), 1.0, None
    yield "Adam", dict(epsilon=TINY), "Adam", dict(lr=1e-3, **adam), 1.0, None
    betas = dict(beta_1=0.8, beta_2=0.99)
    yield "Adam", dict(learning_rate=0.01, epsilon=TINY, **betas), "Adam", dict(lr=0.01, eps=TINY, betas=(0.8, 0.99)), 1.0, None
    yield "AdamW", dict(epsilon=TINY, weight_decay=0.1), "AdamW", dict(lr=1e-3, weight_decay=0.1, **adam), 1.0, None
    # Keras decays, where it is asked to, as AdamW does.
    yield "Adam", dict(epsilon=TINY, weight_decay=0.05), "AdamW", dict(lr=1e-3, weight_decay=0.05, **adam), 1.0, None
    yield "RMSprop", dict(epsilon=TINY), "RMSprop", dict(lr=1e-3, alpha=0.9, eps=TINY), 1.0, None
    more = dict(momentum=0.5, centered=True)
    yield "RMSprop", dict(epsilon=TINY, rho=0.5, momentum=0.5), "RMSprop", dict(lr=1e-3, alpha=0.5, eps=TINY, momentum=0.5), 1.0, None
    yield "RMSprop", dict(epsilon=TINY, rho=0.5, **more), "RMSprop", dict(lr=1e-3, alpha=0.5, eps=TINY, **more), 1.0, None
    yield "Adagrad", dict(epsilon=TINY), "Adagrad", dict(lr=1e-3, initial_accumulator_value=0.1, eps=TINY), 1.0, None
    start = dict(initial_accumulator_value=0.5)
    yield "Adagrad", dict(learning_rate=0.1, epsilon=TINY, **start), "Adagrad", dict(lr=0.1, eps=TINY, **start), 1.0, None
    # Keras's course of the momentum is Dozat's with the step itself as its exponent.
    yield "Nadam", dict(epsilon=TINY), "NAdam", dict(lr=1e-3, momentum_decay=1.0, **adam), 1.0, None
    for clip in (dict(clipvalue=0.3), dict(clipnorm=0.5), dict(global_clipnorm=0.8)):
        yield "SGD", dict(learning_rate=0.1, **clip), "SGD", dict(lr=0.1), 4.0, clip


def clipped(clip, tensors):
    (kind, most), *_ = clip.items()
    if kind == "clipvalue":
        torch.nn.utils.clip_grad_value_(tensors, most)
    elif kind == "global_clipnorm":
        torch.nn.utils.clip_grad_norm_(tensors, most)
    else:
        for tensor in tensors:
            torch.nn.utils.clip_grad_norm_([tensor], most)


def run(kind, config, torch_kind, torch_config, scale, clip):
    tensors = [torch.nn.Parameter(torch.from_numpy(signed(4000 + 100 * t, shape))) for t, shape in enumerate(TENSORS)]
    optimizer = getattr(torch.optim, torch_kind)(tensors, **torch_config)
    after = []
    for step in range(1, STEPS + 1):
        for t, tensor in enumerate(tensors):
            tensor.grad = torch.from_numpy(signed(4000 + 100 * t + step, TENSORS[t], scale))
        if clip:
            clipped(clip, tensors)
        optimizer.step()
        if step in KEPT:
            after.append([step, *(values(tensor) for tensor in tensors)])
    return {
        "optimizer": kind,
        "config": config,
        "torch": {"name": torch_kind, **torch_config},
        "gradient_scale": scale,
        "after": after,
        "finished": after[-1][1:],
    }


np.seterr(over="ignore")  # the formula wraps
torch.set_num_threads(1)
write("optimizers.json", __doc__, [run(*case) for case in cases()])
