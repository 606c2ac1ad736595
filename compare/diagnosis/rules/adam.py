r"""Adam and AdamW as people get them wrong: epsilon's place, the bias corrections, the averages, the decay."""

from __future__ import annotations

from typing import Any

from compare.diagnosis.rules.mistake import Mistake
from compare.diagnosis.rules.terms import (
    DECOUPLED,
    OTHERS,
    POOLED,
    average,
    corrections,
    decayed,
    pooled,
    root,
    shrunk,
)
from compare.formulas.arithmetic import Tracked
from compare.formulas.functions import absolute, maximum, minimum, sqrt, total
from compare.formulas.optimizers.terms import ONE, Expected, Slots, counted, held, number, square


def adam(
    p: Tracked, g: Tracked, old: Slots, new: Slots, *,
    m: int = 1, weight: str = "coupled", epsilon: str = "outside", correction: str = "both",
    first: str = "mean", second: str = "mean", squared: str = "g", maximal: str = "raw",
    along: str = "m", kept: str = "m", **o: Any,
) -> Expected:  # fmt: skip
    """Return the step: `first` and `second` are how the moments are averaged, `along` what is divided."""
    b1, b2 = o.get("betas", (0.9, 0.999))
    d, apart = decayed(p, g, o, weight, m), weight in DECOUPLED
    t = counted(old("t"), p)
    yield "t", t
    plain = -g if o.get("maximize") else g
    averaged = {"of squares": square(d), "undecayed": plain}.get(first, d)
    mt = average(b1, old("v" if kept == "one" else "m"), averaged, first)
    hatted = kept in ("mhat", "hats")
    hats = corrections(b1, b2, new("t") or t, "both") if hatted else (ONE, ONE)
    yield "m", mt / held(hats[0], p) if hatted else mt
    t, mt = new("t") or t, new("m") or (mt / held(hats[0], p) if hatted else mt)
    vt = squares(squared, d, mt, plain)
    if second == "share of m":
        vt, second = vt * held((1.0 - b1) / (1.0 - b2), p), "mean"
    vt = average(b2, mt if kept == "one" else old("v"), vt, second)
    vt = maximum(old("v") or 0.0 * vt, vt) if maximal == "into v" and o.get("amsgrad") else vt
    yield "v", vt / held(hats[1], p) if kept == "hats" else vt
    vt = new("v") or (vt / held(hats[1], p) if kept == "hats" else vt)
    one, two = (ONE, ONE) if kept == "hats" else corrections(b1, b2, t, correction)
    if o.get("amsgrad"):
        raw = vt / held(two, p) if maximal == "corrected" else vt
        top = old("vmax")
        larger = minimum if maximal == "minimum" else maximum
        vt = raw if top is None or maximal == "forgotten" else larger(top, raw)
        yield "vmax", vt
        vt = new("vmax") or vt
        vt = (new("v") or vt) if maximal == "unused" else vt
        two = ONE if maximal in ("corrected", "uncorrected") else two
    q = shrunk(p, o, weight) if apart or weight == "both" else p
    one = ONE if along == "g" else one
    mt = (old("m") or 0.0 * mt) if along == "old m" else mt
    vt = (old("v") or 0.0 * vt) if maximal == "stale" else vt
    step = (
        held(number(o["lr"]) / one, p)
        * ahead(along, mt, d, b1, one)
        / denominator(vt, two, o.get("eps", 1e-8), epsilon)
    )
    if weight == "divided":
        bottom = denominator(vt, two, o.get("eps", 1e-8), epsilon)
        step = step + held(number(o["lr"]) * number(o.get("weight_decay", 0.0)), p) * p / bottom
    if weight == "at the step" and o.get("weight_decay"):
        rate = number(o["lr"]) * sqrt(two) / one
        q = p - held(rate * number(o["weight_decay"]), p) * p
    if weight == "after" and o.get("weight_decay"):
        q = q - held(number(o["lr"]) * number(o["weight_decay"]), p) * (q - step)
    yield "", total(q, -step)


def squares(form: str, d: Tracked, m: Tracked, plain: Tracked) -> Tracked:
    """Return what the second moment averages."""
    if form in ("|g|", "raw"):
        return d if form == "raw" else absolute(d)
    deviation = d - m
    if form in POOLED:
        return pooled(d, form)
    return square({"m": m, "undecayed g": plain, "g - m": deviation}.get(form, d))


def ahead(form: str, m: Tracked, g: Tracked, b1: float, one: Tracked) -> Tracked:
    """Return what is divided: m, g alone as in RMSprop, or Nesterov's blend."""
    if form == "g":
        return g
    if form == "blend":
        return total(held(b1, g) * m, held(1.0 - number(b1), g) * g)
    return m


def denominator(v: Tracked, two: Tracked, eps: float, form: str) -> Tracked:
    """Return the root of the second moment, corrected and with epsilon, in one of the forms it is written."""
    e, c = held(eps, v), held(sqrt(two), v)
    if form == "outside":
        return sqrt(v) / c + e
    if form == "hat":
        return (sqrt(v) + e) / c
    if form == "hat whole":
        return (sqrt(v) + e) / held(two, v)
    if form == "inside hat":
        return sqrt(v + e) / c
    if form == "uncorrected root":
        return sqrt(v) / held(two, v) + e
    return root(v / held(two, v), eps, form)


RIGHT = "np.sqrt(v / (1 - beta2**t)) + eps"
EPSILONS = (
    Mistake({"epsilon": "hat"}, "epsilon added before the bias correction (epsilon hat)",
            "(np.sqrt(v) + eps) / np.sqrt(1 - beta2**t)", RIGHT,
            "Kingma and Ba's efficient form; TensorFlow, scikit-learn"),
    Mistake({"epsilon": "inside"}, "epsilon inside the square root", "np.sqrt(vhat + eps)", RIGHT,
            "optax's eps_root"),
    Mistake({"epsilon": "inside hat"}, "epsilon inside the square root, before the correction",
            "np.sqrt(v + eps) / np.sqrt(1 - beta2**t)", RIGHT),
    Mistake({"epsilon": "inside, squared"}, "the square of epsilon inside the square root",
            "np.sqrt(vhat + eps**2)", RIGHT),
    Mistake({"epsilon": "none"}, "epsilon left out", "np.sqrt(vhat)", RIGHT),
    Mistake({"epsilon": "both"}, "epsilon both inside and outside the root",
            "np.sqrt(vhat + eps) + eps", RIGHT),
    Mistake({"epsilon": "maximum"}, "epsilon as a floor", "np.maximum(np.sqrt(vhat), eps)", RIGHT),
    Mistake({"epsilon": "no root"}, "the square root left out", "vhat + eps", RIGHT),
    Mistake({"epsilon": "uncorrected root"}, "v corrected outside its root",
            "np.sqrt(v) / (1 - beta2**t)", RIGHT),
)  # fmt: skip
CORRECTIONS = (
    Mistake({"correction": "none"}, "no bias correction", "m / (np.sqrt(v) + eps)",
            "mhat / (np.sqrt(vhat) + eps)"),
    Mistake({"correction": "late"}, "bias correction one step late", "1 - beta**(t + 1)",
            "1 - beta**t, t from 1"),
    Mistake({"correction": "early"}, "bias correction one step early", "1 - beta**(t - 1)",
            "1 - beta**t, t from 1"),
    Mistake({"correction": "no power"}, "bias correction without the power t", "1 - beta",
            "1 - beta**t"),
    Mistake({"correction": "single"}, "the powers of beta in float32", "np.float32(beta)**np.float32(t)",
            "beta**t in float64", "a step counter that is a float32 array"),
    Mistake({"correction": "late start"}, "bias correction one step early, from the second step on",
            "1 - beta**max(t - 1, 1)", "1 - beta**t, t from 1"),
    Mistake({"correction": "first multiplied"}, "the first correction multiplies where it should divide",
            "m * (1 - beta1**t)", "m / (1 - beta1**t)"),
    Mistake({"correction": "times t"}, "bias correction with beta times t", "1 - beta * t",
            "1 - beta**t"),
    Mistake({"correction": "same beta"}, "beta1 in both bias corrections",
            "vhat = v / (1 - beta1**t)", "vhat = v / (1 - beta2**t)"),
    Mistake({"correction": "second beta"}, "beta2 in both bias corrections",
            "mhat = m / (1 - beta2**t)", "mhat = m / (1 - beta1**t)"),
    Mistake({"correction": "swapped"}, "the bias corrections swapped",
            "mhat = m / (1 - beta2**t); vhat = v / (1 - beta1**t)", "each with its own beta"),
    Mistake({"correction": "first only"}, "the second moment is not bias corrected",
            "mhat / (np.sqrt(v) + eps)", "mhat / (np.sqrt(vhat) + eps)"),
    Mistake({"correction": "second only"}, "the first moment is not bias corrected",
            "m / (np.sqrt(vhat) + eps)", "mhat / (np.sqrt(vhat) + eps)"),
    Mistake({"correction": "not subtracted"}, "the corrections divide by beta^t",
            "m / beta1**t", "m / (1 - beta1**t)"),
    Mistake({"correction": "plus"}, "the corrections divide by 1 + beta^t",
            "m / (1 + beta1**t)", "m / (1 - beta1**t)"),
    Mistake({"correction": "of the rest"}, "the corrections are powers of 1 - beta",
            "m / (1 - beta1)**t", "m / (1 - beta1**t)"),
    Mistake({"correction": "twice"}, "the bias is corrected twice, in the moments and in the step size",
            "lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * mhat / (np.sqrt(vhat) + eps)",
            "lr * mhat / (np.sqrt(vhat) + eps)", "the two forms of Kingma and Ba's paper at once"),
    Mistake({"correction": "multiplied"}, "the corrections multiply where they should divide",
            "m * (1 - beta1**t)", "m / (1 - beta1**t)"),
)  # fmt: skip
FIRST, SECOND = "m = beta1 * m + (1 - beta1) * g", "v = beta2 * v + (1 - beta2) * g**2"
AVERAGES = (
    Mistake({"squared": "m"}, "second moment of m in place of g",
            "v = beta2 * v + (1 - beta2) * m**2", SECOND),
    Mistake({"squared": "g - m"}, "second moment around the first", "(g - m)**2", SECOND, "AdaBelief"),
    Mistake({"squared": "|g|"}, "the gradient is not squared",
            "v = beta2 * v + (1 - beta2) * np.abs(g)", SECOND),
    Mistake({"squared": "raw"}, "the gradient itself is averaged, not its square",
            "v = beta2 * v + (1 - beta2) * g", SECOND),
    Mistake({"second": "share of m"}, "the square has the first moment's share",
            "v = beta2 * v + (1 - beta1) * g**2", SECOND),
    Mistake({"second": "from one"}, "the second moment starts at 1", "v_0 = 1", "v_0 = 0"),
    Mistake({"first": "first whole", "second": "first whole"}, "both moments start with the first gradient whole",
            "m_1 = g; v_1 = g**2", "m_1 = (1 - beta1) * g; v_1 = (1 - beta2) * g**2"),
    Mistake({"first": "sum"}, "the new gradient not weighted", "m = beta1 * m + g", FIRST),
    Mistake({"second": "sum"}, "the new square not weighted", "v = beta2 * v + g**2", SECOND),
    Mistake({"second": "unweighted"}, "squares summed, as in Adagrad", "v = v + g**2", SECOND),
    Mistake({"first": "swapped"}, "the weights of the first average swapped",
            "m = (1 - beta1) * m + beta1 * g", FIRST, same_as="beta1 -> 1 - beta1"),
    Mistake({"second": "swapped"}, "the weights of the second average swapped",
            "v = (1 - beta2) * v + beta2 * g**2", SECOND, same_as="beta2 -> 1 - beta2"),
    Mistake({"first": "growing"}, "the first moment is not decayed", "m = m + (1 - beta1) * g", FIRST),
    Mistake({"second": "growing"}, "the second moment is not decayed",
            "v = v + (1 - beta2) * g**2", SECOND),
    Mistake({"first": "first whole"}, "m starts with the first gradient whole", "m_1 = g",
            "m_1 = (1 - beta1) * g"),
    Mistake({"second": "first whole"}, "v starts with the first square whole", "v_1 = g**2",
            "v_1 = (1 - beta2) * g**2"),
)  # fmt: skip
MISTAKES = (
    *EPSILONS,
    *CORRECTIONS,
    *AVERAGES,
    Mistake({"squared": "undecayed g"}, "weight decay missing from the second moment",
            "v of g, m of g + wd * W", "both of g + wd * W", needs="weight_decay"),
    Mistake({"first": "undecayed"}, "weight decay missing from the first moment",
            "m of g, v of g + wd * W", "both of g + wd * W", needs="weight_decay"),
    Mistake({"along": "g"}, "the gradient in place of the first moment", "g / (np.sqrt(vhat) + eps)",
            "mhat / (np.sqrt(vhat) + eps)", "RMSprop"),
    Mistake({"along": "blend"}, "Nesterov's look-ahead in Adam",
            "(beta1 * m + (1 - beta1) * g) / (...)", "mhat / (...)", "NAdam"),
    Mistake({"maximal": "corrected"}, "AMSGrad's maximum over corrected moments",
            "vmax = max(vmax, vhat)", "vmax = max(vmax, v), corrected afterwards",
            "Reddi et al. leave it open; torch: raw v", needs="amsgrad"),
    Mistake({"maximal": "uncorrected"}, "AMSGrad's maximum is not bias corrected",
            "np.sqrt(vmax)", "np.sqrt(vmax / (1 - beta2**t))", "Reddi et al., algorithm 2",
            needs="amsgrad"),
    Mistake({"maximal": "minimum"}, "AMSGrad's maximum is a minimum", "vmax = min(vmax, v)",
            "vmax = max(vmax, v)", needs="amsgrad"),
    Mistake({"maximal": "stale"}, "divided by the root of the old second moment",
            "np.sqrt(v_old) + eps", "np.sqrt(v) + eps, v of this step"),
    Mistake({"along": "old m"}, "the step is made with the old first moment", "m_old / (...)",
            "m / (...), m of this step"),
    Mistake({"along": "old m", "maximal": "stale"}, "the step is made with the old moments, updated after it",
            "m_old / (np.sqrt(v_old) + eps)", "m / (np.sqrt(v) + eps), both of this step"),
    Mistake({"maximal": "into v"}, "AMSGrad's maximum is stored as v", "v = max(v, ...)",
            "vmax = max(vmax, v), v apart", needs="amsgrad"),
    Mistake({"kept": "hats"}, "both corrected moments are stored", "m = mhat; v = vhat",
            f"{FIRST}; {SECOND}", "mhat and vhat under the names of m and v"),
    *(Mistake({"squared": form}, f"one number for the whole array: {text}",
              f"v = beta2 * v + (1 - beta2) * {text}", SECOND, apart=True) for form, text in POOLED.items()),
    Mistake({"first": "of squares"}, "the gradient is squared in place before m is formed",
            "g **= 2; m = beta1 * m + (1 - beta1) * g", FIRST),
    Mistake({"kept": "one"}, "one array holds both moments, the second made of the first",
            "s = beta1 * s + (1 - beta1) * g; s = beta2 * s + (1 - beta2) * g**2", f"{FIRST}; {SECOND}",
            "one dictionary for both, by the parameter's name"),
    Mistake({"kept": "mhat"}, "the corrected first moment is stored",
            "m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)", FIRST,
            "mhat under the name of m"),
    Mistake({"epsilon": "hat whole"}, "epsilon added before a correction that is not rooted",
            "(np.sqrt(v) + eps) / (1 - beta2**t)", RIGHT),
    *(Mistake({"epsilon": f"inside {x:g}"}, f"epsilon inside the square root, and {x:g}",
              f"np.sqrt(vhat + {x:g})", RIGHT) for x in OTHERS),
    Mistake({"maximal": "forgotten"}, "AMSGrad's maximum forgets the steps before", "vmax = v",
            "vmax = max(vmax, v)", same_as="amsgrad=False", needs="amsgrad"),
    Mistake({"maximal": "unused"}, "AMSGrad's maximum is kept but not used", "np.sqrt(v)",
            "np.sqrt(vmax)", same_as="amsgrad=False", needs="amsgrad"),
)  # fmt: skip
