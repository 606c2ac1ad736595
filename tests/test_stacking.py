"""Many steps judged at once: the same verdict on every step as one at a time, and the same errors."""

import warnings
from collections import deque
from dataclasses import replace
from functools import partial
from itertools import islice
from weakref import ref

import numpy as np
import pytest

import compare.stacking
from compare.distances import distance
from compare.divergence import Divergence
from compare.formulas.arithmetic import Tracked
from compare.judgement import judge_pair
from compare.piles import Given
from compare.selftest.cases import cases
from compare.stacking import settle, told, verify_ahead
from compare.stacks import ratios
from compare.tolerances import STEP
from compare.traces import Misshapen, check
from compare.verification import verify

STEPS = 5


PLAIN = next(c for c in cases(3, "float64", steps=STEPS) if c.special == "plain")
SIDES = (
    PLAIN.configuration.by_hand(),
    PLAIN.configuration.by_torch(),
    PLAIN.configuration,
    PLAIN.state,
    PLAIN.batches,
)
as_a_whole = partial(verify_ahead, level="step")


def course(run, case, candidate=None):
    """Return what a way of verifying says of each step, and the error that ends it."""
    c = case.configuration
    found = []
    try:
        steps = run(candidate or c.by_hand(), c.by_torch(), c, case.state, case.batches)
        found.extend(step if run is settle else told(step) for step in steps)
    except (Divergence, Misshapen) as error:
        found.append((type(error), str(error)))
    return found


def same(one, other):
    if isinstance(one, tuple) or isinstance(other, tuple):
        return one == other
    at = [(s.number, s.arrays, s.blown) for s in (one, other)]
    return at[0] == at[1] and max(one.margin, other.margin) <= 1.0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(2))
def test_steps_judged_at_once_fare_as_each_on_its_own(dtype, seed):
    for case in islice(cases(seed, dtype, steps=STEPS), 9):
        one, other = course(verify, case), course(settle, case)
        assert len(one) == len(other)
        differing = [(a, b) for a, b in zip(one, other, strict=True) if not same(a, b)]
        assert not differing, case.configuration.title


def test_most_steps_are_settled_at_once(monkeypatch):
    calls, alone = [], compare.stacking.again
    monkeypatch.setattr(compare.stacking, "again", lambda *step: calls.append(step) or alone(*step))
    plain = (c for c in cases(0, "float64", steps=STEPS) if c.special == "plain")
    for case in islice(plain, 6):
        course(settle, case)
    assert len(calls) < 6


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch_takes_a_stack_of_steps_as_it_takes_each_alone(dtype, monkeypatch):
    at_once, followed = [], Given.followed

    def watched(given, reference):
        theirs = followed(given, reference)
        if len(given.steps) > 1:
            at_once.append((given.steps, theirs))
        return theirs

    monkeypatch.setattr(Given, "followed", watched)
    for case in islice(cases(5, dtype, steps=STEPS), 20):
        c, reference = case.configuration, case.configuration.by_torch()
        at_once.clear()
        course(settle, case)
        average = "momentum" in (c.batch_norm or {}) and c.batch_norm["momentum"] is None
        assert at_once or average or c.accumulate > 1, c.title
        for steps, theirs in at_once:
            for k, s in enumerate(steps):
                alone = reference(s.start, s.batch.X, s.batch.Y, **s.batch.options)
                stacked = {n: x[k, ...] for n, x in theirs.items()}
                check(stacked, alone)
                formulas = c.formulas(**s.batch.options)
                pairs = judge_pair(formulas, stacked, alone, s.start, s.batch.X, s.batch.Y)
                assert all(d.ratio <= STEP for d in pairs.values()), c.title


def each_alone(reference):
    """Return a reference that takes the steps of a stack one at a time, to the last bit as it takes each."""

    def step(state, X, Y, **options):
        if X.ndim == 2:
            return reference(state, X, Y, **options)
        traces = [
            reference({n: x[k, ...] for n, x in state.items()}, X[k], Y[k], **options)
            for k in range(len(X))
        ]
        return {n: np.stack([t[n] for t in traces]) for n in traces[0]}

    return step


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_is_told_of_a_step_judged_ahead_is_what_is_told_of_it_alone(dtype):
    for case in islice(cases(7, dtype, steps=STEPS), 6):
        c = case.configuration
        sides = c.by_hand(), each_alone(c.by_torch()), c, case.state, case.batches
        for one, other in zip(verify(*sides), verify_ahead(*sides), strict=True):
            assert [j.name for j in one.judged] == [j.name for j in other.judged]
            for a, b in zip(one.judged, other.judged, strict=True):
                if (
                    c.optimizer != "rprop"
                ):  # whose signs rounding turns; seen from either side, they jump
                    assert (a.pair.index, a.pair.value) == (b.pair.index, b.pair.value)
                    assert b.pair.ratio == pytest.approx(a.pair.ratio, rel=1e-4)
                assert (a.formula is None) == (b.formula is None)
                assert a.formula is None or b.formula.ratio <= b.limit <= a.limit
                assert a.formula is None or a.formula.ratio <= a.limit


def test_a_run_judged_as_a_whole_judges_the_formulas_of_the_first_step_alone():
    first, *rest = as_a_whole(*SIDES)
    assert [j.name for j in first.judged if j.formula] == list(first.candidate)
    assert len(rest) == STEPS - 1
    for stepped in rest:
        assert [j.name for j in stepped.judged] == [j.name for j in first.judged]
        assert all(j.formula is None and j.pair.elements > 0 for j in stepped.judged)


def test_what_cannot_be_taken_is_met_after_the_steps_before_it():
    right, calls = PLAIN.configuration.by_hand(), []

    def failing(*given, **options):
        calls.append(given)
        if len(calls) > 2:
            raise ArithmeticError("no third step")
        return right(*given, **options)

    run = verify_ahead(failing, *SIDES[1:])
    assert [next(run).number, next(run).number] == [0, 1]
    with pytest.raises(ArithmeticError, match="no third step"):
        next(run)


def test_a_step_that_could_not_be_taken_once_is_the_state_of_the_next():
    right, calls = PLAIN.configuration.by_hand(), []

    def stumbling(*given, **options):
        calls.append(given)
        if len(calls) == 3:
            raise ArithmeticError
        return right(*given, **options)

    assert [s.number for s in verify_ahead(stumbling, *SIDES[1:])] == list(range(STEPS))


def scaled(name):
    return lambda trace: {**trace, name: trace[name] * (1 + 1e-11)}


def lacking(name):
    return lambda trace: {n: x for n, x in trace.items() if n != name}


def plain(trace):
    return {**trace, "loss": float(trace["loss"])}


def shared(trace):
    return {**trace, "Z1": trace["A1"][:]}


@pytest.mark.parametrize("at", [0, 1, 4])
@pytest.mark.parametrize(
    "change",
    [scaled("Z1"), scaled("dW1"), scaled("W1"), lacking("dW1"), shared, plain],
    ids=["Z1 is off by 1e-11", "dW1 is off", "W1 is off", "no dW1", "memory is shared", "no array"],
)
def test_a_mistake_at_one_step_is_told_of_at_that_step(at, change):
    assert not isinstance(course(settle, PLAIN)[-1], tuple)
    right, number = PLAIN.configuration.by_hand(), {"n": 0}

    def step(state, X, Y, **options):
        trace = right(state, X, Y, **options)
        wrong = all(np.array_equal(state[n], marked[n]) for n in marked)
        number["n"] += wrong
        return change(trace) if wrong else trace

    states = [PLAIN.state, *(s.candidate for s in course(settle, PLAIN))]
    marked = {n: states[at][n] for n in states[at] if n in PLAIN.state}
    one = course(verify, PLAIN, step)
    for run in (settle, verify_ahead, partial(verify_ahead, ahead=1), as_a_whole):
        other = course(run, PLAIN, step)
        assert len(one) == len(other) == at + 1
        assert one[-1] == other[-1]
        assert issubclass(other[-1][0], Divergence | Misshapen)
    assert number["n"] >= 2


@pytest.mark.parametrize("run", [verify, settle, verify_ahead, as_a_whole])
def test_a_run_that_overflows_ends_without_a_warning(run):
    c = replace(PLAIN.configuration, optimizer="sgd", options={"lr": 1e8}, clip=None)
    state = {n: x for n, x in PLAIN.state.items() if "." not in n}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        *_, last = run(c.by_hand(), c.by_torch(), c, state, [PLAIN.batches[0]] * 60)
    assert last.blown
    assert not heard


def raising(trace):
    raise RuntimeError("one at a time, please")


@pytest.mark.parametrize(
    "answer",
    [raising, lambda trace: {n: x[:1] for n, x in trace.items()}, lambda trace: {}],
    ids=["it raises", "it takes the first alone", "it shows nothing"],
)
def test_where_the_reference_does_not_take_a_stack_each_step_is_compared_alone(answer):
    right = PLAIN.configuration.by_torch()

    def reference(state, X, Y, **options):
        trace = right(state, X, Y, **options)
        return answer(trace) if X.ndim > 2 else trace

    steps = list(settle(SIDES[0], reference, *SIDES[2:]))
    assert all(map(same, course(verify, PLAIN), steps))
    assert len(steps) == STEPS


@pytest.mark.parametrize("level", ["formula", "step"])
def test_of_the_stacks_before_nothing_is_kept(level):
    right, made, alive = PLAIN.configuration.by_hand(), [], []

    def watched(*given, **options):
        alive.append(sum(x() is not None for x in made))
        trace = right(*given, **options)
        made.append(ref(trace["Z1"]))
        return trace

    batches = [PLAIN.batches[0]] * 24
    sides = watched, *SIDES[1:3], PLAIN.state, batches
    deque(verify_ahead(*sides, level=level, ahead=6), maxlen=0)
    assert len(alive) >= 24
    assert max(alive) <= 7


def test_a_run_without_a_batch_is_refused():
    with pytest.raises(ValueError, match="nothing was compared"):
        list(settle(*[PLAIN.configuration.by_hand()] * 2, PLAIN.configuration, PLAIN.state, ()))


def test_a_stack_of_steps_is_short_where_nets_are_large():
    large = {"W1": np.zeros((2000, 2000))}
    assert compare.stacking.length(large) == 1
    assert compare.stacking.length(PLAIN.state) == compare.stacking.LONGEST


def turned(trace):
    return {n: np.asfortranarray(x) if x.ndim else x for n, x in trace.items()}


def floating(trace):
    return {n: np.asarray(float(x)) if n.startswith("t.") else x for n, x in trace.items()}


@pytest.mark.parametrize("change", [turned, floating], ids=["in Fortran's order", "t as a float"])
def test_arrays_laid_out_or_counted_otherwise_are_judged_alike(change, monkeypatch):
    calls, alone = [], compare.stacking.again
    monkeypatch.setattr(compare.stacking, "again", lambda *step: calls.append(step) or alone(*step))
    case = next(
        c
        for c in cases(0, "float64", steps=STEPS)
        if (c.special, c.configuration.optimizer) == ("plain", "adam")
        and c.configuration.batch_norm is None
        and min(c.state["W1"].shape) > 1
    )
    right, number = case.configuration.by_hand(), iter(range(100))

    def step(*given, **options):  # at every other step: two layouts, or types, in one stack
        trace = right(*given, **options)
        return change(trace) if next(number) % 2 else trace

    assert len(course(settle, case)) == STEPS
    usual = len(calls)
    assert all(map(same, course(verify, case), course(settle, case, step)))
    assert usual == len(calls) == 0


@pytest.mark.parametrize("first", [0.0, 0.7], ids=["an error of none", "an error everywhere"])
@pytest.mark.parametrize("moved", [0.0, 3e-8, 1.0], ids=["right", "rounded", "wrong"])
def test_a_stack_measures_as_a_step_alone_does(first, moved):
    value = np.array([[[first, 1 / 3]], [[first, 0.3]]])
    expected = Tracked(value, np.abs(value), 2.0**-24)
    x = (value + moved * (value > 0.0)).astype(np.float32)
    at_once = ratios(x, expected).worst
    for k in range(2):
        one = distance(x[k], Tracked(value[k], np.abs(value[k]), 2.0**-24))
        assert at_once[k] == pytest.approx(one.ratio, rel=1e-12)
