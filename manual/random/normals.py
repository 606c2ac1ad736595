r"""Normal and truncated normal numbers, drawn as PyTorch draws them.

In every function `shape` is that of the result, filled in row-major order, `generator` is
advanced exactly as far as PyTorch's is, and `dtype` is float64 unless given (PyTorch: float32).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from manual.random.elementary import each, log, sine_cosine
from manual.random.generator import Generator, floating
from manual.random.rounding import WIDEST, fma, multiply_add
from manual.random.uniforms import rand, uniform

Array = NDArray[Any]
Shape = tuple[int, ...]


def randn(shape: Shape, generator: Generator, *, dtype: DTypeLike = np.float64) -> Array:
    r"""Return standard normal numbers: `normal` with mean 0 and standard deviation 1.

    **In PyTorch:** `torch.randn(shape, generator=generator)`.

    >>> randn((2,), Generator(0))
    array([ 1.54099611, -0.29342891])
    """
    return normal(shape, generator, dtype=dtype)


def normal(
    shape: Shape,
    generator: Generator,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    dtype: DTypeLike = np.float64,
    contiguous: bool = True,
) -> Array:
    r"""Return normal numbers $std\,z + mean$, with $z$ by Box and Muller's method.

    $$r = \sqrt{-2 \ln u}, \quad \theta = 2 \pi v, \quad z = r \cos\theta, \quad z' = r \sin\theta$$

    Derivation. Two independent standard normals have the density $e^{-r^2 / 2} / 2\pi$, which
    depends on the radius alone: $\theta$ is uniform and $P(r^2 / 2 > t) = e^{-t}$, which is
    $P(-\ln u > t)$ for a uniform $u$.

    PyTorch has two ways: `in_blocks` for a contiguous tensor of 16 or more elements, or `in_pairs`.
    A tensor that is not contiguous (a slice, a transpose) is filled in the order of its memory.

    Args:
        mean: the mean.
        std: the standard deviation.
        contiguous: whether the tensor to reproduce is contiguous.

    Raises:
        ValueError: std is negative, not finite in the dtype, or not below $2^{996}$.

    Source: Box and Muller, *A note on the generation of random normal deviates* (1958).

    **In PyTorch:** `tensor.normal_(mean, std, generator=generator)`.

    >>> normal((2,), Generator(0), mean=10.0, std=0.0)
    array([10., 10.])
    """
    if not 0.0 <= std < min(WIDEST, float(np.finfo(floating(dtype)).max)):
        raise ValueError(f"a normal distribution has std = {std}; give a finite number >= 0")
    n, kind = math.prod(shape), floating(dtype)
    if n >= 16 and contiguous:
        return fma(in_blocks(n, generator, kind), std, mean).reshape(shape)
    z = multiply_add(in_pairs(n, generator), std, mean, fused=generator.fused)
    return z.astype(kind).reshape(shape)


def in_pairs(n: int, generator: Generator) -> Array:
    r"""Return n standard normals in float64, cosine before sine; a sine left over is kept.

    >>> g = Generator(0)
    >>> first, second = in_pairs(1, g), in_pairs(1, g)
    >>> np.concatenate([first, second]) == in_pairs(2, Generator(0))
    array([ True,  True])
    """
    kept = [] if generator.spare is None else [generator.spare]
    pairs = (n - len(kept) + 1) // 2
    v, u = generator.uniforms(2 * pairs, np.float64).reshape(pairs, 2).T
    r, theta = np.sqrt(-2 * each(math.log1p, -u)), 2 * np.pi * v
    z = np.stack([r * each(math.cos, theta), r * each(math.sin, theta)], axis=1)
    z = np.concatenate([kept, z.ravel()])
    generator.spare = float(z[n]) if len(z) > n else None
    return z[:n]


def in_blocks(n: int, generator: Generator, dtype: DTypeLike) -> Array:
    r"""Return n >= 16 standard normals made 16 at a time.

    Where n is no multiple of 16, the last 16 are drawn again.

    PyTorch's *default* kernels call the C library's single-precision functions for float32; here
    these are rounded from double precision: 1.5 % of 20 million numbers differ, by 3 ulp at most.

    >>> in_blocks(16, Generator(0), "float32")[:2]
    array([-1.1258398, -1.1523602], dtype=float32)
    """
    z = np.empty(n, dtype)
    whole = n - n % 16
    z[:whole] = blocks(generator.uniforms(n, dtype)[:whole], fused=generator.fused)
    if whole < n:
        z[-16:] = blocks(generator.uniforms(16, dtype), fused=generator.fused)
    return z


def blocks(uniforms: Array, *, fused: bool) -> Array:
    r"""Return 16 normals for 16 uniforms: 8 radii and 8 angles become 8 cosines, then 8 sines."""
    u, v = uniforms.reshape(-1, 2, 8).swapaxes(0, 1)
    turn = v.dtype.type(2 * np.pi) if fused else np.float64(2 * np.pi)
    r = np.sqrt(-2 * log(1 - u, fused=fused))
    sine, cosine = sine_cosine((turn * v).astype(v.dtype), fused=fused)
    return np.stack([r * cosine, r * sine], axis=1).ravel()


def trunc_normal(
    shape: Shape,
    generator: Generator,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    dtype: DTypeLike = np.float64,
) -> Array:
    r"""Return normal numbers conditioned to lie in $[a, b]$, by rejection.

    With more than 0.3 of the probability inside, `from_normals`; else `from_uniforms`.

    Raises:
        ValueError: std <= 0, a > b, a mean that is not finite, or an infinite [a, b] in a tail.

    Source: Robert, *Simulation of truncated normal variables* (1995), section 2.

    **In PyTorch:** `torch.nn.init.trunc_normal_(tensor, mean, std, a, b, generator=generator)`,
    which warns when the mean lies more than two standard deviations outside of $[a, b]$.

    >>> trunc_normal((2,), Generator(0), a=-1.0, b=0.0)
    array([-0.71925758, -0.29342891])
    """
    if not (std > 0.0 and a <= b and math.isfinite(mean)):
        raise ValueError(
            f"a normal with mean {mean} and std {std} cut to [{a}, {b}]: "
            "give a finite mean, std > 0 and a <= b"
        )
    inside = probability((b - mean) / std) - probability((a - mean) / std)
    draw = from_normals if inside > 0.3 else from_uniforms
    limits = float(mean), float(std), float(a), float(b)  # NumPy's scalars would widen float32
    return draw(shape, generator, limits, dtype)


def probability(x: float) -> float:
    r"""Return $P(z \le x) = (1 + \mathrm{erf}(x / \sqrt 2)) / 2$ for a standard normal z."""
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


Limits = tuple[float, float, float, float]  # mean, std, a, b


def from_normals(shape: Shape, generator: Generator, limits: Limits, dtype: DTypeLike) -> Array:
    r"""Return normals; while some lie outside of $[a, b]$, a whole new array is drawn for them."""
    mean, std, a, b = limits
    x = normal(shape, generator, mean=mean, std=std, dtype=dtype)
    while (outside := (x < a) | (x > b)).any():
        x = np.where(outside, normal(shape, generator, mean=mean, std=std, dtype=dtype), x)
    return x


def from_uniforms(shape: Shape, generator: Generator, limits: Limits, dtype: DTypeLike) -> Array:
    r"""Return uniforms on $[a, b)$, each kept with probability $\phi(x) / \max_{[a, b]} \phi$.

    Kept means $\ln u \le \ell(x) - \ell(\text{mode})$ with $\ell(x) = -((x - mean) / std)^2 / 2$.
    PyTorch's vectorised logarithm may differ from NumPy's in the last bit, which would turn a
    decision whose $\ln u$ lies within an ulp of the bound: seen in none of 12 million numbers.
    """
    mean, std, a, b = limits
    peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
    x, pending = np.zeros(shape, dtype), np.ones(shape, dtype=bool)
    while pending.any():
        candidate = uniform(shape, generator, low=a, high=b, dtype=dtype)
        x = np.where(pending, candidate, x)
        with np.errstate(divide="ignore"):  # ln 0 is -inf: always kept
            log_u = np.log(rand(shape, generator, dtype=dtype))
        pending &= log_u > -0.5 * ((candidate - mean) / std) ** 2 - peak
    return x
