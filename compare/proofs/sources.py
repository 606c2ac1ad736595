r"""`manual`'s own source, run over exact numbers: the formulas that are proved are the ones that compute.

A module of `manual` is executed from its file, with every decimal in it read as the rational number it
denotes, `math` replaced by its symbolic counterpart, and the checks of dtypes left out: symbols have
none. One formula is not the code's own: `erf` stands for the error function itself, since the
code's is a rational approximation, measured elsewhere.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import sympy

from compare.proofs.arithmetic import Exact, lift, rational

Change = tuple[str, str]
CHECKS = {
    "manual.losses.operands": ("agree", "predictions", "probabilities", "distributions", "one_hot"),
    "manual.optimizers.operands": ("agree",),
}
WHOLE = {"manual.activations.erf": {"erf": np.frompyfunc(Exact.erf, 1, 1)}}


class Sources:
    """The modules of `manual` over exact numbers, each executed once.

    `changes` maps a module to (what stands there, what to put instead): a planted mistake, which
    proves that the proofs can fail.

    >>> Sources().load("manual.activations").sigmoid.__module__
    'manual.activations.sigmoids'
    """

    def __init__(self, changes: Mapping[str, Change] | None = None) -> None:
        self.changes = dict(changes or {})
        self.modules: dict[str, ModuleType] = {}

    def load(self, name: str) -> ModuleType:
        """Return the module of that name."""
        if name not in self.modules:
            module = self.modules[name] = ModuleType(name)
            if name in WHOLE:
                vars(module).update(WHOLE[name])
                return module
            path = located(name)
            module.__dict__["__builtins__"] = self.builtins()
            module.__dict__["exactly"] = exactly
            exec(compile(self.tree(name, path), str(path), "exec"), module.__dict__)
            for check in CHECKS.get(name, ()):
                setattr(module, check, unchecked)
        return self.modules[name]

    def tree(self, name: str, path: Path) -> ast.Module:
        text = path.read_text(encoding="utf-8")
        if name in self.changes:
            old, new = self.changes[name]
            if text.count(old) != 1:
                raise ValueError(
                    f"{name} has {text.count(old)} times {old!r}: a change needs one place"
                )
            text = text.replace(old, new)
        tree: ast.Module = Decimals().visit(ast.parse(text))
        return ast.fix_missing_locations(tree)

    def builtins(self) -> dict[str, Any]:
        return {**vars(builtins), "float": Kept, "__import__": self.imported}

    def imported(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: tuple[str, ...] | None = (),
        level: int = 0,
    ) -> ModuleType:
        """Return what an import statement of `manual` gets: its own modules, exact; NumPy; exact `math`."""
        if name == "manual" or name.startswith("manual."):
            module = self.load(name)
            for part in fromlist or ():
                if not hasattr(module, part):
                    setattr(module, part, self.load(f"{name}.{part}"))
            return module
        if name in SYMBOLIC:
            return SYMBOLIC[name]
        return builtins.__import__(name, globals, locals, fromlist or (), level)


class Decimals(ast.NodeTransformer):
    """Reads every decimal in the source as a rational number: 0.5 becomes exactly("0.5")."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, float):
            return node
        call = ast.Call(ast.Name("exactly", ast.Load()), [ast.Constant(repr(node.value))], [])
        return ast.copy_location(call, node)


def located(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ValueError(f"there is no module {name} to prove anything of")
    return Path(spec.origin)


def exactly(decimal: str) -> Exact:
    return Exact(sympy.Rational(decimal))


class Kind(type):
    """Makes a class that keeps exact numbers as they are where `float` would round them."""

    def __call__(cls, x: Any) -> Any:
        return (
            lift(x)
            if isinstance(x, Exact | int)
            else Exact(rational(x))
            if isinstance(x, str)
            else x
        )

    def __instancecheck__(cls, x: object) -> bool:
        return isinstance(x, Exact | float)


class Kept(metaclass=Kind):
    """Stands in for `float`, `np.float32` and `np.float64`."""


def unchecked(*operands: Any) -> None:
    """Stand in for a check of dtypes and ranges, which symbols do not have."""


def symbolic(name: str, known: Mapping[str, Any], base: ModuleType | None = None) -> ModuleType:
    module = ModuleType(name)
    vars(module).update({**(vars(base) if base else {}), **known})
    return module


def function(method: Callable[[Exact], Exact]) -> Callable[[Any], Exact]:
    return lambda x: method(lift(x))


MATH = {
    "pi": Exact(sympy.pi),
    "inf": Exact(sympy.oo),
    "sqrt": function(Exact.sqrt),
    "cos": function(Exact.cos),
    "exp": function(Exact.exp),
    "log": function(Exact.log),
    "isfinite": lambda x: lift(x).expression.is_finite is not False,
}
SYMBOLIC = {
    "math": symbolic("math", MATH, math),
    "numpy": symbolic("numpy", {"float32": Kept, "float64": Kept}, np),
}
