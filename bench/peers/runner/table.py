"""The table, and the file with all that was measured."""

import json
import statistics

from . import machine
from .failure import note


def markdown(args, prepared, results):
    """One row a work and contestant. A ratio says how much more than Lenslet's it is."""
    lines = [
        *_header(args),
        "",
        "| work | contestant | version | median | rounds | ratio |",
        "|---|---|---|---:|---:|---:|",
    ]
    for work in args.works:
        lenslet = results.get((work.name, "lenslet"))
        for name in args.names[work.name]:
            result = results[work.name, name]
            lines.append(_row(prepared, work, name, result, lenslet))
    return "\n".join(lines)


def _header(args):
    m = machine.describe(args)
    instructions = " ".join(m["features"]) or "no AVX2"
    rounds = "1 round" if args.rounds == 1 else f"{args.rounds} rounds"
    lines = [
        f"{m['cpu']}, {m['threads']} threads, {instructions}; {m['system']}; {m['rust']}; "
        f"Python {m['python']}",
        f"Lenslet {m['commit']}; {m['data']}; {rounds} of {args.seconds:g} s; {m['date']}",
    ]
    if args.smoke:
        lines.append("A smoke test: these times mean nothing.")
    # A line each, in Markdown too.
    return [f"{line}\\" for line in lines[:-1]] + lines[-1:]


def _row(prepared, work, name, result, lenslet):
    if result.failure or not result.rounds:
        cells = [f"failed: {result.failure.replace('|', '/')}", "", ""]
    else:
        show = lambda value: _show(prepared, work, value)  # noqa: E731
        median = statistics.median(result.rounds)
        ends = sorted((show(min(result.rounds)), show(max(result.rounds))), key=_number)
        cells = [
            f"{show(median)} {work.unit}",
            " to ".join(dict.fromkeys(ends)),
            _ratio(median, lenslet),
        ]
    return f"| {work.title} | {name} | {result.version} | {' | '.join(cells)} |"


def _ratio(median, lenslet):
    if lenslet is None or lenslet.failure or not lenslet.rounds:
        return ""
    return f"{median / statistics.median(lenslet.rounds):.2f}"


def _show(prepared, work, value):
    if work.unit == "images/s":
        return f"{1000 * prepared.predicted / value:,.0f}"
    if work.unit == "bytes":
        return f"{value:,.0f}"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}" if value < 100 else f"{value:.0f}"


def _number(text):
    return float(text.replace(",", ""))


def write_json(args, results):
    """All numbers: times in ms, memory in MiB, sizes in bytes; `samples` has a list a round."""
    rows = [
        {
            "work": work,
            "contestant": name,
            "version": r.version,
            "failure": r.failure or None,
            "rounds": r.rounds,
            "samples": r.samples,
        }
        for (work, name), r in results.items()
    ]
    settings = {
        "rounds": args.rounds,
        "seconds": args.seconds,
        "warm_up_seconds": args.warm_up,
        "smoke": args.smoke,
    }
    body = {"machine": machine.describe(args), "settings": settings, "results": rows}
    args.out.write_text(json.dumps(body, indent=1) + "\n")
    note(f"written: {args.out}")
