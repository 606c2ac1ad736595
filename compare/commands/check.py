r"""`parity check`: somebody else's code, or a recorded trace, held against the formulas and PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from compare.commands.refusals import REPRO, destinations, refusing, reproducing
from compare.commands.spelling import spelled
from compare.options import check_dtype, whole_numbers

O = typer.Option
TIMEOUT = 60.0
STANDARD = {"dtype": "float64", "seed": 0}
CONTAINERS = (".npz", ".npy", ".json", ".csv", ".pt", ".pth", ".h5", ".pkl", ".parquet")


def check(
    targets: Annotated[
        list[str],
        typer.Argument(help="FILE.py:NAME, several files, or a recorded FILE.safetensors"),
    ],
    like: Annotated[
        str, O(help='what it should be: adam, "two-layer relu mse sgd lr=0.1", relu, mse, ...')
    ] = "",
    layout: Annotated[
        str | None,
        O(
            help='columns, rows, or "rows, W in x out", of a step, an activation or a loss; by default '
            "the first in which it runs"
        ),
    ] = None,
    sizes: Annotated[
        str | None, O(help="n_x,n_1,...,n_y of a step that takes only these: 11,8,1")
    ] = None,
    dtype: Annotated[str, O(help="float64 or float32")] = "float64",
    seed: Annotated[int, O(help="seed of the inputs")] = 0,
    timeout: Annotated[float, O(help="seconds that one candidate may take")] = TIMEOUT,
    jobs: Annotated[int, O(help="processes for a recording; -1: all cores")] = 1,
    junit: Annotated[Path | None, O(help="write the outcomes as JUnit XML")] = None,
    json: Annotated[Path | None, O(help="write the outcomes as JSON; - is standard output")] = None,
    html: Annotated[Path | None, O(help="write the outcomes as one page, drawings and all")] = None,
    repro: Annotated[Path | None, O(help=REPRO)] = None,
) -> None:
    """Check your own activation, loss, optimiser, schedule, initialiser or training step, and be told what is wrong.

    A step is a function train_step(state, X, Y, lr=...) that returns a mapping with as many of Z1, A1,
    ..., loss, dZ2, dW2, ..., m.W1, W1, ... as it has, or a class with such a method. An optimiser is a function
    rule(param, grad, slots, lr=...) -> (param, slots), or a class with step(params, grads); a schedule
    is a function f(k, lr=...), an initialiser f(n_in, n_out, rng). Each runs in a process of its own. Exit
    code 0: all right; 1: one is wrong; 2: one could not be judged, whatever the others are.

    Examples:

    parity check my_net.py:MyAdam --like adam

    parity check my_net.py:train_step --like "two-layer relu mse sgd lr=0.1"

    parity check submissions/*.py --like "two-layer tanh bce adam lr=0.01" --junit out.xml
    """
    recorded = [t for t in targets if t.endswith(".safetensors")]
    given = {"like": like, "layout": layout, "sizes": sizes, "dtype": dtype, "seed": seed}
    asked = {n: x for n, x in given.items() if x != STANDARD.get(n)}
    with refusing():
        sources = [t.rsplit(":", 1)[0] for t in targets]
        destinations(junit, json, html, *reproducing(repro), read=[*targets, *sources])
        if repro is not None and (recorded or len(targets) > 1):
            raise ValueError("--repro is for one candidate of code; leave it out, or check one")
        if recorded and len(recorded) < len(targets):
            raise ValueError("check recorded traces and code in calls of their own")
        if not recorded:
            check_code(sources)
        if not recorded and not like:
            raise ValueError(
                'say what it should be: --like adam, or --like "two-layer relu mse sgd lr=0.1"'
            )
        if timeout <= 0.0:
            raise ValueError(f"--timeout is {timeout:g}; expected seconds above 0")
        if seed < 0:
            raise ValueError(f"--seed is {seed}; expected a whole number from 0 on")
        widths = layer_sizes(sizes)
        options = {"layout": layout, "sizes": widths, "dtype": dtype, "seed": seed}
        options["repro"] = None if repro is None else str(repro.resolve())
        if recorded:
            refuse(asked, "is for code; a recording says what it is")
            refuse({"timeout": timeout != TIMEOUT}, "is not read with recordings, which need none")
        else:
            refuse({"jobs": jobs != 1}, "is not read with code")
            check_dtype(dtype)
            check_like(like, widths, layout, dtype, seed)
    if recorded:
        raise typer.Exit(check_recordings(recorded, json, jobs, junit_file=junit, html=html))
    results = listed(targets, like, options, timeout)
    written(results, junit, json)
    paged(html, results, like, spelled("check", targets, asked))
    if len(results) < len(targets):
        raise typer.Exit(130)
    verdicts = {r["verdict"] for r in results}
    raise typer.Exit(2 if "error" in verdicts else 1 if "wrong" in verdicts else 0)


def check_like(
    like: str, sizes: tuple[int, ...] | None, layout: str | None, dtype: str, seed: int
) -> None:
    """Refuse a `--like` that cannot be read or meant, and sizes that do not fit it, before any candidate is run."""
    from compare.checking.likeness import configuration, kind_of, single
    from compare.checking.refusals import check_sizes

    kind = kind_of(like)
    if kind == "step":
        check_sizes(configuration(like), sizes)
        return
    single(like)
    unread: dict[str, Any] = {"sizes": sizes}
    unread |= {"layout": layout} if kind not in ("activation", "loss") else {}
    unread |= {"dtype": dtype != "float64"} if kind in ("schedule", "initializer") else {}
    unread |= {"seed": seed} if kind == "schedule" else {}
    refuse(unread, f"is not read for --like {like!r}, a {kind}")


def check_code(paths: list[str]) -> None:
    """Refuse files of numbers that are no recordings."""
    if other := next((p for p in paths if p.endswith(CONTAINERS)), ""):
        raise ValueError(
            f"{other} is neither Python code nor a recording; a recorded run is a .safetensors file, as "
            "docs/TRACE_FORMAT.md describes: safetensors.numpy.save_file writes one from a dict of arrays"
        )


def refuse(asked: Mapping[str, Any], why: str) -> None:
    """Refuse an option that is not read here, where it is asked for."""
    for name, value in asked.items():
        if value:
            raise ValueError(f"--{name} {why}: leave it out")


def layer_sizes(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    refusal = f"cannot read --sizes {text!r}; write n_x,n_1,...,n_y as in 11,8,1"
    return whole_numbers(text, refusal, fewest=2)


def listed(targets: list[str], like: str, options: dict[str, Any], timeout: float) -> list[Any]:
    """Check each target, print its verdict as it comes, and a table where there are several."""
    from compare.checking.many import outcomes

    results = []
    with suppress(KeyboardInterrupt):  # what was found so far is told and written
        for result in outcomes(targets, like, options, timeout=timeout):
            results.append(result)
            tell(result, len(results), len(targets))
    if len(targets) > 1:
        counts = {v: sum(r["verdict"] == v for r in results) for v in ("right", "wrong", "error")}
        print(
            f"{counts['right']} right, {counts['wrong']} wrong, {counts['error']} could not be judged"
        )
    return results


def tell(result: Any, number: int, total: int) -> None:
    """Print one outcome: all of it, or a line where there are several."""
    if total == 1:
        print(result["text"])
        return
    print(f"[{number}/{total}] {result['sentence']}", flush=True)
    for named in (result["diagnosis"] or {}).get("named", [])[:1]:
        print(f"        mistake: {named['mistake']}")


def written(results: list[Any], junit_file: Path | None, json_file: Path | None) -> None:
    from compare.checking.many import junit
    from compare.reports.files import write_json, write_text

    with refusing():
        if junit_file is not None:
            write_text(junit_file, junit(results))
        if json_file is not None:
            write_json(json_file, {"format": "parity-check/1", "outcomes": results})


def paged(html: Path | None, results: list[Any], like: str, command: str) -> None:
    """Write the outcomes as one page."""
    if html is None:
        return
    from compare.reports.files import write_text
    from compare.reports.html import check_page

    with refusing():
        write_text(html, check_page(results, like, command=command))


def check_recordings(
    files: list[str],
    json_file: Path | None,
    jobs: int,
    *,
    junit_file: Path | None = None,
    html: Path | None = None,
) -> int:
    """Check recorded traces, and print what was found; the worst of their exit codes is returned."""
    from compare.recording import findings, show
    from compare.reports.console import standard_output
    from compare.reports.files import write_json

    console = standard_output()
    outcomes = []
    for file in files:
        try:
            outcomes.append(findings(file, jobs=jobs))
        except (ValueError, OSError, MemoryError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            sentence = " ".join(str(reason or "it cannot be read").split())
            print(f"parity: {file}: {sentence}", file=sys.stderr)
            continue
        show(outcomes[-1], console)
    if json_file is not None:
        with refusing():
            declared = [found.declared() for found in outcomes]
            write_json(json_file, {"format": "parity-check/1", "recordings": declared})
    results = [f.outcome() for f in outcomes]
    written(results, junit_file, None)
    paged(html, results, "a recorded run", spelled("check", files, {}))
    unread = len(outcomes) < len(files)
    return 2 if unread or not files else max(found.code for found in outcomes)
