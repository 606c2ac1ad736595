r"""The right value times a constant: m, n_y, 2, lr, ..., where the constant that mends it has a meaning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from compare.diagnosis.scene import Scene, Shown, shape_of
from compare.diagnosis.variant import Variant, right
from compare.formulas.arithmetic import Tracked

FORWARD = (
    "Z",
    "A",
    "D",
    "N",
    "xhat",
)  # not shown, and scaled until they saturate, they explain too much


def factors(scene: Scene) -> Iterator[Variant]:
    """Yield the right value times the constant that would explain the numbers, where it has a meaning.

    For a parameter, the constant is that of its update.
    """
    c = constant(scene)
    if c is None and not scene.target:
        return
    for name, value in meanings(scene, scene.last).items():
        near = c is None or bool(scene.target) or abs(c / value - 1.0) < 1e-6
        wild = bool(scene.target) and scene.kind in FORWARD and abs(value) > 2.0
        if near and not wild and abs(value - 1.0) > 1e-12:
            yield Variant(
                f"{'update' if scene.moved else scene.entry} times {name}",
                wrong=f"{written(name, value)} times what it should be",
                result=partial(times, scene=scene, name=name),
                same_as=equivalent(scene, name),
                generic=True,
            )


def unknown(scene: Scene) -> Iterator[Variant]:
    """Yield the right value times a constant of few digits, whatever it means."""
    c = constant(scene) if not scene.target else None
    x = scene.last.trace.get(scene.origin)
    if c is None or x is None or x.size < 2:
        return
    value = float(f"{c:.3g}")
    if value not in (0.0, 1.0) and abs(c / value - 1.0) < 1e-6:
        yield Variant(
            f"{'update' if scene.moved else scene.entry} times {value:g}",
            wrong=f"{value:g} times what it should be",
            result=lambda x, s: multiplied(x, s, scene, value),
            generic=True,
        )


def scheduled(scene: Scene) -> Iterator[Variant]:
    """Yield the right update times a number of its own at each step, as a schedule of lr makes it."""
    known = (*scene.steps, *scene.after)
    if not scene.moved or scene.target or len(known) < 2:
        return
    shares = [share(scene, s) for s in known]
    usual = all(c is not None and abs(c - 1.0) < 1e-6 for c in shares)
    if None in shares or usual or len({round(c, 9) for c in shares if c is not None}) < 2:
        return
    told = ", ".join(f"{c:.6g}" for c in shares if c is not None)
    yield Variant(
        f"every update is the right one times a number of its own: {told} at these steps",
        "lr times another number at each step: a schedule, a warm-up, or clipping",
        "lr as it is given",
        result=partial(shared, scene=scene),
        generic=True,
    )


def share(scene: Scene, shown: Shown) -> float | None:
    """Return what the update of a step is of the right one; None where it is no constant."""
    if scene.entry not in shown.trace:
        return None
    return constant(replace(scene, steps=(shown,), after=()))


def shared(x: Tracked, shown: Shown, *, scene: Scene) -> Tracked:
    p = shown.then(scene.entry)
    right, mine = (
        np.asarray(y.value - p.value, dtype=np.float64) for y in (x, shown.now(scene.entry))
    )
    square = float((right * right).sum())
    return multiplied(x, shown, scene, float((mine * right).sum()) / square if square else 1.0)


def written(name: str, value: float) -> str:
    """Return a factor with its value, unless it is its own name.

    >>> written("2", 2.0), written("2/m", 0.125)
    ('2', '2/m (0.125)')
    """
    number = f"{value:.6g}"
    return name if name == number else f"{name} ({number})"


def equivalent(scene: Scene, name: str) -> str:
    """Return the setting that does the same as a factor, where there is one."""
    if scene.moved:
        return f"a learning rate {name} times as large"
    formulas = scene.last.formulas
    linear = getattr(formulas.rule, "__name__", "") in ("sgd", "momentum") and formulas.clip is None
    decays = formulas.hyperparameters.get("weight_decay")
    if scene.entry == f"dA{scene.depth}" and linear and not decays:
        return f"a learning rate {name} times as large, as the rule is linear in the gradient"
    return ""


def times(x: Tracked, shown: Shown, *, scene: Scene, name: str) -> Tracked:
    return multiplied(x, shown, scene, meanings(scene, shown).get(name, 1.0))


def multiplied(x: Tracked, shown: Shown, scene: Scene, c: float) -> Tracked:
    """Return c times the entry; of a parameter, with c times its update."""
    if not scene.moved:
        return x * c
    p = shown.then(scene.entry)
    return p + (x - p) * c


def constant(scene: Scene) -> float | None:
    """Return the least-squares factor between what is shown and what is right; None if it is not constant."""
    shown = scene.last
    good, x = right(scene), shown.trace[scene.origin]
    if good is None or shape_of(good.value) != shape_of(x):
        return None
    o = np.asarray(good.value, dtype=np.float64)
    if scene.moved:
        p = np.asarray(shown.then(scene.origin).value, dtype=np.float64)
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
    out = {
        "2/m": 2 / m,
        "m/2": m / 2,
        "10": 10.0,
        "1/10": 0.1,
        "n_y/2": n_y / 2,
        "2/n_y": 2 / n_y,
    }
    n_x = float(shown.X.shape[0])
    out |= {"m/n_y": m / n_y, "n_y/n_x": n_y / n_x, "m n_y/n_x": m * n_y / n_x}
    if scene.moved:
        out["-1"] = -1.0
    if m > 1.0:
        out |= {"m/(m - 1)": m / (m - 1), "(m - 1)/m": (m - 1) / m}
    out |= {"m n_y/2": m * n_y / 2, "2/(m n_y)": 2 / (m * n_y), "log(2)": float(np.log(2.0))}
    out |= {"1/log(2)": 1 / out["log(2)"], "1/log(10)": 1 / float(np.log(10.0))}
    for name, value in named(shown).items():
        out |= {name: value, f"1/{name}": 1.0 / value, f"-{name}": -value}
    N = m * n_y
    if N > 1.0:
        out |= {"m n_y/(m n_y - 1)": N / (N - 1), "(m n_y - 1)/(m n_y)": (N - 1) / N}
    if scene.moved and (p := shown.trace.get(scene.origin)) is not None and p.ndim == 2:
        rows, columns = map(float, p.shape)
        out |= {"1/rows of it": 1.0 / rows, "1/columns of it": 1.0 / columns}
    nominal = scene.steps[0].X.shape[1]
    if nominal != scene.last.X.shape[1]:
        out["m over the nominal batch size"] = m / nominal
        out["the nominal batch size over m"] = nominal / m
    return out if m > 1.0 < n_y else shortest(out)


def shortest(meanings: Mapping[str, float]) -> dict[str, float]:
    """Return one name, the shortest, of each value: where m or n_y is 1, it means nothing.

    >>> shortest({"2/m": 2.0, "2": 2.0})
    {'2': 2.0}
    """
    ordered = sorted(meanings.items(), key=lambda named: -len(named[0]))
    return {name: value for value, name in {value: name for name, value in ordered}.items()}


def named(shown: Shown) -> dict[str, float]:
    """Return the sizes and options that a stray factor may be."""
    n_x, m = map(float, shown.X.shape)
    n_y, k = float(shown.Y.shape[0]), float(shown.formulas.accumulate)
    found = {"2": 2.0, "m": m, "n_y": n_y, "m n_y": m * n_y, "sqrt(2)": 2**0.5, "n_x": n_x}
    if k > 1.0:
        found |= {"k, the number of micro-batches": k, "k squared": k * k}
        found |= {"k/(k + 1)": k / (k + 1.0), "k/(k - 1)": k / (k - 1.0)}
    if p := shown.formulas.dropout:
        found |= {"p": p, "(1 - p)": 1.0 - p}
    evaluated = shown.state.get("evalX", shown.X).shape[1]
    if evaluated != m:
        n = float(evaluated)
        found |= {"m of evalX": n, "m of evalX times n_y": n * n_y, "m of evalX over m": n / m}
    h = shown.formulas.hyperparameters
    for option in ("lr", "momentum", "dampening", "alpha"):
        value = float(h.get(option, 0.0))
        if value > 0.0:
            found[option] = value
        if 0.0 < value < 1.0:
            found[f"(1 - {option})"] = 1.0 - value
    return found
