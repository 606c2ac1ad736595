r"""`parity experiment optimizers`: every rule on one net, one data set and one seed, each at its best learning rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from compare.datasets import Dataset
from compare.experiments.depth import batch
from compare.experiments.outcome import Outcome, Say, Table, compared
from compare.experiments.race_figures import race
from compare.experiments.runs import Pair, Run, net, train
from compare.metrics import scores
from compare.tasks import Task

FIGURES = ("race",)
DEPTH, WIDTH, STEPS = 1, 8, 200
EXAMPLES = 128  # of the training part: the full batch of every step
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
    def final(self) -> float:
        """Return the last loss; infinite where the run blew up."""
        return float("inf") if self.run.summary.blown else self.run.last("loss")[0]


def experiment(
    dataset: Dataset,
    *,
    depth: int = DEPTH,
    width: int = WIDTH,
    steps: int = STEPS,
    seed: int = 0,
    say: Say = lambda text: None,
) -> Outcome:
    """Run every rule at three learning rates from one start on one batch, and rank them at their best."""
    data = batch(dataset, EXAMPLES)
    entrants: list[Entrant] = []
    for rule, (name, options, rates) in RULES.items():
        for lr in rates:
            say(f"{rule}, learning rate {lr:g}")
            c = net(data, ("tanh",) * depth, optimizer=name, options={"lr": lr, **options})
            task = Task(c, data, (width,) * depth, steps=steps, seed=seed)
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


def ranked(entrants: Sequence[Entrant]) -> list[Entrant]:
    """Return each rule at its best learning rate, the lowest last loss first."""
    best = [min((e for e in entrants if e.rule == rule), key=lambda e: e.final) for rule in RULES]
    return sorted(best, key=lambda e: e.final)


def findings(entrants: Sequence[Entrant], best: Sequence[Entrant]) -> tuple[str, ...]:
    first, last = best[0], best[-1]
    task = first.run.task
    worst = {e.rule: max(x.final for x in entrants if x.rule == e.rule) for e in best}
    widest = max(best, key=lambda e: worst[e.rule] / e.final)
    far = min(best, key=lambda e: e.test[0])
    blown = sum(bool(e.run.summary.blown) for e in entrants)
    return (
        f"{len(best)} rules at three learning rates each, {task.steps} steps on the same "
        f"{task.dataset.X_train.shape[1]} examples from the same start.",
        f"{first.rule} at {first.lr:g} ends lowest ({first.final:.3g}), {last.rule} at {last.lr:g} "
        f"highest ({last.final:.3g}).",
        f"The lowest loss is not the lowest error on other data: of the test examples, "
        f"{far.rule} has the lowest ({far.test[0]:.3f}), {first.rule} {first.test[0]:.3f}.",
        f"The learning rate matters more than the rule: {widest.rule} ends at {widest.final:.3g} or at "
        f"{worst[widest.rule]:.3g}"
        + (f", and {blown} runs blew up, at the same step on both sides." if blown else "."),
    )


def table(best: Sequence[Entrant]) -> Table:
    marks = [round(share * (best[0].run.task.steps - 1)) for share in (0.0, 0.1, 0.5, 1.0)]
    rows: list[tuple[str, ...]] = []
    for e in best:
        losses = e.run.curve("loss")[0]
        numbers = (e.lr, *(losses[k] for k in marks if k < len(losses)), *e.test)
        rows.append((e.rule, *(f"{x:.4g}" for x in numbers)))
    columns = ("rule", "rate", *(f"step {k}" for k in marks), "test RMSE", "by torch")
    note = "Losses by the step. Test RMSE: of the last weights, by either side's net."
    return Table("The race, each rule at its best rate", columns, rows, note)


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
