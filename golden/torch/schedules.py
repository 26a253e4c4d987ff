"""Writes schedules.json: the learning rates of PyTorch's schedulers.

    python schedules.py

schedule and learning_rate: what Lenslet is told. rates: what PyTorch's scheduler gives for steps 0..47.
"""

import torch
from common import write
from torch.optim import lr_scheduler as schedulers

STEPS = 48


def cases():
    """(Lenslet's schedule, learning rate, PyTorch's scheduler of an optimiser)"""
    for max_lr, config in [(0.1, {}), (0.4, dict(pct_start=0.5, div_factor=10.0, final_div_factor=100.0))]:
        one_cycle = dict(name="one_cycle", total_steps=STEPS, **config)
        yield (
            one_cycle,
            max_lr,
            lambda o, max_lr=max_lr, config=config: schedulers.OneCycleLR(o, max_lr, STEPS, cycle_momentum=False, **config),
        )
    yield dict(name="constant"), 0.1, lambda o: schedulers.ConstantLR(o, factor=1.0)
    yield dict(name="step", step_size=8, gamma=0.25), 0.1, lambda o: schedulers.StepLR(o, 8, 0.25)
    piecewise = dict(name="piecewise", boundaries=[3, 20], factors=[1.0, 0.1, 0.01])
    # Keras's boundary still has the rate before it, PyTorch's milestone has the one behind it.
    yield piecewise, 0.2, lambda o: schedulers.MultiStepLR(o, [4, 21], 0.1)
    yield dict(name="exponential", decay_steps=1, decay_rate=0.93), 0.1, lambda o: schedulers.ExponentialLR(o, 0.93)
    yield dict(name="polynomial", decay_steps=30), 0.1, lambda o: schedulers.LinearLR(o, 1.0, 1e-4 / 0.1, 30)
    # PyTorch's goes to 0, as ours is told to.
    to_zero = dict(name="polynomial", decay_steps=30, end_learning_rate=0.0, power=2.0)
    yield to_zero, 0.1, lambda o: schedulers.PolynomialLR(o, 30, 2.0)
    # Behind its end PyTorch's cosine rises again.
    yield dict(name="cosine", decay_steps=47, alpha=0.1), 0.1, lambda o: schedulers.CosineAnnealingLR(o, 47, 0.01)
    restarts = dict(name="cosine_restarts", first_decay_steps=9, t_mul=1.0, alpha=0.05)
    yield restarts, 0.1, lambda o: schedulers.CosineAnnealingWarmRestarts(o, 9, 1, 0.005)
    doubled = dict(name="cosine_restarts", first_decay_steps=5, t_mul=2.0)
    yield doubled, 0.1, lambda o: schedulers.CosineAnnealingWarmRestarts(o, 5, 2)
    warm = dict(name="step", step_size=8, gamma=0.5, warmup_steps=10, warmup_from=0.25)
    yield (
        warm,
        0.1,
        lambda o: schedulers.SequentialLR(o, [schedulers.LinearLR(o, 0.25, 1.0, 10), schedulers.StepLR(o, 8, 0.5)], [10]),
    )


def rates(learning_rate, scheduler_of):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=learning_rate)
    scheduler = scheduler_of(optimizer)
    found = []
    for step in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < STEPS:
            scheduler.step()
    return found


write("schedules.json", __doc__, [{"schedule": s, "learning_rate": rate, "rates": rates(rate, of)} for s, rate, of in cases()])
