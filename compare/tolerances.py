r"""Every tolerance of the project, with where it comes from. $u$ is half the machine epsilon of the dtype.

A formula's error estimate `error` (see `compare.formulas.arithmetic`) is in units of $u$, and
already contains the growth $g(K) = 1 + \sqrt K / 4$ of its longest sum. $r$ is the worst
$|x - oracle| / (u \cdot error)$ over the elements of an array.
"""

from __future__ import annotations

from compare.formulas.precision import growth

# The unit roundoff of what the reference may compute in; each is held against the same limits, in
# its own unit. IEEE 754 binary64, binary32 and binary16 carry 53, 24 and 11 bits, bfloat16 8 bits.
# TF32 multiplies numbers cut to 11 bits, and may truncate them: twice the roundoff of rounding
# (NVIDIA A100 whitepaper; PTX ISA, cvt.tf32). CAP was measured in the first two; the errors are of first
# order in u, and what is left out is u times as large: 1/256 in bfloat16.
ROUNDOFFS = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "tf32": 2.0**-10,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
}

EPSILON = 2.0**-52  # of Python's floats, which schedules are computed in

# The cap on r of one formula judged on its own inputs, with g(K) divided out: 6 + 1.5 sqrt(K) in
# units of u times the sum of magnitudes. Calibrated on 240 and validated on 500 random
# configurations of PyTorch 2.13 and NumPy 2.4, 10,750 arrays a dtype: no false alarm.
CAP = 6.0

# A candidate may be this many times as far from the oracle as the reference is, plus as many u B.
# Same calibration: with the cap it catches relative faults of 7.8e-14 (float64), 5.6e-5 (float32).
FACTOR, SLACK = 4.0, 4.0


def cap(terms: int) -> float:
    """Return the largest r that any program may have: CAP, or what is proved for a sum in any order.

    A sum of K equal terms, added one by one, rounds the same way every time, and its error grows as
    K, not as its root: (K + 2) u B (Higham, section 4.2). Only a reference that itself shows such an
    error, or a plain sum of the same terms that does (`compare.sums`), lets a candidate come near it.

    >>> cap(1), round(cap(1600), 1)
    (6.0, 145.6)
    """
    return max(CAP, (terms + 2) / growth(terms))


# manual against reference over a whole step: twice the propagated running error, one share each;
# CAP covers what a formula's estimate leaves out. No alarm in 11,916 arrays.
STEP = 2.0 * CAP


def formula_limit(reference: float, terms: int) -> float:
    """Return the largest r allowed a candidate for a formula whose reference implementation has r = `reference`.

    >>> formula_limit(0.0, 1), formula_limit(100.0, 1)
    (3.2, 6.0)
    """
    return min(FACTOR * reference + SLACK / growth(terms), cap(terms))


def screen(terms: int) -> float:
    """Return the largest r from a formula evaluated in the program's own type that passes without another look.

    That evaluation may itself be off by one unit, which is what B bounds; of a sum, where it bounds
    that only as a rule, by half of the limit.

    >>> round(screen(1), 9), screen(1600) == formula_limit(0.0, 1600) / 2.0
    (2.2, True)
    """
    limit = formula_limit(0.0, terms)
    return limit - 1.0 if terms == 1 else limit / 2.0


def rate_limit(k: int) -> float:
    r"""Return how far two schedules may be apart at step `k`, in units of the larger of rate and first rate.

    torch multiplies the last rate by a factor at every step, a rounding each; its cosine, once it
    climbs again, may have lost $T_{max}^2 / 5$ roundings to $1 - \cos(\pi / T_{max})$, and $T_{max} < k$.

    >>> rate_limit(0) < 1e-15, rate_limit(1000) < 1e-10
    (True, True)
    """
    return (4.0 + k + k * k / 5.0) * EPSILON


# What the verifier is to see of itself (`parity selftest`): at the 99th percentile, relative faults
# as small as these. Measured on PyTorch 2.13 and NumPy 2.4: see the README.
FAULT_TARGETS = {"float64": 1e-12, "float32": 1e-4}

# A limit this many times as wide as the worst error that either side has shown is a finding of the
# tolerance audit. Over a whole step errors are added up by their magnitudes, while in truth most of
# them cancel: there more is needed. The widest is that of gamma, 400 times the worst of 217 arrays:
# an adaptive rule divides by a root that carries the same error as the gradient above it.
AUDIT, STEP_AUDIT = 20.0, 500.0

# A free run whose drift is this many times that of its first step is no longer rounding alone: it is
# being amplified. Of SGD it never is (1e-14 after 10,000 steps from 1e-15); of RMSprop and Adam it is
# from the first kink passed by rounding on, within a few steps and by far more than this. Information.
CHAOS = 1e4

# Witnesses (`compare.witnesses`) ask about gradients, in units of the largest gradient of the net.
# The complex step has no truncation, only rounding: 4.2e-16 at most over the nets of
# tests/test_witnesses.py. Central differences, extrapolated, with h = 2e-4 have eps |L| / h: 1.3e-11 there.
COMPLEX_STEP, DIFFERENCES = 1e-13, 1e-9
KINK = 5e-3  # examples nearer than this to a kink are not asked about: h moves them across it

# torch.autograd.gradcheck's: its default step, and its defaults (atol 1e-5, rtol 1e-3) a hundredfold
# narrower, which float64 differences of O(1) losses keep: their error is eps / 1e-6 = 2e-10.
GRADCHECK = 1e-6, 1e-7, 1e-5  # eps, atol, rtol

# scikit-learn's step against manual's, in machine epsilons of the largest element: the same sums in
# another order. 1.6 at most over the steps of tests/test_witnesses.py, 7.3 on 1,279 red wines.
SCIKIT = 100.0

# Digits of its worst element that an array must have against mpmath, unless torch has fewer too.
DIGITS = {"float64": 13.0, "float32": 4.0}

# Where torch's kernels are not those whose bits `manual.random` was shown to have, initial weights may
# be this many units in the last place of the largest apart: of a million float32 normals under
# ATEN_CPU_CAPABILITY=default 2 % differ, none by more.
SEED_ULP = 4.0

# Of somebody else's program: a batch this far from the one given is another one, and nothing more can
# be said of the step; a rate that it shows may be this many roundings off, as its schedule's formula
# may take; and (rtol, atol) tell two readings of it apart that differ by far more, f'(z) from f'(a).
GROSS, RATE = 1e3, 4.0
ALIKE = 1e-6, 1e-9

# Somebody's initial weights are judged by their distribution: a deviation or a mean may be this many of
# its own standard errors off, and a Kolmogorov-Smirnov test this unlikely. Each errs once in half a billion.
SIGMAS, UNLIKELY = 6.0, 2e-9

# Not ours: (rtol, atol) of what others compare with, by their defaults (NumPy 2.4; PyTorch 2.13, whose
# depend on the type) and by custom, held against ours in `parity selftest`.
PRACTICES = {
    "np.allclose": {"float64": (1e-5, 1e-8), "float32": (1e-5, 1e-8)},
    "torch assert_close": {"float64": (1e-7, 1e-7), "float32": (1.3e-6, 1e-5)},
    "rtol alone": {"float64": (1e-9, 0.0), "float32": (1e-4, 0.0)},
}
