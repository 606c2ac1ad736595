"""Somebody's schedule, held against torch's: right, or wrong from a step on, and which mistake it is."""

import math

import pytest

from compare.checking import Wrong, check_schedule
from compare.checking.candidates import loaded
from compare.checking.likeness import SCHEDULES, single
from compare.checking.rates import FORMS
from compare.checking.schedules import examine_schedule
from manual import schedules

LIKE = {
    "constant": "constant",
    "cosine": "cosine(T_max=30, eta_min=0.01)",
    "exponential": "exponential(gamma=0.9)",
    "inverse_time": "inverse_time(decay=0.1)",
    "linear_warmup": "linear_warmup(total_iters=7)",
    "one_cycle": "one_cycle(total_steps=60)",
    "step_decay": "step_decay(step_size=4, gamma=0.5)",
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_schedules_by_hand_are_right(name):
    verdict = check_schedule(getattr(schedules, name), LIKE[name])
    assert verdict.right
    assert verdict.arrays == (120 if name == "cosine" else 60)  # four times T_max=30


def test_as_many_steps_are_asked_for_as_are_said():
    assert check_schedule(schedules.cosine, "cosine(T_max=1000)").arrays == 4000
    assert check_schedule(schedules.cosine, "cosine(T_max=1000)", steps=7).arrays == 7


def test_what_starts_anew_after_three_stairs_is_found():
    verdict = examine_schedule(
        lambda k, lr, step_size: lr * 0.1 ** (k % 90 // step_size), "step_decay(step_size=30)"
    )
    assert verdict.divergence.step == 90
    assert verdict.diagnosis.names == ("the schedule starts anew every 90 steps",)


WRONG = {
    "the schedule is 1 step early": (lambda k, lr, gamma: lr * gamma ** (k + 1), "exponential(gamma=0.9)", 0),
    "the schedule is 1 step late": (
        lambda k, lr, step_size, gamma: lr * gamma ** (max(k - 1, 0) // step_size),
        "step_decay(step_size=4, gamma=0.5)", 4),
    "the decay is applied twice": (lambda k, lr, gamma: lr * gamma ** (2 * k), "exponential(gamma=0.9)", 1),
    "an epoch's schedule goes on at every step": (
        lambda k, lr, step_size, gamma: lr * gamma**k, "step_decay(step_size=20, gamma=0.5)", 1),
    "T_max=29 where T_max=30 was asked for": (
        lambda k, lr, T_max: lr * (1 + math.cos(math.pi * k / (T_max - 1))) / 2, "cosine(T_max=30)", 1),
    "decay=0.2 where decay=0.1 was asked for": (
        lambda k, lr, decay: lr / (1 + 2 * decay * k), "inverse_time(decay=0.1)", 1),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_schedule_is_found_at_its_step_and_named(name):
    function, like, step = WRONG[name]
    verdict = examine_schedule(function, like)
    assert verdict.divergence.step == step
    assert name in verdict.diagnosis.names
    assert "error over rounding" not in str(verdict)
    with pytest.raises(Wrong, match="the formula of lr"):
        check_schedule(function, like)


FORMED = [(known, name) for known, forms in FORMS.items() for name in forms]


@pytest.mark.parametrize(("known", "name"), FORMED)
def test_another_form_of_a_schedule_is_named(known, name):
    given = {"lr": 0.1, **single(LIKE[known])[1]}
    verdict = examine_schedule(lambda k: FORMS[known][name](k, **given), LIKE[known])
    assert not verdict.right
    told = verdict.diagnosis.names
    assert name in told or told == (SAME[name],), str(verdict)


SAME = {  # what says the same where the options are those
    "no warm-up": "the learning rate is not scheduled",
    "its square": "the decay is applied twice",
}


def test_rates_that_nothing_explains_are_told():
    verdict = examine_schedule(lambda k, lr, gamma: lr / (1 + k**3), "exponential(gamma=0.9)")
    assert "its rates are 0.1, 0.05, 0.0111111" in verdict.diagnosis.pattern
    assert verdict.diagnosis.names == ()


def test_what_is_no_schedule_is_a_sentence():
    assert "it is no function" in examine_schedule(0.1, "constant").error
    assert "on steps from 0 on: TypeError" in examine_schedule(lambda: 0.1, "constant").error
    with pytest.raises(ValueError, match="missing 1 required keyword-only argument: 'gamma'"):
        examine_schedule(lambda k: 0.1, "exponential")
    with pytest.raises(ValueError, match="unknown schedule 'adam'; there are constant, cosine"):
        examine_schedule(lambda k: 0.1, "adam")
    notes = examine_schedule(lambda k: 0.1 * 0.9**k, "exponential(gamma=0.9)").notes
    assert notes == (
        "it takes no lr: its own must be 0.1",
        "it takes no gamma: its own must be 0.9",
    )


def test_a_rate_of_0_is_held_against_0():
    wrong = examine_schedule(lambda k, gamma: 0.1 * gamma**k, "exponential(gamma=0.9) lr=0")
    assert wrong.divergence.step == 0
    assert check_schedule(schedules.exponential, "exponential(gamma=0.9) lr=0").right


def test_a_cycle_is_asked_for_as_many_steps_as_it_has():
    assert check_schedule(schedules.one_cycle, "one_cycle(total_steps=30)").arrays == 30
    with pytest.raises(ValueError, match="steps is 0; expected at least 1"):
        check_schedule(schedules.constant, "constant", steps=0)


def test_an_option_is_not_passed_as_another():
    def staircase(k, step_size, gamma=0.1):
        return 0.1 * gamma ** (k // step_size)

    verdict = check_schedule(staircase, "step_decay(step_size=3)")
    assert verdict.notes == ("it takes no lr: its own must be 0.1",)


@pytest.mark.parametrize(
    ("like", "text"),
    [
        ("exponential(gamma=0.9)", "def schedule(k, lr, gamma):\n    return lr * gamma**k\n"),
        (
            "exponential(gamma=0.9)",
            "def first():\n    pass\n\n\ndef exponential(k, lr, gamma):\n    return lr * gamma**k\n",
        ),
        ("xavier_normal", "def initializer(shape):\n    pass\n"),
    ],
)
def test_a_file_need_not_name_its_one_schedule_or_initializer(tmp_path, like, text):
    file = tmp_path / "mine.py"
    file.write_text(text)
    assert callable(loaded(str(file), like))
