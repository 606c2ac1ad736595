"""A failing formula is explained by the mistake that makes its numbers, in words, or by none.

A sample; the whole catalogue is planted by `parity selftest --faults`, part of it in test_kills.py.
"""

from dataclasses import replace

import numpy as np
import pytest

from compare.checking.inputs import trials
from compare.checking.losses import examine_loss
from compare.checking.rules import examine_rule
from compare.checking.steps import examine_step
from compare.checking.training import examine_training
from compare.configuration import Configuration
from compare.diagnosis.variant import Variant, convincing
from compare.distances import Distance
from compare.formulas.arithmetic import Tracked
from compare.verification import Batch
from manual import activations, losses, optimizers, stepping

NET = Configuration(("tanh", "identity"), "mse", "sgd", {"lr": 0.1, "momentum": 0.9})
RIGHT = {
    "g'": lambda z, a: 1 - a**2,
    "dA2": lambda a, y: 2 * (a - y) / a.size,
    "dA1": lambda W, dZ: W.T @ dZ,
    "db": lambda dZ: dZ.sum(axis=1, keepdims=True),
    "m": lambda m, g: g if m is None else 0.9 * m + g,
    "step": lambda m, g: m,
}


def program(**wrong):
    """Return a hand-written training step, some of its lines replaced."""
    f = RIGHT | wrong

    def train_step(state, X, Y, lr):
        s = dict(state)
        t = {"Z1": s["W1"] @ X + s["b1"]}
        t["A1"] = np.tanh(t["Z1"])
        t["Z2"] = t["A2"] = s["W2"] @ t["A1"] + s["b2"]
        t["loss"] = ((t["A2"] - Y) ** 2).mean()
        t["dA2"] = t["dZ2"] = f["dA2"](t["A2"], Y)
        t["dW2"], t["db2"] = t["dZ2"] @ t["A1"].T, f["db"](t["dZ2"])
        t["dA1"] = f["dA1"](s["W2"], t["dZ2"])
        t["dZ1"] = t["dA1"] * f["g'"](t["Z1"], t["A1"])
        t["dW1"], t["db1"] = t["dZ1"] @ X.T, f["db"](t["dZ1"])
        for n in ("W1", "b1", "W2", "b2"):
            t[f"m.{n}"] = f["m"](s.get(f"m.{n}"), t[f"d{n}"])
            t[n] = s[n] - lr * f["step"](t[f"m.{n}"], t[f"d{n}"])
        return t

    return train_step


def parameters_alone(step):
    def train_step(state, X, Y, lr):
        t = step(state, X, Y, lr)
        return {n: t[n] for n in t if n[0] in "Wbm" or n == "loss"}

    return train_step


MISTAKES = [
    ("g'", lambda z, a: 1 - a, "dZ1", "tanh: 1 - a, the square left out"),
    ("g'", lambda z, a: 1 - z**2, "dZ1", "tanh: formed from z: 1 - z^2"),
    ("dA2", lambda a, y: 2 * (a - y) / a.shape[1], "dA2", "the gradient of mse_per_example"),
    ("dA2", lambda a, y: 2 * (y - a) / a.size, "dA2", "mse: targets minus predictions"),
    ("dA1", lambda W, d: W[:1].T @ d[:1], "dA1", "only the first output unit contributes"),
    ("dA1", lambda W, d: W.T @ np.abs(d), "dA1", "dZ2 without its sign"),
    ("db", lambda d: d.mean(axis=1, keepdims=True), "db2", "the mean over the examples, not the sum"),
    ("m", lambda m, g: 0.1 * g if m is None else 0.9 * m + 0.1 * g, "m.W1", "momentum as a moving average"),
    ("m", lambda m, g: g if m is None else 0.9 * m - g, "m.W1", "the gradient subtracted from the velocity"),
    ("m", lambda m, g: 1.9 * g if m is None else 0.9 * (0.9 * m + g) + g, "m.W1", "the velocity is stepped twice"),
    ("step", lambda m, g: g + 0.9 * m, "W1", "nesterov=True where nesterov=False was asked for"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "wrong", "origin", "name"), MISTAKES, ids=[m[3] for m in MISTAKES]
)
def test_a_strangers_mistake_is_found_at_its_formula_and_named(line, wrong, origin, name):
    verdict = examine_step(program(**{line: wrong}), NET)
    assert verdict.divergence.origin == origin
    assert name in verdict.diagnosis.names


def decayed_after(w, g, slots, *, lr):
    new = w - lr * g
    return new - lr * 0.3 * new, {}


def slowing(w, g, slots, *, lr):
    return optimizers.adam(w, g, slots, lr=lr / np.sqrt(slots.get("t", 0) + 1))


def compounding(w, g, slots, *, lr):
    for k in range(int(slots.get("t", 0)) + 1):
        lr = lr / (1 + k * 0.5)
    return optimizers.adagrad(w, g, slots, lr=lr)


RULES = [
    (decayed_after, "sgd", {"weight_decay": 0.3}, "weight decay applied to the updated parameter"),
    (slowing, "adam", {}, "the learning rate falls with the root of the step"),
    (compounding, "adagrad", {"lr_decay": 0.5}, "lr_decay compounds from step to step"),
]


@pytest.mark.parametrize(("rule", "optimizer", "options", "name"), RULES, ids=[r[3] for r in RULES])
def test_a_strangers_rule_is_named(rule, optimizer, options, name):
    def train_step(state, X, Y, lr):
        shape = {"activations": [activations.tanh, activations.identity], "loss": losses.mse}
        return stepping.step(state, X, Y, **shape, rule=rule, lr=lr)

    like = Configuration(("tanh", "identity"), "mse", optimizer, {"lr": 0.1, **options})
    verdict = examine_step(train_step, like)
    assert name in verdict.diagnosis.names


def test_right_code_is_not_diagnosed():
    verdict = examine_step(program(), NET)
    assert verdict.right
    assert verdict.diagnosis is None


def test_a_mistake_is_named_in_a_formula_that_is_not_shown():
    step = parameters_alone(program(**{"g'": lambda z, a: 1 - a}))
    names = examine_step(step, NET).diagnosis.names
    assert names == ("in dZ1, which is not shown: tanh: 1 - a, the square left out",)


def test_a_hidden_operand_is_exchanged_in_its_own_formula_alone():
    step = parameters_alone(program(dA1=lambda W, d: 2 * W.T @ d))
    names = examine_step(step, NET).diagnosis.names
    assert names
    assert all("times 2" in n or "lr=" in n or "doubled" in n for n in names)


def test_random_feedback_weights_are_not_explained_and_their_pattern_is_told():
    step = program(dA1=lambda W, d: np.sin(1 + np.arange(W.size)).reshape(W.shape).T @ d)
    diagnosis = examine_step(step, NET).diagnosis
    assert diagnosis.names == ()
    assert "unexplained" in str(diagnosis)
    assert "ratio to the right value" in str(diagnosis)


def test_the_message_has_both_formulas_their_errors_and_whose_convention_it_is():
    wrong = program(m=lambda m, g: 0.1 * g if m is None else 0.9 * m + 0.1 * g)
    text = str(examine_step(wrong, NET).diagnosis)
    for part in (
        "yours, as understood: m = mu * m + (1 - mu) * g",
        "right:                m = mu * m + (1 - dampening) * g",
        "convention of:        the form of Adam's m",
        "the same as:          a learning rate (1 - mu) times as large",
        "with the right formula,",
    ):
        assert part in text


def test_half_the_gradient_is_named_with_the_learning_rate_that_does_the_same():
    plain = Configuration(("tanh", "identity"), "mse", "sgd", {"lr": 0.1})
    step = program(dA2=lambda a, y: (a - y) / a.size, m=lambda m, g: g)
    found = examine_step(lambda state, X, Y, lr: without_slots(step(state, X, Y, lr)), plain)
    named = found.diagnosis.declared()["named"]
    assert [n["mistake"] for n in named] == ["dA2 times 1/2"]
    assert named[0]["same_as"].startswith("a learning rate 1/2 times as large")


def without_slots(trace):
    return {n: x for n, x in trace.items() if not n.startswith("m.")}


RATES = [0.1, 0.1, 0.05, 0.05, 0.025, 0.025]


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        (RATES[1:], "the schedule is 1 step early"),
        ([0.1, *RATES], "the schedule is 1 step late"),
        ([0.1] * 6, "the learning rate is not scheduled"),
        ([0.1, 0.1, 0.05, 0.025, 0.00625, 0.0015625], "the decay is applied to the rate of the step before"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)  # fmt: skip
def test_a_schedule_is_told_apart_by_the_steps_around_it(shown, name):
    plain = Configuration(("tanh", "identity"), "mse", "sgd", {"lr": 0.1})
    r = np.random.default_rng(0)
    state = {"W1": r.normal(size=(4, 5)), "b1": r.normal(size=(4, 1))}
    state |= {"W2": r.normal(size=(3, 4)), "b2": r.normal(size=(3, 1))}
    step, traces, batches = program(m=lambda m, g: g), [], []
    at = state
    for lr, mine in zip(RATES, shown, strict=False):
        X, Y = r.normal(size=(5, 7)), r.normal(size=(3, 7))
        at = without_slots(step(at, X, Y, mine))
        traces.append({"lr": np.asarray(mine)} | at)
        batches.append(Batch(X, Y, {"lr": lr}))
    verdict = examine_training(traces, plain, state, batches)
    assert verdict.diagnosis.names == (name,)


def test_wider_rounding_alone_explains_nothing():
    before = Distance(1e9, (), 2.0, 1.0, 1e-9, 1)
    same = Tracked(np.asarray(1.0), np.asarray(1e9), 1e-16)
    other = Tracked(np.asarray(2.0), np.asarray(1.0), 1e-16)
    near = Distance(1e-9, (), 2.0, 1.0, 1e9, 1)
    assert not convincing(Variant("as before"), same, near, before)
    assert convincing(Variant("another value"), other, near, before)


def test_parameters_shown_only_when_they_are_updated_are_diagnosed_too():
    c = Configuration(("tanh", "identity"), "mse", "sgd", {"lr": 0.05}, accumulate=2)
    t = next(trials(c, (4, 3, 2), m=5, steps=4, dtype="float64", seed=0))
    state, shown = dict(t.state), []
    total = {}
    for k, batch in enumerate(t.batches):
        trace = replace(c, accumulate=1).by_hand()({**state}, batch.X, batch.Y, lr=0.0)
        entries = {n: x for n, x in trace.items() if n == "loss"}
        for n in state:
            total[n] = trace[f"d{n}"] + (total[n] if k % 2 else 0.0)
        if k % 2:
            state = {n: x - 0.05 * total[n] for n, x in state.items()}  # summed, not averaged
            entries |= state
        shown.append(entries)
    verdict = examine_training(shown, c, t.state, t.batches)
    assert any("dA2 times k, the number of micro-batches" in n for n in verdict.diagnosis.names)


def test_nan_is_no_evidence_for_a_mistake():
    """A square root of what is negative is NaN, as many a mistake is: none is named for it."""

    class Adam:
        def __init__(self, lr=0.01, sign=-1.0):
            self.lr, self.sign, self.m, self.v, self.t = lr, sign, {}, {}, 0

        def step(self, params, grads):
            self.t += 1
            for n, g in grads.items():
                self.m[n] = 0.9 * self.m.get(n, 0.0) + 0.1 * g
                self.v[n] = 0.999 * self.v.get(n, 0.0) + self.sign * 0.001 * g * g
                m, v = self.m[n] / (1 - 0.9**self.t), self.v[n] / (1 - 0.999**self.t)
                params[n] -= self.lr * m / (np.sqrt(v) + 1e-8)

    diagnosis = examine_rule(Adam, "adam").diagnosis
    assert diagnosis.names == ()
    assert "12 of 12 elements are not finite" in diagnosis.pattern


def softmax(z):
    e = np.exp(z - z.max(axis=0))
    return e / e.sum(axis=0)


@pytest.mark.parametrize(
    ("loss", "like", "name"),
    [
        (lambda z, y: -(y * np.log(softmax(z))).sum() / z.shape[1], "cross_entropy",
         "cross_entropy: y log(softmax(z)), 0 times infinity where it underflows"),
        (lambda z, y: -np.log((y * softmax(z)).sum(axis=0)).mean(), "cross_entropy",
         "cross_entropy: log(softmax(z)), infinite where it underflows"),
        (lambda z, y: (np.log(1 + np.exp(z)) - y * z).mean(), "bce_with_logits",
         "bce_with_logits: log(1 + e^z) - y z, which overflows"),
    ],
    ids=["a product", "the true class", "an exponential"],
)  # fmt: skip
def test_what_overflows_is_named_if_the_ordinary_trials_bear_it_out(loss, like, name):
    names = examine_loss(loss, like).diagnosis.names
    assert name in names
    assert all("overflows" in n or "underflows" in n for n in names)


def test_gradients_never_zeroed_are_named_where_each_is_right():
    step, sums = program(), {}

    def train_step(state, X, Y, lr):
        t = step(state, X, Y, lr)
        for n in ("W1", "b1", "W2", "b2"):
            sums[n] = sums.get(n, 0.0) + t[f"d{n}"]
            t[f"m.{n}"] = 0.9 * state.get(f"m.{n}", 0.0) + sums[n]
            t[n] = state[n] - lr * t[f"m.{n}"]
        return t

    c = replace(NET, options={"lr": 0.1, "momentum": 0.9})
    t = next(trials(c, (4, 3, 2), m=5, steps=4, dtype="float64", seed=0))
    at, shown = dict(t.state), []
    for batch in t.batches:
        shown.append(train_step(at, batch.X, batch.Y, 0.1))
        at = shown[-1]
    names = examine_training(shown, c, t.state, t.batches).diagnosis.names
    assert names == ("the gradients of all steps so far are summed, never zeroed",)


def test_micro_batches_summed_and_clipped_are_diagnosed_where_the_sums_are_not_shown():
    c = Configuration(("tanh", "identity"), "mse", "sgd", {"lr": 0.05}, accumulate=2, clip={"norm": 0.1})  # fmt: skip
    t = next(trials(c, (4, 3, 2), m=5, steps=4, dtype="float64", seed=0))
    at, shown, names = dict(t.state), [], [*t.state]
    total = {}
    for k, b in enumerate(t.batches):
        trace = replace(c, accumulate=1, clip=None).by_hand()(at, b.X, b.Y, lr=0.0)
        total = {n: trace[f"d{n}"] + (total[n] if k % 2 else 0.0) for n in names}
        entries = {n: x for n, x in trace.items() if n not in names}
        if k % 2:
            norm = np.sqrt(sum((g * g).sum() for g in total.values()))
            entries |= {"norm": norm, **{f"g.{n}": g * min(1.0, 0.1 / (norm + 1e-6)) for n, g in total.items()}}  # fmt: skip
            at = {n: at[n] - 0.05 * entries[f"g.{n}"] for n in names}
        shown.append(entries | at)
    names = examine_training(shown, c, t.state, t.batches).diagnosis.names
    assert "norm times k, the number of micro-batches" in names


@pytest.mark.parametrize("entry", ["Z1", "A1", "A2", "dA2", "dZ2", "dW2", "dA1"])
def test_an_entry_that_is_transposed_is_told_by_its_shape(entry):
    t = next(trials(NET, (4, 3, 2), m=5, steps=2, dtype="float64", seed=0))
    step, at, shown = program(), t.state, []
    for batch in t.batches:
        at = step(at, batch.X, batch.Y, 0.1)
        shown.append({**at, entry: at[entry].T})
    verdict = examine_training(shown, NET, t.state, t.batches)
    assert (verdict.divergence.origin, verdict.divergence.kind) == (entry, "shape")
    assert len(verdict.diagnosis.names) == 1
