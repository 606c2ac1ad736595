r"""Mistakes of batch norm's gradient: statistics taken as constants, a term or gamma left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from compare.diagnosis.network.normalization import Form, Layer, formed, mean
from compare.diagnosis.scene import Scene
from compare.diagnosis.variant import Variant
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import sqrt, total


def dN(b: Layer) -> Tracked:
    return b.r.read(f"dN{b.l}")


def upstream(b: Layer) -> Tracked:
    """Return the gradient at xhat: gamma dN."""
    return b.old("gamma") * dN(b) if b.r.has(f"gamma{b.l}") else dN(b)


def xhat(b: Layer) -> Tracked:
    return b.r.read(f"xhat{b.l}").rounded(2.0)


def bent(b: Layer, d: Tracked, *, mean_term: float = 1.0, variance_term: float = 1.0) -> Tracked:
    """Return d - mean(d) - xhat mean(d xhat), its two terms weighted, before the division by s."""
    return total(d, -(mean_term * mean(d)), -(xhat(b) * (variance_term * mean(d * xhat(b)))))


def by_parts(b: Layer, power: int) -> Tracked:
    """Return dZ by dvar and dmu, with s to another power in dvar than 3."""
    d, s = upstream(b), b.s_
    scale = s * s * s
    for _ in range(power):
        scale = scale / s
    return total(d, -mean(d), -(xhat(b) * (mean(d * xhat(b)) * scale))) / s


FORMS: Mapping[str, dict[str, Form]] = {
    "dgamma": {
        "formed with the output in place of xhat": (
            lambda b: (dN(b) * b.r.read(f"N{b.l}")).sum(axis=1), "(dN * N).sum(axis=1)"),
        "formed with Z in place of xhat": (
            lambda b: (dN(b) * b.Z).sum(axis=1), "(dN * Z).sum(axis=1)"),
        "the mean, not the sum": (
            lambda b: mean(dN(b) * b.now("xhat")), "(dN * xhat).mean(axis=1)"),
        "formed with Z - mu in place of xhat": (
            lambda b: (dN(b) * (b.Z - b.now("mu"))).sum(axis=1), "(dN * (Z - mu)).sum(axis=1)"),
    },
    "dbeta": {
        "the mean, not the sum": (lambda b: mean(dN(b)), "dN.mean(axis=1)"),
        "formed with xhat": (
            lambda b: (dN(b) * b.now("xhat")).sum(axis=1), "(dN * xhat).sum(axis=1)"),
    },
    "dZ": {
        "mean and variance taken as constants": (lambda b: upstream(b) / b.s_, "d / s"),
        "the variance term left out": (
            lambda b: bent(b, upstream(b), variance_term=0.0) / b.s_, "(d - mean(d)) / s"),
        "the mean term left out": (
            lambda b: bent(b, upstream(b), mean_term=0.0) / b.s_, "(d - xhat * mean(d * xhat)) / s"),
        "the variance term with the wrong sign": (
            lambda b: bent(b, upstream(b), variance_term=-1.0) / b.s_,
            "(d - mean(d) + xhat * mean(d * xhat)) / s"),
        "the mean term with the wrong sign": (
            lambda b: bent(b, upstream(b), mean_term=-1.0) / b.s_,
            "(d + mean(d) - xhat * mean(d * xhat)) / s"),
        "the variance term doubled": (
            lambda b: bent(b, upstream(b), variance_term=2.0) / b.s_,
            "(d - mean(d) - 2 * xhat * mean(d * xhat)) / s"),
        "the variance term halved": (
            lambda b: bent(b, upstream(b), variance_term=0.5) / b.s_,
            "(d - mean(d) - xhat * mean(d * xhat) / 2) / s"),
        "xhat left out of the variance term": (
            lambda b: total(upstream(b), -mean(upstream(b)), -mean(upstream(b) * xhat(b))) / b.s_,
            "(d - mean(d) - mean(d * xhat)) / s"),
        "xhat squared in the variance term": (
            lambda b: total(upstream(b), -mean(upstream(b)),
                            -(xhat(b) * xhat(b) * mean(upstream(b) * xhat(b)))) / b.s_,
            "(d - mean(d) - xhat**2 * mean(d * xhat)) / s"),
        "the derivative of the variance with 1 / s in place of 1 / s^3": (
            lambda b: by_parts(b, 1), "dvar = (d * (Z - mu)).sum() * -0.5 / s"),
        "the derivative of the variance with 1 / s^2 in place of 1 / s^3": (
            lambda b: by_parts(b, 2), "dvar = (d * (Z - mu)).sum() * -0.5 / s**2"),
        "the derivative of the variance with 1 / s^4 in place of 1 / s^3": (
            lambda b: by_parts(b, 4), "dvar = (d * (Z - mu)).sum() * -0.5 / s**4"),
        "the derivative of the mean not divided by s": (
            lambda b: total(upstream(b) / b.s_, -mean(upstream(b)),
                            -(xhat(b) * mean(upstream(b) * xhat(b)) / b.s_)),
            "dmu = -d.sum(), not -(d / s).sum()"),
        "the derivative of the mean not divided by m": (
            lambda b: bent(b, upstream(b), mean_term=b.Z.shape[1]) / b.s_, "dmu, not dmu / m"),
        "passed through: gamma alone": (upstream, "gamma * dN"),
        "passed through whole": (dN, "dN"),
        "gamma left out": (lambda b: bent(b, dN(b)) / b.s_, "d = dN, not gamma * dN"),
        "epsilon left out": (
            lambda b: bent(b, upstream(b)) / sqrt(b.now("var")), "s = np.sqrt(var)"),
        "epsilon outside the square root": (
            lambda b: bent(b, upstream(b)) / (sqrt(b.now("var")) + b.eps), "s = np.sqrt(var) + eps"),
        "not divided by s": (
            lambda b: bent(b, upstream(b)), "d - mean(d) - xhat * mean(d * xhat)"),
        "divided by s squared": (
            lambda b: bent(b, upstream(b)) / b.s_ / b.s_, "(...) / (var + eps)"),
        "means over m - 1": (
            lambda b: bent(b, upstream(b), mean_term=b.bessel, variance_term=b.bessel) / b.s_,
            "sums / (m - 1)"),
        "the variance term over m - 1": (
            lambda b: bent(b, upstream(b), variance_term=b.bessel) / b.s_,
            "xhat * (d * xhat).sum() / (m - 1)"),
        "sums in place of means": (
            lambda b: bent(b, upstream(b), mean_term=b.Z.shape[1], variance_term=b.Z.shape[1]) / b.s_,
            "d - sum(d) - xhat * sum(d * xhat)"),
    },
}  # fmt: skip


def normalization_gradients(scene: Scene) -> Iterator[Variant]:
    """Yield the mistakes of batch norm in the backward pass."""
    yield from formed(scene, FORMS)
