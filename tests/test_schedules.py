"""Every schedule by hand against torch's scheduler driven step by step, and in mpmath."""

import mpmath
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import ReduceLROnPlateau

import manual.schedules
import reference.schedules

U = 2.0**-53
STEPS = 600
half, pi = mpmath.mpf(0.5), mpmath.pi

CASES = {
    "constant": ("constant", {}),
    "a stair every 3 steps": ("step_decay", {"step_size": 3, "gamma": 0.9}),
    "a stair every 100 steps": ("step_decay", {"step_size": 100}),
    "exponential": ("exponential", {"gamma": 0.99}),
    "exponential, growing": ("exponential", {"gamma": 1.01}),
    "inverse time": ("inverse_time", {"decay": 0.1}),
    "a warm-up of torch's 5 steps": ("linear_warmup", {}),
    "a warm-up of 500 steps": ("linear_warmup", {"total_iters": 500, "start_factor": 1e-3}),
    "a ramp down": ("linear_warmup", {"total_iters": 97, "start_factor": 1.0, "end_factor": 0.0}),
    "half a cosine": ("cosine", {"T_max": STEPS}),
    "half a cosine to 0.01": ("cosine", {"T_max": STEPS, "eta_min": 0.01}),
    "a cosine that alternates": ("cosine", {"T_max": 1}),
    "one cycle": ("one_cycle", {"total_steps": STEPS}),
    "one linear cycle": ("one_cycle", {"total_steps": 601, "anneal_strategy": "linear"}),
    "one cycle in three phases": ("one_cycle", {"total_steps": STEPS, "three_phase": True}),
    "one cycle that only falls": ("one_cycle", {"total_steps": STEPS, "pct_start": 0.0}),
    "one cycle of other depths": (
        "one_cycle",
        {"total_steps": STEPS, "pct_start": 0.41, "div_factor": 3.0, "final_div_factor": 7.0},
    ),
}
EXACT = ("constant", "one_cycle")  # torch has the closed form too
each_case = pytest.mark.parametrize(("name", "options"), CASES.values(), ids=CASES)
each_side = pytest.mark.parametrize("package", [manual.schedules, reference.schedules])


def rates(package, name, options, *, lr=0.037, steps=STEPS):
    return [getattr(package, name)(k, lr=lr, **options) for k in range(steps)]


def apart(mine, theirs, lr=0.037):
    """Return the largest difference a step, in roundings of the rate, or of lr if it is larger."""
    gaps = enumerate(zip(mine, theirs, strict=True))
    return max(abs(a - b) / (U * max(lr, b) * (k + 1)) for k, (a, b) in gaps)


@each_case
def test_rates_are_torchs_within_a_rounding_a_step(name, options):
    mine, theirs = (rates(p, name, options) for p in (manual.schedules, reference.schedules))
    assert apart(mine, theirs) <= (0.0 if name in EXACT else 1.0)


@each_case
def test_a_fault_of_1e_9_or_of_one_step_is_caught(name, options):
    mine, theirs = (rates(p, name, options) for p in (manual.schedules, reference.schedules))
    assert apart([x * (1 + 1e-9) for x in mine], theirs) > 1.0
    if name != "constant":
        assert apart(mine[1:], theirs[:-1]) > 1.0


def stair(k, lr, step_size, gamma=0.1):
    return lr * mpmath.mpf(gamma) ** (k // step_size)


def ramp(k, lr, total_iters=5, start_factor=1.0 / 3.0, end_factor=1.0):
    start, end = mpmath.mpf(start_factor), mpmath.mpf(end_factor)
    return lr * (start + (end - start) * min(k, total_iters) / total_iters)


def wave(k, lr, T_max, eta_min=0.0):
    return eta_min + (lr - mpmath.mpf(eta_min)) * half * (1 + mpmath.cos(pi * k / T_max))


FORMULAS = {
    "constant": lambda k, lr: lr,
    "step_decay": stair,
    "exponential": lambda k, lr, gamma: lr * mpmath.mpf(gamma) ** k,
    "inverse_time": lambda k, lr, decay: lr / (1 + mpmath.mpf(decay) * k),
    "linear_warmup": ramp,
    "cosine": wave,
}


stated_cases = {id: case for id, case in CASES.items() if case[0] in FORMULAS}


@pytest.mark.parametrize(("name", "options"), stated_cases.values(), ids=stated_cases)
def test_rates_by_hand_are_their_formula_within_a_few_roundings(name, options):
    with mpmath.workdps(40):
        for k, x in enumerate(rates(manual.schedules, name, options, steps=2 * STEPS)):
            true = FORMULAS[name](k, mpmath.mpf(0.037), **options)
            assert abs(x - true) <= 6.0 * U * max(0.037, float(true)), k


def test_torchs_recurrence_leaves_the_cosine_after_its_lowest_point():
    options, lr = {"T_max": 997, "eta_min": 0.01}, 0.1
    mine, theirs = (
        rates(p, "cosine", options, lr=lr, steps=2000)
        for p in (manual.schedules, reference.schedules)
    )
    assert apart(mine[:998], theirs[:998], lr) <= 1.0
    drift = max(abs(a - b) for a, b in zip(mine, theirs, strict=True)) / (U * lr)
    assert 1e3 < drift < 1e5


def test_one_cycle_starts_peaks_and_ends_where_it_says():
    options = {"lr": 1.0, "total_steps": 100, "pct_start": 0.25}
    first, peak, last = (manual.schedules.one_cycle(k, **options) for k in (0, 24, 99))
    assert first == pytest.approx(1.0 / 25.0, rel=1e-14)
    assert peak == 1.0
    assert last == pytest.approx(1.0 / 25.0 / 1e4, rel=1e-12)


def test_inverse_time_divides_the_first_rate_not_the_last():
    recursive = 0.5
    for k in range(1, 4):
        recursive /= 1.0 + 0.1 * k
    assert manual.schedules.inverse_time(3, lr=0.5, decay=0.1) == 0.5 / (1.0 + 0.1 * 3) > recursive


def test_the_reference_gives_any_step_in_any_order():
    options = {"lr": 0.05, "T_max": 11}
    late, early = (reference.schedules.cosine(k, **options) for k in (9, 2))
    assert [early, late] == [reference.schedules.cosine(k, **options) for k in (2, 9)]
    assert early > late


REFUSED = {
    "a step before the first": ("constant", -1, {}, "k is -1"),
    "half a step": ("exponential", 0.5, {"gamma": 0.9}, "k is 0.5"),
    "stairs of no width": ("step_decay", 0, {"step_size": 0}, "step_size is 0"),
    "a growing sign": ("exponential", 1, {"gamma": -0.9}, "gamma is -0.9"),
    "decay NaN": ("inverse_time", 1, {"decay": float("nan")}, "decay is nan"),
    "a warm-up from 0": ("linear_warmup", 0, {"start_factor": 0.0}, "start_factor is 0.0"),
    "half a wave of 0 steps": ("cosine", 0, {"T_max": 0}, "T_max is 0"),
    "a step after the last": ("one_cycle", 10, {"total_steps": 10}, "k is 10, total_steps 10"),
    "a rise of one step": ("one_cycle", 0, {"total_steps": 4, "pct_start": 0.25}, "not exactly 1"),
    "a share above 1": ("one_cycle", 0, {"total_steps": 4, "pct_start": 2.0}, "pct_start 2.0"),
    "an unknown shape": ("one_cycle", 0, {"total_steps": 4, "anneal_strategy": "sin"}, "'sin'"),
}


@pytest.mark.parametrize(("name", "k", "options", "says"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_in_one_sentence(name, k, options, says):
    with pytest.raises(ValueError, match=says):
        getattr(manual.schedules, name)(k, lr=0.1, **options)


@pytest.mark.parametrize("name", ["constant", "cosine", "one_cycle"])
def test_a_negative_rate_is_refused(name):
    options = {"cosine": {"T_max": 5}, "one_cycle": {"total_steps": 5}}.get(name, {})
    with pytest.raises(ValueError, match=r"lr is -0.1"):
        getattr(manual.schedules, name)(0, lr=-0.1, **options)


def test_the_reference_refuses_a_step_after_the_last_each_time():
    for _ in range(2):
        with pytest.raises(ValueError, match="steps"):
            reference.schedules.one_cycle(9, lr=0.1, total_steps=4)


plateaus = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["min", "max"]),
        "threshold_mode": st.sampled_from(["rel", "abs"]),
        "threshold": st.sampled_from([0.0, 1e-4, 0.3]),
        "factor": st.sampled_from([0.1, 0.5]),
        "patience": st.integers(0, 3),
        "cooldown": st.integers(0, 3),
        "min_lr": st.sampled_from([0.0, 0.02]),
        "eps": st.sampled_from([0.0, 1e-8, 0.02]),
    }
)
metrics = st.lists(st.floats(-2.0, 2.0) | st.just(float("nan")), min_size=1, max_size=30)


@given(metrics, plateaus)
def test_reduce_on_plateau_is_torchs_scheduler_state_by_state(values, options):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1)
    scheduler = ReduceLROnPlateau(optimizer, **options)
    mine = theirs = {"lr": 0.1}
    for value in values:
        before = dict(mine)
        scheduler.step(value)
        mine, old = manual.schedules.reduce_on_plateau(mine, value, **options), mine
        theirs = reference.schedules.reduce_on_plateau(theirs, value, **options)
        assert old == before
        assert mine == theirs
        assert mine["lr"] == optimizer.param_groups[0]["lr"]
        assert mine["bad"] == scheduler.num_bad_epochs
        assert mine["cooldown"] == scheduler.cooldown_counter


@each_side
def test_the_rate_falls_after_patience_is_exceeded_and_not_when_it_is_met(package):
    state, seen = {"lr": 1.0}, []
    for loss in (3.0, 3.0, 3.0, 3.0, 2.0):
        state = package.reduce_on_plateau(state, loss, patience=2, factor=0.5)
        seen.append(state["lr"])
    assert seen == [1.0, 1.0, 1.0, 0.5, 0.5]


@pytest.mark.parametrize(
    ("options", "says"),
    [({"mode": "least"}, "'least'"), ({"threshold_mode": "x"}, "'x'"), ({"factor": 1.0}, "factor")],
    ids=["an unknown mode", "an unknown threshold mode", "a factor that lowers nothing"],
)
def test_reduce_on_plateau_refuses_options_it_cannot_follow(options, says):
    with pytest.raises(ValueError, match=says):
        manual.schedules.reduce_on_plateau({"lr": 0.1}, 1.0, **options)
