"""PyTorch: eager, with channels last, and compiled (with channels last)."""

import contest
import networks
import pictures
import torch
import torch_networks
from torch import nn

args = contest.arguments(("eager", "channels-last", "compiled"))
torch.set_num_threads(args.threads)
torch.set_flush_denormal(True)
layout = torch.contiguous_format if args.mode == "eager" else torch.channels_last


def compiled(function):
    return torch.compile(function, dynamic=False) if args.mode == "compiled" else function


model = torch_networks.build(networks.of(args.work)).to(memory_format=layout)
batches = [
    (
        torch.from_numpy(x.transpose(0, 3, 1, 2)).contiguous(memory_format=layout),
        torch.from_numpy(y),
    )
    for x, y in pictures.batches(args.data, args.work, args.batch)
]

if args.training:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, eps=1e-7, fused=True)
    loss_of = compiled(lambda x, y: nn.functional.cross_entropy(model(x), y))

    def step(index):
        loss = loss_of(*batches[index % len(batches)])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

else:
    model.eval()
    if args.mode == "compiled":
        # Weights that never change may be laid out for the kernels while compiling.
        import torch._inductor.config

        torch._inductor.config.freezing = True
    outputs_of = compiled(lambda x: torch.softmax(model(x), 1))

    def step(_):
        # Freezing asks for no_grad; it refuses inference_mode.
        with torch.no_grad():
            for x, _ in batches:
                outputs_of(x)


contest.report(args, torch.__version__, contest.measure(args, step))
