"""Tables of medians, each followed by all its rounds, and our ratios to everybody else."""

import statistics

from .cost import MIB

# Of a core: what a machine with nothing else to do needs for itself.
QUIET = 0.1


def costs(results, ours, unit="µs/request", scale=1.0, speed="requests/s", per_speed=1.0):
    """Lines for rounds of work. CPU time is in `unit`, a microsecond being `scale` of it."""
    times = all(round.p99 is not None for rounds in results.values() for round in rounds)
    p50_p99 = f"{'p50 ms':>8}{'p99 ms':>8}" if times else ""
    width = max(map(len, results)) + 2
    lines = [f"{'':{width}}{'CPU ' + unit:>15}{speed:>12}{'busy':>6}{p50_p99}{'MiB':>8}   each round"]

    def cost(round, label=None):
        return round.micros(label) * scale

    for name, rounds in results.items():
        line = f"{name:{width}}{_median(cost, rounds):15.1f}"
        line += f"{_median(lambda round: round.done / round.seconds * per_speed, rounds):12,.0f}"
        line += f"{_median(lambda round: sum(round.cpu.values()) / round.seconds, rounds):6.0%}"
        if times:
            line += f"{_median(lambda round: round.p50, rounds):8.2f}{_median(lambda round: round.p99, rounds):8.2f}"
        line += f"{rounds[-1].memory / MIB:8.1f}   {'  '.join(f'{cost(round):.1f}' for round in rounds)}"
        for part in filter(None, rounds[0].cpu):
            line += f"; {_median(lambda round, part=part: cost(round, part), rounds):.1f} of it in the {part}"
        if (most := max(round.strangers for round in rounds)) > QUIET:
            line += f"; disturbed: other programs took {most:.0%} of a core"
        lines.append(line)
    lines += ratios(results, ours, cost, "CPU")
    return lines + (ratios(results, ours, lambda round: round.p99, "p99") if times else [])


def ratios(results, ours, of, what):
    """A line for each of ours, beside everybody else who stands before it."""
    medians = {name: _median(of, rounds) for name, rounds in results.items()}
    lines = []
    for mine in ours:
        others = [name for name in medians if name not in ours] + ours[: ours.index(mine)]
        beside = [f"{medians[mine] / medians[name]:.2f} of {name}" for name in others if medians[name]]
        if beside:
            lines.append(f"{what} of {mine}: {', '.join(beside)}")
    return lines


def _median(of, rounds):
    return statistics.median(map(of, rounds))
