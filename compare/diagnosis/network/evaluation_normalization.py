r"""Mistakes of batch norm in evaluation: the statistics of another time, applied otherwise than in training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from compare.diagnosis.scene import Scene, Shown
from compare.diagnosis.variant import Variant
from compare.formulas import evaluation as stated
from compare.formulas.arithmetic import Tracked
from compare.formulas.evaluation import Has
from compare.formulas.functions import sqrt
from compare.formulas.network import Expected, Read
from compare.formulas.stepping import Formulas

MODE = "model.eval() left out: PyTorch's nets start in training mode"


def evaluated_normalizations(scene: Scene) -> Iterator[Variant]:
    """Yield batch norm by statistics of the evaluated batch, of the last one, or of before the step, or applied otherwise."""
    if scene.last.formulas.batch_norm is None:
        return
    for what, less in (("", 0), (", unbiased", 1)):
        yield Variant(f"batch norm by the statistics of the evaluated batch itself{what}",
                      f"Z.mean(axis=1), Z.var(axis=1{', ddof=1' * less})",
                      "running_mean and running_var", MODE,
                      formulas=partial(normed, less=less))  # fmt: skip
    yield Variant("batch norm by the statistics of the last training batch", "mu and var of the step",
                  "running_mean and running_var", now=last_batch)  # fmt: skip
    yield Variant("batch norm by the running statistics of before the step", "evaluate(), then update",
                  "update, then evaluate()", now=running_before)  # fmt: skip
    yield from scalings(scene)


def scalings(scene: Scene) -> Iterator[Variant]:
    """Yield the running statistics applied otherwise in evaluation than in training."""
    eps, m = (scene.last.formulas.batch_norm or {}).get("eps", 1e-5), float(scene.last.X.shape[-1])
    right = f"(Z - mean) / sqrt(var + {eps:g})"
    others: tuple[tuple[str, str, Callable[[Tracked], Tracked]], ...] = (
        (f"{eps:g} is added outside the root", f"(Z - mean) / (sqrt(var) + {eps:g})",
         lambda var: (sqrt(var) + eps) * (sqrt(var) + eps) - eps),
        ("divided by the variance, not by its root", f"(Z - mean) / (var + {eps:g})",
         lambda var: (var + eps) * (var + eps) - eps),
        ("the running variance is corrected once more", "var * m / (m - 1)", lambda var: var * (m / (m - 1.0))),
        ("the running variance is taken as biased", "var * (m - 1) / m", lambda var: var * ((m - 1.0) / m)),
        *((f"epsilon is {e:g} in evaluation", f"(Z - mean) / sqrt(var + {e:g})", partial(shifted, by=e - eps))
          for e in (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12, 0.0) if e != eps),
    )  # fmt: skip
    for name, wrong, of in others:
        yield Variant(
            f"batch norm in evaluation: {name}", wrong, right, formulas=partial(read_as, of=of)
        )
    for kinds, wrong in (
        (("gamma",), "xhat + beta"),
        (("beta",), "gamma * xhat"),
        (("gamma", "beta"), "xhat"),
    ):
        told = f"batch norm in evaluation: {' and '.join(kinds)} left out"
        yield Variant(told, wrong, "gamma * xhat + beta", formulas=partial(without, kinds=kinds))


def normed(formulas: Formulas, shown: Shown, *, less: int) -> Formulas:
    """Return the formulas whose evaluation normalises by the statistics of what it is given."""

    def evaluation(read: Read, before: Read, has: Has, *net: Any) -> Expected:
        def known(name: str) -> Tracked:
            l = name.removeprefix("running_mean").removeprefix("running_var")
            if l == name:
                return read(name)
            Z = read(f"evalZ{l}")
            mean = Z.sum(axis=1) / float(Z.shape[-1])
            if name.startswith("running_mean"):
                return mean
            return ((Z - mean) * (Z - mean)).sum(axis=1) / float(Z.shape[-1] - less)

        return stated.evaluation(known, before, has, *net)

    return replace(formulas, evaluates=evaluation)


def shifted(var: Tracked, by: float) -> Tracked:
    return var + by


def read_as(formulas: Formulas, shown: Shown, *, of: Callable[[Tracked], Tracked]) -> Formulas:
    """Return the formulas whose evaluation reads something else for a running variance."""

    def evaluation(read: Read, before: Read, has: Has, *net: Any) -> Expected:
        def known(name: str) -> Tracked:
            return of(read(name)) if name.startswith("running_var") else read(name)

        return stated.evaluation(known, before, has, *net)

    return replace(formulas, evaluates=evaluation)


def without(formulas: Formulas, shown: Shown, *, kinds: tuple[str, ...]) -> Formulas:
    """Return the formulas whose evaluation has no gamma, or no beta."""

    def evaluation(read: Read, before: Read, has: Has, *net: Any) -> Expected:
        return stated.evaluation(read, before, lambda n: not n.startswith(kinds) and has(n), *net)

    return replace(formulas, evaluates=evaluation)


def last_batch(s: Shown) -> dict[str, Tracked]:
    layers = range(1, len(s.formulas.activations))
    kinds = (("running_mean", "mu"), ("running_var", "var"))
    return {f"{r}{l}": s.now(f"{n}{l}") for l in layers for r, n in kinds if f"{n}{l}" in s.trace}


def running_before(s: Shown) -> dict[str, Tracked]:
    return {n: s.then(n) for n in s.state if n.startswith(("running_mean", "running_var"))}
