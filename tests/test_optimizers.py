"""The update rules: by hand, by torch.optim and as stated, step by step from one state."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import compare.formulas.optimizers as stated
import manual.optimizers as manual
import reference.optimizers as reference
from compare.distances import UNKNOWN, Distance, distance
from compare.formulas.arithmetic import Tracked, exact
from compare.tolerances import CAP, STEP

Array = NDArray[Any]
Slots = Mapping[str, Array]
After = tuple[Array, dict[str, Array]]
START: Slots = {}

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "gradient descent": ("sgd", {}),
    "gradient descent, decay": ("sgd", {"lr": 0.1, "weight_decay": 0.3}),
    "gradient descent, ascending with decay": ("sgd", {"maximize": True, "weight_decay": 0.3}),
    "sgd with momentum": ("sgd", {"momentum": 0.7}),
    "sgd with dampened momentum": ("sgd", {"momentum": 0.9, "dampening": 0.3}),
    "sgd with Nesterov and decay": (
        "sgd",
        {"lr": 0.03, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
    ),
    "momentum": ("momentum", {}),
    "momentum, dampened and ascending": ("momentum", {"dampening": 0.5, "maximize": True}),
    "momentum of Nesterov": ("momentum", {"nesterov": True, "lr": 0.1}),
    "adagrad": ("adagrad", {}),
    "adagrad, decaying rate": ("adagrad", {"lr": 0.1, "lr_decay": 0.3}),
    "adagrad, head start": ("adagrad", {"initial_accumulator_value": 0.1}),
    "adagrad, large epsilon": ("adagrad", {"eps": 0.1}),
    "adagrad, small epsilon": ("adagrad", {"eps": 1e-20}),
    "adagrad, decay and ascending": ("adagrad", {"weight_decay": 0.1, "maximize": True}),
    "rmsprop": ("rmsprop", {}),
    "rmsprop, short memory": ("rmsprop", {"alpha": 0.3}),
    "rmsprop, large epsilon": ("rmsprop", {"eps": 0.1}),
    "rmsprop, small epsilon": ("rmsprop", {"eps": 1e-20}),
    "rmsprop, momentum": ("rmsprop", {"momentum": 0.9}),
    "rmsprop, centered": ("rmsprop", {"centered": True}),
    "rmsprop, centered with momentum, decay and ascending": (
        "rmsprop",
        {"centered": True, "momentum": 0.3, "weight_decay": 0.1, "maximize": True, "alpha": 0.9},
    ),
    "rmsprop, epsilon inside": ("rmsprop_eps_inside", {}),
    "rmsprop, large epsilon inside": ("rmsprop_eps_inside", {"eps": 0.1, "alpha": 0.7, "lr": 0.1}),
    "adam": ("adam", {}),
    "adam, short memories": ("adam", {"betas": (0.3, 0.45)}),
    "adam without memory": ("adam", {"betas": (0.0, 0.0)}),
    "adam, large epsilon": ("adam", {"eps": 0.1, "lr": 0.1}),
    "adam, small epsilon": ("adam", {"eps": 1e-20}),
    "adam, decay": ("adam", {"weight_decay": 0.1}),
    "adam, decay apart": ("adam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    "adam, amsgrad": ("adam", {"amsgrad": True, "betas": (0.9, 0.5)}),
    "adam, amsgrad, decay and ascending": (
        "adam",
        {"amsgrad": True, "weight_decay": 0.1, "maximize": True},
    ),
    "adamw": ("adamw", {}),
    "adamw, strong decay": ("adamw", {"lr": 0.1, "weight_decay": 0.5}),
    "adamw, amsgrad and ascending": ("adamw", {"amsgrad": True, "maximize": True, "eps": 1e-3}),
    "nadam": ("nadam", {}),
    "nadam, fast momentum decay": ("nadam", {"momentum_decay": 0.7}),
    "nadam, short memories": ("nadam", {"betas": (0.4, 0.6), "eps": 0.01}),
    "nadam, decay and ascending": ("nadam", {"weight_decay": 0.1, "maximize": True}),
    "nadam, decay apart": (
        "nadam",
        {"weight_decay": 0.1, "decoupled_weight_decay": True, "lr": 0.1},
    ),
    "radam": ("radam", {}),
    "radam, short memories": ("radam", {"betas": (0.8, 0.9)}),
    "radam that never rectifies": ("radam", {"betas": (0.9, 0.6)}),
    "radam, large epsilon": ("radam", {"eps": 0.1, "lr": 0.1}),
    "radam, decay and ascending": ("radam", {"weight_decay": 0.1, "maximize": True}),
    "radam, decay apart": ("radam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    "adamax": ("adamax", {}),
    "adamax, short memories": ("adamax", {"betas": (0.4, 0.6)}),
    "adamax, large epsilon": ("adamax", {"eps": 0.1}),
    "adamax, decay and ascending": ("adamax", {"weight_decay": 0.1, "maximize": True}),
    "adadelta": ("adadelta", {}),
    "adadelta, short memory": ("adadelta", {"rho": 0.3, "lr": 0.1}),
    "adadelta, large epsilon": ("adadelta", {"eps": 0.1}),
    "adadelta, decay and ascending": ("adadelta", {"weight_decay": 0.1, "maximize": True}),
    "rprop": ("rprop", {}),
    "rprop, other factors": ("rprop", {"etas": (0.3, 1.7), "lr": 0.1}),
    "rprop, narrow bounds": ("rprop", {"step_sizes": (0.009, 0.0123)}),
    "rprop, ascending": ("rprop", {"maximize": True}),
}
cases = pytest.mark.parametrize(("rule", "options"), CASES.values(), ids=CASES)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
STEPS = 24


def gradient(rng: np.random.Generator, t: int, dtype: Any) -> Array:
    """Return a gradient (8, 11) whose rows differ in kind: rules work element by element."""
    g = rng.normal(size=(8, 11))
    g[1] = 0.0
    g[2] = 1e-20
    g[3] *= 1e20 if dtype == np.float64 else 1e10
    g[4] *= rng.random(11) < 0.2
    g[5] = abs(g[5]) * (-1.0) ** t
    g[6] = 0.3
    g[7] *= 10.0 ** rng.uniform(-12.0, 3.0, size=11)
    return g.astype(dtype)


def by_hand(rule: str, p: Array, g: Array, slots: Slots, options: Mapping[str, Any]) -> After:
    after: After = getattr(manual, rule)(p, g, slots, **options)
    return after


def by_torch(rule: str, p: Array, g: Array, slots: Slots, options: Mapping[str, Any]) -> After:
    inside = {name: torch.tensor(x) for name, x in slots.items()}
    q, after = getattr(reference, rule)(torch.tensor(p), torch.tensor(g), inside, **options)
    return q.numpy(), {name: x.numpy() for name, x in after.items()}


def expected(
    rule: str, p: Array, g: Array, slots: Slots, new: Slots, options: Mapping[str, Any]
) -> Iterator[tuple[str, Tracked]]:
    """Yield what the formulas state, later ones on the slots in `new` where it has them."""

    def operand(of: Slots, name: str) -> Tracked | None:
        return exact(of[name], p.dtype) if name in of else None

    return getattr(stated, rule)(  # type: ignore[no-any-return]
        exact(p, p.dtype),
        exact(g, p.dtype),
        lambda name: operand(slots, name),
        lambda name: operand(new, name),
        **options,
    )


def judged(
    rule: str, p: Array, g: Array, slots: Slots, after: After, options: Mapping[str, Any]
) -> dict[str, Distance]:
    """Return how far each entry, the parameter as "", is from its formula on its own inputs."""
    entries = after[1] | {"": after[0]}
    formulas = expected(rule, p, g, slots, after[1], options)
    return {name: distance(entries[name], x) for name, x in formulas}


def compared(
    rule: str,
    p: Array,
    g: Array,
    slots: Slots,
    pair: tuple[After, After],
    options: Mapping[str, Any],
) -> dict[str, Distance]:
    """Return how far both sides are apart, in units of the error that grows along the whole step.

    Both hold NAdam's mu in float32, with one value, so that its rounding is no part of the error.
    """
    mine, theirs = (after[1] | {"": after[0]} for after in pair)
    shared = {"mu": mine["mu"]} if "mu" in mine else {}
    formulas = expected(rule, p, g, slots, shared, options)
    return {name: distance(mine[name], x, against=theirs[name]) for name, x in formulas}


def layout(after: After) -> list[tuple[str, tuple[int, ...], str]]:
    entries = after[1] | {"": after[0]}
    return [(name, x.shape, str(x.dtype)) for name, x in entries.items()]


@dtypes
@cases
def test_both_sides_compute_the_stated_rule_at_every_step(
    rule: str, options: dict[str, Any], dtype: Any
) -> None:
    rng = np.random.default_rng(7)
    p, slots = rng.normal(size=(8, 11)).astype(dtype), START
    for t in range(STEPS):
        g = gradient(rng, t, dtype)
        mine = by_hand(rule, p, g, slots, options)
        theirs = by_torch(rule, p, g, slots, options)
        assert layout(mine) == layout(theirs)
        assert all(np.isfinite(x).all() for x in (mine[0], *mine[1].values()))
        for after in (mine, theirs):
            far = judged(rule, p, g, slots, after, options)
            assert list(far) == [*after[1], ""]
            assert max(d.ratio for d in far.values()) <= CAP, (t, far)
        apart = compared(rule, p, g, slots, (mine, theirs), options)
        assert max(d.ratio for d in apart.values()) <= STEP, (t, apart)
        assert np.array_equal(mine[1].get("mu", 0), theirs[1].get("mu", 0))
        p, slots = mine


def planted(after: After, name: str, p: Array) -> After:
    """Return the step with a fault in one entry: a factor of 1 + 1e-9; t one too many."""
    new, slots = after
    if name == "":
        return p + (1.0 + 1e-9) * (new - p), slots
    # mu is a float32 number in torch: 1 + 1e-9 cannot be told from 1 there
    factor = 1.0 + (1e-6 if name == "mu" else 1e-9)
    fault = slots[name] + 1 if name == "t" else slots[name] * np.asarray(factor, slots[name].dtype)
    return new, {**slots, name: np.asarray(fault)}


@cases
def test_a_fault_of_one_billionth_in_any_entry_is_caught_where_it_is(
    rule: str, options: dict[str, Any]
) -> None:
    rng = np.random.default_rng(3)
    p, slots = rng.normal(size=(8, 11)), START
    for _ in range(STEPS):
        g = rng.normal(size=p.shape)
        after = by_hand(rule, p, g, slots, options)
        for name in (*after[1], ""):
            far = judged(rule, p, g, slots, planted(after, name, p), options)
            first = next((n for n, d in far.items() if d.ratio > CAP), None)
            assert first == name, (name, far)
        p, slots = after


@cases
def test_a_fault_of_one_billionth_separates_the_sides(rule: str, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(4)
    p, slots = rng.normal(size=(8, 11)), START
    for _ in range(STEPS):
        g = rng.normal(size=p.shape)
        mine, theirs = (side(rule, p, g, slots, options) for side in (by_hand, by_torch))
        for name in (*mine[1], ""):
            if name != "mu":
                apart = compared(rule, p, g, slots, (planted(mine, name, p), theirs), options)
                assert apart[name].ratio > STEP, (name, apart)
        p, slots = mine


@dtypes
@pytest.mark.parametrize("side", [by_hand, by_torch], ids=["manual", "reference"])
@cases
def test_a_step_modifies_nothing_and_shares_no_memory(
    rule: str, options: dict[str, Any], side: Any, dtype: Any
) -> None:
    rng = np.random.default_rng(5)
    p, g = (rng.normal(size=(2, 3)).astype(dtype) for _ in range(2))
    package, make = (manual, np.array) if side is by_hand else (reference, torch.tensor)
    inside: list[Any] = [make(p), make(g)]
    slots: dict[str, Any] = {}
    for _ in range(2):
        operands = [*inside, *slots.values()]
        before = deepcopy(operands)
        q, after = getattr(package, rule)(*inside, slots, **options)
        assert all(np.array_equal(x, y) for x, y in zip(operands, before, strict=True))
        results = [np.asarray(x) for x in (q, *after.values())]
        for i, x in enumerate(results):
            others = [np.asarray(y) for y in operands] + results[:i]
            assert not any(np.shares_memory(x, y) for y in others)
        slots = after


SLOTS: dict[str, list[str]] = {
    "sgd": [],
    "momentum": ["m"],
    "adagrad": ["t", "s"],
    "rmsprop": ["t", "s"],
    "rmsprop_eps_inside": ["s"],
    "adam": ["t", "m", "v"],
    "adamw": ["t", "m", "v"],
    "nadam": ["t", "mu", "m", "v"],
    "radam": ["t", "m", "v"],
    "adamax": ["t", "m", "u"],
    "adadelta": ["t", "v", "d"],
    "rprop": ["t", "eta", "prev"],
}
SLOTS_OF_OPTIONS: list[tuple[str, dict[str, Any], list[str]]] = [
    *((rule, {}, names) for rule, names in SLOTS.items()),
    ("sgd", {"momentum": 0.1}, ["m"]),
    ("rmsprop", {"centered": True, "momentum": 0.1}, ["t", "s", "ga", "m"]),
    ("rmsprop", {"momentum": 0.1}, ["t", "s", "m"]),
    ("adam", {"amsgrad": True}, ["t", "m", "v", "vmax"]),
]


def test_every_rule_is_stated_three_times_and_tried() -> None:
    assert set(manual.__all__) == set(reference.__all__) == set(stated.__all__) == set(SLOTS)
    assert {rule for rule, _ in CASES.values()} == set(SLOTS)


@pytest.mark.parametrize(("rule", "options", "names"), SLOTS_OF_OPTIONS)
def test_only_slots_in_use_are_there(rule: str, options: dict[str, Any], names: list[str]) -> None:
    p = np.ones((2, 1))
    for side in (by_hand, by_torch):
        assert list(side(rule, p, p, {}, options)[1]) == names


def hyperparameters(function: Any) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {q.name: q.default for q in parameters if q.kind is q.KEYWORD_ONLY}


@pytest.mark.parametrize("rule", SLOTS)
def test_the_three_statements_have_the_same_options_and_defaults(rule: str) -> None:
    options = hyperparameters(getattr(manual, rule))
    assert options == hyperparameters(getattr(reference, rule))
    assert options == hyperparameters(getattr(stated, rule))


TORCH = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adamax": torch.optim.Adamax,
    "adadelta": torch.optim.Adadelta,
    "rprop": torch.optim.Rprop,
}
MEANINGLESS = {"params", "foreach", "fused", "capturable", "differentiable"}


@pytest.mark.parametrize("rule", TORCH)
def test_options_and_defaults_are_those_of_torch(rule: str) -> None:
    parameters = inspect.signature(TORCH[rule]).parameters.values()
    theirs = {q.name: q.default for q in parameters if q.name not in MEANINGLESS}
    assert hyperparameters(getattr(manual, rule)) == theirs


@cases
def test_numpy_scalars_as_options_leave_float32_alone(rule: str, options: dict[str, Any]) -> None:
    scalars = {
        name: np.float64(x) if isinstance(x, float) else x
        for name, x in (hyperparameters(getattr(manual, rule)) | options).items()
    }
    p = np.ones((2, 3), dtype=np.float32)
    after = by_hand(rule, p, p, by_hand(rule, p, p, {}, options)[1], scalars)
    assert {x.dtype for name, x in (after[1] | {"": after[0]}).items() if name != "t"} == {p.dtype}


def test_rprop_loses_a_sign_that_underflows_as_torch_does() -> None:
    faint = np.array([1e-30, -1e-30], dtype=np.float32)
    slots = {"t": np.array(1), "eta": np.ones_like(faint), "prev": abs(faint)}
    for side in (by_hand, by_torch):
        after = side("rprop", np.zeros_like(faint), faint, slots, {})
        assert (after[1]["eta"] == 1.0).all()
        assert judged("rprop", np.zeros_like(faint), faint, slots, after, {})["eta"].ratio <= CAP


@dtypes
def test_what_rounding_may_make_nan_in_centered_rmsprop_is_left_undecided(dtype: Any) -> None:
    options = {"centered": True, "alpha": 0.5}
    rng = np.random.default_rng(0)
    p, g = (rng.normal(size=(8, 11)).astype(dtype) for _ in range(2))
    slots, broken, t = START, False, 0
    while not broken:  # under a constant gradient the variance tends to 0, then below
        with np.errstate(invalid="ignore"):
            pair = [side("rmsprop", p, g, slots, options) for side in (by_hand, by_torch)]
        for after in pair:
            *_, (_, x) = expected("rmsprop", p, g, slots, after[1], options)
            assert x.error is not None
            undecided = x.u * x.error > UNKNOWN
            assert not undecided.any() or t > 10
            assert undecided[np.isnan(after[0])].all()
            broken = broken or bool(np.isnan(after[0]).any())
        (p, slots), t = pair[0], t + 1
