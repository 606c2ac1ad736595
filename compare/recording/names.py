r"""The names of tensors in a recording, and the shape and type that each must have.

initial/W1      the state the run starts from
step/3/X        the batch of step 3, and /Y; /mask1 the dropout masks
step/3/option/lr  a hyperparameter that changes from step to step
step/3/evalX    what the net is evaluated on after step 3, and /evalY
step/3/dW2      an entry of the trace of step 3
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from compare.formulas.evaluation import EXAMPLES, LOSSES
from compare.formulas.stepping import SCALARS, SLOTS
from compare.recording.container import short
from compare.traces import COUNTS, kind

UNITS = ("Z", "A", "D", "N", "xhat")  # one row a unit, one column an example
VECTORS = ("b", "gamma", "beta")
STATISTICS = ("mu", "var", "running_mean", "running_var")  # of batch norm, one a unit
PARAMETERS = ("W", *VECTORS)
RUNNING = ("running_mean", "running_var", "batches")
EVALUATED = ("evalX", "evalY")


@dataclass(frozen=True)
class Place:
    """Where a tensor belongs: its step, None for the initial state, and its name there."""

    step: int | None
    name: str


def place(name: str) -> Place:
    """Return where the tensor `name` belongs.

    >>> place("step/3/dW2")
    Place(step=3, name='dW2')
    """
    first, _, rest = name.partition("/")
    if first == "initial" and "/" not in rest:
        return Place(None, rest)
    number, _, entry = rest.partition("/")
    if first == "step" and whole(number) and "/" not in entry.removeprefix("option/"):
        return Place(int(number), entry)
    raise ValueError(
        f"tensor {short(name)} is not named as in a recording: initial/W1, step/0/X, "
        "step/0/option/lr, step/0/dW2"
    )


def whole(text: str) -> bool:
    """Tell whether a text is a number of a step, written in one way only: 0, 1, ..., without leading zeros.

    >>> whole("10"), whole("010"), whole("-1")
    (True, False, False)
    """
    return text.isascii() and text.isdigit() and len(text) <= 9 and text == str(int(text))


def shape(name: str, sizes: Sequence[int], m: int) -> tuple[int, ...] | None:
    """Return the shape of an input or entry in a net of these sizes on m examples; None if there is no such entry.

    Of an evaluation, m is the number of examples evaluated.

    >>> shape("dW2", (3, 5, 1), 8), shape("v.b1", (3, 5, 1), 8), shape("dx", (3, 5, 1), 8)
    ((1, 5), (5, 1), None)
    """
    if name in ("loss", "norm", "micro", "epochloss"):
        return ()
    if evaluated := name.removeprefix("eval") if name.startswith("eval") else "":
        known = evaluated in ("X", "Y", "loss") or kind(evaluated) in ("Z", "N", "A")
        return shape(evaluated, sizes, m) if known else None
    if name in ("X", "Y"):
        return (sizes[0 if name == "X" else -1], m)
    slot, dot, parameter = name.rpartition(".")
    if dot:
        known = slot in (*SLOTS, "a", "g") and kind(parameter) in PARAMETERS
        return (() if slot in SCALARS else shape(parameter, sizes, m)) if known else None
    return of_layer(name, sizes, m)


def of_layer(name: str, sizes: Sequence[int], m: int) -> tuple[int, ...] | None:
    stem = kind(name)
    digits = name.removeprefix(stem)
    if not whole(digits) or not 1 <= int(digits) < len(sizes):
        return None
    l = int(digits)
    base = stem.removeprefix("d") if stem[1:] in (*UNITS, *PARAMETERS) else stem
    shapes = {"W": (sizes[l], sizes[l - 1]), "batches": (), "mask": (sizes[l], m)}
    shapes |= dict.fromkeys(UNITS, (sizes[l], m))
    shapes |= dict.fromkeys((*VECTORS, *STATISTICS), (sizes[l], 1))
    return shapes.get(base)


OTHERS = {  # what slots and scalars are called elsewhere
    "exp_avg": "m", "exp_avg_sq": "v", "momentum_buffer": "m", "velocity": "m", "square_avg": "s", "g": "s",
    "sum": "s", "cache": "s", "accumulator": "s", "step": "t", "max_exp_avg_sq": "vmax", "exp_inf": "u",
    "cost": "loss", "l": "loss", "j": "loss", "lr": "option/lr", "learning_rate": "option/lr",
    "yhat": "A{L}", "y_hat": "A{L}", "output": "A{L}", "a0": "X", "x": "X", "y": "Y", "t": "t.W1",
    "grad_norm": "norm", "total_norm": "norm",
}  # fmt: skip
SLOT = re.compile(r"(?P<slot>.+?)[._]?(?P<parameter>(?:W|b|gamma|beta)[0-9]+)")


def other_name(name: str, sizes: Sequence[int]) -> str:
    """Return the name that an entry probably has here; "" where none is near.

    >>> [other_name(n, (3, 5, 1)) for n in ("exp_avg.W1", "mW2", "cost", "Yhat", "DW1", "foo")]
    ['m.W1', 'm.W2', 'loss', 'A2', 'dW1', '']
    """
    found = SLOT.fullmatch(name)
    slot = found["slot"].lower() if found else ""
    if found and slot in ("d", "grad") and "." not in name:
        return f"d{found['parameter']}"
    if found and (slot in OTHERS or slot in SLOTS):
        return f"{OTHERS.get(slot, slot)}.{found['parameter']}"
    return OTHERS.get(name.lower(), "").format(L=len(sizes) - 1)


def types(name: str, dtype: str) -> tuple[str, ...]:
    """Return the types, as safetensors calls them, that an input or entry may have in a run of `dtype`.

    >>> types("dW1", "float32"), types("t.W1", "float32")
    (('F32',), ('I64',))
    """
    if name.startswith("option/"):
        return ("F64",)
    if kind(name) in COUNTS:
        return ("I64",)
    if name.startswith("mu."):  # torch keeps it in its default type
        return ("F32", "F64")
    return ("F64",) if dtype == "float64" else ("F32",)


def is_input(name: str) -> bool:
    """Tell whether a tensor of a step is given to it rather than computed by it."""
    return name in ("X", "Y", *EVALUATED) or name.startswith("option/") or kind(name) == "mask"


def is_state(name: str) -> bool:
    """Tell whether the next step starts from an entry: parameters, the rule's slots, running statistics.

    >>> [n for n in ("Z1", "dW1", "g.W1", "m.W1", "W1", "batches1") if is_state(n)]
    ['m.W1', 'W1', 'batches1']
    """
    if "." in name:
        return not name.startswith("g.")
    return name in ("micro", LOSSES, EXAMPLES) or kind(name) in (*PARAMETERS, *RUNNING)
