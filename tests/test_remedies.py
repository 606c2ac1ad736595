"""Batch norm, clipping, dropout and NAdam's product beside the modules of torch that people use."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import manual.clipping
import manual.layers
import manual.network
import manual.normalization
import manual.optimizers
import reference.clipping
import reference.layers
import reference.network
import reference.normalization
from compare.distances import distance
from compare.formulas import network as stated
from compare.formulas.arithmetic import exact
from compare.formulas.precision import roundoff
from compare.tolerances import formula_limit
from manual import activations
from manual.initialization import initialize

DTYPES = ["float64", "float32"]
EPS = 1e-3


def near(mine, theirs, dtype, units=40.0):
    """Hold arrays of the size of one to `units` roundings of their largest entry."""
    theirs = np.asarray(theirs)
    assert mine.dtype == theirs.dtype == np.dtype(dtype)
    assert mine.shape == theirs.shape
    scale = max(np.abs(theirs).max(), 1.0)
    assert np.abs(mine - theirs).max() <= units * roundoff(np.dtype(dtype)) * scale


def batch_normed(dtype, affine, momentum):
    """Return a net of torch modules with batch norm, and the state of ours with its weights."""
    kind = getattr(torch, dtype)
    norms = [nn.BatchNorm1d(n, EPS, momentum, affine, dtype=kind) for n in (6, 4)]
    linear = [nn.Linear(n, k, dtype=kind) for n, k in ((5, 6), (6, 4), (4, 2))]
    net = nn.Sequential(linear[0], norms[0], nn.ReLU(), linear[1], norms[1], nn.Tanh(), linear[2])
    state = initialize((5, 6, 4, 2), seed=3, dtype=dtype)
    draws = np.random.default_rng(0)
    for l, n in enumerate((6, 4), 1):
        if affine:
            gamma, beta = draws.standard_normal((2, n, 1)).astype(dtype)
            state |= {f"gamma{l}": gamma, f"beta{l}": beta}
        state |= {
            f"running_mean{l}": np.zeros((n, 1), dtype),
            f"running_var{l}": np.ones((n, 1), dtype),
            f"batches{l}": np.asarray(0),
        }
    with torch.no_grad():
        for l, layer in enumerate(linear, 1):
            layer.weight.copy_(torch.tensor(state[f"W{l}"]))
            layer.bias.copy_(torch.tensor(state[f"b{l}"][:, 0]))
        for l, layer in enumerate(norms if affine else (), 1):
            layer.weight.copy_(torch.tensor(state[f"gamma{l}"][:, 0]))
            layer.bias.copy_(torch.tensor(state[f"beta{l}"][:, 0]))
    return net, norms, state


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("momentum", [0.1, 0.7, 1.0, None])
@pytest.mark.parametrize("affine", [True, False], ids=["affine", "not affine"])
def test_batch_norm_in_evaluation_is_a_torch_modules_after_training(affine, momentum, dtype):
    net, norms, state = batch_normed(dtype, affine, momentum)
    g = [activations.relu, activations.tanh, activations.identity]
    options = {"activations": g, "batch_norm": {"eps": EPS, "momentum": momentum}}
    draws = np.random.default_rng(1)
    for _ in range(5):
        X = draws.standard_normal((5, 9)).astype(dtype)
        trace, _ = manual.network.forward(state, X, **options)
        near(trace["A3"], net(torch.tensor(X.T)).detach().numpy().T, dtype)
        state |= trace
    for l, norm in enumerate(norms, 1):
        near(state[f"running_mean{l}"][:, 0], norm.running_mean.numpy(), dtype)
        near(state[f"running_var{l}"][:, 0], norm.running_var.numpy(), dtype)
        assert state[f"batches{l}"] == norm.num_batches_tracked == 5
    net.eval()
    X = draws.standard_normal((5, 1)).astype(dtype)  # one example alone, which training refuses
    before = {n: x.copy() for n, x in state.items()}
    near(
        manual.network.evaluate(state, X, **options),
        net(torch.tensor(X.T)).detach().numpy().T,
        dtype,
    )
    assert all(np.array_equal(before[n], state[n]) for n in state)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [True, False], ids=["affine", "not affine"])
def test_batch_norm_in_evaluation_agrees_formula_by_formula(affine, dtype):
    draws = np.random.default_rng(2)
    Z = draws.standard_normal((4, 7)).astype(dtype)
    mean, gamma, beta = draws.standard_normal((3, 4, 1)).astype(dtype)
    var = draws.uniform(0.1, 2.0, (4, 1)).astype(dtype)
    scale = (gamma, beta) if affine else (None, None)
    mine = manual.normalization.batch_norm_evaluation(Z, *scale, mean, var, eps=EPS)
    given = [None if x is None else torch.tensor(x) for x in (*scale, mean, var)]
    theirs = reference.normalization.batch_norm_evaluation(torch.tensor(Z.T), *given, eps=EPS)
    near(mine, theirs.numpy().T, dtype, units=8.0)


def clipped(package, gradients, **options):
    """Return the norm and clipped gradients of `manual` or `reference`, as arrays."""
    if package is reference:
        gradients = {n: torch.tensor(g) for n, g in gradients.items()}
    extra, out = package.clipping.clip_by_norm(gradients, **options)
    return float(extra["norm"]), {n: np.asarray(g) for n, g in out.items()}


@pytest.mark.parametrize("p", [-0.5, 1.5, np.nan])
def test_a_p_that_is_no_probability_is_refused(p):
    A = np.ones((2, 3))
    with pytest.raises(ValueError, match="0 <= p <= 1"):
        manual.layers.dropout(A, A, p=p)


@pytest.mark.parametrize("eps", [-2.0, np.nan])
def test_an_eps_below_zero_is_refused_in_evaluation_too(eps):
    one = np.ones((1, 1))
    with pytest.raises(ValueError, match="0 or more"):
        manual.normalization.batch_norm_evaluation(one, one, one, one, one, eps=eps)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_norm_that_is_not_finite_is_an_error_where_it_is_asked_to_be(bad):
    gradients = {"W1": np.array([[1.0, bad]]), "b1": np.array([[2.0]])}
    with pytest.raises(ValueError, match="no clipping can mend that"):
        clipped(manual, gradients, max_norm=1.0, error_if_nonfinite=True)
    with pytest.raises(RuntimeError, match="non-finite"):
        clipped(reference, gradients, max_norm=1.0, error_if_nonfinite=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_norm_that_is_not_finite_spoils_or_zeroes_gradients_as_in_torch(bad):
    gradients = {"W1": np.array([[1.0, bad]]), "b1": np.array([[2.0]])}
    with np.errstate(all="ignore"):
        (norm, mine), (other, theirs) = (
            clipped(side, gradients, max_norm=1.0) for side in (manual, reference)
        )
    assert np.array_equal(norm, other, equal_nan=True)
    for n in gradients:
        assert np.array_equal(mine[n], theirs[n], equal_nan=True)


@pytest.mark.parametrize("norm", [0.0, 1e-9, 1.0, 1.0 - 1e-6, 1.0 - 2e-6, 50.0])
def test_the_coefficient_has_torchs_1e_6_and_is_always_multiplied(norm):
    gradients = {"W1": np.array([[norm]])}
    (_, mine), (_, theirs) = (clipped(s, gradients, max_norm=1.0) for s in (manual, reference))
    assert mine["W1"] == theirs["W1"] == gradients["W1"] * min(1.0 / (norm + 1e-6), 1.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9, 1.0])
def test_dropout_is_a_torch_modules_on_its_own_mask(p, dtype):
    A = np.random.default_rng(3).standard_normal((6, 8)).astype(dtype)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        rows = torch.tensor(np.ascontiguousarray(A.T)).requires_grad_()
        D = nn.Dropout(p)(rows)
        torch.manual_seed(5)
        mask = torch.empty(8, 6, dtype=rows.dtype).bernoulli_(1.0 - p).numpy().T
    dD = np.random.default_rng(4).standard_normal((6, 8)).astype(dtype)
    (dA,) = torch.autograd.grad(D, rows, torch.tensor(dD.T))
    mine, backward = manual.layers.dropout(A, mask, p=p)
    near(mine, D.detach().numpy().T, dtype, units=4.0)
    near(backward(dD), dA.numpy().T, dtype, units=4.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nadams_product_of_momenta_has_torchs_bits_in_float32_whatever_the_parameters(dtype):
    w = torch.ones(3, dtype=getattr(torch, dtype), requires_grad=True)
    optimizer = torch.optim.NAdam([w], lr=0.01, betas=(0.8, 0.9), momentum_decay=0.1)
    rule = partial(manual.optimizers.nadam, lr=0.01, betas=(0.8, 0.9), momentum_decay=0.1)
    mine, slots = np.ones(3, dtype), {}
    for t in range(60):
        grad = np.cos(np.arange(3) + t).astype(dtype)
        w.grad = torch.tensor(grad)
        optimizer.step()
        mine, slots = rule(mine, grad, slots)
        product = optimizer.state[w]["mu_product"].numpy()
        assert product.dtype == slots["mu"].dtype == np.float32
        assert product.tobytes() == slots["mu"].tobytes()


@pytest.mark.parametrize(("dtype", "size"), [("float64", 1e-200), ("float32", 1e-30)])
def test_a_norm_of_gradients_whose_squares_underflow_is_no_divergence(dtype, size):
    gradients = {"W1": np.full((1, 3), size, dtype)}
    (norm, _), (other, _) = (clipped(side, gradients, max_norm=1.0) for side in (manual, reference))
    tracked = {"W1": exact(gradients["W1"], np.dtype(dtype))}
    _, expected = next(stated.clipped_by_norm(tracked, lambda name: tracked["W1"], max_norm=1.0))
    for found in (norm, other):
        d = distance(np.asarray(found, dtype), expected)
        assert d.ratio <= formula_limit(0.0, d.terms)
