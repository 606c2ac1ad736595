r"""The same seed gives both sides the same weights, to the bit, with the variances derived."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

import manual.initialization as by_hand
import reference.initialization as by_torch
from manual.initialization.gains import GAINS
from manual.random import Generator, rand
from reference.conversion import array

KERNELS = torch.backends.cpu.get_cpu_capability()
exact = pytest.mark.skipif(
    KERNELS not in ("AVX2", "AVX512"), reason=f"bit-identity was not shown for {KERNELS} here"
)
DTYPES = ["float64", "float32"]
SCHEMES: dict[str, tuple[str, dict[str, Any]]] = {
    "linear default": ("linear_default", {}),
    "zeros": ("zeros", {}),
    "uniform": ("uniform", {}),
    "uniform within limits": ("uniform", {"a": -0.3, "b": 0.7}),
    "normal": ("normal", {}),
    "normal with mean and std": ("normal", {"mean": 0.1, "std": 0.02}),
    "trunc normal": ("trunc_normal", {"std": 0.02, "a": -0.03, "b": 0.03}),
    "Xavier uniform": ("xavier_uniform", {}),
    "Xavier uniform for tanh": ("xavier_uniform", {"gain": 5 / 3}),
    "Xavier normal": ("xavier_normal", {}),
    "Xavier normal for tanh": ("xavier_normal", {"gain": 5 / 3}),
    "He uniform": ("kaiming_uniform", {}),
    "He uniform by fan-out": ("kaiming_uniform", {"mode": "fan_out", "nonlinearity": "relu"}),
    "He uniform for a leak": ("kaiming_uniform", {"a": 0.2}),
    "He normal": ("kaiming_normal", {}),
    "He normal by fan-out": ("kaiming_normal", {"mode": "fan_out", "nonlinearity": "tanh"}),
    "He normal for SELU": ("kaiming_normal", {"nonlinearity": "selu"}),
    "sparse": ("sparse", {"sparsity": 0.3, "std": 0.1}),
}
SIZES = [(11, 8, 1), (3, 5), (4, 4, 4, 2), (16, 1, 16), (7, 33, 17, 3), (1, 1, 1), (300, 257, 2)]
SEEDS = [*range(100), -1, -(2**63), 2**32 + 5, 2**64 - 1]

every_scheme = pytest.mark.parametrize(
    ("scheme", "options"), list(SCHEMES.values()), ids=list(SCHEMES)
)
either_dtype = pytest.mark.parametrize("dtype", DTYPES)


def assert_same_bits(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert list(mine) == list(theirs)
    for name, x in mine.items():
        assert (x.dtype, x.shape) == (theirs[name].dtype, theirs[name].shape), name
        assert x.tobytes() == theirs[name].tobytes(), name


def assert_same_place(mine: Generator, theirs: torch.Generator) -> None:
    drawn = torch.rand(3, generator=theirs, dtype=torch.float64).numpy()
    assert (rand((3,), mine) == drawn).all()


@exact
@either_dtype
@every_scheme
def test_a_net_from_the_seed_alone_has_torchs_bits(
    scheme: str, options: dict[str, Any], dtype: str
) -> None:
    for seed, sizes in zip(SEEDS, itertools.cycle(SIZES), strict=False):
        make = {"scheme": scheme, "seed": seed, "dtype": dtype, "options": options}
        assert_same_bits(by_hand.initialize(sizes, **make), by_torch.initialize(sizes, **make))


@exact
@either_dtype
@every_scheme
def test_a_net_from_a_generator_leaves_it_where_torch_leaves_its_own(
    scheme: str, options: dict[str, Any], dtype: str
) -> None:
    mine, theirs = Generator(3), torch.Generator().manual_seed(3)
    make: dict[str, Any] = {"scheme": scheme, "dtype": dtype, "options": options}
    for sizes in SIZES:
        x = by_hand.initialize(sizes, seed=mine, **make)
        assert_same_bits(x, by_torch.initialize(sizes, seed=theirs, **make))
    assert_same_place(mine, theirs)


@exact
@either_dtype
def test_linear_default_is_what_a_script_gets_that_seeds_torch_and_builds_its_layers(
    dtype: str,
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(77)
        layer = partial(torch.nn.Linear, dtype=getattr(torch, dtype))
        net = torch.nn.Sequential(layer(11, 8), torch.nn.ReLU(), layer(8, 3), layer(3, 1))
        built = [array(p) for p in net.parameters()]
        filled = array(torch.nn.init.xavier_normal_(next(net.parameters())))
    generator = Generator(77)
    mine = by_hand.initialize((11, 8, 3, 1), seed=generator, dtype=dtype)
    for x, theirs in zip(mine.values(), built, strict=True):
        assert (x == theirs.reshape(x.shape)).all()
    assert (by_hand.xavier_normal((8, 11), generator, dtype=dtype) == filled).all()


def test_the_reference_leaves_torchs_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    for scheme, options in SCHEMES.values():
        by_torch.initialize((3, 2, 1), scheme=scheme, seed=0, options=options)
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_references_arrays_are_its_own() -> None:
    W, b = by_torch.linear_default(2, 3, torch.Generator())
    assert W.base is None
    assert b.shape == (2, 1)


@pytest.mark.parametrize("nonlinearity", [*GAINS, "leaky_relu"])
@pytest.mark.parametrize("param", [None, 0, 0.2, 1, -0.5])
def test_gains_are_torchs(nonlinearity: str, param: float | None) -> None:
    mine = by_hand.calculate_gain(nonlinearity, param=param)
    assert mine == by_torch.calculate_gain(nonlinearity, param=param)


@either_dtype
@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (1, 1)])
def test_constants_are_torchs(shape: tuple[int, int], dtype: str) -> None:
    for name in ("zeros", "ones", "eye"):
        mine, theirs = (getattr(side, name)(shape, dtype=dtype) for side in (by_hand, by_torch))
        assert_same_bits({name: mine}, {name: theirs})
    mine, theirs = (side.constant(shape, 0.1, dtype=dtype) for side in (by_hand, by_torch))
    assert_same_bits({"constant": mine}, {"constant": theirs})


@either_dtype
@pytest.mark.parametrize("shape", [(20, 20), (8, 30), (30, 8), (1, 7), (7, 1), (1, 1)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal_has_orthonormal_rows_or_columns_times_the_gain(
    shape: tuple[int, int], gain: float, dtype: str
) -> None:
    W = by_hand.orthogonal(shape, Generator(1), gain=gain, dtype=dtype).astype(np.float64)
    small = W @ W.T if shape[0] <= shape[1] else W.T @ W
    eps = np.finfo(dtype).eps
    assert np.abs(small / gain**2 - np.eye(min(shape))).max() <= 10 * eps


@exact
@either_dtype
@pytest.mark.parametrize("shape", [(20, 20), (8, 30), (30, 8), (1, 7), (7, 1)])
def test_orthogonal_is_torchs_but_for_the_rounding_of_the_factorisation(
    shape: tuple[int, int], dtype: str
) -> None:
    for seed in range(20):
        mine, theirs = Generator(seed), torch.Generator().manual_seed(seed)
        W = by_hand.orthogonal(shape, mine, gain=1.5, dtype=dtype)
        V = by_torch.orthogonal(shape, theirs, gain=1.5, dtype=dtype)
        assert W.dtype == V.dtype
        N = by_hand.normal(shape, Generator(seed))
        assert np.abs(W - V).max() <= 10 * np.finfo(dtype).eps * np.linalg.cond(N)
        assert_same_place(mine, theirs)


@pytest.mark.parametrize(("sparsity", "zeros"), [(0.0, 0), (0.01, 1), (0.5, 5), (1.0, 10)])
def test_sparse_leaves_the_same_number_of_zeros_in_every_column(
    sparsity: float, zeros: int
) -> None:
    W = by_hand.sparse((10, 6), Generator(0), sparsity=sparsity)
    assert ((W == 0).sum(axis=0) == zeros).all()


def through_layers(draw: Callable[..., Any], activation: Callable[[Any], Any]) -> tuple[Any, Any]:
    r"""Return the factors by which 20 layers of 400 units change the mean square, both ways."""
    generator = Generator(5)
    a = rand((400, 50), generator) - 0.5
    d = rand((400, 50), generator) - 0.5
    before, layers = (a**2).mean(), []
    for _ in range(20):
        W = draw((400, 400), generator)
        a, slope = activation(W @ a)
        layers.append((W, slope))
    forward, before = (a**2).mean() / before, (d**2).mean()
    for W, slope in reversed(layers):
        d = W.T @ (slope * d)
    return forward, (d**2).mean() / before


def relu(z: Any) -> tuple[Any, Any]:
    return np.maximum(z, 0.0), z > 0


def identity(z: Any) -> tuple[Any, Any]:
    return z, 1.0


def default(shape: tuple[int, int], generator: Generator) -> Any:
    return by_hand.linear_default(shape[0], shape[1], generator)[0]


@pytest.mark.parametrize(
    ("draw", "activation", "factor"),
    [
        pytest.param(by_hand.xavier_uniform, identity, 1.0, id="Xavier uniform, linear"),
        pytest.param(by_hand.xavier_normal, identity, 1.0, id="Xavier normal, linear"),
        pytest.param(by_hand.xavier_normal, relu, 1 / 2, id="Xavier normal halves under ReLU"),
        pytest.param(by_hand.kaiming_uniform, relu, 1.0, id="He uniform, ReLU"),
        pytest.param(by_hand.kaiming_normal, relu, 1.0, id="He normal, ReLU"),
        pytest.param(by_hand.kaiming_normal, identity, 2.0, id="He normal doubles without ReLU"),
        pytest.param(by_hand.orthogonal, identity, 1.0, id="orthogonal, linear"),
        pytest.param(default, relu, 1 / 6, id="linear default shrinks sixfold under ReLU"),
    ],
)
def test_twenty_layers_change_the_mean_square_by_the_derived_factor_each(
    draw: Callable[..., Any], activation: Callable[[Any], Any], factor: float
) -> None:
    for total in through_layers(draw, activation):
        assert total ** (1 / 20) == pytest.approx(factor, rel=0.05)


def test_fan_in_keeps_the_forward_scale_and_fan_out_the_backward_scale() -> None:
    a, d = (rand((n, 400), Generator(2)) - 0.5 for n in (1000, 200))
    for mode, there, back in (("fan_in", 2.0, 2.0 / 5), ("fan_out", 10.0, 2.0)):
        W = by_hand.kaiming_normal((200, 1000), Generator(3), mode=mode)
        assert ((W @ a) ** 2).mean() / (a**2).mean() == pytest.approx(there, rel=0.05)
        assert ((W.T @ d) ** 2).mean() / (d**2).mean() == pytest.approx(back, rel=0.05)


initialize = partial(by_hand.initialize, seed=0)
REFUSALS: dict[str, tuple[Callable[[], Any], str]] = {
    "one size": (lambda: initialize((3,)), "at least two"),
    "an empty layer": (lambda: initialize((3, 0, 1)), "each at least 1"),
    "an unknown scheme": (lambda: initialize((3, 1), scheme="he"), "one of linear_default, zeros"),
    "an option of another scheme": (
        lambda: initialize((3, 1), scheme="xavier_normal", options={"mode": "fan_in"}),
        "xavier_normal has no option mode; it takes gain",
    ),
    "an option of none": (
        lambda: initialize((3, 1), options={"gain": 1.0}),
        "linear_default has no option gain; it takes none",
    ),
    "sparse without sparsity": (lambda: initialize((3, 1), scheme="sparse"), "needs sparsity"),
    "a vector": (lambda: by_hand.xavier_normal((3,), Generator(0)), "n_out, n_in"),
    "no rows": (lambda: by_hand.linear_default(0, 3, Generator(0)), "n_out, n_in"),
    "no columns": (lambda: by_hand.linear_default(3, 0, Generator(0)), "n_out, n_in"),
    "an unknown mode": (
        lambda: by_hand.kaiming_normal((3, 1), Generator(0), mode="fan"),
        "'fan_in' or 'fan_out'",
    ),
    "an unknown nonlinearity": (
        lambda: by_hand.kaiming_normal((3, 1), Generator(0), nonlinearity="gelu"),
        "'gelu' has no gain; give one of leaky_relu",
    ),
    "a truth value as slope": (
        lambda: by_hand.calculate_gain("leaky_relu", param=True),
        "give a number",
    ),
    "a sparsity above 1": (
        lambda: by_hand.sparse((3, 1), Generator(0), sparsity=1.5),
        "a fraction in",
    ),
}


@pytest.mark.parametrize(("call", "message"), list(REFUSALS.values()), ids=list(REFUSALS))
def test_bad_input_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
