"""Tables of medians, each followed by all its rounds, and our ratios to everybody else."""

import statistics

from .cost import MIB


def requests_table(results, ours):
    """For rounds of requests. Gives the lines."""
    lines = [
        f"{'':24}{'CPU µs/request':>15}{'requests/s':>12}{'busy':>6}{'p50 ms':>8}{'p99 ms':>8}{'MiB':>7}   every round's CPU µs"
    ]
    for name, rounds in results.items():
        def median(of, rounds=rounds):
            return statistics.median(map(of, rounds))

        each = "  ".join(f"{round.micros():.1f}" for round in rounds)
        parts = [label for label in rounds[0].cpu if label]
        of_parts = "".join(f", {median(lambda r, p=part: r.micros(p)):.1f} of it in the {part}" for part in parts)
        lines.append(
            f"{name:24}{median(lambda r: r.micros()):15.1f}{median(lambda r: r.requests / r.seconds):12,.0f}"
            f"{median(lambda r: sum(r.cpu.values()) / r.seconds):6.0%}"
            f"{median(lambda r: r.p50):8.2f}{median(lambda r: r.p99):8.2f}{rounds[-1].memory / MIB:7.1f}"
            f"   {each}{of_parts}"
        )
    return lines + ratios(results, ours, lambda round: round.micros(), "CPU") + ratios(
        results, ours, lambda round: round.p99, "p99"
    )


def ratios(results, ours, of, what):
    """A line for each of ours, beside everybody who stands before it."""
    medians = {name: statistics.median(map(of, rounds)) for name, rounds in results.items()}
    lines = []
    for mine in ours:
        others = [name for name in medians if name not in ours]
        others += ours[: ours.index(mine)]
        beside = ", ".join(f"{medians[mine] / medians[name]:.2f} of {name}" for name in others if medians[name])
        lines.append(f"{what} of {mine}: {beside}")
    return lines
