#!/usr/bin/env python3
"""Writes what PyTorch computes where Keras has nothing to compare with.

    pip install -r requirements.txt && python make.py

Output: schedules.json beside this script.
"""

import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = 48


def rates(max_lr, **config):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=max_lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=max_lr, total_steps=STEPS, cycle_momentum=False, **config)
    found = []
    for step in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < STEPS:
            schedule.step()
    return found


def main():
    cases = [
        {"schedule": dict(name="one_cycle", total_steps=STEPS, **config), "learning_rate": max_lr, "rates": rates(max_lr, **config)}
        for max_lr, config in [(0.1, {}), (0.4, dict(pct_start=0.5, div_factor=10.0, final_div_factor=100.0))]
    ]
    about = "schedule and learning_rate: what Lenslet is told. rates: what PyTorch's OneCycleLR gives for steps 0..47."
    lines = ",\n  ".join(json.dumps(case, separators=(",", ":")) for case in cases)
    versions = json.dumps({"torch": torch.__version__})
    with open(os.path.join(HERE, "schedules.json"), "w") as f:
        f.write(f'{{\n "about": {json.dumps(about)},\n "versions": {versions},\n "cases": [\n  {lines}\n ]\n}}\n')


if __name__ == "__main__":
    main()
