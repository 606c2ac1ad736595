"""A fault of one part in a billion, planted in any single formula, is found and named.

Each line of the table wraps one function of `manual` such that one of the things it returns is
multiplied by 1 + 1e-9 (in float32, 1 + 1e-3; counts go up by one), at one step and in one layer.
What comes after it in the step is computed from the wrong value, as it would be.
"""

import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache, wraps
from itertools import count

import numpy as np
import pytest
from parity_cases import RULES, settings
from wines import WINE

import manual.activations
import manual.clipping
import manual.initialization
import manual.layers
import manual.losses
import manual.normalization
import manual.optimizers
import manual.random
import manual.schedules
import manual.stepping
import reference.activations
import reference.optimizers
from compare.commands import main
from compare.configuration import Configuration
from compare.datasets import load
from compare.divergence import Divergence
from compare.tasks import Task
from compare.traces import kind
from compare.verification import verify

ROOT = __file__.rsplit("/tests/", 1)[0]
STEP = 3  # of 5: the rules have state by then, the step before it was right
FAULTS = {"float64": 1e-9, "float32": 1e-3}


def wrong(x):
    """Return an array a little off: by 1 + 1e-9, or 1 + 1e-3 in float32; a count by one."""
    x = np.asarray(x)
    if x.dtype.kind == "i":
        return np.asarray(x + 1)
    return np.asarray(x * (1.0 + FAULTS[x.dtype.name]), dtype=x.dtype)


def value(out):
    return wrong(out[0]), *out[1:]


def gradient(out):
    return out[0], lambda *d: wrong(out[1](*d))


def gradient_of(position):
    def bend(out):
        def backward(d):
            gradients = list(out[1](d))
            gradients[position] = wrong(gradients[position])
            return tuple(gradients)

        return out[0], backward

    return bend


def entry(name):
    """Return the function that bends one named array of the first mapping that is returned."""

    def bend(out):
        if isinstance(out, dict):
            return out | {name: wrong(out[name])}
        return entry(name)(out[0]), *out[1:]

    return bend


def slot(name):
    return lambda out: (out[0], out[1] | {name: wrong(out[1][name])})


@dataclass(frozen=True)
class Plant:
    """Where a fault goes: which function's result is bent how, at which of its calls in a step, and its name."""

    module: object
    function: str
    bend: object
    origin: str
    configuration: Configuration
    call: int = 0
    of: int = 1  # calls in a step

    def __str__(self):
        rule = self.module is manual.optimizers
        options = ", ".join(f"{k}={v}" for k, v in self.configuration.options.items() if k != "lr")
        return f"{self.origin} of {self.function}{f'({options})' * rule}"


def tanh_net(**fields):
    return Configuration(**{"activations": ("tanh", "identity"), "options": {"lr": 0.05}} | fields)


def activations():
    for name in manual.activations.__all__:
        c = tanh_net(activations=(name, "identity"))
        twice = 2 if name == "identity" else 1
        yield Plant(manual.activations, name, value, "A1", c, 0, twice)
        yield Plant(manual.activations, name, gradient, "dZ1", c, 0, twice)


OUTPUTS = {"bce": "sigmoid", "cross_entropy_on_probabilities": "softmax"}


def losses():
    for name in manual.losses.__all__:
        c = tanh_net(activations=("tanh", OUTPUTS.get(name, "identity")), loss=name)
        yield Plant(manual.losses, name, value, "loss", c)
        yield Plant(manual.losses, name, gradient, "dA2", c)


def layers():
    plain, dropped = tanh_net(), tanh_net(dropout=0.5)
    linear = manual.layers, "linear"
    for layer in (1, 2):
        yield Plant(*linear, value, f"Z{layer}", plain, layer - 1, 2)
        yield Plant(*linear, gradient_of(0), f"dW{layer}", plain, layer - 1, 2)
        yield Plant(*linear, gradient_of(1), f"db{layer}", plain, layer - 1, 2)
    yield Plant(*linear, gradient_of(2), "dA1", plain, 1, 2)
    yield Plant(*linear, gradient_of(2), "dD1", dropped, 1, 2)
    yield Plant(manual.layers, "dropout", value, "D1", dropped)
    yield Plant(manual.layers, "dropout", gradient, "dA1", dropped)


def normalization():
    for momentum in (0.1, None):
        c = tanh_net(batch_norm={"momentum": momentum})
        for name in ("mu", "var", "xhat", "N"):
            yield Plant(manual.normalization, "batch_norm", entry(name), f"{name}1", c)
        for name in ("running_mean", "running_var", "batches"):
            yield Plant(manual.normalization, "running_statistics", entry(name), f"{name}1", c)
        for position, name in enumerate(("dgamma1", "dbeta1", "dZ1")):
            yield Plant(manual.normalization, "batch_norm", gradient_of(position), name, c)
        yield Plant(manual.activations, "tanh", gradient, "dN1", c)
        for position, name in enumerate(("gamma1", "beta1"), 2):
            yield Plant(manual.optimizers, "sgd", value, name, c, position, 6)


def clipping():
    for limit in (0.01, 100.0):
        c = tanh_net(clip={"norm": limit})
        yield Plant(manual.clipping, "clip_by_norm", entry("norm"), "norm", c)
        yield Plant(manual.clipping, "clip_by_norm", slot("W1"), "g.W1", c)
    c = tanh_net(clip={"value": 0.01})
    yield Plant(manual.clipping, "clip_by_value", slot("b2"), "g.b2", c)


def accumulation():
    c = tanh_net(accumulate=2)
    yield Plant(manual.stepping, "accumulated", sums, "a.W1", c)


def sums(out):
    out[0]["W1"] *= 1.0 + FAULTS[out[0]["W1"].dtype.name]  # the same array is on the trace
    return out


def rules():
    for rule, _, options in settings(RULES):
        c = tanh_net(optimizer=rule, options=options)
        one = np.ones((1, 1))
        _, slots = getattr(manual.optimizers, rule)(one, one, {}, **options)
        for position, name in enumerate(("W1", "b1", "W2", "b2")):
            yield Plant(manual.optimizers, rule, value, name, c, position, 4)
        for name in slots:
            yield Plant(manual.optimizers, rule, slot(name), f"{name}.W1", c, 0, 4)


PLANTS = [
    *activations(),
    *losses(),
    *layers(),
    *normalization(),
    *clipping(),
    *accumulation(),
    *rules(),
]


@cache
def wine(task, dtype):
    data = load(WINE, task=task, dtype=dtype)
    return replace(data, X_train=data.X_train[:, :32], Y_train=data.Y_train[:, :32])


def task_of(configuration, dtype="float64", **fields):
    kinds = {"b": "binary", "c": "multiclass"}
    data = wine(kinds.get(configuration.loss[0], "regression"), dtype)
    return Task(configuration, data, (3,), batch_size=16, **{"steps": 5} | fields)


def sow(monkeypatch, plant, now=lambda: True):
    """Wrap the function of a plant: bent at its call of a step, at the steps when `now()`."""
    original, calls = getattr(plant.module, plant.function), count()

    @wraps(original)
    def planted(*operands, **options):
        out = original(*operands, **options)
        turn = next(calls) % plant.of == plant.call
        return plant.bend(out) if turn and now() else out

    monkeypatch.setattr(plant.module, plant.function, planted)


def steps_of(task, passed):
    """Verify a task to its end; every step that agrees is appended to `passed`."""
    c = task.configuration
    for step in verify(c.by_hand(), c.by_torch(), c, task.initial(), task.batches()):
        passed.append(step)
    return passed


@pytest.mark.parametrize("dtype", FAULTS)
@pytest.mark.parametrize("plant", PLANTS, ids=str)
def test_a_fault_planted_in_one_formula_is_named_as_the_origin(monkeypatch, plant, dtype):
    passed = []
    sow(monkeypatch, plant, lambda: len(passed) == STEP)
    with pytest.raises(Divergence) as caught:
        steps_of(task_of(plant.configuration, dtype), passed)
    assert (caught.value.origin, caught.value.kind) == (plant.origin, "formula")
    assert caught.value.step == STEP
    assert plant.origin not in caught.value.agreed
    assert plant.origin in str(caught.value).splitlines()[0]


CONFIGURATIONS = {repr(plant.configuration): plant.configuration for plant in PLANTS}


@pytest.mark.parametrize("configuration", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_without_a_fault_the_same_run_agrees(configuration):
    assert len(steps_of(task_of(configuration), [])) == 5


def test_no_kind_of_entry_is_left_without_a_fault_of_its_own():
    shown = set()
    for configuration in CONFIGURATIONS.values():
        for step in steps_of(task_of(configuration, steps=2), []):
            shown |= {name.split(".")[0] if "." in name else kind(name) for name in step.candidate}
    planted = {p.origin.split(".")[0] if "." in p.origin else kind(p.origin) for p in PLANTS}
    assert shown - planted == {"micro"}  # counted by a function that returns no array of it


def test_a_fault_in_the_reference_is_told_apart_from_one_in_manual(monkeypatch):
    plant = Plant(reference.activations, "tanh", tensor_value, "A1", tanh_net())
    sow(monkeypatch, plant)
    with pytest.raises(Divergence, match="the reference does not compute the stated formula of A1"):
        steps_of(task_of(plant.configuration), [])


def tensor_value(out):
    return out[0] * (1.0 + 1e-9), out[1]


PLANTED_RUNS = {  # what is planted, and what else the run is asked to do
    "A1 by tanh": ("manual.activations", "tanh", value, "A1", "--activation tanh"),
    "dZ2 by sigmoid": (
        "manual.activations", "sigmoid", gradient, "dZ2", "--task binary --activation relu"
    ),
    "loss by mse": ("manual.losses", "mse", value, "loss", ""),
    "dW2 by linear": ("manual.layers", "linear", gradient_of(0), "dW2", ""),
    "v.W1 by adam": ("manual.optimizers", "adam", slot("v"), "v.W1", ""),
    "running_var1 by batch norm": (
        "manual.normalization", "running_statistics", entry("running_var"), "running_var1",
        "--batch-norm",
    ),
    "norm by clipping": ("manual.clipping", "clip_by_norm", entry("norm"), "norm", "--clip 0.1"),
}  # fmt: skip


def parity_run(monkeypatch, arguments):
    monkeypatch.setattr(sys, "argv", ["parity", "run", "--steps", "3", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


@pytest.mark.parametrize("words", PLANTED_RUNS)
def test_parity_run_exits_1_and_names_the_formula(monkeypatch, capsys, words):
    module, function, bend, origin, arguments = PLANTED_RUNS[words]
    assert parity_run(monkeypatch, arguments) == 0
    assert capsys.readouterr().out.startswith("PARITY")
    sow(monkeypatch, Plant(sys.modules[module], function, bend, origin, tanh_net()))
    assert parity_run(monkeypatch, arguments) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert told.startswith(f"DIVERGENCE at step 0: the formula of {origin} is wrong in manual")


DERIVED = {  # what each side derives from the seed by itself: no rounding is allowed between them
    "weights": ("manual.initialization", "initialize", "", "initial weights"),
    "masks": ("manual.random", "dropout_mask", "--dropout 0.5", "dropout masks"),
    "order": ("manual.random", "epoch_order", "--batch-size 16", "batch order of epoch 0"),
    "rates": (
        "manual.schedules", "exponential", "--schedule exponential(gamma=0.9)", "the rate of"
    ),
}  # fmt: skip


@pytest.mark.parametrize("words", DERIVED)
def test_what_the_seed_gives_must_be_equal_on_both_sides(monkeypatch, capsys, words):
    module, function, arguments, told = DERIVED[words]
    original = getattr(sys.modules[module], function)

    @wraps(original)
    def planted(*operands, **options):
        out = original(*operands, **options)
        if isinstance(out, float):
            return out * (1.0 + 1e-9)
        return {n: wrong(x) for n, x in out.items()} if isinstance(out, dict) else wrong(out)

    monkeypatch.setattr(sys.modules[module], function, planted)
    assert parity_run(monkeypatch, arguments) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("DIVERGENCE")
    assert told in out


PROGRAM = """
import functools
import manual.optimizers
right = manual.optimizers.adam

@functools.wraps(right)
def adam(*operands, **options):
    w, slots = right(*operands, **options)
    return w * (1 + 1e-9), slots

manual.optimizers.adam = adam
from compare.commands import main
main()
"""


def test_a_program_with_a_planted_fault_exits_1_from_the_shell():
    command = [sys.executable, "-c", PROGRAM, "run", "--steps", "2"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1, done.stderr
    assert "the formula of W1 is wrong in manual" in " ".join(done.stdout.split())
    assert done.stderr == ""
