"""Every activation by hand against torch's, and both against the stated formula."""

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import manual.activations
import reference.activations
from compare.distances import distance
from compare.formulas import activations as stated
from compare.formulas.arithmetic import exact
from compare.tolerances import CAP, STEP
from manual.activations.erf import erf
from reference import conversion

CASES = {
    "identity": ("identity", {}),
    "relu": ("relu", {}),
    "leaky relu": ("leaky_relu", {}),
    "leaky relu of slope 0.2": ("leaky_relu", {"negative_slope": 0.2}),
    "elu": ("elu", {}),
    "elu of alpha 1.7": ("elu", {"alpha": 1.7}),
    "sigmoid": ("sigmoid", {}),
    "tanh": ("tanh", {}),
    "gelu": ("gelu", {}),
    "gelu by tanh": ("gelu_tanh", {}),
    "silu": ("silu", {}),
    "softplus": ("softplus", {}),
    "softplus of beta 2 and threshold 5": ("softplus", {"beta": 2.0, "threshold": 5.0}),
    "softmax": ("softmax", {}),
}
each_case = pytest.mark.parametrize(("name", "options"), CASES.values(), ids=CASES)
each_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])
each_side = pytest.mark.parametrize("side", ["manual", "reference"])


def inputs(dtype):
    """Yield (what is hard about it, Z)."""
    random, f = np.random.default_rng(0), np.finfo(dtype)
    both = np.array([[1.0], [-1.0]])
    ends = [
        20.0,
        np.nextafter(np.dtype(dtype).type(20), np.inf),
        30,
        50,
        88,
        89,
        104,
        709,
        746,
    ]
    least = [0.0, 1e-30, f.tiny, f.smallest_subnormal, 1e-10, f.eps]
    yield "random", 2.0 * random.normal(size=(8, 32))
    yield "wide", 20.0 * random.normal(size=(8, 64))
    yield "a grid", np.linspace(-12.0, 12.0, 512).reshape(8, 64)
    yield "small", np.exp(random.uniform(-60, 0, (8, 64))) * random.choice([-1, 1], (8, 64))
    yield "kinks and tiny", np.array(least) * both
    yield "saturated", np.array([*ends, 1e3]) * both
    yield "large", np.array([1e4, 1e6, 1e9, 1e12]) * both


def hard_inputs(dtype):
    return [(kind, Z.astype(dtype)) for kind, Z in inputs(dtype)]


def by_hand(name, Z, options):
    return getattr(manual.activations, name)(Z, **options)


def by_torch(name, Z, options):
    enter, leave = conversion.tensor, conversion.array
    if name == "softmax":  # the one that is not elementwise: torch has one example a row
        enter, leave = conversion.rows, conversion.columns
    A, backward = getattr(reference.activations, name)(enter(Z), **options)
    return leave(A), lambda dA: leave(backward(enter(dA)))


SIDES = {"manual": by_hand, "reference": by_torch}


def ratio(x, expected, against=None):
    """Return how far `x` is from the stated value, in units of what rounding can do."""
    d = distance(x, expected, against=against)
    assert d.unjudged == 0
    return d.ratio


def oracle(name, Z, A, dA, options):
    """Return the stated value and gradient; the gradient may use the program's own A."""
    z, da = exact(Z, Z.dtype), exact(dA, Z.dtype)
    value = getattr(stated, name)(z, **options)
    a = value if A is None else exact(A, Z.dtype)
    return value, getattr(stated, f"{name}_gradient")(z, a, da, **options)


def cotangent(Z):
    return np.random.default_rng(1).normal(size=Z.shape).astype(Z.dtype)


@each_side
@each_dtype
@each_case
def test_value_and_gradient_are_the_stated_ones(name, options, dtype, side):
    for kind, Z in hard_inputs(dtype):
        dA = cotangent(Z)
        A, backward = SIDES[side](name, Z, options)
        value, gradient = oracle(name, Z, A, dA, options)
        assert (kind, ratio(A, value)) <= (kind, CAP)
        assert (kind, ratio(backward(dA), gradient)) <= (kind, CAP)


@each_dtype
@each_case
def test_both_sides_agree_within_what_rounding_can_do(name, options, dtype):
    for kind, Z in hard_inputs(dtype):
        dA = cotangent(Z)
        (A, backward), (B, other) = (f(name, Z, options) for f in SIDES.values())
        value, gradient = oracle(name, Z, None, dA, options)
        assert (kind, ratio(A, value, against=B)) <= (kind, STEP)
        assert (kind, ratio(backward(dA), gradient, against=other(dA))) <= (kind, STEP)


@each_case
def test_a_fault_of_1e_9_on_value_or_gradient_is_caught(name, options):
    Z = np.random.default_rng(2).normal(size=(8, 32))
    dA = cotangent(Z)
    A, backward = by_hand(name, Z, options)
    value, gradient = oracle(name, Z, A, dA, options)
    assert ratio(A * (1 + 1e-9), value) > CAP
    assert ratio(backward(dA) * (1 + 1e-9), gradient) > CAP


class ByHand(torch.autograd.Function):
    """An activation by hand, as autograd sees it."""

    @staticmethod
    def forward(ctx, Z, function):
        A, ctx.by_hand = function(conversion.array(Z))
        return conversion.tensor(A)

    @staticmethod
    def backward(ctx, dA):
        return conversion.tensor(ctx.by_hand(conversion.array(dA))), None


@each_case
def test_the_gradient_is_that_of_the_value_by_finite_differences(name, options):
    random = np.random.default_rng(3)
    Z = random.choice([-1, 1], (3, 5)) * random.uniform(0.1, 2.2, (3, 5))  # no kink within 0.1
    leaf = conversion.tensor(Z).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda z: ByHand.apply(z, lambda x: by_hand(name, x, options)), leaf, atol=1e-8, rtol=1e-7
    )


@each_dtype
@each_case
def test_nothing_is_modified_or_shared_and_backward_repeats(name, options, dtype):
    Z = np.random.default_rng(4).normal(size=(3, 4)).astype(dtype)
    dA = cotangent(Z)
    before = Z.copy(), dA.copy()
    A, backward = by_hand(name, Z, options)
    first, second = backward(dA), backward(dA)
    assert [x.dtype for x in (A, first)] == [np.dtype(dtype)] * 2
    assert np.array_equal(first, second)
    assert np.array_equal(Z, before[0])
    assert np.array_equal(dA, before[1])
    for out in (A, first):
        assert not any(np.shares_memory(out, x) for x in (Z, dA))
    assert not np.shares_memory(first, second)


@each_case
def test_the_reference_shares_nothing_and_backward_repeats(name, options):
    Z, dA = torch.randn(3, 4), torch.randn(3, 4)
    before = Z.clone(), dA.clone()
    A, backward = getattr(reference.activations, name)(Z, **options)
    first, second = backward(dA), backward(dA)
    assert torch.equal(first, second)
    assert torch.equal(Z, before[0])
    assert torch.equal(dA, before[1])
    assert len({t.data_ptr() for t in (Z, dA, A, first, second)}) == 5


def test_the_reference_stays_on_the_graph_of_its_input():
    Z = torch.randn(2, 3, requires_grad=True)
    A, backward = reference.activations.gelu(Z)
    dA = torch.randn(2, 3)
    assert torch.equal(torch.autograd.grad(A, Z, dA)[0], backward(dA))


KINKS = {
    "relu at 0 has slope 0": ("relu", {}, 0.0, 0.0),
    "relu at -0 has slope 0": ("relu", {}, -0.0, 0.0),
    "relu just above 0 has slope 1": ("relu", {}, 5e-324, 1.0),
    "leaky relu at 0 has its negative slope": ("leaky_relu", {}, 0.0, 0.01),
    "leaky relu at -0 has its negative slope": ("leaky_relu", {}, -0.0, 0.01),
    "elu at 0 has slope alpha": ("elu", {"alpha": 1.7}, 0.0, 1.7),
    "elu just above 0 has slope 1": ("elu", {"alpha": 1.7}, 5e-324, 1.0),
    "softplus at its threshold is not yet linear": ("softplus", {"threshold": 0.0}, 0.0, 0.5),
    "softplus above its threshold is linear": ("softplus", {"threshold": 0.0}, 5e-324, 1.0),
    "softplus compares beta z": ("softplus", {"beta": 2.0, "threshold": 1.0}, 0.75, 1.0),
}


@pytest.mark.parametrize(("name", "options", "z", "slope"), KINKS.values(), ids=KINKS)
@pytest.mark.parametrize("size", [1, 40], ids=["one element", "a vector"])
def test_slopes_at_kinks_are_those_of_torch(name, options, z, slope, size):
    Z, dA = np.full((1, size), z), np.ones((1, size))
    for side in SIDES.values():
        assert np.array_equal(side(name, Z, options)[1](dA), slope * dA)


@each_side
@each_dtype
@each_case
def test_nan_goes_through(name, options, dtype, side):
    Z = np.linspace(-2.0, 2.0, 15).reshape(3, 5).astype(dtype)
    Z[1, 2] = np.nan
    A, backward = SIDES[side](name, Z, options)
    poisoned = np.zeros(Z.shape, dtype=bool)
    poisoned[1, 2] = True
    if name == "softmax":
        poisoned[:, 2] = True
    assert np.array_equal(np.isnan(A), poisoned)
    dA = cotangent(Z)
    dA[1, 2] = np.nan
    assert np.isnan(backward(dA)[1, 2])


@each_dtype
@each_case
def test_the_widest_range_gives_finite_numbers_and_no_warning(name, options, dtype):
    Z = np.array([[-1e4, -1e3, 1e3, 1e4]], dtype=dtype)
    A, backward = by_hand(name, Z, options)
    assert np.isfinite(A).all()
    assert np.isfinite(backward(np.ones_like(Z))).all()


def test_sigmoid_keeps_its_relative_accuracy_in_the_lower_tail():
    A, _ = manual.activations.sigmoid(np.array([[-700.0, -740.0]]))
    true = [float(mpmath.exp(z)) for z in (-700, -740)]
    assert pytest.approx(true, rel=1e-13, abs=0.0) == A[0, :].tolist()


@pytest.mark.parametrize(("dtype", "z"), [("float64", 1e155), ("float32", 1e20)])
def test_the_gradient_of_gelu_by_tanh_is_nan_where_torchs_is(dtype, z):
    Z = np.array([[z, -z, 1.0]], dtype=dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        mine = by_hand("gelu_tanh", Z, {})[1](np.ones_like(Z))
    theirs = by_torch("gelu_tanh", Z, {})[1](np.ones_like(Z))
    assert np.isnan(mine).tolist() == np.isnan(theirs).tolist() == [[True, True, False]]


def test_numpy_hyperparameters_do_not_widen_float32():
    Z, x = np.ones((2, 2), np.float32), np.float64(0.5)
    for name, options in {
        "leaky_relu": {"negative_slope": x},
        "elu": {"alpha": x},
        "softplus": {"beta": x, "threshold": x},
    }.items():
        A, backward = by_hand(name, Z, options)
        assert A.dtype == backward(Z).dtype == np.float32


def test_softplus_refuses_a_beta_it_cannot_divide_by():
    with pytest.raises(ValueError, match="beta = 0"):
        manual.activations.softplus(np.ones((1, 1)), beta=0)


@pytest.mark.parametrize(("dtype", "ulp"), [("float64", 1.5), ("float32", 1.5)])
def test_erf_is_within_an_ulp_or_so(dtype, ulp):
    random = np.random.default_rng(5)
    z = np.concatenate([np.linspace(-6.5, 6.5, 1001), random.uniform(0.3, 2.5, 1500), [1e-40]])
    z = z.astype(dtype)
    with mpmath.workdps(40):
        true = [mpmath.erf(mpmath.mpf(float(x))) for x in z]
        error = [abs(mpmath.mpf(float(e)) - t) for e, t in zip(erf(z), true, strict=True)]
    unit = np.spacing(np.abs(np.array([float(t) for t in true], dtype=dtype)))
    assert max(float(e) / float(s) for e, s in zip(error, unit, strict=True)) < ulp


def test_erf_has_exact_ends_and_is_odd():
    z = np.array([-np.inf, -7.0, -0.0, 0.0, 7.0, np.inf, np.nan])
    assert np.array_equal(erf(z), [-1, -1, -0.0, 0, 1, 1, np.nan], equal_nan=True)
    assert np.signbit(erf(z)).tolist()[:4] == [True, True, True, False]


finite = st.floats(-1e3, 1e3)
grid = arrays(np.int64, (4, 3), elements=st.integers(-6400, 6400))


@given(finite)
def test_sigmoid_of_minus_z_is_one_minus_sigmoid_of_z(z):
    (a, b), _ = manual.activations.sigmoid(np.array([z, -z]))
    assert abs(a + b - 1.0) <= 2.3e-16


@given(finite)
def test_tanh_is_a_sigmoid_stretched_and_shifted(z):
    (a,), _ = manual.activations.tanh(np.array([z]))
    (s,), _ = manual.activations.sigmoid(np.array([2.0 * z]))
    assert abs(a - (2.0 * s - 1.0)) <= 1e-15


@pytest.mark.parametrize("name", ["relu", "gelu", "gelu_tanh", "silu", "softplus"])
@given(z=finite)
def test_what_is_lost_below_zero_is_kept_above(name, z):
    (a, b), _ = by_hand(name, np.array([z, -z]), {})
    threshold = 2.1e-9 if name == "softplus" else 0.0  # softplus cuts off its tail on one side
    assert abs((a - b) - z) <= 4e-16 * max(abs(z), 1.0) + threshold


@given(arrays(np.float64, (4, 3), elements=finite), st.integers(0, 2**32))
def test_columns_of_softmax_sum_to_one_and_of_its_gradient_to_zero(Z, seed):
    A, backward = manual.activations.softmax(Z)
    dA = np.random.default_rng(seed).normal(size=Z.shape)
    assert np.abs(A.sum(axis=0) - 1.0).max() <= 4 * 2.3e-16
    assert np.abs(backward(dA).sum(axis=0)).max() <= 1e-14


@given(grid, st.integers(-1000, 1000))
def test_softmax_does_not_feel_a_shift(grid, shift):
    Z = grid / 64.0  # exact, and exact after the shift: the outputs must be equal bit for bit
    A, _ = manual.activations.softmax(Z)
    B, _ = manual.activations.softmax(Z + shift)
    assert np.array_equal(A, B)
