"""torch's own list of optimiser configurations, and what it never varies, run beside torch.optim.

Here torch.optim runs as people use it: one optimiser for the whole training, on gradients from
autograd. At each step the rules by hand get torch's state and must arrive at torch's next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.testing._internal.common_optimizers import optim_db

import compare.formulas.optimizers as stated
import manual.optimizers as manual
import reference.optimizers as reference
from compare.distances import distance
from compare.formulas.arithmetic import Tracked, exact
from compare.tolerances import STEP

Array = NDArray[Any]
Options = dict[str, Any]
STEPS = 24

# torch's rule: ours, and torch's names for the slots in the order in which they are computed
RULES: dict[str, tuple[str, dict[str, str]]] = {
    "SGD": ("sgd", {"m": "momentum_buffer"}),
    "Adagrad": ("adagrad", {"t": "step", "s": "sum"}),
    "RMSprop": (
        "rmsprop",
        {"t": "step", "s": "square_avg", "ga": "grad_avg", "m": "momentum_buffer"},
    ),
    "Adam": ("adam", {"t": "step", "m": "exp_avg", "v": "exp_avg_sq", "vmax": "max_exp_avg_sq"}),
    "AdamW": ("adamw", {"t": "step", "m": "exp_avg", "v": "exp_avg_sq", "vmax": "max_exp_avg_sq"}),
    "NAdam": ("nadam", {"t": "step", "mu": "mu_product", "m": "exp_avg", "v": "exp_avg_sq"}),
    "RAdam": ("radam", {"t": "step", "m": "exp_avg", "v": "exp_avg_sq"}),
    "Adamax": ("adamax", {"t": "step", "m": "exp_avg", "u": "exp_inf"}),
    "Adadelta": ("adadelta", {"t": "step", "v": "square_avg", "d": "acc_delta"}),
    "Rprop": ("rprop", {"t": "step", "eta": "step_size", "prev": "prev"}),
}
OTHERS = {
    "ASGD": "averages its parameters, which is no part of the update rule",
    "Adafactor": "its state is factored over rows and columns: not element by element",
    "LBFGS": "needs to evaluate the loss again: not one gradient a step",
    "Muon": "orthogonalises whole matrices",
    "SparseAdam": "for sparse gradients only",
}
# these choose one of several implementations of one formula: they have no meaning in mathematics
IMPLEMENTATION = {"foreach", "fused", "capturable", "differentiable"}


def scalar(x: Any) -> Any:
    """Return a hyperparameter with the tensors in it as the numbers they hold.

    Given lr as a float32 tensor, torch forms 1 - lr * weight_decay in float32 for any parameter.
    """
    if isinstance(x, tuple):
        return tuple(map(scalar, x))
    return x.item() if torch.is_tensor(x) else x


def listed() -> Iterator[Any]:
    """Yield torch's configurations of our rules, those it lists for GPUs included."""
    for info in optim_db:
        if info.name in RULES:
            inputs = [*info.optim_inputs_func("cpu"), *info.optim_inputs_func("cuda")]
            distinct = {repr(sorted(x.kwargs.items(), key=repr)): x for x in inputs}
            for x in distinct.values():
                flags = IMPLEMENTATION & set(x.kwargs)
                note = f" (without {', '.join(sorted(flags))})" if flags else ""
                options = {name: scalar(v) for name, v in x.kwargs.items() if name not in flags}
                yield pytest.param(info.name, options, id=f"{info.name}: {x.desc}{note}")


UNLISTED: dict[str, tuple[str, Options]] = {
    "Adam, other betas": ("Adam", {"betas": (0.5, 0.8)}),
    "Adam, betas of zero": ("Adam", {"betas": (0.0, 0.0)}),
    "Adam, large epsilon": ("Adam", {"eps": 0.3, "lr": 0.1}),
    "Adam, decay apart": ("Adam", {"weight_decay": 0.3, "decoupled_weight_decay": True}),
    "AdamW, other betas": ("AdamW", {"betas": (0.7, 0.95), "eps": 0.1}),
    "NAdam, other betas": ("NAdam", {"betas": (0.5, 0.8), "momentum_decay": 0.5}),
    "NAdam, large epsilon": ("NAdam", {"eps": 0.3}),
    "RAdam, other betas": ("RAdam", {"betas": (0.5, 0.8)}),
    "RAdam, large epsilon": ("RAdam", {"eps": 0.3, "betas": (0.9, 0.9)}),
    "Adamax, other betas": ("Adamax", {"betas": (0.5, 0.8)}),
    "Adamax, large epsilon": ("Adamax", {"eps": 0.3}),
    "RMSprop, other alpha": ("RMSprop", {"alpha": 0.6}),
    "RMSprop, large epsilon": ("RMSprop", {"eps": 0.3, "momentum": 0.9}),
    "Adagrad, large epsilon": ("Adagrad", {"eps": 0.3, "lr_decay": 0.2}),
    "Adadelta, large epsilon": ("Adadelta", {"eps": 0.3, "rho": 0.5}),
    "Rprop, tight bounds": ("Rprop", {"step_sizes": (0.005, 0.02), "etas": (0.3, 1.9)}),
    "SGD, dampened, with decay, ascending": (
        "SGD",
        {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.2, "maximize": True},
    ),
}
dtypes = pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
Pair = tuple[Tensor, Tensor | None]
Gradients = Callable[[int, Tensor, Tensor], Pair]


def by_autograd(t: int, W: Tensor, b: Tensor) -> Pair:
    """Return the gradients of a mean squared error on the batch of step t."""
    generator = torch.Generator().manual_seed(t)
    X, Y = (torch.randn(n, 16, generator=generator, dtype=W.dtype) for n in (4, 3))
    loss = ((torch.tanh(W @ X + b) - Y) ** 2).mean()
    dW, db = torch.autograd.grad(loss, (W, b))
    return dW, db


def state_of(
    optimizer: torch.optim.Optimizer, p: Tensor, names: Mapping[str, str]
) -> dict[str, Tensor]:
    """Return a copy of torch's state of `p` by our names; none before the first step."""
    state = optimizer.state.get(p, {})
    started = "step" not in state or bool(state["step"])  # Adagrad makes its state in advance
    slots = {s: state[n].clone() for s, n in names.items() if started and n in state}
    return slots | ({"t": slots["t"].to(torch.int64)} if "t" in slots else {})


def arrays(slots: Mapping[str, Tensor]) -> dict[str, Array]:
    return {name: x.detach().numpy().copy() for name, x in slots.items()}


def largest_difference(
    rule: str,
    before: tuple[Array, Array, dict[str, Array]],
    mine: dict[str, Array],
    theirs: dict[str, Array],
    options: Options,
) -> float:
    """Return the largest difference of any entry, in units of the error grown along the step."""
    p, g, slots = before
    dtype = p.dtype
    assert [(n, x.shape, x.dtype) for n, x in mine.items()] == [
        (n, x.shape, x.dtype) for n, x in theirs.items()
    ]

    def old(name: str) -> Tracked | None:
        return exact(slots[name], dtype) if name in slots else None

    def new(name: str) -> Tracked | None:  # mu, in float32 on both sides, is compared on its own
        return exact(theirs["mu"], dtype) if name == "mu" else None

    formulas = getattr(stated, rule)(exact(p, dtype), exact(g, dtype), old, new, **options)
    far = {n: distance(mine[n], x, against=theirs[n]).ratio for n, x in formulas}
    assert list(far) == list(mine)
    return max(far.values())


def follow(
    name: str,
    options: Options,
    dtype: torch.dtype,
    gradients: Gradients = by_autograd,
    rates: Mapping[int, float] | None = None,
) -> int:
    """Run torch's optimiser `name` and hold both sides to every step of it; return how many."""
    rule, names = RULES[name]
    draw = torch.Generator().manual_seed(0)
    W, b = (torch.randn(3, n, generator=draw, dtype=dtype).requires_grad_() for n in (4, 1))
    optimizer = getattr(torch.optim, name)([W, b], foreach=False, **options)
    ours, steps = dict(options), 0
    for t in range(STEPS):
        if rates and t in rates:
            ours["lr"] = optimizer.param_groups[0]["lr"] = rates[t]
        grads = gradients(t, W, b)
        before = [(p.detach().clone(), state_of(optimizer, p, names)) for p in (W, b)]
        for p, g in zip((W, b), grads, strict=True):
            p.grad = None if g is None else g.clone()
        optimizer.step()
        for p, g, (q, slots) in zip((W, b), grads, before, strict=True):
            after = state_of(optimizer, p, names) | {"": p.detach()}
            if g is None:
                assert all(torch.equal(after[n], x) for n, x in (slots | {"": q}).items())
                continue
            entry = (q.numpy(), g.numpy(), arrays(slots))
            new, kept = getattr(manual, rule)(*entry, **ours)
            assert largest_difference(rule, entry, kept | {"": new}, arrays(after), ours) <= STEP
            again, held = getattr(reference, rule)(q, g, slots, **ours)
            assert all(torch.equal(x, after[n]) for n, x in (held | {"": again}).items())
            steps += 1
    return steps


def test_every_rule_of_torch_is_ours_or_has_a_reason_not_to_be() -> None:
    assert {info.name for info in optim_db} == set(RULES) | set(OTHERS)


@dtypes
@pytest.mark.parametrize(("name", "options"), list(listed()))
def test_torchs_own_configurations_agree_at_every_step(
    name: str, options: Options, dtype: torch.dtype
) -> None:
    assert follow(name, options, dtype) == 2 * STEPS


@dtypes
@pytest.mark.parametrize(("name", "options"), UNLISTED.values(), ids=UNLISTED)
def test_options_that_torchs_list_never_varies_agree_at_every_step(
    name: str, options: Options, dtype: torch.dtype
) -> None:
    assert follow(name, options, dtype) == 2 * STEPS


@dtypes
@pytest.mark.parametrize("size", [0.0, 1e-20])
@pytest.mark.parametrize("name", RULES)
def test_gradients_of_zero_and_nearly_zero_agree(
    name: str, size: float, dtype: torch.dtype
) -> None:
    def faint(t: int, W: Tensor, b: Tensor) -> Pair:
        dW, db = torch.autograd.grad((torch.tanh(W) * torch.tanh(b)).sum() * (t - 9.5), (W, b))
        return size * torch.sign(dW), size * torch.sign(db)

    assert follow(name, {}, dtype, faint) == 2 * STEPS


@pytest.mark.parametrize("name", RULES)
def test_a_parameter_without_a_gradient_keeps_its_value_and_its_state(name: str) -> None:
    def sometimes(t: int, W: Tensor, b: Tensor) -> Pair:
        dW, db = by_autograd(t, W, b)
        return dW, db if t % 3 == 2 else None

    assert follow(name, {}, torch.float64, sometimes) == STEPS + STEPS // 3


@pytest.mark.parametrize("name", RULES)
def test_a_learning_rate_changed_in_mid_run_agrees(name: str) -> None:
    assert follow(name, {}, torch.float64, rates={5: 0.3, 9: 0.0, 13: 1e-4}) == 2 * STEPS


@pytest.mark.parametrize("fault", ["rate", "state"])
@pytest.mark.parametrize("name", RULES)
def test_a_fault_of_one_billionth_ends_the_agreement(
    name: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule, _ = RULES[name]
    sound = getattr(manual, rule)

    def unsound(param: Array, grad: Array, slots: dict[str, Array], **options: Any) -> Any:
        new, kept = sound(param, grad, slots, **options)
        if fault == "rate":
            return param + (1.0 + 1e-9) * (new - param), kept
        last = [n for n in kept if n not in ("t", "mu")][-1:]
        return new, kept | {n: kept[n] * (1.0 + 1e-9) for n in last}

    monkeypatch.setattr(manual, rule, unsound)
    options = {"momentum": 0.9} if name == "SGD" else {}
    with pytest.raises(AssertionError, match=r"<= 12\.0"):
        follow(name, options, torch.float64)
