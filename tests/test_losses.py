"""Every loss by hand against torch's, and both against the stated formula."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import manual.losses
import reference.losses
from compare.distances import distance
from compare.formulas import losses as stated
from compare.formulas.arithmetic import exact
from compare.tolerances import CAP, STEP
from manual.activations import sigmoid, softmax
from reference import conversion

CASES = {
    "mse": ("mse", {}),
    "mse per example": ("mse_per_example", {}),
    "l1": ("l1", {}),
    "huber": ("huber", {}),
    "huber of delta 0.3": ("huber", {"delta": 0.3}),
    "smooth l1": ("smooth_l1", {}),
    "smooth l1 of beta 0.5": ("smooth_l1", {"beta": 0.5}),
    "smooth l1 of beta 0": ("smooth_l1", {"beta": 0.0}),
    "bce": ("bce", {}),
    "bce with logits": ("bce_with_logits", {}),
    "cross entropy": ("cross_entropy", {}),
}
SHAPES = [(1, 1), (1, 2), (3, 7), (8, 32), (5, 1599)]
each_case = pytest.mark.parametrize(("name", "options"), CASES.values(), ids=CASES)
each_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])
each_side = pytest.mark.parametrize("side", ["manual", "reference"])


def on_numbers(random, shape):
    Y = random.normal(size=shape)
    A = 3.0 * random.normal(size=shape)
    whole = np.round(Y)
    yield "random", A, Y
    yield "no error at all", Y, Y
    kinks = random.choice([-1.0, 1.0, -0.5, 0.5, -0.3, 0.3, 0.0], size=shape)
    yield "errors at the kinks", whole + kinks, whole
    yield "tiny", 1e-30 * A, 1e-30 * Y
    yield "large", 1e9 * A, 1e9 * Y


def on_probabilities(random, shape):
    ends = random.choice([0.0, 1.0, 1e-30, 1e-10, 0.5], size=shape)
    for kind, Y in labels(random, shape):
        yield f"random, {kind}", random.random(shape), Y
        yield f"saturated, {kind}", sigmoid(random.normal(0.0, 20.0, size=shape))[0], Y
        yield f"at the ends, {kind}", ends, Y


def on_logits(random, shape):
    huge = random.choice([-1e3, 1e3, 1e-30, 0.0, 1e30, -1e30], size=shape)
    for kind, Y in labels(random, shape):
        yield f"random, {kind}", 3.0 * random.normal(size=shape), Y
        yield f"saturated, {kind}", 100.0 * random.normal(size=shape), Y
        yield f"huge, {kind}", huge, Y


def labels(random, shape):
    yield "0 and 1", (random.random(shape) < 0.5).astype(float)
    yield "soft", random.random(shape)


def on_scores(random, shape):
    n, m = max(shape[0], 2), shape[1]
    A, Y = 3.0 * random.normal(size=(n, m)), np.eye(n)[:, random.integers(0, n, m)]
    weights = random.random((n, m)) + 0.1
    yield "random", A, Y
    yield "saturated", 50.0 * A, Y
    yield "ties", np.zeros((n, m)), Y
    yield "soft targets", A, weights / weights.sum(axis=0)


OPERANDS = {"bce": on_probabilities, "bce_with_logits": on_logits, "cross_entropy": on_scores}


def operands(name, dtype):
    random = np.random.default_rng(0)
    for shape in SHAPES:
        for kind, A, Y in OPERANDS.get(name, on_numbers)(random, shape):
            yield f"{kind}, {shape}", A.astype(dtype), Y.astype(dtype)


def a_random_pair(name, dtype="float64", shape=(3, 7)):
    _, A, Y = next(iter(OPERANDS.get(name, on_numbers)(np.random.default_rng(1), shape)))
    return A.astype(dtype), Y.astype(dtype)


def by_hand(name, A, Y, options):
    return getattr(manual.losses, name)(A, Y, **options)


def by_torch(name, A, Y, options):
    rows = conversion.rows(A), conversion.rows(Y)
    L, backward = getattr(reference.losses, name)(*rows, **options)
    return conversion.array(L), lambda dL=1.0: conversion.columns(backward(dL))


SIDES = {"manual": by_hand, "reference": by_torch}


def ratio(x, expected, against=None):
    """Return how far `x` is from the stated value, in units of what rounding can do."""
    d = distance(x, expected, against=against)
    assert d.unjudged == 0
    return d.ratio


def oracle(name, A, Y, options):
    a, y = exact(A, A.dtype), exact(Y, A.dtype)
    gradient = getattr(stated, f"{name}_gradient")(a, y, **options)
    return getattr(stated, name)(a, y, **options), gradient


@each_side
@each_dtype
@each_case
def test_value_and_gradient_are_the_stated_ones(name, options, dtype, side):
    for kind, A, Y in operands(name, dtype):
        L, backward = SIDES[side](name, A, Y, options)
        value, gradient = oracle(name, A, Y, options)
        assert L.shape == ()
        assert (kind, ratio(L, value)) <= (kind, CAP)
        assert (kind, ratio(backward(), gradient)) <= (kind, CAP)
        assert (kind, ratio(backward(-0.7), gradient * -0.7)) <= (kind, CAP)


@each_dtype
@each_case
def test_both_sides_agree_within_what_rounding_can_do(name, options, dtype):
    for kind, A, Y in operands(name, dtype):
        (L, backward), (M, other) = (f(name, A, Y, options) for f in SIDES.values())
        value, gradient = oracle(name, A, Y, options)
        assert (kind, ratio(L, value, against=M)) <= (kind, STEP)
        assert (kind, ratio(backward(), gradient, against=other())) <= (kind, STEP)


@each_dtype
@pytest.mark.parametrize("name", ["mse", "mse_per_example", "l1", "bce"])
def test_the_gradient_is_torchs_bit_for_bit(name, dtype):
    for kind, A, Y in operands(name, dtype):
        mine, theirs = (side(name, A, Y, {})[1]() for side in SIDES.values())
        assert np.array_equal(mine, theirs), kind


@each_case
def test_a_fault_of_1e_9_on_value_or_gradient_is_caught(name, options):
    A, Y = a_random_pair(name, shape=(8, 32))
    L, backward = by_hand(name, A, Y, options)
    value, gradient = oracle(name, A, Y, options)
    assert ratio(L * (1 + 1e-9), value) > CAP
    assert ratio(backward() * (1 + 1e-9), gradient) > CAP


@pytest.mark.parametrize("name", ["l1", "smooth_l1"])
def test_a_slope_other_than_0_where_there_is_no_error_is_caught(name):
    Y = np.ones((1, 3))
    _, gradient = oracle(name, Y, Y, {} if name == "l1" else {"beta": 0.0})
    assert ratio(np.array([[0.0, 1.0 / 3.0, 0.0]]), gradient) > CAP


class ByHand(torch.autograd.Function):
    """A loss by hand, as autograd sees it."""

    @staticmethod
    def forward(ctx, A, function):
        L, ctx.by_hand = function(conversion.array(A))
        return conversion.tensor(L)

    @staticmethod
    def backward(ctx, dL):
        return conversion.tensor(ctx.by_hand(float(dL))), None


@each_case
def test_the_gradient_is_that_of_the_value_by_finite_differences(name, options):
    A, Y = a_random_pair(name)
    leaf = conversion.tensor(A).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a: -1.3 * ByHand.apply(a, lambda x: by_hand(name, x, Y, options)), leaf, atol=1e-7
    )


@each_dtype
@each_case
def test_nothing_is_modified_or_shared_and_backward_repeats(name, options, dtype):
    A, Y = a_random_pair(name, dtype)
    before = A.copy(), Y.copy()
    L, backward = by_hand(name, A, Y, options)
    first, second = backward(), backward(np.float64(1.0))
    assert [type(L), L.shape] == [np.ndarray, ()]
    assert [x.dtype for x in (L, first, second)] == [np.dtype(dtype)] * 3
    assert np.array_equal(first, second)
    assert np.array_equal(A, before[0])
    assert np.array_equal(Y, before[1])
    assert not any(np.shares_memory(first, x) for x in (A, Y, second))


@each_case
def test_the_reference_stays_on_the_graph_of_its_input(name, options):
    A, Y = (conversion.rows(x) for x in a_random_pair(name))
    A.requires_grad_()
    L, backward = getattr(reference.losses, name)(A, Y, **options)
    assert torch.equal(torch.autograd.grad(L, A)[0], backward())


@each_side
@each_case
def test_a_nan_prediction_makes_the_loss_nan(name, options, side):
    A, Y = a_random_pair(name)
    A[1, 2] = np.nan
    L, backward = SIDES[side](name, A, Y, options)
    poisoned = np.zeros(A.shape, dtype=bool)
    poisoned[1, 2] = True
    if name == "cross_entropy":
        poisoned[:, 2] = True
    if side == "reference" and (name == "l1" or options == {"beta": 0.0}):
        poisoned[1, 2] = False  # torch's sign of NaN is 0
    assert np.isnan(L)
    assert np.array_equal(np.isnan(backward()), poisoned)


one, half = np.ones((1, 3)), np.full((2, 1), 0.5)
REFUSED = {
    "targets of shape (m,)": ("mse", one, one[0], {}, r"A is \(1, 3\) but Y is \(3,\)"),
    "targets of shape (m, 1)": ("mse", one, one.T, {}, r"but Y is \(3, 1\)"),
    "both of shape (m,)": ("l1", one[0], one[0], {}, "one example a column"),
    "integer targets": ("bce", one, one.astype(int), {}, "Y is int64"),
    "labels that wrap around": ("bce_with_logits", one, one.astype(np.uint8), {}, "Y is uint8"),
    "targets of another precision": ("huber", one, one.astype(np.float32), {}, "Y is float32"),
    "integers throughout": ("mse", one.astype(int), one.astype(int), {}, "A is int64"),
    "no examples": ("mse_per_example", one[:, :0], one[:, :0], {}, "at least one"),
    "a target above 1": ("bce", 0.5 * one, 6.0 * one, {}, r"Y holds 6.0 at \(0, 0\)"),
    "a target below 0": ("bce_with_logits", one, -one, {}, r"Y holds -1.0 at \(0, 0\)"),
    "a target that is NaN": ("bce", one, np.nan * one, {}, "Y holds nan"),
    "a probability above 1": ("bce", 1.5 * one, one, {}, r"A holds 1.5 at \(0, 0\): .*sigmoid"),
    "a probability below 0": ("bce", -1e-300 * one, one, {}, "A holds -1e-300"),
    "a column without a class": ("cross_entropy", one, 0.0 * one, {}, "column 0 of Y sums to 0.0"),
    "a soft target": (
        "cross_entropy_on_probabilities",
        half,
        half,
        {},
        "column 0 of Y is no class: .* one 1 among",
    ),
    "no probability": (
        "cross_entropy_on_probabilities",
        4.0 * half,
        np.array([[1.0], [0.0]]),
        {},
        "A holds 2.0 at",
    ),
    "a column with two": ("cross_entropy", one.T, one.T, {}, "column 0 of Y sums to 3.0"),
    "a negative share": ("cross_entropy", one.T, np.array([[-1.0], [2], [0]]), {}, "Y holds -1.0"),
    "delta 0": ("huber", one, one, {"delta": 0.0}, "delta = 0"),
    "delta NaN": ("huber", one, one, {"delta": np.nan}, "delta = nan"),
    "beta below 0": ("smooth_l1", one, one, {"beta": -1.0}, "beta = -1"),
}


@pytest.mark.parametrize(("name", "A", "Y", "options", "says"), REFUSED.values(), ids=REFUSED)
def test_bad_input_is_refused_in_one_sentence(name, A, Y, options, says):
    with pytest.raises(ValueError, match=says) as refusal:
        by_hand(name, A, Y, options)
    assert "\n" not in str(refusal.value)


def test_label_smoothing_in_float32_is_not_refused():
    n = 10
    Y = np.full((n, 4), 0.1 / n, np.float32) + np.float32(0.9) * np.eye(n, 4, dtype=np.float32)
    L, _ = manual.losses.cross_entropy(np.zeros((n, 4), np.float32), Y)
    assert pytest.approx(np.log(n), rel=1e-6) == L


@each_side
def test_bce_bounds_the_logarithm_at_minus_100_and_the_denominator_at_a_float32_1e_12(side):
    A, Y = np.array([[0.0, 1.0, 1.0]]), np.array([[1.0, 0.0, 1.0]])
    L, backward = SIDES[side]("bce", A, Y, {})
    assert L == 200.0 / 3.0
    floor = float(np.float32(1e-12))
    assert backward().tolist() == [[-1.0 / floor / 3.0, 1.0 / floor / 3.0, 0.0]]


@each_side
def test_saturated_probabilities_lose_what_logits_keep(side):
    Z, Y = np.array([[37.0]]), np.array([[0.0]])
    A, to_logit = sigmoid(Z)
    L, backward = SIDES[side]("bce", A, Y, {})
    assert (L, to_logit(backward())) == (100.0, 0.0)  # the truth is 37 and 1
    L, backward = SIDES[side]("bce_with_logits", Z, Y, {})
    assert (L, backward()) == (37.0, 1.0)


def test_logits_keep_the_digits_that_torch_cancels():
    Z, Y = np.array([[-21.879166]]), np.array([[0.0]])
    with mpmath.workdps(30):
        true = float(mpmath.log1p(mpmath.exp(mpmath.mpf(Z.item()))))
    mine, theirs = (side("bce_with_logits", Z, Y, {})[0] for side in SIDES.values())
    assert mine == pytest.approx(true, rel=1e-15, abs=0.0)
    assert 1e-9 < abs(theirs / true - 1.0) < 1e-5


@each_side
def test_bce_keeps_the_digits_of_small_probabilities(side):
    A, Y = np.array([[1e-20]]), np.array([[0.0]])
    L, _ = SIDES[side]("bce", A, Y, {})
    assert pytest.approx(1e-20, rel=1e-15, abs=0.0) == L


def test_mse_per_example_is_n_y_times_mse():
    A, Y = a_random_pair("mse")
    (L, backward), (M, other) = manual.losses.mse_per_example(A, Y), manual.losses.mse(A, Y)
    assert pytest.approx(3.0 * M, rel=1e-15, abs=0.0) == L
    assert backward() == pytest.approx(3.0 * other(), rel=1e-15, abs=0.0)


def test_mse_is_a_trace_and_for_several_outputs_no_single_product():
    A, Y = a_random_pair("mse")
    R = A - Y
    L, _ = manual.losses.mse(A, Y)
    assert pytest.approx(np.trace(R @ R.T) / R.size, rel=1e-14, abs=1e-300) == L
    assert (R @ R.T).shape == (3, 3)


reals = arrays(np.float64, (2, 4), elements=st.floats(-50.0, 50.0))


@given(reals, reals, st.floats(0.1, 10.0))
def test_smooth_l1_is_huber_divided_by_its_width(A, Y, width):
    L, backward = manual.losses.smooth_l1(A, Y, beta=width)
    M, other = manual.losses.huber(A, Y, delta=width)
    assert pytest.approx(M / width, rel=1e-14, abs=1e-300) == L
    assert backward() == pytest.approx(other() / width, rel=1e-14, abs=1e-300)


@given(reals, reals)
def test_huber_of_small_errors_is_half_the_squared_error(A, Y):
    L, backward = manual.losses.huber(A, Y, delta=101.0)
    M, other = manual.losses.mse(A, Y)
    assert pytest.approx(0.5 * M, rel=1e-14, abs=1e-300) == L
    assert backward() == pytest.approx(0.5 * other(), rel=1e-14, abs=1e-300)


@given(arrays(np.float64, (1, 4), elements=st.floats(-30.0, 30.0)), st.integers(0, 15))
def test_logits_agree_with_sigmoid_then_bce(Z, bits):
    Y = np.array([[float(bits >> j & 1) for j in range(4)]])
    A, to_logits = sigmoid(Z)
    L, backward = manual.losses.bce(A, Y)
    M, other = manual.losses.bce_with_logits(Z, Y)
    saturation = 2.3e-16 / np.min(1.0 - A)  # what rounding of A does to log(1 - A)
    assert pytest.approx(M, rel=1e-14, abs=4.0 * saturation) == L
    if np.min(A * (1.0 - A)) > 1e-11:
        assert to_logits(backward()) == pytest.approx(other(), rel=1e-14, abs=1e-15 + saturation)


@given(arrays(np.float64, (3, 4), elements=st.floats(-30.0, 30.0)), st.integers(0, 80))
def test_cross_entropy_is_the_negative_log_of_softmax(Z, which):
    Y = np.eye(3)[:, [which % 3, which // 3 % 3, which // 9 % 3, which // 27]]
    L, backward = manual.losses.cross_entropy(Z, Y)
    P, to_logits = softmax(Z)
    assert pytest.approx(-np.log((P * Y).sum(axis=0)).mean(), rel=1e-13, abs=1e-15) == L
    assert backward() == pytest.approx(to_logits(-Y / P) / 4, rel=1e-12, abs=1e-15)
    assert np.abs(backward().sum(axis=0)).max() <= 1e-15


@given(arrays(np.float64, (1, 4), elements=st.floats(-50.0, 50.0)), st.integers(0, 15))
def test_two_classes_are_one_logit(z, bits):
    y = np.array([[float(bits >> j & 1) for j in range(4)]])
    L, backward = manual.losses.bce_with_logits(z, y)
    M, other = manual.losses.cross_entropy(np.vstack([z, 0.0 * z]), np.vstack([y, 1.0 - y]))
    assert pytest.approx(M, rel=1e-14, abs=1e-15) == L
    assert backward()[0] == pytest.approx(other()[0], rel=1e-14, abs=1e-16)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_another_class_at_probability_zero_has_no_gradient(dtype):
    A = np.array([[0.0, 1.0], [1.0, 0.0]], dtype=dtype)
    Y = np.array([[0.0, 1.0], [1.0, 0.0]], dtype=dtype)
    _, backward = manual.losses.cross_entropy_on_probabilities(A, Y)
    rows = [torch.tensor(x.T) for x in (A, Y)]
    _, theirs = reference.losses.cross_entropy_on_probabilities(*rows)
    assert np.array_equal(backward(), theirs().numpy().T)
    assert np.isfinite(backward()).all()
    right = torch.nn.functional.nll_loss(torch.log(rows[0].requires_grad_()), rows[1].argmax(1))
    right.backward()
    assert rows[0].grad.isnan().any()  # why the reference is not written so
