r"""A step in plain torch, a line for each formula: what a reproduction's script is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from compare.diagnosis.statements import named
from compare.formulas.stepping import Formulas
from compare.traces import parameters

ACTIVATIONS = {
    "identity": "1 * {z}",
    "relu": "torch.relu({z})",
    "sigmoid": "torch.sigmoid({z})",
    "tanh": "torch.tanh({z})",
    "leaky_relu": "F.leaky_relu({z}, negative_slope={negative_slope!r})",
    "elu": "F.elu({z}, alpha={alpha!r})",
    "gelu": "F.gelu({z})",
    "gelu_tanh": 'F.gelu({z}, approximate="tanh")',
    "silu": "F.silu({z})",
    "softplus": "F.softplus({z}, beta={beta!r}, threshold={threshold!r})",
    "softmax": "torch.softmax({z}, dim=0)",
}
LOSSES = {
    "mse": "F.mse_loss({a}, Y)",
    "mse_per_example": "(({a} - Y) ** 2).sum() / Y.shape[1]",
    "l1": "F.l1_loss({a}, Y)",
    "huber": "F.huber_loss({a}, Y, delta={delta!r})",
    "smooth_l1": "F.smooth_l1_loss({a}, Y, beta={beta!r})",
    "bce": "F.binary_cross_entropy({a}, Y)",
    "bce_with_logits": "F.binary_cross_entropy_with_logits({a}, Y)",
    "cross_entropy": "F.cross_entropy({a}.T, Y.T)",
    "cross_entropy_on_probabilities": "-torch.log({a}[Y > 0]).sum() / Y.shape[1]",
}
OPTIMIZERS = {
    "sgd": "SGD", "momentum": "SGD", "adagrad": "Adagrad", "rmsprop": "RMSprop", "adam": "Adam",
    "adamw": "AdamW", "adadelta": "Adadelta", "adamax": "Adamax", "nadam": "NAdam",
    "radam": "RAdam", "rprop": "Rprop",
}  # fmt: skip
MODULES = {"momentum": "sgd", "adamw": "adam"}


def activation(formula: Any, z: str) -> str:
    name, options = named(formula)
    return ACTIVATIONS[name].format(z=z, **options)


def loss(formula: Any, a: str) -> str:
    name, options = named(formula)
    return LOSSES[name].format(a=a, **options)


def forward(f: Formulas, state: Mapping[str, Any]) -> Iterator[str]:
    """Yield the forward pass."""
    source, L = "X", len(f.activations)
    for l, (g, _) in enumerate(f.activations, 1):
        z = f"Z{l}"
        yield f"{z} = W{l} @ {source}" + (f" + b{l}" if f"b{l}" in state else "")
        if f.batch_norm is not None and l < L:
            eps = f.batch_norm.get("eps", 1e-5)
            yield f"mu{l}, var{l} = {z}.mean(1, keepdim=True), {z}.var(1, correction=0, keepdim=True)"
            yield f"xhat{l} = ({z} - mu{l}) / torch.sqrt(var{l} + {eps!r})"
            affine = f"gamma{l} * xhat{l} + beta{l}" if f"gamma{l}" in state else f"1 * xhat{l}"
            yield f"N{l} = {affine}"
            yield from running(f, l)
            z = f"N{l}"
        yield f"A{l} = {activation(g, z)}"
        source = f"A{l}"
        if f.dropout and l < L:
            yield f"D{l} = A{l} * d['mask{l}'] / (1 - {f.dropout!r})"
            source = f"D{l}"
    yield f"loss = {loss(f.loss[0], f'A{L}')}"


def running(f: Formulas, l: int) -> Iterator[str]:
    """Yield the running statistics of batch norm."""
    momentum = (f.batch_norm or {}).get("momentum", 0.1)
    share = f"1 / (d['batches{l}'] + 1)" if momentum is None else repr(momentum)
    m = f"Z{l}.shape[1]"
    for name, new in (("mean", f"mu{l}"), ("var", f"var{l} * {m} / ({m} - 1)")):
        old = f"d['running_{name}{l}']"
        yield f"running_{name}{l} = {old} + {share} * ({new} - {old})"


def backward(f: Formulas, names: Sequence[str]) -> Iterator[str]:
    """Yield the backward pass; every intermediate keeps its gradient."""
    L = len(f.activations)
    hidden = [f"N{l}" for l in range(1, L) if f.batch_norm is not None]
    hidden += [f"D{l}" for l in range(1, L) if f.dropout]
    kept = [f"{k}{l}" for l in range(1, L + 1) for k in "ZA"] + hidden
    yield f"for t in ({', '.join(kept)}):"
    yield "    t.retain_grad()"
    yield "loss.backward()" if f.accumulate == 1 else f"(loss / {f.accumulate}).backward()"
    yield f"plain = {{n: p.grad.clone() for n, p in zip({names}, [{', '.join(names)}])}}"


def update(f: Formulas, state: Mapping[str, Any]) -> Iterator[str]:
    """Yield accumulating, clipping, and one step of torch.optim from the state."""
    names = [n for n in parameters(state) if n not in f.frozen]
    if f.accumulate > 1 and any(n.startswith("a.") for n in state):
        yield f"for p, n in zip([{', '.join(names)}], {names}):"
        yield "    p.grad += d['a.' + n]"
    limits = f.clip.keywords if isinstance(f.clip, partial) else {}
    if "max_norm" in limits:
        yield f"norm = torch.nn.utils.clip_grad_norm_([{', '.join(names)}], {limits['max_norm']!r})"
    if "clip_value" in limits:
        yield f"torch.nn.utils.clip_grad_value_([{', '.join(names)}], {limits['clip_value']!r})"
    yield f"grads = {{n: p.grad.clone() for n, p in zip({names}, [{', '.join(names)}])}}"
    yield from stepped(f, state, names)


def stepped(f: Formulas, state: Mapping[str, Any], names: list[str]) -> Iterator[str]:
    rule = f.rule.__name__
    if rule not in OPTIMIZERS:
        yield from eps_inside(f, names)
        return
    options = ", ".join(f"{k}={v!r}" for k, v in f.hyperparameters.items())
    plain = [n for n in names if n.rstrip("0123456789") not in f.undecayed]
    groups = f"{{'params': [{', '.join(plain)}]}}"
    if apart := [n for n in names if n not in plain]:
        groups += f", {{'params': [{', '.join(apart)}], 'weight_decay': 0.0}}"
    momentum = (
        ", momentum=0.9" if rule == "momentum" and "momentum" not in f.hyperparameters else ""
    )
    yield f"opt = torch.optim.{OPTIMIZERS[rule]}([{groups}], {options}{momentum})"
    for n in names:
        slots = held(rule, state, n)
        if slots:
            yield f"opt.state[{n}] = {{{', '.join(slots)}}}"
    yield "opt.step()"


def eps_inside(f: Formulas, names: list[str]) -> Iterator[str]:
    """Yield the source document's RMSprop, which torch.optim does not have."""
    o = {"lr": 1e-2, "alpha": 0.9, "eps": 1e-8, **f.hyperparameters}
    mean = f"{o['alpha']!r} * d.get('s.' + n, 0 * g) + (1 - {o['alpha']!r}) * g * g"
    yield f"s = {{n: {mean} for n, g in grads.items()}}"
    yield "with torch.no_grad():"
    yield f"    for p, n in zip([{', '.join(names)}], {names}):"
    yield f"        p -= {o['lr']!r} * grads[n] / torch.sqrt(s[n] + {o['eps']!r})"


def held(rule: str, state: Mapping[str, Any], n: str) -> list[str]:
    """Return the state of one parameter, under torch's names."""
    torchs = slot_names(rule)
    slots = [s for s in torchs if f"{s}.{n}" in state]
    cast = {"t": ".float()"}
    return [f"'{torchs[s]}': d['{s}.{n}']{cast.get(s, '')}" for s in slots]


def slot_names(rule: str) -> Mapping[str, str]:
    """Return torch's name of each slot of a rule."""
    module = import_module(f"reference.optimizers.{MODULES.get(rule, rule)}")
    names: Mapping[str, str] = module.NAMES
    return names
