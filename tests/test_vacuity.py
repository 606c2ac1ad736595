"""Nothing passes that was not compared: each way of comparing less than was asked is an error, or a finding.

Each line of a table bends the trace of a right step as a careless program would.
"""

from functools import wraps

import numpy as np
import pytest

import compare.selftest.audit
import compare.standing
import compare.sums
import compare.tolerances
import manual.activations
from compare import check_training
from compare.configuration import Configuration
from compare.distances import distance
from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked
from compare.formulas.precision import HOPELESS
from compare.selftest.audit import Usage, findings
from compare.selftest.exactness import exact_grid
from compare.selftest.measuring import measure
from compare.stacking import verify_ahead
from compare.traces import Misshapen, check_memory
from compare.verification import Batch, verify

C = Configuration(("tanh", "identity"), optimizer="sgd", options={"lr": 0.1, "momentum": 0.9})
RANDOM = np.random.default_rng(7)
STATE = {
    "W1": RANDOM.normal(size=(4, 3)),
    "b1": RANDOM.normal(size=(4, 1)),
    "W2": RANDOM.normal(size=(2, 4)),
    "b2": RANDOM.normal(size=(2, 1)),
}
BATCH = Batch(RANDOM.normal(size=(3, 5)), RANDOM.normal(size=(2, 5)))


def verified(
    *, mine=lambda trace: trace, theirs=lambda trace: trace, batches=(BATCH,) * 3, state=STATE
):
    """Verify manual against torch, each trace bent on its way to the verifier."""
    by_hand, by_torch = C.by_hand(), C.by_torch()
    sides = (
        lambda *given, **options: mine(by_hand(*given, **options)),
        lambda *given, **options: theirs(by_torch(*given, **options)),
    )
    return list(verify(*sides, C, state, batches))


def without(*names):
    return lambda trace: {n: x for n, x in trace.items() if n not in names}


def replaced(name, change):
    return lambda trace: {**trace, name: change(trace[name])}


def spoilt(name, value, *places):
    """Return a change that puts `value` at the places of one entry."""

    def change(trace):
        x = trace[name].copy()
        for place in places or [...]:
            x[place] = value
        return {**trace, name: x}

    return change


def test_the_right_step_is_compared_entry_by_entry():
    steps = verified()
    assert len(steps) == 3
    assert all([j.name for j in s.judged if j.formula] == list(s.candidate) for s in steps)
    assert all(j.formula.elements > 0 for s in steps for j in s.judged if j.formula)


MISSHAPEN = {
    "no entries at all": (lambda trace: {}, "nothing to compare: manual gave 0 entries"),
    "a missing gradient": (without("dW1"), "manual's trace lacks dW1"),
    "two missing entries": (without("Z1", "m.W2"), "manual's trace lacks Z1, m.W2"),
    "a missing parameter": (without("b2"), "manual's trace lacks b2"),
    "an extra entry": (
        lambda t: {**t, "dX": np.zeros((3, 5))}, "manual's trace has dX, but the reference does not"
    ),
    "another order": (
        lambda t: {"A1": t["A1"], "Z1": t["Z1"], **t}, "entry 1 of manual's trace is A1 where Z1 should"
    ),
    "a row for a column": (replaced("db1", np.transpose), r"manual's db1 is \(1, 4\) where \(4, 1\)"),
    "a vector for a column": (replaced("b1", np.ravel), r"manual's b1 is \(4,\) where \(4, 1\)"),
    "a matrix for a number": (
        replaced("loss", lambda x: x.reshape(1, 1)), r"manual's loss is \(1, 1\) where \(\)"
    ),
    "a narrower type": (replaced("dZ2", np.float32), "manual's dZ2 is float32 where float64"),
    "a list": (replaced("A2", np.ndarray.tolist), "manual's A2 is a list; a NumPy array should"),
    "a number that is no array": (replaced("loss", float), "manual's loss is a float; a NumPy array"),
    "one array under two names": (
        lambda t: {**t, "m.W1": t["dW1"]}, "manual's m.W1 shares memory with dW1"
    ),
    "a view of another entry": (
        lambda t: {**t, "dZ2": t["dA2"][:]}, "manual's dZ2 shares memory with dA2"
    ),
    "the batch itself": (
        lambda t: {**t, "A2": BATCH.Y}, "manual's A2 shares memory with the batch's Y"
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", MISSHAPEN)
def test_a_trace_that_cannot_be_compared_is_refused_in_one_sentence(words):
    bend, told = MISSHAPEN[words]
    with pytest.raises(Misshapen, match=told) as caught:
        verified(mine=bend)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("step 0: ")


def test_the_last_state_given_back_as_the_new_one_is_refused():
    last = {}

    def stale(trace):
        kept = dict(trace, **{n: last[n] for n in ("W1",) if n in last})
        last.update(trace)
        return kept

    with pytest.raises(Misshapen, match="step 1: manual's W1 shares memory with the state's W1"):
        verified(mine=stale)


def test_a_step_that_writes_to_its_state_is_refused():
    def writing(state, X, Y, **options):
        state["W1"] -= 0.1
        return C.by_hand()(state, X, Y, **options)

    with pytest.raises(Misshapen, match="step 0: manual writes to the state or the batch"):
        list(verify(writing, C.by_torch(), C, STATE, [BATCH]))
    assert STATE["W1"].flags.writeable


NOT_A_NUMBER = {  # entry, place: what it is named as
    "one element": ("dW1", (1, 2)),
    "a whole array": ("A1", ...),
    "a parameter": ("W2", (0, 0)),
    "the loss": ("loss", ()),
}


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=str)
@pytest.mark.parametrize("words", NOT_A_NUMBER)
def test_not_a_number_on_one_side_only_is_a_divergence_on_either_side(words, value):
    name, place = NOT_A_NUMBER[words]
    for side, kind in (("mine", "formula"), ("theirs", "reference")):
        with pytest.raises(Divergence) as caught:
            verified(**{side: spoilt(name, value, place)})
        assert (caught.value.origin, caught.value.kind) == (name, kind)


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=str)
def test_not_a_number_on_both_sides_is_a_divergence_where_the_formula_has_one(value):
    bend = spoilt("A1", value, (1, 2))
    with pytest.raises(Divergence) as caught:
        verified(mine=bend, theirs=bend)
    assert (caught.value.origin, caught.value.kind) == ("A1", "formula")


def test_both_sides_overflowing_together_ends_the_run_there_and_says_so():
    state = {**STATE, "W2": STATE["W2"] * 1e200}
    (stepped,) = verified(state=state)
    assert stepped.blown == "loss"
    assert [j.name for j in stepped.judged] == ["Z1", "A1", "Z2", "A2"]


def test_both_sides_not_a_number_from_the_first_entry_on_is_nothing_compared():
    X = np.full((3, 5), np.nan)
    with pytest.raises(Misshapen, match="nothing was compared: Z1, the first entry, is not finite"):
        verified(batches=[Batch(X, BATCH.Y)])


def test_a_run_without_a_batch_is_an_error():
    with pytest.raises(ValueError, match="nothing was compared: there was no batch"):
        verified(batches=[])


@pytest.mark.parametrize(("X", "Y"), [((3, 0), (2, 0)), ((3, 5), (2, 0))], ids=["both", "targets"])
def test_a_batch_without_examples_is_an_error(X, Y):
    with pytest.raises(Misshapen, match="step 0: nothing to compare: the batch has no examples"):
        verified(batches=[Batch(np.zeros(X), np.zeros(Y))])


def test_an_entry_that_both_sides_forget_is_missed_by_the_formulas():
    with pytest.raises(Misshapen, match="step 0: the formulas state dA1, which neither side shows"):
        verified(mine=without("dA1"), theirs=without("dA1"))


def test_an_entry_without_a_formula_is_an_error():
    def extra(trace):
        return {**trace, "dX": np.ones((3, 5))}

    with pytest.raises(Misshapen, match="step 0: no formula is stated for dX"):
        verified(mine=extra, theirs=extra)


def test_fewer_and_more_steps_on_one_side_are_errors():
    right = [s.candidate for s in verified()]
    check_training(right, C, STATE, [BATCH] * 3)
    with pytest.raises(ValueError, match="made 2 steps, fewer than the batches"):
        check_training(right[:2], C, STATE, [BATCH] * 3)
    with pytest.raises(ValueError, match="more than the 2 steps"):
        check_training(right, C, STATE, [BATCH] * 2)


def test_an_element_of_which_nothing_is_known_is_counted_as_unjudged():
    expected = Tracked(np.array([1.0, 1.0]), np.array([1.0, HOPELESS]), 2.0**-53)
    found = distance(np.array([1.0, 7.0]), expected)
    assert (found.ratio, found.unjudged, found.elements) == (0.0, 1, 2)
    assert distance(np.array([1.0, 7.0]), expected, strict=True).ratio == np.inf


# --- the tolerances themselves


def seen(name, **shares):
    return {
        name: Usage(
            **{"formula_arrays": 5000, "step_arrays": 5000, "formula": 0.5, "step": 0.1} | shares
        )
    }


def test_a_limit_that_errors_come_near_is_no_finding():
    assert list(findings(seen("dW"))) == []


AUDITED = {
    "a formula's limit": (
        {"formula": 1e-3},
        "the formula limit of dW is 1000 times as wide as the worst",
    ),
    "a step's limit": ({"step": 1e-4}, "the step limit of dW is 10000 times as wide as the worst"),
    "a limit for what is always equal": (
        {"formula": 0.0},
        "the formula limit of dW is infinitely as wide",
    ),
}


@pytest.mark.parametrize("words", AUDITED)
def test_a_tolerance_wider_than_needed_is_a_finding(words):
    shares, told = AUDITED[words]
    (finding,) = findings(seen("dW", **shares))
    assert finding.startswith(told)


def test_the_audit_needs_enough_arrays_to_say_anything():
    assert (
        list(findings(seen("dW", formula=1e-9, formula_arrays=compare.selftest.audit.ENOUGH - 1)))
        == []
    )


def test_a_tolerance_loosened_a_thousandfold_is_found_by_the_audit(monkeypatch):
    monkeypatch.setattr(compare.selftest.audit, "formula_limit", lambda r, K: 3e3)
    for module in (compare.standing, compare.sums):
        monkeypatch.setattr(module, "formula_limit", lambda r, K: 3e3)
    monkeypatch.setattr(compare.selftest.audit, "ENOUGH", 20)
    *_, measured = measure("float64", arrays=600, seed=2)
    loose = [text for text in findings(measured.usage) if text.startswith("the formula limit of")]
    assert loose


def test_a_tolerance_a_hundred_times_too_narrow_raises_false_alarms(monkeypatch):
    for module in (compare.standing, compare.sums):
        monkeypatch.setattr(module, "formula_limit", lambda r, K: 0.01)
    measured = next(measure("float64", arrays=300, seed=2))
    assert measured.alarms


def test_the_tolerances_in_use_are_no_wider_than_the_audit_allows():
    *_, measured = measure("float64", arrays=2000, seed=2)
    assert [text for text in findings(measured.usage) if "infinitely" not in text] == []


# --- the exact grid


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_on_the_exact_grid_every_array_is_equal(dtype):
    grid = exact_grid(dtype, cases=60)
    assert grid.arrays > 1000
    assert grid.unequal == ()


def test_one_bit_is_unequal_on_the_exact_grid(monkeypatch):
    right = manual.activations.relu

    @wraps(right)
    def nearly(z):
        a, back = right(z)
        return np.nextafter(a, np.inf, dtype=a.dtype), back

    monkeypatch.setattr(manual.activations, "relu", nearly)
    unequal = exact_grid("float64", cases=20).unequal
    assert any(": A1" in entry for entry in unequal)


@pytest.mark.parametrize("way", [verify, verify_ahead])
@pytest.mark.parametrize("what", ["X", "Y", "mask1"])
def test_a_candidate_that_writes_to_its_batch_is_refused(way, what):
    c = Configuration(dropout=0.5, options={"lr": 0.1})
    random, right = np.random.default_rng(0), c.by_hand()

    def step(state, X, Y, **options):
        given = {**state, "X": X, "Y": Y}
        given[what] *= 0.0
        return right(state, X, Y, **options)

    shapes = {"W1": (4, 3), "b1": (4, 1), "W2": (1, 4), "b2": (1, 1)}
    state = {n: random.normal(size=s) for n, s in shapes.items()}
    masks = {"mask1": np.ones((4, 5))}
    batch = Batch(random.normal(size=(3, 5)), random.normal(size=(1, 5)), {}, masks)
    with pytest.raises(Misshapen, match="writes to the state or the batch it was given"):
        list(way(step, c.by_torch(), c, state, [batch] * 2))


def test_a_view_is_held_against_every_other_of_its_block():
    flat = np.zeros(20)
    with pytest.raises(Misshapen, match="dW1 shares memory with b1"):
        check_memory({"W1": flat[:10], "b1": flat[10:], "dW1": flat[10:]}, {})


def test_views_that_share_no_element_are_apart():
    both = np.zeros((4, 4))
    check_memory({"W1": both[:, :3], "b1": both[:, 3:]}, {})


def test_a_level_that_there_is_not_is_refused():
    c = Configuration()
    with pytest.raises(ValueError, match="level 'formulas' is not known"):
        list(verify_ahead(c.by_hand(), c.by_torch(), c, {}, [], level="formulas"))
