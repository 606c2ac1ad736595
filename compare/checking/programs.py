r"""Somebody's training step as a program: started anew, called step by step, its arrays turned to columns."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import islice, product
from typing import Any

import numpy as np

from compare.checking.calling import (
    call_step,
    check_arguments,
    options_for,
    step_arguments,
)
from compare.checking.elsewhere import Step
from compare.checking.entries import entries, inner
from compare.checking.inputs import Trial
from compare.checking.layouts import LAYOUTS, Layout
from compare.checking.numbers import fresh, plain, same
from compare.checking.places import complained
from compare.traces import Trace, kind, parameters

Load = Callable[[], Any]
Handed = Callable[[str, Trace], bool]
STEPPING = ("train_step", "step", "__call__")  # what a class of one's own may call its step


def everything(name: str, initial: Trace) -> bool:
    """Tell that any entry is handed on."""
    return True


def lasting(name: str, initial: Trace) -> bool:
    """Tell whether an entry is no quantity of its step alone, as Z1, the loss and dW1 are.

    >>> [lasting(name, {}) for name in ("loss", "dW1", "m.W1", "count")]
    [False, False, True, True]
    """
    gradient = name.startswith("d") and name[-1:].isdigit()
    return name in initial or not (gradient or kind(name) in PASSING)


def starting(name: str, initial: Trace) -> bool:
    """Tell whether an entry stands in the state that a trial starts from."""
    return name in initial


PASSING = {"Z", "A", "D", "N", "mu", "var", "xhat", "loss", "norm", "g"}
LESS = {  # what may be handed on instead, for a program that does not run on all that it shows
    lasting: "the state of the next step holds nothing of one step alone, such as its loss and gradients",
    starting: "the state of the next step holds the parameters alone",
}


@dataclass
class Program:
    """A training step with the options it takes, and the layout it wants its arrays in: one of several, when it is found.

    `classed` tells whether its targets may be class indices. `making` are the options that a class takes. `load` gives the function anew, for one that keeps
    something between calls outside of its objects. `handed` tells which of the entries that it showed
    the state of the next step holds.
    """

    function: Any
    options: Mapping[str, Any]
    layouts: Sequence[Layout]
    classed: bool = False
    layout: Layout | None = None
    making: Mapping[str, Any] = field(default_factory=dict)
    load: Load | None = None
    complaint: str = ""
    handed: Handed = everything

    def takes(self, option: str) -> bool:
        """Tell whether each call of the step can be given an option."""
        return not options_for(stepping(self.function), {option: 0.0})[2]

    def found(self, t: Trial) -> Layout | None:
        """Return the first layout in which it runs on inputs whose sizes all differ and gives their shapes back.

        Where none gives them back, the first it ran in. Tensors and class indices are tried after the rest.
        """
        complaints: dict[Layout, str] = {}
        for tensors, classes in product((False, True), (False, True) if self.classed else (False,)):
            ran = None
            for layout in (replace(x, tensors=tensors, classes=classes) for x in self.layouts):
                try:
                    once = replace(self, layout=layout).first(t)
                except Exception as error:
                    complaints[layout] = complained(error, t.state)
                    continue
                if layout.fits(once, t):
                    return layout
                ran = ran or layout
            if ran:
                return ran
        self.complaint = self.complaint or summed_up(complaints)
        return None

    def first(self, t: Trial) -> Mapping[str, Any]:
        """Return what it shows of the first step of a trial."""
        return next(self.run(t))[0]

    def going_on(self, t: Trial) -> tuple[Program, list[str]]:
        """Return the program as it makes a second step, handed less of its first where that alone lets it, and a note."""
        for handed, note in ((self.handed, ""), *LESS.items()):
            other = replace(self, handed=handed)
            try:
                deque(islice(other.run(t), 2), maxlen=0)
            except Exception:  # it says so itself when it is checked
                continue
            return other, [note] if note else []
        return self, []

    def remembers(self, t: Trial) -> str:
        """Return the first entry that it shows otherwise when it is started once more; "" if none."""
        once, again = self.first(t), self.first(t)
        return next((n for n in {**once, **again} if not same(once.get(n), again.get(n))), "")

    def started(self) -> Callable[..., Any]:
        """Return the step to call: of an object of its own, as far as it can be had."""
        function = self.load() if self.load else self.function
        if inspect.isclass(function):
            return stepping(created(function, self.making))
        return stepping(function if self.load else copied(function))

    def run(self, t: Trial) -> Iterator[Step]:
        """Yield what it shows at each step, each time from a fresh copy of its own state.

        It is handed what it showed of the step before. A parameter that it does not give back is the
        one that it was handed; where it gives back none, it makes no update: each step is from those.
        """
        layout, step = self.layout or LAYOUTS["columns"], self.started()
        check_arguments(step)
        state: dict[str, Any] = dict(t.state)
        for batch in t.batches:
            start = {**state, **batch.state}
            given = layout.outward({n: fresh(x) for n, x in start.items()})
            before = {n: fresh(x) for n, x in given.items()}
            X, Y = layout.batch(batch.X), layout.targets(batch.Y)
            labels = fresh(Y)
            options = {**self.options, **options_for(step, batch.options)[0]}
            with np.errstate(all="ignore"):
                result = call_step(step, given, X, Y, options)
            shown = layout.inward(entries(result, before, {n: plain(x) for n, x in given.items()}))
            if layout.classes and same(shown.get("Y"), labels):
                shown["Y"] = batch.Y
            names = parameters(t.state)
            kept = {n: fresh(start[n]) for n in names if n not in shown}
            if len(kept) < len(names):
                shown |= kept
            else:
                batch = replace(batch, state={**batch.state, **kept})
            again = shown.keys() - (inner(shown) - t.state.keys())
            state |= {
                n: fresh(x) for n, x in shown.items() if n in again and self.handed(n, t.state)
            }
            yield shown, batch


def summed_up(complaints: Mapping[Layout, str]) -> str:
    """Return why a program runs in no layout: what it says of tensors or classes where it does not want the other."""
    plain = " ".join(
        x for layout, x in complaints.items() if not (layout.tensors or layout.classes)
    )
    meant = "ndarray" in plain, "must be of integer" in plain
    said = {
        x: layout.name
        for layout, x in complaints.items()
        if (layout.tensors, layout.classes) == meant
    }
    if formless := [x for x in said if x.startswith("it returned a ")]:
        return formless[0]
    return "; ".join([f"with {where}: {x}" for x, where in said.items()] if len(said) > 1 else said)


def created(made: Any, making: Mapping[str, Any]) -> Any:
    """Return an object of a class that can be made of the options it is given; ValueError where it needs more."""
    try:
        inspect.signature(made).bind(**making)
    except TypeError as error:
        raise ValueError(
            f"{made.__name__} cannot be made: {error}; give its arguments defaults, or hand over a "
            "function train_step(state, X, Y) that makes one"
        ) from None
    return made(**making)


def copied(function: Any) -> Any:
    """Return a copy of an object, or of the object whose method is handed over; of a function, the function."""
    try:
        return deepcopy(function)
    except Exception:  # it holds what cannot be copied
        return function


def stepping(made: Any) -> Callable[..., Any]:
    """Return the step of an object, or of a class; a function is its own."""
    if inspect.isroutine(made):
        return made
    for name in STEPPING:
        if inspect.isroutine(step := getattr(made, name, None)):
            return step
    raise ValueError(
        f"{getattr(made, '__name__', type(made).__name__)} has no step: expected a method "
        f"{STEPPING[0]}(self, state, X, Y)"
    )


def program(
    train_step: Any,
    options: Mapping[str, Any],
    layouts: Sequence[Layout],
    rule: str = "",
    *,
    classed: bool = False,
) -> tuple[Program, list[str]]:
    """Return a candidate as a program, and notes on how it is called."""
    step = stepping(train_step)
    given, notes, lacking = options_for(step, options, rule)
    making: dict[str, Any] = {}
    if inspect.isclass(train_step):
        left = {option: options[option] for option in lacking}
        making, more, lacking = options_for(train_step, left, rule)
        notes += more
    notes += [f"it takes no {option}: its own must be {options[option]}" for option in lacking]
    if names := step_arguments(step):
        notes.append(f"called by name: {', '.join(names)}")
    return Program(train_step, given, layouts, classed, making=making), notes
