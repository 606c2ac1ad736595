r"""The figures, drawn from our own functions: inline SVG, coloured by the page so that both themes fit."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import numpy as np

from compare.book import drawings
from compare.book.catalogue import Formula
from compare.reports.html.figures import COLOURS, LINE, SETTINGS, VARIABLES

Draw = Callable[[Any], None]
KINKS = {"relu": [0.0], "leaky_relu": [0.0], "elu": [0.0]}
SATURATED = 0.01  # of the steepest slope


def of(f: Formula) -> str:
    """Return the figure of a formula's page; nothing where there is nothing to draw."""
    if f.group == "activations" and f.name != "softmax":
        return activation(f.name)
    if f.group == "losses" and not f.name.startswith("cross"):
        return loss(f.name)
    if f.group == "schedules" and f.name in RATES:
        return schedule(f.name)
    return ""


def chapter(name: str, **options: Any) -> str:
    """Return a figure of a chapter by name."""
    drawn = {"descent": descent, "valley": valley, "depth": depth, "family": family}
    if name in drawn:
        return drawn[name](**options)
    if name in drawings.DRAWINGS:
        svg, words, caption = drawings.DRAWINGS[name]()
        return framed(svg, words, caption)
    return activation(name, **options)


def figure(
    draw: Draw, words: str, caption: str, *, columns: int = 1, height: float = 3.0, key: str = ""
) -> str:
    """Return a figure that `draw` draws on its axes, with what it shows in words."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    file = io.StringIO()
    with rc_context({**SETTINGS, "svg.hashsalt": key or words}):
        canvas = Figure(
            figsize=(3.9 * columns if columns > 1 else 6.0, height), layout="constrained"
        )
        axes = canvas.subplots(1, columns, squeeze=False)[0]
        draw(axes if columns > 1 else axes[0])
        canvas.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return framed(coloured(file.getvalue()), words, caption)


def framed(svg: str, words: str, caption: str) -> str:
    start = f'<svg role="img" aria-label="{escape(words)}" '
    return f"<figure>{svg.replace('<svg ', start, 1)}<figcaption>{escape(caption)}</figcaption></figure>"


def coloured(svg: str) -> str:
    """Return matplotlib's SVG without its prologue, its colours the page's, its width the page's."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, f"var({variable})")
    return re.sub(r"\n\s*\n", "\n", svg)


def function(name: str) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return what an activation of `manual` and its backward give at each z."""
    import manual.activations

    def values(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a, backward = getattr(manual.activations, name)(z[None])
        return a[0], backward(np.ones_like(z)[None])[0]

    return values


def activation(name: str, *, reach: float = 6.0) -> str:
    """Draw an activation and its derivative, and shade where it is saturated."""
    z = np.linspace(-reach, reach, 601)
    a, slope = function(name)(z)
    flat = np.abs(slope) < SATURATED * np.abs(slope).max()

    def draw(axes: Any) -> None:
        for start, end in spans(z, flat):
            axes.axvspan(start, end, color=LINE, alpha=0.45, linewidth=0)
        pieces = np.split(
            np.arange(len(z)),
            [int(np.searchsorted(z, k, side="right")) for k in KINKS.get(name, [])],
        )
        axes.plot(z, a, color=COLOURS[0], linewidth=2.2, label="g(z)")
        for k, piece in enumerate(pieces):
            axes.plot(
                z[piece],
                slope[piece],
                color=COLOURS[1],
                linewidth=1.8,
                linestyle="--",
                label="" if k else "g′(z)",
            )
        axes.set_xlabel("z")
        axes.legend(loc="upper left")

    share = float(flat.mean())
    shaded = " Shaded: saturated, the slope is below a hundredth of its largest." if share else ""
    words = (
        f"{name} and its derivative for z from {-reach:g} to {reach:g}; the slope is at most {slope.max():.3g}"
        + (f", and below a hundredth of that on {share:.0%} of the axis" if share else "")
    )
    return figure(draw, words, f"{name} and its derivative, both from the code.{shaded}", key=name)


def spans(z: np.ndarray, mask: np.ndarray) -> list[tuple[float, float]]:
    """Return the intervals on which a mask holds.

    >>> spans(np.arange(5.0), np.array([True, True, False, True, False]))
    [(0.0, 1.0), (3.0, 3.0)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(int), [0]])))
    return [(float(z[a]), float(z[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def loss(name: str) -> str:
    """Draw a loss of one output as a function of it, and its gradient."""
    import manual.losses

    lower, upper, y = {"bce": (0.005, 0.995, 1.0), "bce_with_logits": (-6.0, 6.0, 1.0)}.get(
        name, (-3.0, 3.0, 0.0)
    )
    a = np.linspace(lower, upper, 401)
    pairs = [getattr(manual.losses, name)(np.array([[x]]), np.array([[y]])) for x in a]
    values, slopes = [float(L) for L, _ in pairs], [float(b().item()) for _, b in pairs]

    def draw(axes: Any) -> None:
        axes.plot(a, values, color=COLOURS[0], linewidth=2.2, label="L")
        axes.plot(a, slopes, color=COLOURS[1], linewidth=1.8, linestyle="--", label="dL/da")
        axes.set_xlabel("output a" if name != "bce_with_logits" else "logit z")
        if name == "bce":
            axes.set_ylim(-12, 6)
        axes.legend()

    words = f"{name} and its gradient for one output from {lower:g} to {upper:g}, the target being {y:g}"
    return figure(
        draw, words, f"{name} for one output and the target {y:g}, from the code.", key=name
    )


RATES: dict[str, dict[str, Any]] = {
    "exponential": {"gamma": 0.95}, "step_decay": {"step_size": 20}, "cosine": {"T_max": 60},
    "linear_warmup": {"total_iters": 20}, "one_cycle": {"total_steps": 61},
    "inverse_time": {"decay": 0.1}, "constant": {},
}  # fmt: skip


def schedule(name: str) -> str:
    import manual.schedules

    given = ", ".join(f"{key}={x}" for key, x in RATES[name].items())
    steps = range(61)
    rates = [getattr(manual.schedules, name)(k, lr=0.1, **RATES[name]) for k in steps]

    def draw(axes: Any) -> None:
        axes.plot(steps, rates, color=COLOURS[0], linewidth=2.2)
        axes.set(xlabel="step", ylabel="learning rate", ylim=(0.0, None))

    words = f"The rate of {name} over 60 steps, from {rates[0]:.3g} to {rates[-1]:.3g}"
    return figure(draw, words, f"lr=0.1{', ' if given else ''}{given}.", height=2.4, key=name)


def descended(
    rule: str, start: Sequence[float], curvature: Sequence[float], steps: int, **options: Any
) -> np.ndarray:
    r"""Return the path of a rule of `manual` on $\tfrac12 \sum h_i w_i^2$."""
    import manual.optimizers

    w, h = np.array(start), np.array(curvature)
    slots: dict[str, Any] = {}
    path = [w]
    for _ in range(steps):
        w, slots = getattr(manual.optimizers, rule)(w, h * w, slots, **options)
        path.append(w)
    return np.array(path)


def descent() -> str:
    """Draw gradient descent on a parabola with learning rates below, at and above what converges."""
    rates = (0.05, 0.5, 1.0, 1.9, 2.05)
    paths = {lr: descended("sgd", [1.0], [1.0], 30, lr=lr)[:, 0] for lr in rates}

    def draw(axes: Any) -> None:
        for k, (lr, path) in enumerate(paths.items()):
            axes.plot(
                np.maximum(path**2 / 2, 1e-12),
                color=COLOURS[k],
                linewidth=1.8,
                marker="osD^v"[k],
                markersize=3.2,
                label=f"ηℓ = {lr:g}",
            )
        axes.set(xlabel="step", ylabel="loss", yscale="log", ylim=(1e-12, 20))
        axes.legend(ncols=2)

    ends = ", ".join(f"{lr:g}: {path[-1] ** 2 / 2:.2g}" for lr, path in paths.items())
    words = f"The loss of gradient descent on a parabola after 30 steps by learning rate times curvature: {ends}"
    return figure(
        draw,
        words,
        "Gradient descent on a parabola of curvature ℓ, from the code: slow below 1, one step at 1, an oscillation up to 2, divergence beyond.",
        key="descent",
    )


VALLEY = (("sgd", {"lr": 0.035}), ("momentum", {"lr": 0.035, "momentum": 0.8}), ("rmsprop", {"lr": 0.12}), ("adam", {"lr": 0.25}))  # fmt: skip


def valley() -> str:
    """Draw the paths of four rules in a narrow valley."""
    h = (1.0, 50.0)
    paths = {rule: descended(rule, [4.0, 0.6], h, 60, **o) for rule, o in VALLEY}

    def draw(axes: Any) -> None:
        x, y = np.meshgrid(np.linspace(-1.5, 4.5, 120), np.linspace(-1.1, 1.1, 80))
        axes.contour(
            x,
            y,
            (h[0] * x**2 + h[1] * y**2) / 2,
            levels=[0.1, 0.5, 1, 2, 4, 8, 16],
            colors=[LINE],
            linewidths=0.8,
        )
        for k, (rule, path) in enumerate(paths.items()):
            axes.plot(
                *path.T,
                color=COLOURS[k],
                linewidth=1.5,
                marker="osD^"[k],
                markersize=2.8,
                label=rule,
            )
        axes.set(xlim=(-1.5, 4.5), ylim=(-1.1, 1.1), xlabel="w₁", ylabel="w₂")
        axes.legend(ncols=4, loc="lower center")

    words = (
        "Paths of four rules over 60 steps in a valley fifty times steeper one way than the other: "
        + ", ".join(f"{rule} ends at ({p[-1, 0]:.2g}, {p[-1, 1]:.2g})" for rule, p in paths.items())
    )
    return figure(
        draw,
        words,
        "Sixty steps in a valley fifty times steeper across than along, from the code.",
        height=3.6,
        key="valley",
    )


def family() -> str:
    """Draw how far each rule steps under a constant gradient: its own start-up."""
    rules = ("adam", "rmsprop", "adagrad", "adadelta", "momentum")
    options = {"adadelta": {"lr": 1.0}}
    import manual.optimizers

    def lengths(rule: str) -> list[float]:
        w, out = np.zeros(1), []
        slots: dict[str, Any] = {}
        for _ in range(60):
            after, slots = getattr(manual.optimizers, rule)(
                w, np.ones(1), slots, **options.get(rule, {"lr": 1.0})
            )
            out.append(float(abs(after - w).item()))
            w = after
        return out

    found = {rule: lengths(rule) for rule in rules}

    def draw(axes: Any) -> None:
        for k, (rule, steps) in enumerate(found.items()):
            axes.plot(range(1, 61), steps, color=COLOURS[k], linewidth=1.8, label=rule)
        axes.set(xlabel="step", ylabel="length of the step, lr = 1", yscale="log")
        axes.legend(ncols=2)

    words = (
        "Length of the step under a constant gradient of 1 with a learning rate of 1: "
        + ", ".join(f"{rule} from {s[0]:.3g} to {s[-1]:.3g}" for rule, s in found.items())
    )
    return figure(
        draw,
        words,
        "Length of the step under a constant gradient, from the code: Adam's correction makes it level; RMSprop starts at ten times; momentum grows to ten times; Adagrad falls.",
        key="family",
    )


def depth() -> str:
    """Draw the gradient's norm over the layers of deep nets, by activation and initial weights."""
    cases = (("sigmoid", 1.0), ("tanh", 1.0), ("tanh", 3.0), ("relu", 1.0), ("relu", 2**0.5))
    found = {f"{name}, gain {gain:.3g}": norms(name, gain) for name, gain in cases}

    def draw(axes: Any) -> None:
        for k, (label, values) in enumerate(found.items()):
            axes.plot(
                range(1, len(values) + 1),
                values,
                color=COLOURS[k],
                linewidth=1.8,
                marker="osD^v"[k],
                markersize=3,
                label=label,
            )
        axes.set(xlabel="layer", ylabel="‖dZ‖, the last layer 1", yscale="log")
        axes.legend()

    words = "Norm of dZ at the first of 20 layers relative to the last: " + ", ".join(
        f"{label}: {v[0]:.2g}" for label, v in found.items()
    )
    return figure(
        draw,
        words,
        "One backward pass of our code through 20 layers of 64 units; weights normal with gain/√n.",
        height=3.4,
        key="depth",
    )


def norms(name: str, gain: float, *, layers: int = 20, n: int = 64, m: int = 32) -> list[float]:
    """Return the norm of dZ at each layer, that of the last being 1."""
    import manual.activations
    from manual import network

    random = np.random.default_rng(0)
    state = {}
    for l in range(1, layers + 1):
        state[f"W{l}"] = random.normal(size=(n, n)) * gain / n**0.5
        state[f"b{l}"] = np.zeros((n, 1))
    g = getattr(manual.activations, name)
    _trace, tape = network.forward(state, random.normal(size=(n, m)), activations=[g] * layers)
    gradients = network.backward(tape, random.normal(size=(n, m)))
    last = float(np.linalg.norm(gradients[f"dZ{layers}"]))
    return [float(np.linalg.norm(gradients[f"dZ{l}"])) / last for l in range(1, layers + 1)]
