"""Draws the losses of `curves` and `torch_curves.py` beside each other.

    curves_picture.py OUT.svg FOLDER...

Each folder is a panel, named after what follows its last dash. Thin lines are the steps' losses, thick ones their mean over 10.
"""

import csv
import sys
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 460, 300, 50, 40, 45
CURVES = (
    ("losses.csv", "Lenslet", "#1f5fbf"),
    ("torch-contiguous.csv", "PyTorch", "#c0392b"),
    ("torch-channels-last.csv", "PyTorch, channels last", "#e6a13c"),
)


def losses(path):
    with open(path, newline="") as rows:
        return [float(row["loss"]) for row in csv.DictReader(rows)]


def smooth(values, window=10):
    parts = (values[max(0, i + 1 - window) : i + 1] for i in range(len(values)))
    return [sum(part) / len(part) for part in parts]


def panel(folder, at):
    curves = [(losses(folder / f), label, colour) for f, label, colour in CURVES if (folder / f).exists()]
    steps, most = len(curves[0][0]), max(max(values) for values, _, _ in curves)
    wide, high = WIDTH - LEFT - 20, HEIGHT - TOP - BOTTOM
    x = lambda step: at + LEFT + wide * step / steps
    y = lambda loss: TOP + high * (1 - loss / most)
    out = [f'<text x="{at + WIDTH / 2}" y="22" text-anchor="middle" font-weight="bold">{folder.name.rsplit("-", 1)[-1]}</text>']
    for loss in range(int(most) + 1):
        out.append(f'<line x1="{x(0)}" x2="{x(steps)}" y1="{y(loss)}" y2="{y(loss)}" stroke="#ddd"/>')
        out.append(f'<text x="{x(0) - 8}" y="{y(loss) + 4}" text-anchor="end">{loss}</text>')
    for epoch in range(4):
        step = steps * epoch // 3
        out.append(f'<text x="{x(step)}" y="{TOP + high + 18}" text-anchor="middle">{step}</text>')
    out.append(f'<text x="{x(steps / 2)}" y="{HEIGHT - 8}" text-anchor="middle">step (three epochs)</text>')
    for index, (values, label, colour) in enumerate(curves):
        for line, stroke in ((values, 'stroke-width="0.6" opacity="0.45"'), (smooth(values), 'stroke-width="1.8"')):
            points = " ".join(f"{x(i + 1):.1f},{y(loss):.1f}" for i, loss in enumerate(line))
            out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" {stroke}/>')
        row = TOP + 14 + 17 * index
        out.append(f'<line x1="{x(steps) - 175}" x2="{x(steps) - 155}" y1="{row - 4}" y2="{row - 4}" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{x(steps) - 148}" y="{row}">{label}</text>')
    return out


out, *folders = sys.argv[1:]
shapes = [shape for i, folder in enumerate(folders) for shape in panel(Path(folder), i * WIDTH)]
size = f'width="{WIDTH * len(folders)}" height="{HEIGHT}"'
head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
Path(out).write_text("\n".join([head, f'<rect {size} fill="white"/>', *shapes, "</svg>", ""]))
