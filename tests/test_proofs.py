"""Every gradient and every rule of manual is proved by algebra, and a wrong one cannot be."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import manual.activations
import manual.losses
import manual.optimizers
from compare.proofs import (
    Claim,
    Sources,
    claims,
    facts,
    identities,
    networks,
    operations,
    prove,
    rules,
)
from compare.proofs.algebra import vanishes
from compare.proofs.arithmetic import Piece
from compare.proofs.proof import equal
from compare.proofs.reading import readings

SOURCES = Sources()
QUICK = [c for f in (operations, identities, rules, facts) for c in f.claims(SOURCES)]
NETS = [c for c in networks.claims(SOURCES) if "two layers, any" in c.name or "dropout" in c.name]


@pytest.mark.parametrize("claim", [*QUICK, *NETS], ids=lambda c: f"{c.subject}: {c.name}")
def test_the_claim_is_proved(claim):
    proof = prove(claim, sources=SOURCES)
    assert proof.status == "proved", proof.refuted


@pytest.mark.parametrize("package", [manual.activations, manual.losses, manual.optimizers])
def test_every_function_has_a_claim(package):
    kind = package.__name__.removeprefix("manual.")
    assert {f"{kind}.{name}" for name in package.__all__} <= {c.subject for c in QUICK}


def test_the_whole_net_is_among_the_claims():
    names = {c.name for c in claims(SOURCES) if c.subject == "network.backward"}
    assert "two layers, any activations, any loss" in names
    assert len({(c.subject, c.name) for c in claims(SOURCES)}) == len(claims(SOURCES))


PLANTED = [
    ("activations.relu", "activations.rectifiers", "np.where(Z <= 0.0, 0.0, dA)", "dA"),
    ("activations.leaky_relu", "activations.rectifiers", "(Z > 0.0, dA, dA * slope)", "(Z > 0.0, dA, slope)"),
    ("activations.elu", "activations.rectifiers", "dA * scale * np.exp(below)", "dA * np.exp(below)"),
    ("activations.sigmoid", "activations.sigmoids", "dA * (1.0 - A) * A", "dA * (1.0 + A) * A"),
    ("activations.tanh", "activations.sigmoids", "dA * (1.0 - A * A)", "dA * (1.0 - Z * Z)"),
    ("activations.silu", "activations.sigmoids", "(1.0 + Z * (1.0 - S))", "(1.0 + Z * S)"),
    ("activations.softplus", "activations.sigmoids", "dA * sigmoid(x)[0]", "dA * sigmoid(-x)[0]"),
    ("activations.gelu", "activations.gelus", "dA * (Phi + Z * phi)", "dA * Phi"),
    ("activations.gelu_tanh", "activations.gelus", "3.0 * 0.044715", "2.0 * 0.044715"),
    ("activations.softmax", "activations.softmax", "dA - (dA * A)", "dA - (dA + A)"),
    ("losses.mse", "losses.squares", "(2.0 / count) * R", "(1.0 / count) * R"),
    ("losses.bce", "losses.binary", "float(dL) * (A - Y)", "float(dL) * (Y - A)"),
    ("losses.bce_with_logits", "losses.binary", "(S - Y) * float(dL) / A.size", "(A - Y) * float(dL) / A.size"),
    ("losses.cross_entropy", "losses.multiclass", "shifted - np.log(S)", "shifted - S"),
    ("losses.huber", "losses.absolutes", "np.clip(R, -delta, delta)", "R"),
    ("layers.linear", "layers", "dZ @ A.T", "A @ dZ.T"),
    ("layers.linear", "layers", "W.T @ dZ if", "W @ dZ if"),
    ("layers.dropout", "layers", "return dD * scale", "return dD * mask"),
    ("network.backward", "layers", "W.T @ dZ if", "W @ dZ if"),
    ("network.backward", "network", "d = gradients[-1]", "d = gradients[0]"),
    ("normalization.batch_norm", "normalization", "d - mean_d - xhat * mean_dx", "d - mean_d"),
    ("normalization.batch_norm_evaluation", "normalization", "var * mu.dtype.type(m / (m - 1))", "var"),
    ("clipping.clip_by_norm", "clipping", "/ (norm + dtype", "/ (norm * norm + dtype"),
    ("clipping.clip_by_value", "clipping", "np.clip(g, -clip_value", "np.clip(g, 0 * clip_value"),
    ("optimizers.sgd", "optimizers.sgd", "return param - lr * g, {}", "return param + lr * g, {}"),
    ("optimizers.momentum", "optimizers.sgd", "(1.0 - tau) * g if slots", "g if slots"),
    ("optimizers.sgd", "optimizers.sgd", "d = g + mu * m if", "d = g + mu * mu * m if"),
    ("optimizers.adagrad", "optimizers.adagrad", "(t - 1) * lr_decay", "t * lr_decay"),
    ("optimizers.rmsprop", "optimizers.rmsprop", "variance - ga * ga", "variance - ga"),
    ("optimizers.rmsprop_eps_inside", "optimizers.rmsprop", "np.sqrt(s + eps)", "(np.sqrt(s) + eps)"),
    ("optimizers.adam", "optimizers.adam", "lr / (1.0 - beta1**t)", "lr / (1.0 - beta1)"),
    ("optimizers.adam", "optimizers.adam", 'np.maximum(old["vmax"], v)', "v"),
    ("optimizers.adamw", "optimizers.adam", "param * (1.0 - lr * weight_decay)", "param * (1.0 - weight_decay)"),
    ("optimizers.adamax", "optimizers.adamax", "np.abs(g) + eps", "np.abs(g)"),
    ("optimizers.nadam", "optimizers.nadam", "(1.0 - product * mu_next)", "(1.0 - product)"),
    ("optimizers.radam", "optimizers.radam", "(np.sqrt(v) + eps)) * r", "(np.sqrt(v) + eps))"),
    ("optimizers.adadelta", "optimizers.adadelta", "mean_square(rho, old[\"d\"], delta)", "delta * delta"),
    ("optimizers.rprop", "optimizers.rprop", "reversed_, np.zeros_like(g), g", "reversed_, g, g"),
    ("initialization.calculate_gain", "initialization.gains", "2.0 / (1 + s**2)", "1.0 / (1 + s**2)"),
    ("initialization", "initialization.scaled", "gain * math.sqrt(2.0", "gain * math.sqrt(3.0"),
    ("schedules", "schedules.cycles", "(1.0 + cos(angle)) / 2.0", "(1.0 + cos(angle)) / 3.0"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "module", "right", "wrong"), PLANTED, ids=[f"{p[0]} with {p[3]}" for p in PLANTED]
)
def test_a_planted_mistake_cannot_be_proved(subject, module, right, wrong):
    mended = Sources({f"manual.{module}": (right, wrong)})
    about = [c for c in (*QUICK, *NETS[:1]) if c.subject == subject]
    assert any(refused(c, mended) for c in about)


def refused(claim, sources):
    try:
        return not prove(claim, sources=sources).proved
    except ValueError:  # shapes that do not fit: no proof either
        return True


def test_a_claim_without_identities_is_not_proved():
    empty = Claim("nothing", "nothing", "", "", lambda sources, piece: [])
    assert prove(empty).status == "failed"


def test_a_wrong_identity_is_named():
    def wrong(sources, piece):
        z = piece.symbol("z", 2)
        yield from equal("right", [z], [z])
        yield from equal("wrong", [z], [2 * z])

    proof = prove(Claim("nothing", "nothing", "", "", wrong))
    assert (proof.status, proof.refuted) == ("failed", "wrong, entry 0")


def test_a_sample_point_on_a_kink_belongs_to_no_piece():
    Z = Piece().array("z", [[0]])
    with pytest.raises(ValueError, match="0 at the sample point: the code branches there"):
        SOURCES.load("manual.activations").relu(Z)[1](Z)


def test_a_change_that_does_not_fit_the_source_is_refused():
    with pytest.raises(ValueError, match="a change needs one place"):
        Sources({"manual.layers": ("no such line", "")}).load("manual.layers")


def test_the_conditions_say_on_which_piece_it_was_proved():
    claim = next(c for c in QUICK if c.subject == "activations.relu")
    shown = {str(c) for c in prove(claim, sources=SOURCES).conditions}
    assert {"z_{11} > 0", "z_{12} < 0"} <= shown


@pytest.mark.parametrize("name", [n for n in manual.activations.__all__ if n != "softmax"])
def test_what_is_read_off_an_activation_agrees_with_its_derivative(name):
    assert all(r.agrees for r in readings(name))


def test_relu_is_read_off_as_two_pieces():
    found = [(r.condition, r.value, r.slope) for r in readings("relu")]
    assert found == [("z < 0", "0", "0"), ("z > 0", "z", "1")]


X, U = sympy.symbols("x u", real=True)
ATOMS = st.sampled_from([X, U, sympy.exp(X), sympy.exp(-2 * U), sympy.tanh(X), sympy.Integer(2)])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds(lambda a, b: a + b, inner, inner)
        | st.builds(lambda a, b: a * b, inner, inner)
        | st.builds(lambda a, b: a / (1 + b * b), inner, inner)
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS, EXPRESSIONS)
def test_what_is_not_zero_somewhere_never_vanishes(a, b):
    """The product rule holds, and a difference that is visibly not zero is not called zero."""
    product = sympy.diff(a * b, X) - sympy.diff(a, X) * b - a * sympy.diff(b, X)
    assert vanishes(product)
    value = float((a - b).subs({X: 0.3, U: -0.7}))
    if abs(value) > 1e-9:
        assert not vanishes(a - b)


def test_roots_are_taken_apart_by_the_signs_on_the_piece():
    piece = Piece()
    g = piece.symbol("g", -2).expression
    assert vanishes(sympy.sqrt(g**2) + g, piece)
    assert not vanishes(sympy.sqrt(g**2) - g, piece)


def test_nothing_of_numpy_or_manual_is_changed_by_a_proof():
    before = np.sqrt, manual.activations.sigmoid(np.array([[1.0]]))[0]
    prove(QUICK[0])
    assert np.sqrt is before[0]
    assert manual.activations.sigmoid(np.array([[1.0]]))[0] == before[1]
