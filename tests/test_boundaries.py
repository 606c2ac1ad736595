"""The architecture is the import arrows: manual <- compare -> reference, and the two sides mirror each other."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNMIRRORED = {  # torch's door, manual has nothing to convert; NumPy's buffers, and what torch asks itself
    "conversion",
    "training",
    "operands",
}
STANDARD = set(sys.stdlib_module_names)


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


def modules(package):
    prefix = package + "."
    found = pkgutil.walk_packages(importlib.import_module(package).__path__, prefix)
    return {m.name.removeprefix(prefix) for m in found} - UNMIRRORED


def public(name):
    module = importlib.import_module(name)
    return {
        n: f
        for n, f in vars(module).items()
        if inspect.isfunction(f) and not n.startswith("_") and f.__module__ == name
    }


@pytest.mark.parametrize("path", files("manual"), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_manual_imports_numpy_and_the_standard_library_only(path):
    assert set(imported(path)) <= STANDARD | {"numpy", "manual"}


@pytest.mark.parametrize("path", files("reference"), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_reference_never_imports_manual_or_compare(path):
    assert not {"manual", "compare"} & set(imported(path))


@pytest.mark.parametrize("path", files("compare/formulas"), ids=lambda p: p.stem)
def test_the_stated_formulas_know_neither_side(path):
    assert not {"manual", "reference", "torch"} & set(imported(path))


def test_importing_manual_does_not_import_torch():
    code = "import manual.stepping, manual.optimizers, manual.random, sys; print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert out.stdout.strip() == "False", out.stderr


def parameters(function):
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


MIRRORED = ("activations", "losses", "layers", "normalization", "clipping", "optimizers", "network",
            "stepping", "initialization", "random", "schedules")  # fmt: skip


@pytest.mark.parametrize("name", MIRRORED)
def test_both_sides_offer_the_same_functions_with_the_same_signatures(name):
    mine = offered("manual", name)
    theirs = offered("reference", name)
    assert mine
    assert mine.keys() <= theirs.keys()
    differing = [n for n in mine if parameters(mine[n]) != parameters(theirs[n])]
    assert not differing


def offered(package, name):
    module = importlib.import_module(f"{package}.{name}")
    names = getattr(module, "__all__", None) or public(module.__name__)
    return {n: getattr(module, n) for n in names if inspect.isfunction(getattr(module, n))}
