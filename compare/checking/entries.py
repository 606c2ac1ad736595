r"""What a step shows: the mapping it returns, mappings within it, and what it changed in place of what it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from compare.checking.calling import GRADIENTS
from compare.checking.numbers import same
from compare.traces import Array

GROUPS = ("params", "parameters", "weights", "biases", "cache", "result", "state")


def flattened(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return entries with those of mappings among them: grads' W1 as dW1, m's as m.W1, those of params as they are.

    Raises ValueError where two of one name differ.

    >>> sorted(flattened({"loss": 1.0, "grads": {"W1": 2.0}, "m": {"W1": 3.0}}))
    ['dW1', 'grads', 'loss', 'm', 'm.W1']
    """
    out = dict(shown)
    for group, part in shown.items():
        for name, x in flattened(part).items() if isinstance(part, Mapping) else ():
            text = str(name)
            short = f"d{text}" if group in GRADIENTS and text[:1] != "d" else text
            full = short if group in (*GRADIENTS, *GROUPS) else f"{group}.{text}"
            if full in out and not same(out[full], x):
                raise ValueError(
                    f"it shows {full} twice, once in {group}, and they differ: which is which? Name "
                    "gradients dW1, db1, ... and leave out what is not meant"
                )
            out[full] = x
    return out


def inner(shown: Mapping[str, Any]) -> set[str]:
    """Return the names of entries that stand in a mapping among them: a program finds them there again."""
    groups = {n: x for n, x in shown.items() if isinstance(x, Mapping)}
    return flattened(groups).keys() - groups.keys()


def fields_of(result: Any) -> Any:
    """Return a named tuple or a dataclass as a mapping; anything else as it is."""
    if hasattr(result, "_asdict"):
        return result._asdict()
    if is_dataclass(result) and not isinstance(result, type):
        return dict(vars(result))
    return result


def slopes(part: Mapping[str, Any], changed: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return gradients under the names of gradients, where they have those of parameters that changed in place otherwise.

    >>> slopes({"W1": 2.0}, {"W1": 0.9}), slopes({"W1": 0.9}, {"W1": 0.9})
    ({'dW1': 2.0}, {'W1': 0.9})
    """
    named = part.keys() == changed.keys() and not any(same(part[n], changed[n]) for n in part)
    return {f"d{n}": x for n, x in part.items()} if named and part else part


def entries(result: Any, before: Mapping[str, Array], given: Mapping[str, Array]) -> dict[str, Any]:
    """Return what a step shows: the mapping it returns, and what it changed in place of what it was given."""
    shown: dict[str, Any] = {}
    changed = {n: x for n, x in given.items() if not (n in before and same(x, before[n]))}
    result = fields_of(result)
    several = isinstance(result, tuple | list) and any(isinstance(x, Mapping) for x in result)
    for part in result if several else [] if result is None else [result]:
        if isinstance(part, Mapping):
            part = slopes(flattened(part), changed)
            stale = {
                n for n, x in part.items() if n in shown and n in before and same(x, before[n])
            }
            part = {n: x for n, x in part.items() if n not in stale}
            if twice := shown.keys() & part.keys():
                raise ValueError(
                    f"it returned two mappings that both have {min(twice)}: which is which? "
                    "Name gradients dW1, db1, ... and return one mapping"
                )
            shown |= part
        elif part is not None and not isinstance(part, tuple | list) and np.ndim(part) == 0:
            shown["loss"] = part
        elif not several:
            raise ValueError(
                f"it returned a {type(part).__name__}; return a mapping of names to arrays such as "
                '{"Z1": Z1, "loss": loss, "dW1": dW1, "W1": W1}, or update the given state in place'
            )
    return {**flattened({n: x for n, x in changed.items() if n not in shown}), **shown}
