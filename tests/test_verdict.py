"""The verdict says which formula is wrong, what only inherits from it, and when the reference is the one at fault."""

import json
import sys
from contextlib import contextmanager
from functools import wraps
from itertools import islice

import numpy as np
import pytest

import manual.activations
import reference.activations
import reference.losses
import reference.optimizers
from compare.commands import main
from compare.configuration import Configuration
from compare.divergence import Divergence
from compare.formulas import precision
from compare.formulas.precision import narrowed
from compare.operands import stated
from compare.reports.report import oracle_type
from compare.selftest.cases import cases
from compare.tolerances import STEP
from compare.verification import Batch, verify

RANDOM = 20260101


def a_case(**fields):
    state = {"W1": np.ones((3, 2)) / 3, "b1": np.zeros((3, 1)) + 0.1}
    state |= {"W2": np.ones((1, 3)) / 2, "b2": np.zeros((1, 1))}
    random = np.random.default_rng(RANDOM)
    X, Y = random.normal(size=(2, 8)), random.normal(size=(1, 8))
    c = Configuration(**{"activations": ("tanh", "identity"), "options": {"lr": 0.1}} | fields)
    return c, state, Batch(X, Y)


def bent(monkeypatch, module, name, bend):
    original = getattr(module, name)

    @wraps(original)
    def wrong(*operands, **options):
        return bend(original(*operands, **options))

    monkeypatch.setattr(module, name, wrong)


def scaled(out):
    return out[0] * (1.0 + 1e-9), *out[1:]


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["parity", "run", "--steps", "2", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_each_row_of_the_failing_step_says_origin_or_inherited_or_agrees(
    monkeypatch, tmp_path, capsys
):
    bent(monkeypatch, manual.activations, "tanh", scaled)
    files = tmp_path / "run.json", tmp_path / "run.csv"
    asked = ("--activation", "tanh", "--json", str(files[0]), "--csv", str(files[1]))
    assert run(monkeypatch, *asked) == 1
    rows = {
        row["entry"]: row["standing"] for row in json.loads(files[0].read_text())["failing_step"]
    }
    assert rows["Z1"] == "agrees"
    assert rows["A1"] == "origin"
    assert {rows[n] for n in ("Z2", "A2", "loss", "dA2", "dZ2", "dW2")} == {"inherited"}
    assert set(rows.values()) == {"agrees", "origin", "inherited"}
    told = capsys.readouterr().out.splitlines()
    shown = {line.split()[0]: line.split()[-1] for line in told if line.strip()}
    assert (shown["A1"], shown["Z2"], shown["Z1"]) == ("origin", "inherited", "agrees")
    table = [line.rsplit(",", 1)[-1] for line in files[1].read_text().splitlines()]
    assert table[0] == "standing"
    assert {"origin", "inherited"} <= set(table)


REFERENCE_FAULTS = {
    "an activation": (reference.activations, "tanh", "A1"),
    "a loss": (reference.losses, "mse", "loss"),
    "a rule": (reference.optimizers, "sgd", "W1"),
}


@pytest.mark.parametrize("words", REFERENCE_FAULTS)
def test_a_reference_that_does_not_compute_the_stated_formula_is_a_verdict_of_its_own(
    monkeypatch, words
):
    module, name, entry = REFERENCE_FAULTS[words]
    bent(monkeypatch, module, name, scaled)
    c, state, batch = a_case()
    with pytest.raises(Divergence) as caught:
        list(verify(c.by_hand(), c.by_torch(), c, state, [batch]))
    assert (caught.value.kind, caught.value.origin) == ("reference", entry)
    assert "the reference does not compute the stated formula" in str(caught.value)
    assert caught.value.whose in str(caught.value)


def test_where_both_share_a_mistake_the_formulas_still_tell(monkeypatch):
    for module in (manual.activations, reference.activations):
        bent(monkeypatch, module, "tanh", scaled)
    c, state, batch = a_case()
    with pytest.raises(Divergence) as caught:
        list(verify(c.by_hand(), c.by_torch(), c, state, [batch]))
    assert caught.value.origin == "A1"


def test_a_wrong_reference_is_found_at_a_later_step_too(monkeypatch):
    turns = iter(range(100))
    bent(
        monkeypatch,
        reference.activations,
        "tanh",
        lambda out: scaled(out) if next(turns) == 2 else out,
    )
    c, state, batch = a_case()
    with pytest.raises(Divergence) as caught:
        list(verify(c.by_hand(), c.by_torch(), c, state, [batch] * 4))
    assert (caught.value.kind, caught.value.step) == ("reference", 2)


def test_the_bound_of_a_step_is_computed_beside_it_and_grows_along_it():
    c, state, batch = a_case()
    (stepped,) = verify(c.by_hand(), c.by_torch(), c, state, [batch])
    by_name = {j.name: STEP * j.pair.allowed for j in stepped.judged}
    own = {j.name: j.limit * j.formula.allowed for j in stepped.judged if j.formula}
    assert by_name["dW1"] > 2.0 * own["dW1"]
    louder = Batch(100.0 * batch.X, batch.Y)
    (again,) = verify(c.by_hand(), c.by_torch(), c, state, [louder])
    assert STEP * {j.name: j.pair.allowed for j in again.judged}["Z1"] > 20.0 * by_name["Z1"]


# --- the oracle where longdouble is no wider


@contextmanager
def without_longdouble():
    """Make longdouble look no wider than float64: the oracle is mpmath then."""

    def narrowed(dtype):
        return finfo(np.float64 if np.dtype(dtype) == np.longdouble else dtype)

    finfo = np.finfo
    with pytest.MonkeyPatch.context() as patch:
        precision.wide.cache_clear()
        patch.setattr(precision.np, "finfo", narrowed)
        yield
    precision.wide.cache_clear()


@pytest.fixture
def narrow():
    with without_longdouble():
        yield


def test_the_report_names_the_oracle():
    assert oracle_type("float32") == "float64 (53 bits)"
    assert oracle_type("float64").startswith("longdouble (")


def test_where_longdouble_is_no_wider_the_oracle_is_mpmath_and_the_report_says_so(narrow):
    assert oracle_type("float64") == "mpmath (113 bits: longdouble is no wider than float64 here)"
    assert oracle_type("float32") == "float64 (53 bits)"


def small(n):
    few = (c for c in cases(5, "float64", steps=2) if all(b.X.shape[1] < 20 for b in c.batches))
    return list(islice(few, n))


def test_under_mpmath_correct_code_raises_no_alarm(narrow):
    verified = 0
    for made in small(8):
        c = made.configuration
        verified += sum(1 for _ in verify(c.by_hand(), c.by_torch(), c, made.state, made.batches))
    assert verified >= 12


def test_under_mpmath_a_planted_fault_is_named(narrow, monkeypatch):
    bent(monkeypatch, manual.activations, "tanh", scaled)
    c, state, batch = a_case()
    with pytest.raises(Divergence) as caught:
        list(verify(c.by_hand(), c.by_torch(), c, state, [batch]))
    assert (caught.value.kind, caught.value.origin) == ("formula", "A1")


def test_both_oracles_give_the_same_values():
    for made in small(4):
        c, batch = made.configuration, made.batches[0]
        start = {**made.state, **batch.state}
        given = c.formulas(), c.by_hand()(start, batch.X, batch.Y), start, batch.X, batch.Y
        right = dict(stated(*given, own=True))
        with without_longdouble():
            for name, x in stated(*given, own=True):
                assert x.value.dtype == object
                error = 0.0 if x.error is None else x.error
                a, b = narrowed(x.value), narrowed(right[name].value)
                assert np.all(np.abs(a - b) <= 2.0**-52 * np.abs(b) + 2.0**-60 * error), name


# --- harmless reorderings: the same mathematics, other rounding


def reordered(step, examples, units, inputs):
    """Return the step taken with examples, hidden units and inputs in another order, its trace put back."""

    def axes(name):
        """Yield (axis, order) for every axis of an entry that is reordered."""
        base, layer = name.split(".")[-1].rstrip("0123456789"), name[-1]
        kind = base.removeprefix("d")
        if kind in ("Z", "A", "X", "Y"):
            yield 1, examples
        if layer == "1" and kind in ("Z", "A", "W", "b"):
            yield 0, units
        if kind == "W":
            yield 1, inputs if layer == "1" else units
        if kind == "X":
            yield 0, inputs

    def moved(name, x, back=False):
        if np.ndim(x) == 2:
            for axis, order in axes(name):
                x = np.take(x, np.argsort(order) if back else order, axis=axis)
        return np.array(x)

    def other(state, X, Y, **options):
        start = {n: moved(n, x) for n, x in state.items()}
        trace = step(start, moved("X", X), moved("Y", Y), **options)
        return {n: moved(n, x, back=True) for n, x in trace.items()}

    return other


REORDERED = {
    "examples": (1, 0, 0),
    "hidden units": (0, 1, 0),
    "inputs": (0, 0, 1),
    "all": (1, 1, 1),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("side", ["by_hand", "by_torch"])
@pytest.mark.parametrize("words", REORDERED)
def test_a_harmless_reordering_raises_no_alarm(words, side, dtype):
    random = np.random.default_rng(RANDOM)
    state = {"W1": (16, 11), "b1": (16, 1), "W2": (1, 16), "b2": (1, 1)}
    state = {n: random.normal(size=shape).astype(dtype) / 3 for n, shape in state.items()}
    batch = Batch(*(random.normal(size=(n, 300)).astype(dtype) for n in (11, 1)))
    orders = [
        random.permutation(n) if on else np.arange(n)
        for n, on in zip((300, 16, 11), REORDERED[words], strict=True)
    ]
    c = Configuration(("relu", "identity"), optimizer="adam", options={"lr": 0.01})
    candidate = reordered(getattr(c, side)(), *orders)
    steps = list(verify(candidate, c.by_torch(), c, state, [batch] * 6))
    assert len(steps) == 6
    pairs = ((s.candidate[n], s.reference[n]) for s in steps for n in ("dW1", "dW2", "loss"))
    assert any(not np.array_equal(a, b) for a, b in pairs)  # the rounding is another
