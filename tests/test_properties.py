"""What holds of the verifier for any input, stated as properties."""

from functools import reduce

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from compare.distances import distance
from compare.divergence import Divergence
from compare.drift import parted
from compare.formulas.arithmetic import exact
from compare.formulas.precision import narrowed, roundoff
from compare.judgement import judge
from compare.operands import stated
from compare.selftest.cases import case
from compare.selftest.exactness import exact_case, unequal
from compare.selftest.faults import faults, moves
from compare.selftest.planting import planted
from compare.sums import plain, wider
from compare.targets import real
from compare.tolerances import CAP, CHAOS, cap, formula_limit
from compare.traces import COUNTS, Misshapen, check, kind
from compare.verification import verify

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from(["float64", "float32"])
SLOW = settings(max_examples=25, deadline=None)
NUMBERS = st.floats(-1e3, 1e3, allow_subnormal=False)


def random_case(seed, dtype, steps=1):
    return case(np.random.default_rng(seed), dtype, steps=steps)


def verified(made, bend=lambda trace: trace, reference=lambda trace: trace):
    """Verify a case, each trace bent on its way; return its first step."""
    c = made.configuration
    by_hand, by_torch = c.by_hand(), c.by_torch()
    sides = (
        lambda *given, **options: bend(by_hand(*given, **options)),
        lambda *given, **options: reference(by_torch(*given, **options)),
    )
    return next(verify(*sides, c, made.state, made.batches))


def finite(made):
    """Return the first step of a case that does not overflow."""
    stepped = verified(made)
    assume(stepped.blown is None)
    return stepped


@SLOW
@given(SEEDS, DTYPES)
def test_correct_code_is_never_refused(seed, dtype):
    made = random_case(seed, dtype, steps=2)
    c = made.configuration
    for stepped in verify(c.by_hand(), c.by_torch(), c, made.state, made.batches):
        assert stepped.judged


@SLOW
@given(SEEDS, DTYPES, SEEDS)
def test_a_fault_just_above_the_smallest_is_always_caught_and_named(seed, dtype, pick):
    made = random_case(seed, dtype)
    stepped, batch = finite(made), made.batches[0]
    start, random = {**made.state, **batch.state}, np.random.default_rng(pick)
    given_ = made.configuration.formulas(), stepped.candidate, start, batch.X, batch.Y
    expected = dict(stated(*given_, own=True))
    torch = judge(given_[0], stepped.reference, *given_[2:])
    lost = plain(*given_)
    limits = {
        n: wider(formula_limit(torch[n].ratio, x.terms), lost[n], x.terms)
        for n, x in expected.items()
    }
    found = faults(stepped.candidate, start, expected, limits, moves(*given_, random))
    visible = [f for f in found if f.smallest > 0.0]
    fault = visible[pick % len(visible)]
    outcomes = list(planted(made.configuration, start, batch, stepped, fault))
    assert "above: caught" in outcomes, (fault, made.configuration.title)


@SLOW
@given(SEEDS, DTYPES)
def test_on_the_exact_grid_all_is_equal(seed, dtype):
    made = exact_case(np.random.default_rng(seed), dtype)
    assert [name for name, differs in unequal(made) if differs] == []


@SLOW
@given(SEEDS, DTYPES, SEEDS, st.sampled_from([np.nan, np.inf, -np.inf]))
def test_what_is_not_finite_on_one_side_is_refused_wherever_it_stands(seed, dtype, pick, value):
    made = random_case(seed, dtype)
    trace = finite(made).candidate
    names = [n for n, x in trace.items() if x.dtype.kind == "f" and x.size]
    name = names[pick % len(names)]

    def spoil(trace):
        x = trace[name].copy()
        x.flat[pick % x.size] = value
        return {**trace, name: x}

    for sides in ({"bend": spoil}, {"reference": spoil}):
        with pytest.raises(Divergence) as caught:
            verified(made, **sides)
        assert caught.value.origin == name


@SLOW
@given(SEEDS, st.data())
def test_a_trace_with_anything_missing_or_out_of_order_is_refused(seed, data):
    trace = finite(random_case(seed, "float64")).candidate
    names = list(trace)
    gone = data.draw(st.sampled_from(names))
    with pytest.raises(Misshapen, match=f"lacks {gone}"):
        check({n: x for n, x in trace.items() if n != gone}, trace)
    order = data.draw(st.permutations(names))
    assume(order != names)
    with pytest.raises(Misshapen, match="entries come in the order they are computed"):
        check({n: trace[n] for n in order}, trace)
    with pytest.raises(Misshapen, match="has extra, but the reference does not"):
        check({**trace, "extra": np.zeros(1)}, trace)


@settings(SLOW, max_examples=10)
@given(SEEDS, st.data())
def test_a_count_that_is_one_off_is_refused(seed, data):
    made = random_case(seed, "float64")
    counts = [n for n in finite(made).candidate if kind(n) in COUNTS]
    assume(counts)
    name = data.draw(st.sampled_from(counts))
    with pytest.raises(Divergence) as caught:
        verified(made, lambda trace: {**trace, name: np.asarray(trace[name] + 1)})
    assert caught.value.origin == name


# --- the error estimates


@given(
    arrays(np.float64, st.integers(1, 200), elements=NUMBERS),
    arrays(np.float64, 200, elements=NUMBERS),
    SEEDS,
)
def test_a_sum_of_products_in_any_order_is_within_its_error(a, b, seed):
    b = b[: a.size]
    expected = exact(a[None], a.dtype) @ exact(b[:, None], a.dtype)
    order = np.random.default_rng(seed).permutation(a.size)
    one_by_one = reduce(lambda s, t: s + t, (a * b)[order], 0.0)
    for value in (one_by_one, float(a @ b), float((a * b).sum())):
        assert distance(np.array([[value]]), expected).ratio <= cap(expected.terms)


@given(arrays(np.float64, (3, 4), elements=NUMBERS), NUMBERS)
def test_an_expression_is_within_its_error(x, s):
    t = exact(x, x.dtype)
    expected = (t * t + s) / (t * t + 1.0) - t
    value = (x * x + s) / (x * x + 1.0) - x
    assert distance(value, expected).ratio <= CAP


@given(arrays(np.float64, (3, 4), elements=st.floats(1e-3, 1e3)))
def test_the_exact_value_is_at_no_distance_and_a_larger_fault_at_a_larger_one(x):
    expected = exact(x, x.dtype) * 3.0
    right = narrowed(expected.value)
    ratios = [distance(right * (1.0 + k * 1e-12), expected).ratio for k in (0, 1, 2, 4)]
    assert ratios[0] <= 1.0
    assert ratios == sorted(ratios)
    assert ratios[-1] > 2.0 * CAP


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.integers(1, 10**6))
def test_a_limit_grows_with_the_references_error_up_to_the_cap(a, b, terms):
    low, high = sorted((a, b))
    assert 0.0 < formula_limit(low, terms) <= formula_limit(high, terms) <= cap(terms)


@given(st.lists(st.floats(1e-16, 1e-13), min_size=1, max_size=50), st.integers(0, 49))
def test_chaos_begins_where_the_drift_leaps_and_not_before(curve, at):
    assert parted(curve) is None
    at = min(at, len(curve))
    leapt = [*curve[:at], *([2.0 * CHAOS * max(curve)] * (at > 0)), *curve[at:]]
    assert parted(leapt) == (at if at > 0 else None)


@given(SEEDS, st.integers(1, 9), st.integers(1, 9))
def test_the_order_of_the_examples_changes_nothing_but_rounding(seed, n, m):
    random = np.random.default_rng(seed)
    X, W = real(random, n, m), real(random, 3, n)
    order = random.permutation(m)
    stay, moved = (exact(W, X.dtype) @ exact(x, X.dtype) for x in (X, X[:, order]))
    assert np.array_equal(stay.value[:, order], moved.value)
    assert np.allclose(stay.error[:, order], moved.error, rtol=1e-14, atol=0.0)
    assert roundoff(X.dtype) == 2.0**-53
