r"""`parity experiment optimizers`: every rule on one net, one data set and one seed, each at its best learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from compare.datasets import Dataset
from compare.experiments.outcome import Outcome, Say, Table, compared
from compare.experiments.race_figures import race
from compare.experiments.runs import Pair, Run, net, train
from compare.metrics import scores
from compare.tasks import Task

FIGURES = ("race",)
DEPTH, WIDTH, STEPS = 1, 8, 200
BATCH = 32
DECADES = (1e-3, 1e-2, 1e-1)
RULES: Mapping[str, tuple[str, Mapping[str, Any], tuple[float, ...]]] = {
    "SGD": ("sgd", {}, (1e-2, 1e-1, 1.0)),
    "SGD, momentum": ("sgd", {"momentum": 0.9}, DECADES),
    "SGD, Nesterov": ("sgd", {"momentum": 0.9, "nesterov": True}, DECADES),
    "Adagrad": ("adagrad", {}, (1e-2, 1e-1, 1.0)),
    "RMSprop": ("rmsprop", {}, DECADES),
    "Adam": ("adam", {}, DECADES),
    "AdamW": ("adamw", {"weight_decay": 0.01}, DECADES),
    "NAdam": ("nadam", {}, DECADES),
    "RAdam": ("radam", {}, DECADES),
    "Adamax": ("adamax", {}, DECADES),
    "Adadelta": ("adadelta", {}, (1e-1, 1.0, 10.0)),
    "Rprop": ("rprop", {}, DECADES),
}


@dataclass(frozen=True)
class Entrant:
    """A rule at one learning rate: its verified run, and its error on the test examples, manual's and torch's."""

    rule: str
    lr: float
    run: Run
    test: Pair

    @property
    def averages(self) -> tuple[list[float], list[float]]:
        """Return the mean loss of each epoch, by hand and by torch."""
        n = self.run.task.per_epoch
        mine, theirs = self.run.curve("loss")
        return epochs(mine, n), epochs(theirs, n)

    @property
    def final(self) -> float:
        """Return the mean loss of the last epoch; infinite where the run blew up."""
        averages = self.averages[0]
        return float("inf") if self.run.summary.blown or not averages else averages[-1]


def experiment(
    dataset: Dataset,
    *,
    depth: int = DEPTH,
    width: int = WIDTH,
    steps: int = STEPS,
    seed: int = 0,
    say: Say = lambda text: None,
) -> Outcome:
    """Run every rule at three learning rates from one start over the same batches, and rank them at their best."""
    entrants: list[Entrant] = []
    for rule, (name, options, rates) in RULES.items():
        for lr in rates:
            say(f"{rule}, learning rate {lr:g}")
            c = net(dataset, ("tanh",) * depth, optimizer=name, options={"lr": lr, **options})
            task = Task(c, dataset, (width,) * depth, batch_size=BATCH, steps=steps, seed=seed)
            entrants.append(entered(rule, lr, task))
    best = ranked(entrants)
    return Outcome(
        "optimizers",
        best[0].run.task,
        compared([e.run for e in entrants]),
        findings(entrants, best),
        (table(best),),
        {"race": partial(race, best, entrants)},
        {"ranking": [e.rule for e in best], "entrants": [declared(e) for e in entrants]},
    )


def entered(rule: str, lr: float, task: Task) -> Entrant:
    run = train(task, keep=())
    state = run.states.get(task.steps)
    if state is None:
        return Entrant(rule, lr, run, (float("nan"),) * 2)
    test = scores(task.configuration, task.dataset, state, state)["test"]
    return Entrant(rule, lr, run, test.get("RMSE", (float("nan"),) * 2))


def epochs(losses: Sequence[float], n: int) -> list[float]:
    """Return the mean of every n losses; the last, where fewer are left, of these.

    >>> epochs([1.0, 3.0, 5.0], 2)
    [2.0, 5.0]
    """
    return [float(np.mean(losses[k : k + n])) for k in range(0, len(losses), n)]


def ranked(entrants: Sequence[Entrant]) -> list[Entrant]:
    """Return each rule at its best learning rate, the lowest last loss first."""
    best = [min((e for e in entrants if e.rule == rule), key=lambda e: e.final) for rule in RULES]
    return sorted(best, key=lambda e: e.final)


def findings(entrants: Sequence[Entrant], best: Sequence[Entrant]) -> tuple[str, ...]:
    first, last = best[0], best[-1]
    task = first.run.task
    worst = {e.rule: max(x.final for x in entrants if x.rule == e.rule) for e in best}
    widest = max(best, key=lambda e: worst[e.rule] / e.final)
    blown = sum(bool(e.run.summary.blown) for e in entrants)
    return (
        f"{len(best)} rules at three learning rates each, {task.steps} steps in batches of "
        f"{task.batch_size}: every run has the same weights at the start and the same batches.",
        f"{first.rule} at {first.lr:g} ends lowest ({first.final:.3g}), {last.rule} at {last.lr:g} "
        f"highest ({last.final:.3g}): mean loss of the last epoch.",
        f"The learning rate matters more than the rule: {widest.rule} ends at {widest.final:.3g} or at "
        f"{worst[widest.rule]:.3g}"
        + (f", and {blown} runs blew up, at the same step on both sides." if blown else "."),
        "Rprop reads signs alone and wants the full batch; here it gets batches, like all others.",
    )


def table(best: Sequence[Entrant]) -> Table:
    rows: list[tuple[str, ...]] = []
    for e in best:
        averages = e.averages[0]
        middle = averages[len(averages) // 2]
        rates = (e.lr, averages[0], middle, e.final, *e.test)
        rows.append((e.rule, *(f"{x:.4g}" for x in rates)))
    columns = ("rule", "rate", "first epoch", "half way", "last epoch", "test RMSE", "by torch")
    return Table("The race, each rule at its best rate", columns, rows)


def declared(e: Entrant) -> dict[str, Any]:
    curve = dict(zip(("manual", "torch"), e.run.curve("loss"), strict=True))
    return {
        "rule": e.rule,
        "lr": e.lr,
        "configuration": e.run.task.configuration.declared(),
        "loss": curve,
        "test_rmse": dict(zip(("manual", "torch"), e.test, strict=True)),
        "blown_up": e.run.summary.blown,
    }
