r"""`parity experiment learning-rate`: too large diverges, too small crawls, and where the line is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from compare.datasets import Dataset
from compare.experiments.depth import batch
from compare.experiments.outcome import Outcome, Say, Table, compared
from compare.experiments.rate_figures import learning_rate
from compare.experiments.rates import Step, Trained, curvature, least, one_step, task
from compare.experiments.runs import Run, train

FIGURES = ("learning-rate",)
DEPTH, WIDTH, STEPS = 1, 8, 200
SHARES = (0.001, 0.01, 0.1, 0.5, 0.99, 1.01, 1.5)  # of the linear model's 2 / Lambda
RATES = tuple(10.0 ** (k / 3) for k in range(-12, 4))  # of the net, which has no such limit
TINY = tuple(10.0**k for k in range(-21, 0))  # looked at for one step


@dataclass(frozen=True)
class Found:
    """What was measured: the linear model's limit and least loss, and all runs."""

    limit: float
    best: float
    linear: Sequence[Trained]
    nets: Sequence[Trained]
    steps: Sequence[Step]

    @property
    def runs(self) -> list[Run]:
        return [t.run for t in (*self.linear, *self.nets)] + [s.run for s in self.steps]


def experiment(
    dataset: Dataset,
    *,
    depth: int = DEPTH,
    width: int = WIDTH,
    steps: int = STEPS,
    seed: int = 0,
    say: Say = lambda text: None,
) -> Outcome:
    """Train a linear model around its limit, a net over five decades, and look for steps that rounding swallows."""
    f = measured(dataset, (width,) * depth, steps, seed, say)
    data = {
        "limit": f.limit,
        "least_loss": f.best,
        "linear": [declared(t) for t in f.linear],
        "nets": [declared(t) for t in f.nets],
        "one_step": [{"lr": s.lr, "moved": s.moved, "predicted": s.predicted} for s in f.steps],
    }
    return Outcome(
        "learning-rate",
        f.nets[0].run.task,
        compared(f.runs),
        findings(f),
        (linear_table(f), net_table(f)),
        {"learning-rate": partial(learning_rate, f.linear, f.nets, f.steps, f.best)},
        data,
    )


def measured(dataset: Dataset, hidden: tuple[int, ...], steps: int, seed: int, say: Say) -> Found:
    data = batch(dataset)
    limit = 2.0 / curvature(data.X_train)

    def trained(what: str, widths: tuple[int, ...], lr: float) -> Trained:
        say(f"{what}, learning rate {lr:.2g}")
        return Trained(lr / limit, lr, train(task(data, widths, lr, steps, seed)))

    return Found(
        limit,
        least(data),
        [trained("linear model", (), share * limit) for share in SHARES],
        [trained("net", hidden, lr) for lr in RATES],
        [one_step(task(data, hidden, lr, 1, seed)) for lr in TINY],
    )


def findings(f: Found) -> tuple[str, ...]:
    small, below, above = (
        next(t for t in f.linear if abs(t.share - x) < 1e-6) for x in (0.001, 0.99, 1.01)
    )
    good = min((t for t in f.nets if t.sound), key=lambda t: t.run.last("loss")[0])
    lost = [t.lr for t in f.nets if not t.sound]
    still = max((s.lr for s in f.steps if s.moved == (0.0, 0.0)), default=0.0)
    return (
        f"Too large diverges. The linear model's limit is 2/Lambda = {f.limit:.4g}: at 0.99 of it "
        f"the loss ends at {below.run.last('loss')[0]:.3g}, at 1.01 of it at {above.run.last('loss')[0]:.3g}.",
        f"Too small crawls, but minimises: at 0.001 of the limit "
        f"{'every step lowers' if small.lowered else 'not every step lowers'} the loss, from "
        f"{small.run.first('loss')[0]:.3g} to {small.run.last('loss')[0]:.3g}; the least is {f.best:.3g}.",
        f"It fails by the budget of steps, or by stagnation: at {still:.0e} rounding loses the whole "
        f"step, and not one parameter of the net moves, on either side.",
        f"The net does best at {good.lr:.2g} of the rates tried"
        + (f", and diverges from {min(lost):.2g} on." if lost else "."),
    )


def linear_table(f: Found) -> Table:
    rows: list[tuple[str, ...]] = []
    for t in f.linear:
        k = t.arrival(f.best)
        arrived = "never" if k is None else f"{k:,}"
        rows.append((f"{t.share:g}", f"{t.lr:.3g}", *ends(t.run), arrived))
    columns = ("share of 2/Lambda", "rate", "loss", "then", "first within 1 % at step")
    return Table("A linear model", columns, rows, f"The least loss is {f.best:.4g}.")


def net_table(f: Found) -> Table:
    rows: list[tuple[str, ...]] = [(f"{t.lr:.1e}", *ends(t.run)) for t in f.nets]
    return Table("A net", ("rate", "loss", "then"), rows)


def ends(run: Run) -> tuple[str, str]:
    """Return the first and the last loss; a run that blew up did so at one step on both sides."""
    blown = run.summary.blown
    end = f"blew up at step {blown[0]}" if blown else f"{run.last('loss')[0]:.4g}"
    return f"{run.first('loss')[0]:.4g}", end


def declared(t: Trained) -> dict[str, Any]:
    curve = dict(zip(("manual", "torch"), t.run.curve("loss"), strict=True))
    return {"share": t.share, "lr": t.lr, "loss": curve, "blown_up": t.run.summary.blown}
