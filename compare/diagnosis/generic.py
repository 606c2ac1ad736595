r"""Mistakes that need no knowledge of the formula: a wrong factor, a wrong operand, a wrong setting.

Each family is made from principles, not from a list of known bugs: every operand of the failing
formula is replaced by whatever has its shape, every option by the values people confuse it with,
and the result is scaled by the constant that would mend it, if that constant means something.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from compare.diagnosis.scene import Scene, Shown, Variant, reads, right
from compare.formulas.arithmetic import Tracked, exact
from compare.formulas.functions import absolute, sqrt
from compare.formulas.stepping import Formulas


def rounded_to_single(x: Tracked, shown: Shown) -> Tracked:
    """Return x as float32 has it."""
    single = x.value.astype(np.float32)
    return exact(single.astype(shown.X.dtype), shown.X.dtype)


TRANSFORMS = {
    "left out": lambda x, s: 0.0 * x,
    "with the wrong sign": lambda x, s: -x,
    "doubled": lambda x, s: 2.0 * x,
    "halved": lambda x, s: 0.5 * x,
    "squared": lambda x, s: x * x,
    "without its sign": lambda x, s: absolute(x),
    "by its square root": lambda x, s: sqrt(absolute(x)),
    "replaced by 1": lambda x, s: 0.0 * x + 1.0,
    "rounded to float32": rounded_to_single,
}


def operands(scene: Scene) -> Iterator[Variant]:
    """Yield the formula with each of its operands transformed, stale, already updated, or another's."""
    now, then = reads(scene)
    for name in sorted(now):
        yield from transformed(scene, name, "now")
        yield from substituted(scene, name, "now")
    for name in sorted(then):
        yield from transformed(scene, name, "then")
        yield from substituted(scene, name, "then")


def value_of(shown: Shown, name: str, when: str) -> Tracked | None:
    if name in ("X", "Y"):
        return exact(getattr(shown, name), shown.X.dtype)
    entries = shown.trace if when == "now" else shown.state
    return exact(entries[name], shown.X.dtype) if name in entries else None


def transformed(scene: Scene, name: str, when: str) -> Iterator[Variant]:
    x = value_of(scene.last, name, when)
    if x is None:
        return
    for what, transform in TRANSFORMS.items():

        def reading(shown: Shown, transform: Any = transform) -> dict[str, Tracked]:
            x = value_of(shown, name, when)
            return {} if x is None else {name: transform(x, shown)}

        yield Variant(f"{name} {what}", **{when: reading}, generic=True)
    shape = np.shape(x.value)
    if len(shape) == 2 and shape[0] == shape[1]:
        yield Variant(
            f"{name} transposed",
            **{when: lambda shown: {name: value_of(shown, name, when).T}},  # type: ignore[union-attr]
            generic=True,
        )


def substituted(scene: Scene, name: str, when: str) -> Iterator[Variant]:
    """Yield the formula reading, for one operand, any other entry of the same shape."""
    shown = scene.last
    x = value_of(shown, name, when)
    if x is None:
        return
    shape = np.shape(x.value)
    for source, entries in (("now", shown.trace), ("then", shown.state)):
        for other, y in entries.items():
            if np.shape(y) != shape or (other == name and source == when) or other == scene.entry:
                continue
            if y.dtype.kind != "f" and x.value.ndim:
                continue

            def reading(
                shown: Shown, other: str = other, source: str = source
            ) -> dict[str, Tracked]:
                y = value_of(shown, other, source)
                return {} if y is None else {name: y}

            yield Variant(read_instead(name, other, when, source), **{when: reading}, generic=True)


def read_instead(name: str, other: str, when: str, source: str) -> str:
    if name == other:
        return f"{name} {'already updated' if source == 'now' else 'of the step before'}"
    stamp = "" if source == "now" or when == source else " of the step before"
    return f"{other}{stamp} in place of {name}"


def settings(scene: Scene) -> Iterator[Variant]:
    """Yield the rule with one of its options at a value that people confuse it with."""
    if not scene.slots:
        return
    shown = scene.last
    defaults = rule_defaults(shown.formulas)
    for option, default in defaults.items():
        value = shown.formulas.hyperparameters.get(option, default)
        for other in dict.fromkeys(confused(option, value, shown, defaults)):
            if other == value:
                continue
            change = partial(with_option, option=option, value=other)
            yield Variant(
                f"{option}={show(other)} where {option}={show(value)} was asked for",
                formulas=change,
                same_as=f"{option}={show(other)}",
                generic=True,
            )


def with_option(formulas: Formulas, shown: Shown, *, option: str, value: Any) -> Formulas:
    return replace(formulas, hyperparameters={**formulas.hyperparameters, option: value})


def show(value: Any) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def rule_defaults(formulas: Formulas) -> dict[str, Any]:
    """Return the options of the rule with their defaults."""
    parameters = inspect.signature(formulas.rule).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


EPSILONS = (0.0, 1e-16, 1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-1, 1.0)
RATES = (0.9, 0.95, 0.99, 0.999, 0.9999, 0.5)


def confused(option: str, value: Any, shown: Shown, defaults: Mapping[str, Any]) -> Iterator[Any]:
    """Yield what people put in place of an option's value."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, tuple):
        a, b = value
        yield from ((b, a), (a, a), (b, b), (1 - a, b), (a, 1 - b), (1 - a, 1 - b))
        yield from ((a, r) for r in RATES)
        yield from ((r, b) for r in RATES)
        yield tuple(float(np.float32(x)) for x in value)
    elif isinstance(value, int | float):
        yield from numbers(option, float(value), shown)
        yield defaults[option]


def numbers(option: str, x: float, shown: Shown) -> Iterator[float]:
    yield float(np.float32(x))
    if option == "eps":
        yield from EPSILONS
        yield from (x * x, x**0.5)
        return
    yield 0.0
    m, n_y, lr = shown.X.shape[1], shown.Y.shape[0], shown.formulas.hyperparameters.get("lr", 1.0)
    yield from (x * c for c in (2, 0.5, m, 1 / m, n_y, 1 / n_y, m * n_y, 1 / (m * n_y), -1, lr))
    yield from (x / lr, x * x)
    if 0.0 < x < 1.0 and option != "lr":
        yield 1.0 - x
        yield from RATES


def factors(scene: Scene) -> Iterator[Variant]:
    """Yield the right value times the constant that would explain the numbers, where it has a meaning.

    For a parameter, the constant is that of its update.
    """
    c = constant(scene)
    if c is None and not scene.target:
        return
    shown = scene.last
    for name, value in meanings(scene, shown).items():
        near = c is None or bool(scene.target) or abs(c / value - 1.0) < 1e-6
        if near and abs(value - 1.0) > 1e-12:
            yield Variant(
                f"{'update' if moved(scene) else scene.entry} times {name}",
                wrong=f"{name} ({value:.6g}) x what it should be",
                result=partial(times, scene=scene, name=name),
                same_as=f"a learning rate {name} times as large" if moved(scene) else "",
                generic=True,
            )


def moved(scene: Scene) -> bool:
    return scene.kind in ("W", "b", "gamma", "beta") and "." not in scene.origin


def times(x: Tracked, shown: Shown, *, scene: Scene, name: str) -> Tracked:
    c = meanings(scene, shown).get(name, 1.0)
    if not moved(scene):
        return x * c
    p = shown.then(scene.entry)
    return p + (x - p) * c


def constant(scene: Scene) -> float | None:
    """Return the least-squares factor between what is shown and what is right; None if it is not constant."""
    shown = scene.last
    good, x = right(scene), shown.trace[scene.origin]
    if good is None or np.shape(good.value) != np.shape(x):
        return None
    o = np.asarray(good.value, dtype=np.float64)
    if moved(scene):
        p = shown.state[scene.origin]
        x, o = x - p, o - p
    square = float(np.sum(o * o))
    if not 0.0 < square < np.inf:
        return None
    c = float(np.sum(x * o)) / square
    size = np.abs(x).max()
    return c if c != 0.0 and np.abs(x - c * o).max() <= 1e-6 * size else None


def meanings(scene: Scene, shown: Shown) -> dict[str, float]:
    """Return the constants that stand for something at a step, by name; also reciprocal and negated."""
    m, n_y = float(shown.X.shape[1]), float(shown.Y.shape[0])
    h = shown.formulas.hyperparameters
    named = {
        "2": 2.0,
        "m": m,
        "n_y": n_y,
        "m n_y": m * n_y,
        "sqrt(2)": 2**0.5,
        "n_x": float(shown.X.shape[0]),
    }
    named |= {"k, the number of micro-batches": float(shown.formulas.accumulate)}
    for option in ("lr", "momentum", "dampening", "alpha"):
        if float(h.get(option, 0.0)) > 0.0:
            named[option] = float(h[option])
            if named[option] < 1.0:
                named[f"(1 - {option})"] = 1.0 - named[option]
    out = {
        "-1": -1.0,
        "2/m": 2 / m,
        "m/2": m / 2,
        "10": 10.0,
        "1/10": 0.1,
        "(m - 1)/m": (m - 1) / m,
    }
    for name, value in named.items():
        out |= {name: value, f"1/{name}": 1.0 / value, f"-{name}": -value}
    nominal = scene.steps[0].X.shape[1]
    if nominal != scene.last.X.shape[1]:
        out["m over the nominal batch size"] = m / nominal
        out["the nominal batch size over m"] = nominal / m
    return out


def results(scene: Scene) -> Iterator[Variant]:
    """Yield what may happen to a right value on its way: lost, stale, accumulated, rounded, transposed."""
    stale = scene.entry in scene.last.state and not moved(scene)
    yield Variant(
        f"{scene.entry} is never computed: it is 0", result=lambda x, s: 0.0 * x, generic=True
    )
    yield Variant(f"{scene.entry} rounded to float32", result=rounded_to_single, generic=True)
    if moved(scene):
        yield Variant(
            f"{scene.entry} is not updated", result=lambda x, s: s.then(scene.entry), generic=True
        )
    if np.array_equal(scene.last.coming.get(scene.entry), scene.last.trace.get(scene.entry)):
        yield Variant(
            f"{scene.entry} is recorded by reference: the same array at every step",
            f"log.append({scene.entry})",
            f"log.append({scene.entry}.copy())",
            "an in-place update changes what was recorded before",
            result=lambda x, s: s.now(scene.entry),
        )
    if stale:
        yield Variant(
            f"{scene.entry} is that of the step before",
            result=lambda x, s: s.then(scene.entry) if scene.entry in s.state else x,
            generic=True,
        )
        yield Variant(
            f"{scene.entry} is added to that of the step before, never zeroed",
            right="start each step from zero gradients",
            source="PyTorch: .grad accumulates until optimizer.zero_grad()",
            result=lambda x, s: x + s.then(scene.entry) if scene.entry in s.state else x,
        )
    shape = np.shape(scene.last.trace.get(scene.entry))
    if len(shape) == 2 and shape[0] == shape[1] > 1:
        yield Variant(f"{scene.entry} transposed", result=lambda x, s: x.T, generic=True)
    for what in ("with the wrong sign", "without its sign", "squared", "by its square root"):
        transform = TRANSFORMS[what]
        yield Variant(f"{scene.entry} {what}", result=transform, generic=True)
