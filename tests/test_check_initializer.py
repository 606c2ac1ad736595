"""Somebody's initialiser, judged by the distribution of what it draws."""

import numpy as np
import pytest

from compare.checking import Wrong, check_initializer
from compare.checking.initializers import examine_initializer
from compare.checking.likeness import INITIALIZERS
from manual import initialization
from manual.random import Generator


def of(name):
    """Return PyTorch's initialiser, drawing on."""
    stream, scheme = Generator(3), getattr(initialization, name)
    return lambda shape: scheme(shape, stream)


@pytest.mark.parametrize("seed", range(4))
def test_right_initialisers_are_right(seed):
    def he(n_in, n_out, rng):
        return rng.normal(0.0, np.sqrt(2.0 / n_in), size=(n_out, n_in))

    def glorot(fan_in, fan_out, rng, gain=1.0):  # as a library of rows has it
        c = gain * np.sqrt(6.0 / (fan_in + fan_out))
        return rng.uniform(-c, c, size=(fan_in, fan_out)).astype(np.float32)

    assert check_initializer(he, "kaiming_normal", seed=seed).right
    assert check_initializer(glorot, "xavier_uniform(gain=2.0)", seed=seed).right


@pytest.mark.parametrize("name", INITIALIZERS)
def test_pytorchs_own_numbers_are_right(name):
    assert check_initializer(of(name), name).right


def truncated(shape, rng):
    w = rng.normal(size=(4, *shape))
    w = np.where(np.abs(w) < 2.0, w, 0.0)
    w = np.take_along_axis(w, (w != 0.0).argmax(axis=0)[None], axis=0)[0]
    return w * np.sqrt(2.0 / shape[1])


def mirrored(half):
    return np.vstack([half, -half])


WRONG = {
    "a deviation of 1 / sqrt(n_in)": ("kaiming_normal", lambda i, o, g: g.normal(0, 1 / np.sqrt(i), (o, i))),
    "all weights are equal: the units of a layer stay alike for ever": (
        "kaiming_normal", lambda i, o, g: np.full((o, i), 0.1)),
    "it draws the same weights each time it is called, and so for every layer: let it take rng, or draw "
    "from a generator that is made once": (
        "kaiming_normal", lambda i, o, g: np.random.default_rng(0).normal(0, np.sqrt(2 / i), (o, i))),
    "no weight is positive: drawn from a bound to 0, or magnitudes negated": (
        "xavier_uniform", lambda i, o, g: -g.random((o, i)) * np.sqrt(6 / (i + o))),
    "the slope a is left out of the gain": (
        "kaiming_normal(a=0.01)", lambda i, o, g: g.normal(0, np.sqrt(2 / i), (o, i))),
    "a deviation of sqrt(2) / sqrt(n_in - 1)": (
        "kaiming_normal", lambda i, o, g: g.normal(0, np.sqrt(2 / (i - 1)), (i, o))),
    "a deviation of sqrt(2) / sqrt(n_in ** 2)": (
        "kaiming_normal", lambda i, o, g: g.normal(0, np.sqrt(2) / i, (o, i))),
    "the root of each fan, in place of that of their sum, as a bound": (
        "xavier_uniform", lambda i, o, g: g.uniform(-1, 1, (o, i)) * np.sqrt(6) / (i**0.5 + o**0.5)),
    "the deviation taken for the bound of a uniform distribution": (
        "kaiming_normal", lambda i, o, g: g.uniform(-1, 1, (o, i)) * np.sqrt(2 / i)),
    "row 0 has the same weights as row 1": (
        "kaiming_normal", lambda i, o, g: np.repeat(g.normal(size=(o, i)), 2, 0)[:o] * np.sqrt(2 / i)),
    "row 0 has the weights, negated, of row 19": (
        "kaiming_normal", lambda i, o, g: mirrored(g.normal(0, np.sqrt(2 / i), (19, i)))[:o]),
    "a deviation of sqrt(2) / sqrt(n_out)": ("kaiming_normal", lambda i, o, g: g.normal(0, np.sqrt(2 / o), (o, i))),
    "a deviation of sqrt(2) / sqrt(n_in + 1)": (
        "kaiming_normal", lambda i, o, g: g.normal(0, np.sqrt(2 / (i + 1)), (o, i))),
    "the bound of the uniform distribution taken for its deviation": (
        "xavier_uniform", lambda i, o, g: g.uniform(-1, 1, (o, i)) * np.sqrt(2 / (i + o))),
    "no weight is negative: drawn from 0 to a bound, as np.random.rand does, or magnitudes": (
        "kaiming_normal", lambda i, o, g: g.random((o, i)) * np.sqrt(2 / i)),
    "a deviation of 0.01, whatever the number of inputs": (
        "kaiming_normal", lambda i, o, g: 0.01 * g.normal(size=(o, i))),
    "from -1 / sqrt(n_in) to 1 / sqrt(n_in), nn.Linear's own": (
        "kaiming_uniform", lambda i, o, g: g.uniform(-1, 1, (o, i)) / np.sqrt(i)),
    "the bound of right weights halved, np.random.rand() - 0.5": (
        "kaiming_normal", lambda i, o, g: (g.random((o, i)) - 0.5) * np.sqrt(2 / i)),
    "the deviation taken for the mean": (
        "kaiming_normal", lambda i, o, g: g.normal(np.sqrt(2 / i), np.sqrt(2 / i), (o, i))),
    "the variance taken for the deviation": ("kaiming_normal", lambda i, o, g: g.normal(0, 2 / i, (o, i))),
    "cut at two deviations, Keras' truncated normal": ("kaiming_normal", lambda i, o, g: truncated((o, i), g)),
    "normal weights of the right deviation, where uniform ones were asked for": (
        "xavier_uniform", lambda i, o, g: g.normal(0, np.sqrt(2 / (i + o)), (o, i))),
    "uniform weights of the right deviation, where normal ones were asked for": (
        "kaiming_normal", lambda i, o, g: g.uniform(-1, 1, (o, i)) * np.sqrt(6 / i)),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_initialiser_is_named(name):
    like, draw = WRONG[name]
    verdict = examine_initializer(lambda n_in, n_out, rng: draw(n_in, n_out, rng), like)
    assert not verdict.right
    assert name in verdict.diagnosis.names, verdict.diagnosis
    with pytest.raises(Wrong):
        check_initializer(lambda n_in, n_out, rng: draw(n_in, n_out, rng), like)


def test_a_mean_that_is_not_0_is_found():
    verdict = examine_initializer(
        lambda shape, rng: rng.normal(0.01, np.sqrt(2.0 / shape[1]), shape), "kaiming_normal"
    )
    assert verdict.divergence.origin in ("mean", "deviation")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda a, b: np.zeros((b, a)), "it takes a, b: which is the number of inputs?"),
        (lambda shape, rng: rng.normal(size=3), "it returned an array (3,); expected (37, 26)"),
        (lambda shape, rng: 1 / 0, "ZeroDivisionError"),
        ("he", "it is no function"),
    ],
)
def test_what_cannot_be_judged_is_a_sentence(function, says):
    assert says in examine_initializer(function, "kaiming_normal").error


def test_options_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match="has no option gain; it has mode, nonlinearity, a"):
        examine_initializer(of("kaiming_normal"), "kaiming_normal(gain=2)")
    with pytest.raises(ValueError, match="give fan_in or fan_out"):
        examine_initializer(of("kaiming_normal"), "kaiming_normal", mode="avg")
    with pytest.raises(ValueError, match="unknown initialiser 'relu'; there are kaiming_normal"):
        examine_initializer(of("kaiming_normal"), "relu")


def test_units_of_another_deviation_are_found():
    def uneven(n_in, n_out, rng):
        share = np.where(np.arange(n_out) % 2, 0.9, np.sqrt((37 - 18 * 0.81) / 19))
        return rng.normal(size=(n_out, n_in)) * np.sqrt(2 / n_in) * share[:, None]

    (name,) = examine_initializer(uneven, "kaiming_normal").diagnosis.names
    assert name.startswith("the deviation differs from row to row")


@pytest.mark.parametrize("seed", range(4))
def test_a_deviation_is_known_exactly_where_the_generator_is(seed):
    def he(n_in, n_out, rng):
        return rng.normal(size=(n_out, n_in)) * np.sqrt(2.0 / n_in) * (1 + 1e-8)

    assert examine_initializer(he, "kaiming_normal", seed=seed).divergence.origin == "deviation"
