r"""Schedules as people write them: a stair without its whole steps, a wave held or cut, a warm-up that never ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, cos, degrees, exp, floor, log, pi, sin, sqrt

Rate = Callable[..., float]


def stepped(stairs: Callable[[float], float]) -> Rate:
    """Return a decay by stairs, so many of k / step_size."""
    return lambda k, lr, step_size, gamma=0.1: lr * gamma ** stairs(k / step_size)


def waved(wave: Callable[[float], float]) -> Rate:
    """Return a rate that falls from lr to eta_min as a function of k / T_max does from 1 to 0."""
    return lambda k, lr, T_max, eta_min=0.0: eta_min + (lr - eta_min) * wave(k / T_max)


def warmed(ramp: Callable[[float, float, float], float]) -> Rate:
    """Return a warm-up by a ramp of k / total_iters, start_factor and end_factor."""
    return lambda k, lr, total_iters=5, start_factor=1 / 3, end_factor=1.0: (
        lr * ramp(k / total_iters, start_factor, end_factor)
    )


def half(x: float) -> float:
    """Return half a wave, from 1 at 0 to 0 at 1."""
    return (1.0 + cos(pi * x)) / 2.0


FORMS: Mapping[str, Mapping[str, Rate]] = {
    "step_decay": {
        "k / step_size is not cut to whole stairs": stepped(lambda x: x),
        "k / step_size is rounded up": stepped(ceil),
        "k / step_size is rounded to the nearest": stepped(round),
        "the rate drops once, and no more": stepped(lambda x: min(floor(x), 1)),
        "gamma times the number of stairs, not to its power": (
            lambda k, lr, step_size, gamma=0.1: lr * (gamma * (k // step_size) if k >= step_size else 1.0)
        ),
        "divided by 1 + gamma times the number of stairs": (
            lambda k, lr, step_size, gamma=0.1: lr / (1.0 + gamma * (k // step_size))
        ),
        "lr less gamma for each stair": (
            lambda k, lr, step_size, gamma=0.1: lr * max(1.0 - gamma * (k // step_size), 0.0)
        ),
        "gamma to the power of the steps within a stair, which starts anew": (
            lambda k, lr, step_size, gamma=0.1: lr * gamma ** (k % step_size)
        ),
        "lower at the multiples of step_size alone": (
            lambda k, lr, step_size, gamma=0.1: lr * (gamma ** (k // step_size) if k % step_size == 0 else 1.0)
        ),
    },
    "exponential": {
        "e to the power of -gamma k": lambda k, lr, gamma: lr * exp(-gamma * k),
        "e to the power of -(1 - gamma) k": lambda k, lr, gamma: lr * exp(-(1.0 - gamma) * k),
        "lr times gamma times k, not to its power": lambda k, lr, gamma: lr * gamma * k,
        "lr and gamma both to the power of k": lambda k, lr, gamma: (lr * gamma) ** k,
        "divided by 1 + (1 - gamma) k": lambda k, lr, gamma: lr / (1.0 + (1.0 - gamma) * k),
        "divided by 1 + gamma k": lambda k, lr, gamma: lr / (1.0 + gamma * k),
        "less (1 - gamma) of lr at each step": (
            lambda k, lr, gamma: lr * max(1.0 - (1.0 - gamma) * k, 0.0)
        ),
        "gamma to the power of k squared": lambda k, lr, gamma: lr * gamma ** (k * k),
        "gamma to the power of the root of k": lambda k, lr, gamma: lr * gamma ** sqrt(k),
        "lr times gamma at every step but the first, once": (
            lambda k, lr, gamma: lr * (gamma if k else 1.0)
        ),
    },
    "cosine": {
        "the 1 + before the cosine left out": waved(lambda x: cos(pi * x) / 2.0),
        "the half left out": waved(lambda x: 1.0 + cos(pi * x)),
        "a quarter of a wave: pi / 2 in place of pi": waved(lambda x: cos(pi * x / 2.0)),
        "a whole wave: 2 pi in place of pi": waved(lambda x: half(2.0 * x)),
        "an angle in degrees": waved(lambda x: half(degrees(x))),
        "the sine in place of the cosine": waved(lambda x: (1.0 + sin(pi * x)) / 2.0),
        "pi left out": waved(lambda x: (1.0 + cos(x)) / 2.0),
        "held at its end after T_max, where torch rises again": waved(lambda x: half(min(x, 1.0))),
        "a straight line in place of the wave": waved(lambda x: max(1.0 - x, 0.0)),
        "eta_min added to the whole of lr": (
            lambda k, lr, T_max, eta_min=0.0: eta_min + lr * half(k / T_max)
        ),
        "eta_min as a floor alone": (
            lambda k, lr, T_max, eta_min=0.0: max(lr * half(k / T_max), eta_min)
        ),
    },
    "inverse_time": {
        "its root": lambda k, lr, decay: lr / sqrt(1.0 + decay * k),
        "its square": lambda k, lr, decay: lr / (1.0 + decay * k) ** 2,
        "e to the power of -decay k": lambda k, lr, decay: lr * exp(-decay * k),
        "less decay of lr at each step": lambda k, lr, decay: lr * max(1.0 - decay * k, 0.0),
        "1 + decay to the power of -k": lambda k, lr, decay: lr * (1.0 + decay) ** -k,
        "1 - decay to the power of k": lambda k, lr, decay: lr * (1.0 - decay) ** k,
        "divided by decay + k": lambda k, lr, decay: lr / (decay + k) if decay + k else lr,
        "divided by decay k, the 1 + left out": lambda k, lr, decay: lr / (decay * k) if k else lr,
        "multiplied where it should be divided": lambda k, lr, decay: lr * (1.0 + decay * k),
        "the logarithm of k": lambda k, lr, decay: lr / (1.0 + decay * log(1.0 + k)),
        "a stair: decay k cut to a whole number": lambda k, lr, decay: lr / (1.0 + floor(decay * k)),
    },
    "linear_warmup": {
        "from 0, start_factor left out": warmed(lambda x, a, b: b * min(x, 1.0)),
        "from 0 and a step early, start_factor left out": (
            lambda k, lr, total_iters=5, start_factor=1 / 3, end_factor=1.0: (
                lr * end_factor * min((k + 1) / total_iters, 1.0)
            )
        ),
        "never level: it goes on rising": warmed(lambda x, a, b: a + (b - a) * x),
        "back to its start after total_iters": warmed(lambda x, a, b: a + (b - a) * x if x < 1.0 else a),
        "the square of the share": warmed(lambda x, a, b: a + (b - a) * min(x, 1.0) ** 2),
        "a geometric ramp": warmed(lambda x, a, b: a * (b / a) ** min(x, 1.0)),
        "start_factor until it is over, no ramp": warmed(lambda x, a, b: a if x < 1.0 else b),
        "the ramp added to the whole of lr": warmed(lambda x, a, b: 1.0 + (b - a) * min(x, 1.0)),
        "start_factor and end_factor swapped": warmed(lambda x, a, b: b + (a - b) * min(x, 1.0)),
        "no warm-up": warmed(lambda x, a, b: 1.0),
    },
}  # fmt: skip
