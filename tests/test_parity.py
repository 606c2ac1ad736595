"""The parity run: by hand and by PyTorch, fifty locked steps each, every entry of every step judged.

Two-layer nets: the full product of hidden activation, output activation with loss, and rule with
each of its options varied. The type alternates over that product such that every activation, every
output with its loss, and every option of every rule is met in both; PARITY_EXHAUSTIVE=1 runs the
product in both types, each step judged by itself. One option of a rule is varied at a time, but for
those that mean nothing alone. Deep nets and the remedies follow as a table of their own (deep_cases.py).
"""

import inspect
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from deep_cases import DEFAULT, deep_nets
from parity_cases import EXHAUSTIVE, RULES, two_layer_nets
from wines import THERE, WINE

import manual.activations
import manual.losses
import manual.optimizers
import manual.schedules
from compare.configuration import Configuration, parse
from compare.datasets import load
from compare.tasks import Task
from compare.traces import parameters
from compare.verification import verify

STEPS = 50
PRODUCT = list(two_layer_nets())
DEEP = list(deep_nets())
DATA = {"wine": WINE, "white wine": "wine-white" if THERE else WINE}


@cache
def examples(name, task, dtype):
    """Return the first hundred examples: six batches of sixteen and one of four."""
    data = load(DATA.get(name, name), task=task, dtype=dtype)
    return replace(data, X_train=data.X_train[:, :100], Y_train=data.Y_train[:, :100])


def ahead(task, losses):
    """Yield the steps of a task as `parity run` verifies them, many at once."""
    return task.verified(losses)


def alone(task, losses):
    """Yield the steps of a task, each judged by itself and in extended precision."""
    c = task.configuration
    return verify(c.by_hand(), c.by_torch(), c, task.initial(), task.batches(losses))


def locked(task, way):
    """Verify a task to its end, and return its steps; that nothing was left out is asserted here."""
    losses, steps = [], []
    for stepped in way(task, losses):
        assert stepped.blown is None
        judged = [j.name for j in stepped.judged]
        assert [n for n in judged if not n.startswith("update.")] == list(stepped.candidate)
        losses.append((float(stepped.candidate["loss"]), float(stepped.reference["loss"])))
        steps.append(stepped)
    return steps


@pytest.mark.parametrize(
    ("hidden", "output", "loss", "rule", "options", "dtype"),
    [case[1:] for case in PRODUCT],
    ids=[case[0] for case in PRODUCT],
)
def test_a_two_layer_net_agrees_with_torch_at_every_step(
    hidden, output, loss, rule, options, dtype
):
    data = examples("wine", "binary" if loss.startswith("bce") else "regression", dtype)
    configuration = Configuration((hidden, output), loss, rule, options)
    task = Task(configuration, data, (3,), batch_size=16, steps=STEPS)
    steps = locked(task, alone if EXHAUSTIVE else ahead)
    assert len(steps) == STEPS
    first, last = task.initial(), steps[-1].candidate  # a rectified output may die on the way
    assert any(not np.array_equal(first[n], last[n]) for n in parameters(last))


@pytest.mark.parametrize("rule", manual.optimizers.__all__)
def test_every_option_of_a_rule_is_varied_somewhere_in_the_parity_run(rule):
    signature = inspect.signature(getattr(manual.optimizers, rule)).parameters.values()
    options = {p.name for p in signature if p.kind is p.KEYWORD_ONLY} - {"lr"}
    assert set().union(*RULES[rule].values()) - {"lr"} == options


def deep_task(line, dtype):
    """Return the task of a line of the deep table, and what the line says of the net."""
    case = DEFAULT | line
    net, g = case["net"], case["g"]
    names = [*Configuration.__dataclass_fields__]
    configuration = Configuration(
        (*((g,) * len(net) if isinstance(g, str) else g), case["output"]),
        **{name: case[name] for name in names if name in case},
    )
    names = ("batch_size", "schedule", "patience", "affine")
    options = {name: case[name] for name in names if name in case}
    data = examples(case["data"], case["task"], dtype)
    return Task(configuration, data, net, case["start"], steps=STEPS, **options)


@pytest.mark.parametrize(
    ("line", "dtype"), [case[1:] for case in DEEP], ids=[case[0] for case in DEEP]
)
def test_a_deep_net_agrees_with_torch_at_every_step(line, dtype):
    task = deep_task(line, dtype)
    steps = locked(task, alone)
    stops = line.get("patience", STEPS) < STEPS
    assert len(steps) < STEPS if stops else len(steps) == STEPS
    first, last = steps[0].candidate, steps[-1].candidate
    still = {n for n in parameters(last) if np.array_equal(first[n], last[n])}
    assert set(line.get("frozen", ())) <= still < set(parameters(last))


@pytest.mark.parametrize("package", [manual.activations, manual.losses, manual.schedules])
def test_every_function_and_each_of_its_options_is_met_in_the_deep_table(package):
    met = {"constant": set()}
    for _, line, _ in DEEP:
        for key in ("g", "output", "loss", "schedule"):
            given = line.get(key, ())
            for text in [given] if isinstance(given, str) else given:
                name, options = parse(text)
                met.setdefault(name, set()).update(options)
    for name in package.__all__:
        signature = inspect.signature(getattr(package, name)).parameters.values()
        options = {p.name for p in signature if p.kind is p.KEYWORD_ONLY} - {"lr"}
        assert met[name] == options, name
