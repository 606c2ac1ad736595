r"""The files of a reproduction: the numbers as NPZ, and beside it a script that needs NumPy and torch alone."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from compare.diagnosis import Shown
from compare.reports.files import write_bytes, write_text
from compare.reproduction import lines
from compare.reproduction.shrinking import needed
from compare.traces import PARAMETERS, Array, kind, parameters


def write(path: Path, shown: Shown, origin: str, headline: str) -> None:
    """Write `path`, an NPZ of the state, the batch and the wrong entry, and the script beside it."""
    arrays = {n: x for n, x in operands(shown).items() if isinstance(x, np.ndarray)}
    file = io.BytesIO()
    np.savez(file, **{**arrays, "mine": np.asarray(shown.trace[origin])})  # type: ignore[arg-type]
    write_bytes(path, file.getvalue())
    text = "\n".join(script(path.name, shown, origin, headline)) + "\n"
    write_text(script_beside(path), text)


def script_beside(path: Path) -> Path:
    return path.with_suffix(".py")


def operands(shown: Shown) -> Mapping[str, Array]:
    """Return what the step starts from, by name."""
    only = shown.formulas.only
    if only == "activation":
        return {n: {**shown.state, **shown.trace}[n] for n in ("Z1", "dA1")}
    if only == "loss":
        return {"A1": {**shown.state, **shown.trace}["A1"], "Y": shown.Y}
    if only == "update":
        gradients = {n: x for n, x in shown.state.items() if n.startswith("d")}
        return {**{n: x for n, x in shown.state.items() if needed(n)}, **gradients}
    return {**{n: x for n, x in shown.state.items() if needed(n)}, "X": shown.X, "Y": shown.Y}


def script(file: str, shown: Shown, origin: str, headline: str) -> Iterator[str]:
    """Yield the lines of the script."""
    state = operands(shown)
    yield f'"""{headline}. Here: the same numbers, and {origin} as torch makes it of them."""'
    yield "import pathlib, numpy as np, torch, torch.nn.functional as F"
    yield f"numbers = np.load(pathlib.Path(__file__).with_name({file!r}))"
    yield "d = {n: torch.tensor(x) for n, x in numbers.items()}"
    yield from body(shown, state)
    yield f"theirs = {value(origin, shown)}"
    yield "mine, theirs = d['mine'], theirs.detach().reshape(d['mine'].shape)"
    yield f"print('{origin}, yours:', mine.numpy(), 'torch:', theirs.numpy(), sep='\\n')"
    yield "print('largest difference:', float((mine - theirs).abs().max()))"


def body(shown: Shown, state: Mapping[str, Array]) -> Iterator[str]:
    f = shown.formulas
    if f.only == "activation":
        yield "Z1 = d['Z1'].requires_grad_()"
        yield f"A1 = {lines.activation(f.activations[0][0], 'Z1')}"
        yield "A1.backward(d['dA1'])"
        return
    if f.only == "loss":
        yield "A1, Y = d['A1'].requires_grad_(), d['Y']"
        yield f"loss = {lines.loss(f.loss[0], 'A1')}"
        yield "loss.backward()"
        return
    names = parameters(state)
    yield f"{', '.join(names)}, = (d[n].clone().requires_grad_() for n in {names})"
    if f.only == "update":
        yield from (f"{n}.grad = d['d{n}']" for n in names)
    else:
        yield "X, Y = d['X'], d['Y']"
        yield from lines.forward(f, state)
        yield from lines.backward(f, names)
    yield from lines.update(f, state)


def value(origin: str, shown: Shown) -> str:
    """Return the expression for the wrong entry, after the step."""
    what, _, name = origin.partition(".")
    if what in ("a", "g") and name:
        return f"grads['{name}']"
    if name:
        return slot(shown, what, name)
    if kind(origin) == "batches":
        return f"d['{origin}'] + 1"
    if origin[0] == "d":
        return f"plain['{origin[1:]}']" if kind(origin[1:]) in PARAMETERS else f"{origin[1:]}.grad"
    return origin


def slot(shown: Shown, what: str, name: str) -> str:
    rule = shown.formulas.rule.__name__
    if rule not in lines.OPTIMIZERS:
        return f"{what}['{name}']"
    return f"opt.state[{name}]['{lines.slot_names(rule)[what]}']"
