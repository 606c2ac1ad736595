"""Conventions, refusals and invariants of the update rules, on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import manual.optimizers as manual
import reference.optimizers as reference

Array = NDArray[Any]
Slots = Mapping[str, Array]
After = tuple[Array, dict[str, Array]]
START: Slots = {}
ONE = np.ones((2, 1))


def by_hand(rule: str, p: Array, g: Array, slots: Slots, options: Mapping[str, Any]) -> After:
    after: After = getattr(manual, rule)(p, g, slots, **options)
    return after


def by_torch(rule: str, p: Array, g: Array, slots: Slots, options: Mapping[str, Any]) -> After:
    inside = {name: torch.tensor(x) for name, x in slots.items()}
    q, after = getattr(reference, rule)(torch.tensor(p), torch.tensor(g), inside, **options)
    return q.numpy(), {name: x.numpy() for name, x in after.items()}


BAD: dict[str, tuple[str, dict[str, Any], str, bool]] = {  # the last: torch refuses it as well
    "negative rate": ("sgd", {"lr": -0.1}, "lr is -0.1", True),
    "rate not a number": ("sgd", {"lr": float("nan")}, "lr is nan", False),
    "infinite rate": ("adam", {"lr": float("inf")}, "lr is inf", False),
    "negative momentum": ("sgd", {"momentum": -0.5}, "momentum is -0.5", True),
    "negative decay": ("adamw", {"weight_decay": -1.0}, "weight_decay is -1", True),
    "Nesterov without momentum": ("sgd", {"nesterov": True}, "needs a momentum", True),
    "Nesterov with dampening": (
        "momentum",
        {"nesterov": True, "dampening": 0.1},
        "no dampening",
        True,
    ),
    "beta1 of 1": ("adam", {"betas": (1.0, 0.9)}, r"betas\[0\] is 1.0", True),
    "beta2 of 1": ("adamax", {"betas": (0.0, 1.0)}, r"betas\[1\] is 1.0", True),
    "beta2 not a number": ("nadam", {"betas": (0.9, float("nan"))}, r"betas\[1\] is nan", True),
    "negative beta1": ("radam", {"betas": (-0.1, 0.9)}, r"betas\[0\] is -0.1", True),
    "negative epsilon": ("adam", {"eps": -1e-8}, "eps is -1e-08", True),
    "negative rate decay": ("adagrad", {"lr_decay": -0.5}, "lr_decay is -0.5", True),
    "negative start": (
        "adagrad",
        {"initial_accumulator_value": -1.0},
        "initial_accumulator_value is -1",
        True,
    ),
    "negative momentum decay": ("nadam", {"momentum_decay": -0.2}, "momentum_decay", True),
    "rho above 1": ("adadelta", {"rho": 1.1}, "rho is 1.1", True),
    "alpha above 1": ("rmsprop", {"alpha": 1.1}, "alpha is 1.1", False),
    "negative alpha": ("rmsprop", {"alpha": -0.1}, "alpha is -0.1", True),
    "factors the wrong way round": ("rprop", {"etas": (1.2, 0.5)}, "etas are", True),
    "bounds the wrong way round": ("rprop", {"step_sizes": (1.0, 0.5)}, "step_sizes are", False),
}


@pytest.mark.parametrize(("rule", "options", "message", "refused"), BAD.values(), ids=BAD)
def test_a_bad_hyperparameter_is_named_in_one_sentence(
    rule: str, options: dict[str, Any], message: str, refused: bool
) -> None:
    with pytest.raises(ValueError, match=message) as error:
        by_hand(rule, ONE, ONE, {}, options)
    assert "\n" not in str(error.value)
    if refused:
        with pytest.raises(ValueError, match=r"Invalid|requires"):
            by_torch(rule, ONE, ONE, {}, options)


MISFITS: dict[str, tuple[Array, Slots, str]] = {
    "gradient of another shape": (ONE.T, {}, r"the gradient is \(1, 2\)"),
    "gradient of another dtype": (ONE.astype(np.float32), {}, "float32 but the parameter"),
    "missing slot": (ONE, {"t": np.array(1), "m": ONE}, "slot 'v' is missing"),
    "slot of another shape": (ONE, {"t": np.array(1), "m": ONE.T, "v": ONE}, "slot 'm' is"),
}


@pytest.mark.parametrize(("grad", "slots", "message"), MISFITS.values(), ids=MISFITS)
def test_what_would_broadcast_by_accident_is_refused(
    grad: Array, slots: Slots, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        by_hand("adam", ONE, grad, slots, {})


def test_whole_numbers_are_no_parameter() -> None:
    with pytest.raises(ValueError, match="the parameter is int64"):
        by_hand("sgd", np.ones(2, dtype=np.int64), np.ones(2, dtype=np.int64), {}, {})


W, G = np.array([0.0]), np.array([1e-4])


def moved(rule: str, **options: Any) -> float:
    """Return the first step from 0 under a gradient of 1e-4, the same from both sides."""
    mine, theirs = (side(rule, W, G, {}, options)[0] for side in (by_hand, by_torch))
    assert np.allclose(mine, theirs, rtol=1e-12, atol=0.0)
    return float(mine[0])


PLACES: dict[str, tuple[str, dict[str, Any], float]] = {
    "adagrad outside the root": ("adagrad", {"lr": 1.0, "eps": 1e-4}, -0.5),
    "rmsprop outside the root": ("rmsprop", {"lr": 1.0, "alpha": 0.0, "eps": 1e-4}, -0.5),
    "the source's rmsprop inside the root": (
        "rmsprop_eps_inside",
        {"lr": 1.0, "alpha": 0.0, "eps": 1e-8},
        -1.0 / sqrt(2.0),
    ),
    "adam after the correction": ("adam", {"lr": 1.0, "eps": 1e-4}, -0.5),
    "nadam outside the root": (
        "nadam",
        {"lr": 1.0, "betas": (0.0, 0.999), "eps": 1e-4},
        -0.5,
    ),
    "adamax inside the maximum": ("adamax", {"lr": 1.0, "eps": 3e-4}, -0.25),
    "adadelta inside both roots": ("adadelta", {"rho": 0.0, "eps": 1e-8}, -1e-4 / sqrt(2.0)),
}


@pytest.mark.parametrize(("rule", "options", "step"), PLACES.values(), ids=PLACES)
def test_epsilon_stands_where_torch_has_it(rule: str, options: dict[str, Any], step: float) -> None:
    assert moved(rule, **options) == pytest.approx(step, rel=1e-12)


def test_radam_adds_epsilon_before_the_correction() -> None:
    slots = {"t": np.array(9), "m": G, "v": G * G}
    w, _ = by_hand("radam", W, G, slots, {"lr": 1.0, "betas": (0.5, 0.75), "eps": 1e-4})
    t, beta2 = 10, 0.75
    limit = 2.0 / (1.0 - beta2) - 1.0
    rho = limit - 2.0 * t * beta2**t / (1.0 - beta2**t)
    r = sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
    m_hat = 1e-4 / (1.0 - 0.5**t)
    assert w[0] == pytest.approx(-m_hat * r * sqrt(1.0 - beta2**t) / 2e-4, rel=1e-12)


def test_epsilon_inside_the_root_is_another_rule() -> None:
    small = {"s": G * G}
    options = {"lr": 1.0, "alpha": 1.0, "eps": 1e-8}
    inside, _ = by_hand("rmsprop_eps_inside", W, G, small, options)
    outside, _ = by_hand("rmsprop", W, G, {"t": np.array(1)} | small, options)
    assert inside[0] / outside[0] == pytest.approx(0.70717, abs=1e-5)


def test_sgd_ignores_dampening_at_the_first_step_only() -> None:
    options = {"lr": 1.0, "momentum": 0.5, "dampening": 0.75}
    p, slots = by_hand("sgd", ONE, 4.0 * ONE, {}, options)
    assert (slots["m"] == 4.0).all()
    assert (by_hand("sgd", p, 4.0 * ONE, slots, options)[1]["m"] == 0.5 * 4.0 + 0.25 * 4.0).all()


def test_amsgrad_takes_the_maximum_over_the_raw_second_moment() -> None:
    slots = {"t": np.array(1), "m": ONE, "v": ONE, "vmax": 3.0 * ONE}
    for side in (by_hand, by_torch):
        _, after = side("adam", ONE, 2.0 * ONE, slots, {"amsgrad": True, "betas": (0.5, 0.5)})
        assert (after["v"] == 2.5).all()
        assert (after["vmax"] == 3.0).all()


def test_nadam_keeps_mu_in_float32_for_float64_parameters() -> None:
    for side in (by_hand, by_torch):
        assert side("nadam", ONE, ONE, {}, {})[1]["mu"].dtype == np.float32


def test_radam_waits_until_the_variance_is_known() -> None:
    p, slots, plain = ONE, START, []
    for _ in range(7):
        q, slots = by_hand("radam", p, ONE, slots, {"lr": 0.5})
        plain.append(bool(np.allclose(p - q, 0.5, rtol=1e-12)))
        p = q
    assert plain == [True] * 5 + [False] * 2


def test_rprop_rests_once_where_the_gradient_turns() -> None:
    p, slots, path = ONE, START, []
    for sign in (1.0, 1.0, -1.0, -1.0):
        q, slots = by_hand("rprop", p, sign * ONE, slots, {"lr": 0.5, "etas": (0.5, 2.0)})
        path.append(float((q - p)[0, 0]))
        p = q
    assert path == [-0.5, -1.0, 0.0, 0.5]


dyadics = st.lists(st.integers(-64, 64), min_size=3, max_size=3)


@given(
    grads=st.lists(dyadics, min_size=1, max_size=4),
    power=st.integers(0, 3),
    nesterov=st.booleans(),
    maximize=st.booleans(),
)
def test_sgd_on_dyadic_numbers_is_equal_to_torch_bit_by_bit(
    grads: list[list[int]], power: int, nesterov: bool, maximize: bool
) -> None:
    options = {
        "lr": 2.0**-power,
        "momentum": 0.5,
        "nesterov": nesterov,
        "maximize": maximize,
        "weight_decay": 0.25,
    }
    p, slots = np.array([1.0, -2.0, 0.5]), START
    for g in grads:
        mine, theirs = (
            side("sgd", p, np.array(g, dtype=float), slots, options) for side in (by_hand, by_torch)
        )
        assert (mine[0] == theirs[0]).all()
        assert (mine[1]["m"] == theirs[1]["m"]).all()
        p, slots = mine


@given(g=st.floats(0.01, 100.0), betas=st.tuples(st.floats(0.0, 0.99), st.floats(0.0, 0.99)))
def test_the_bias_correction_makes_a_constant_gradient_step_by_lr(
    g: float, betas: tuple[float, float]
) -> None:
    p, slots = np.zeros(1), START
    for t in range(1, 6):
        p, slots = by_hand("adam", p, np.array([g]), slots, {"lr": 1.0, "betas": betas, "eps": 0.0})
        assert p[0] == pytest.approx(-t, rel=1e-10)


@pytest.mark.parametrize("rule", ["adagrad", "rmsprop", "adam", "adamw", "nadam", "adamax"])
@given(k=st.integers(-40, 40), seed=st.integers(0, 99))
def test_without_epsilon_the_scale_of_the_loss_does_not_matter(
    rule: str, k: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    p = q = rng.normal(size=3)
    slots: Slots = {}
    scaled: Slots = {}
    for _ in range(3):
        g = rng.normal(size=3)
        p, slots = by_hand(rule, p, g, slots, {"eps": 0.0})
        q, scaled = by_hand(rule, q, g * 2.0**k, scaled, {"eps": 0.0})
        assert (p == q).all()
