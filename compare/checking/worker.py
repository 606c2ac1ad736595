r"""One candidate, checked in a process of its own: `python -m compare.checking.worker TARGET LIKE OPTIONS OUT`."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from compare.checking.candidates import loaded
from compare.checking.likeness import kind_of
from compare.checking.verdict import Verdict


def examined(target: str, like: str, options: dict[str, Any]) -> Verdict:
    """Return the verdict on what `target` names, its reproduction written where one is asked for."""
    try:
        candidate = loaded(target, like)
        verdict = judged(candidate, target, like, options)
        if options.get("repro") and verdict.divergence:
            from compare.reproduction.candidates import keep

            verdict = keep(Path(options["repro"]), candidate, like, verdict, options)
        return verdict
    except (ValueError, OSError) as error:
        return Verdict(target, like, error=" ".join(str(error).split()))


def judged(candidate: Any, target: str, like: str, options: dict[str, Any]) -> Verdict:
    """Return the verdict on a candidate, as what it is meant to be."""
    from compare.checking.activations import examine_activation
    from compare.checking.initializers import examine_initializer
    from compare.checking.losses import examine_loss
    from compare.checking.rules import examine_rule
    from compare.checking.schedules import examine_schedule
    from compare.checking.steps import examine_step

    common = {"dtype": options["dtype"], "seed": options["seed"], "name": target}
    kind = kind_of(like)
    if kind == "activation":
        return examine_activation(candidate, like, layout=options["layout"], **common)
    if kind == "loss":
        return examine_loss(candidate, like, layout=options["layout"], **common)
    if kind == "rule":
        return examine_rule(candidate, like, **common)
    if kind == "schedule":
        return examine_schedule(candidate, like, name=target)
    if kind == "initializer":
        return examine_initializer(candidate, like, seed=options["seed"], name=target)
    return examine_step(
        candidate,
        like,
        layout=options["layout"],
        sizes=options["sizes"],
        load=lambda: loaded(target, like),
        **common,
    )


def main() -> None:
    """Write the verdict as JSON, with its text; what the candidate prints is kept apart."""
    target, like, options, out = sys.argv[1:5]
    with contextlib.redirect_stdout(io.StringIO()):
        verdict = examined(target, like, json.loads(options))
    data = {"text": str(verdict), **verdict.declared()}
    Path(out).write_text(json.dumps(data, default=str), encoding="utf-8")


if __name__ == "__main__":
    main()
