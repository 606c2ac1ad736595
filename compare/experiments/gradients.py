r"""`parity experiment gradients`: gradients that vanish and explode in deep nets, why, and what helps.

The source document's claims, measured on both sides: dL/dW1 is a product of layer Jacobians; its
size is decided by their singular values, not their entries; a start and an activation that keep
these near 1 train, others do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from compare.datasets import Dataset
from compare.experiments import gradient_figures
from compare.experiments.depth import Deep, Setting, batch, layered, nets
from compare.experiments.jacobians import Spectra, spectra
from compare.experiments.outcome import Outcome, Say, Table, compared
from compare.experiments.remedies import TROUBLES, Remedy, remedies
from compare.experiments.runs import Run

FIGURES = ("depth", "training", "remedies")
DEPTH, WIDTH, STEPS = 8, 16, 60


def experiment(
    dataset: Dataset,
    *,
    depth: int = DEPTH,
    width: int = WIDTH,
    steps: int = STEPS,
    seed: int = 0,
    say: Say = lambda text: None,
) -> Outcome:
    """Train deep nets from every start, and those in trouble with every remedy; return what was found."""
    setting = Setting(batch(dataset), depth, width, steps, seed)
    grown = tenths(setting)
    found = list(nets(setting, say))
    helped = list(remedies(setting, say))
    runs = [n.run for n in found] + [r.run for r in helped]
    judged = [s for n in found for s in n.spectra.values()]
    return Outcome(
        "gradients",
        found[0].run.task,
        compared(runs, [*judged, *(n.product for n in found), grown]),
        findings(setting, found, helped, grown),
        (depth_table(found), *(remedy_table(helped, trouble) for trouble in TROUBLES)),
        {
            "depth": partial(gradient_figures.depth, found),
            "training": partial(gradient_figures.training, found),
            "remedies": partial(gradient_figures.remedies, helped),
        },
        {"nets": [declared_net(n) for n in found], "remedies": [declared(r) for r in helped]},
    )


def tenths(setting: Setting) -> Spectra:
    """Return the Jacobians of ten layers of fifty units without activation, every weight 0.1."""
    dtype = setting.dataset.X_train.dtype
    state = {f"W{l}": np.full((50, 50), 0.1, dtype) for l in range(1, 11)}
    return spectra(state, np.ones((50, 1), dtype), ("identity",) * 10)


def findings(
    setting: Setting, found: Sequence[Deep], helped: Sequence[Remedy], grown: Spectra
) -> tuple[str, ...]:
    """Return what the measurements say, in sentences."""
    by = {n.label: n for n in found}
    one, ten = grown.largest()[0][9], grown.largest()[0][0]
    mean = float(np.var(setting.dataset.Y_train))
    typical = (
        np.median([n.product.apart for n in found]) / np.finfo(setting.dataset.X_train.dtype).eps
    )
    stuck = next(r for r in helped if r.trouble == "vanishing")
    blown = next(r for r in helped if r.trouble == "exploding")
    ratio = {n: by[n].gradients()[0][0] / by[n].gradients()[0][-1] for n in by}
    return (
        f"dL/dW1 as the product of layer Jacobians is what backpropagation finds, in all {len(found)} "
        f"nets: by hand and by torch, the four differ by {typical:.1f} eps (median).",
        f"Not entries but singular values decide: one layer of 50 x 50 weights of 0.1 lengthens by "
        f"{one:.3f}, ten by {ten:,.0f}.",
        f"Sigmoid's slope is at most 1/4: of PyTorch's default start, dW1 is {ratio['sigmoid, PyTorch default']:.0e} "
        f"of dW{setting.depth + 1}.",
        f"Tanh vanishes by saturation: from positive weights, the Jacobian's largest singular value "
        f"is {by['tanh, uniform [0, 1)'].largest(0)[0]:.0e}; from Xavier's, "
        f"{by['tanh, Xavier normal'].largest(0)[0]:.2f}.",
        f"ReLU explodes from positive weights ({by['relu, uniform [0, 1)'].largest(0)[0]:.0e}) and "
        f"keeps its scale from He's ({by['relu, He normal'].largest(0)[0]:.2f}).",
        f"A net whose gradients vanish learns the mean alone (loss {mean:.3f}): {stuck.label}, "
        f"{stuck.outcome}. One whose gradients explode: {blown.label}, {blown.outcome}.",
    )


def depth_table(found: Sequence[Deep]) -> Table:
    return Table(
        "At the first step, and over training",
        ("net", "dW1", f"dW{len(found[0].gradients()[0])}", "sigma", "then", "loss", "then"),
        [row(n) for n in found],
        "dWl: the norm of that layer's gradient. sigma: the largest singular value of\n"
        "dA_L/dX, root mean square over examples. Torch's digits are the same.",
    )


def row(n: Deep) -> tuple[str, ...]:
    first, last = n.gradients()[0][0], n.gradients()[0][-1]
    end = max(n.spectra)
    loss = "blew up" if n.run.summary.blown else f"{n.run.last('loss')[0]:.3g}"
    sigma = "" if n.run.summary.blown else f"{n.largest(end)[0]:.0e}"
    start = f"{n.run.first('loss')[0]:.3g}"
    return n.label, f"{first:.0e}", f"{last:.0e}", f"{n.largest(0)[0]:.0e}", sigma, start, loss


def remedy_table(helped: Sequence[Remedy], trouble: str) -> Table:
    rows = []
    for r in (r for r in helped if r.trouble == trouble):
        (first, _), (last, _), (seen, _) = ends(r.run)
        norms = (f"{x:.0e}" for x in (first, last, seen))
        blown = r.run.summary.blown
        end = f"blew up at step {blown[0]}" if blown else f"{r.run.last('loss')[0]:.3g}"
        rows.append((r.label, *norms, f"{r.run.first('loss')[0]:.3g}", end))
    return Table(
        f"{trouble.capitalize()}, and what helps",
        ("net", "dW1", "dWL", "rule sees", "loss", "then"),
        rows,
        "The first net is the one in trouble. Clipping bounds what the rule sees.",
    )


def ends(run: Run) -> tuple[tuple[float, float], ...]:
    """Return the first and the last layer's gradient norms and that of what the rule sees, of both sides."""
    mine, theirs = layered(run)
    return (mine[0], theirs[0]), (mine[-1], theirs[-1]), run.first("seen")


def declared_net(n: Deep) -> dict[str, Any]:
    return {
        "activation": n.activation,
        "initialization": n.run.task.initialization,
        "gradient_product": vars(n.product),
        "largest_singular_values": {k: s.largest() for k, s in n.spectra.items()},
        **declared_run(n.run),
    }


def declared(r: Remedy) -> dict[str, Any]:
    return {"trouble": r.trouble, "label": r.label, "outcome": r.outcome, **declared_run(r.run)}


def declared_run(run: Run) -> dict[str, Any]:
    """Return both sides' curves of a run."""
    curves = {
        name: dict(zip(("manual", "torch"), run.curve(name), strict=True)) for name in run.measured
    }
    return {
        "configuration": run.task.configuration.declared(),
        "blown_up": run.summary.blown,
        "curves": curves,
    }
