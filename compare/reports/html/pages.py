r"""The pages: what a report or a check found, put into templates; whatever a user wrote is escaped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare.reports.html.figures import Figure, drift_figure, loss_figure, norm_figure
from compare.reports.html.flow import Flow, flow
from compare.reports.html.heatmap import HeatMap, heat_map, strip
from compare.reports.report import Report, provenance
from compare.summary import margins

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
DRAWN = 24  # drawings on one page of many candidates; each is about 6 kB
Outcome = Mapping[str, Any]


def run_page(report: Report) -> str:
    """Return the report of a run as one page."""
    s = report.summary
    worst = s.tightest
    return rendered(
        "run.html",
        report=report,
        occasion=occasion(report),
        facts=provenance(report.task),
        divergence=report.divergence.declared() if report.divergence else None,
        diagnosis=report.diagnosis.declared() if report.diagnosis else None,
        tightest=worst,
        used=max(worst.pair, worst.formula) if worst else 0.0,
        heat=heat_map(s.margins) if s.margins.rows else None,
        failing=failing_strip(report),
        flow=flow(statuses(report), report.task.configuration) if entries(report) else None,
        figures=tuple(figures(report)),
        quantities=tuple(s.quantities.values()),
    )


def occasion(report: Report) -> str:
    """Return how the sentence starts that says when a formula was judged."""
    first = "At the first step, and wherever the two sides are in doubt, every"
    return first if report.task.level == "step" else "Every"


def entries(report: Report) -> list[str]:
    """Return the entries of a step in the order they are computed, as far as the run came to see them."""
    failing = [n for n, _ in margins(report.failing.judged)] if report.failing else []
    seen = report.divergence.agreed if report.divergence else ()
    return list(dict.fromkeys([*failing, *report.summary.margins.rows, *seen]))


def statuses(report: Report) -> dict[str, str]:
    """Return how each entry fared at the step the run ended with."""
    found = dict.fromkeys(entries(report), "agrees")
    if report.divergence:
        inherited = (n.removeprefix("update.") for n in report.divergence.inherited)
        found |= dict.fromkeys(inherited, "inherited")
        found[report.divergence.origin.removeprefix("update.")] = "wrong"
    elif report.summary.blown:
        found[report.summary.blown[1]] = "blown"
    return found


def failing_strip(report: Report) -> HeatMap | None:
    if report.failing is None:
        return None
    names = list(report.summary.margins.rows) or entries(report)
    worst: dict[str, float] = {}
    for name, margin in margins(report.failing.judged):
        worst[name] = max(margin, worst.get(name, 0.0))
    return strip(worst, names)


def figures(report: Report) -> Iterator[tuple[str, Figure]]:
    """Yield each figure of curves with its heading."""
    if report.summary.losses:
        yield "Loss", loss_figure(report.summary.losses)
        yield "Gradient norms", norm_figure(report.summary.norms)
    if report.drift.get("parameters"):
        yield "Free running", drift_figure(report.drift)


def check_page(outcomes: Sequence[Outcome], like: str, *, command: str = "") -> str:
    """Return what was found of each candidate as one page."""
    wrong = [i for i, o in enumerate(outcomes) if o["verdict"] == "wrong"]
    flows = {i: drawing(outcomes[i], like) for i in wrong[:DRAWN]}
    counts = {v: sum(o["verdict"] == v for o in outcomes) for v in ("right", "wrong", "error")}
    sentence = outcomes[0]["sentence"] if len(outcomes) == 1 else counted(counts)
    return rendered(
        "check.html",
        outcomes=outcomes,
        like=like,
        command=command,
        counts=counts,
        flows=flows,
        undrawn=max(0, len(wrong) - DRAWN),
        sentence=sentence,
    )


def counted(counts: Mapping[str, int]) -> str:
    """Return the one sentence on many candidates.

    >>> counted({"right": 2, "wrong": 1, "error": 0})
    'WRONG: 1 of 3 candidates; 2 are right'
    """
    total, right, wrong, error = (
        sum(counts.values()),
        *(counts[v] for v in ("right", "wrong", "error")),
    )
    judged = f"; {error} could not be judged" if error else ""
    if wrong:
        return f"WRONG: {wrong} of {total} candidates; {right} {'is' if right == 1 else 'are'} right{judged}"
    return f"{'ERROR' if error else 'RIGHT'}: {right} of {total} candidates are right{judged}"


def drawing(outcome: Outcome, like: str) -> Flow | None:
    """Return the data flow of a candidate that is a training step, None for any other."""
    from compare.checking.likeness import configuration, kind_of

    try:
        c = configuration(like) if kind_of(like) == "step" else None
    except ValueError:
        c = None
    divergence = outcome["divergence"]
    if c is None or not divergence:
        return None
    found = dict.fromkeys(outcome["shown"], "later")
    found |= dict.fromkeys(outcome["not_shown"], "hidden")
    found |= dict.fromkeys(divergence["agreed"], "agrees") | {divergence["origin"]: "wrong"}
    return flow(found, c)


def rendered(template: str, **data: Any) -> str:
    return environment().get_template(template).render(**data)


@cache
def environment() -> Environment:
    """Return jinja's environment: everything is escaped, and a name that is not there is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(HERE)
    made = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"short": short, "exact": exactly, "count": "{:,}".format}
    return made


def short(x: float | str | None) -> str:
    """Return a number in three digits; what is no number as it is."""
    if x is None or isinstance(x, str):
        return x or ""
    return f"{x:.3g}" if isfinite(x) else str(x)


def exactly(x: float | str | None) -> str:
    """Return a number with all its digits."""
    return "" if x is None else str(x)
