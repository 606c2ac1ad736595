r"""Reading `like`: what a candidate is meant to be, in a few words such as "two-layer relu mse sgd lr=0.1"."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import compare.formulas.activations
import compare.formulas.losses
import compare.formulas.optimizers
import manual.schedules
from compare.checking.refusals import SETTINGS, check_function, check_setting, check_step
from compare.configuration import Configuration, output_of, parse
from compare.options import meant, split, value

LAYERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def names(module: ModuleType) -> list[str]:
    """Return the names of the activations, losses or rules that formulas are stated for."""
    offered = getattr(module, "__all__", None)
    if offered is not None:
        return list(offered)
    return [n.removesuffix("_gradient") for n in vars(module) if n.endswith("_gradient")]


ACTIVATIONS = names(compare.formulas.activations)
LOSSES = names(compare.formulas.losses)
RULES = names(compare.formulas.optimizers)
SCHEDULES = [
    n for n in manual.schedules.__all__ if n != "reduce_on_plateau"
]  # it looks at the loss
INITIALIZERS = ["kaiming_normal", "kaiming_uniform", "xavier_normal", "xavier_uniform"]
KINDS = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "rule": RULES,
    "schedule": SCHEDULES,
    "initializer": INITIALIZERS,
}


def kind_of(like: str) -> str:
    """Return what `like` asks for: "activation", "loss", "rule", "schedule", "initializer" or "step".

    >>> kind_of("adam"), kind_of("two-layer relu mse sgd")
    ('rule', 'step')
    """
    plain = [w.split("(")[0] for w in words(like) if "=" not in w or "(" in w]
    if len(plain) == 1:
        for kind, known in KINDS.items():
            if plain[0] in known:
                return kind
        refuse(plain[0])
    return "step"


def words(text: str) -> list[str]:
    """Return the words; a bracket keeps its words together."""
    return [word for word in split(" ".join(text.split()), " ") if word]


def refuse(word: str) -> None:
    known = [*ACTIVATIONS, *LOSSES, *RULES, *SCHEDULES, *INITIALIZERS]
    same = [name for name in known if sorted(name) == sorted(word)]  # letters in another order
    near = next(iter(same), "") or meant(word.split("(")[0], known)
    hint = f"did you mean {near}? " if near else ""
    raise ValueError(
        f"cannot read {word!r} in --like; {hint}write one activation, loss, optimiser, schedule or initialiser, or a step "
        'such as "two-layer relu mse sgd lr=0.1"'
    )


def single(like: str) -> tuple[str, dict[str, Any]]:
    """Return the one function that `like` names, and its options.

    >>> single("adam lr=0.1")
    ('adam', {'lr': 0.1})
    """
    name, options = "", {}
    for word in words(like):
        if "=" in word and "(" not in word.split("=")[0]:
            option, _, text = word.partition("=")
            options[option] = value(option, text)
        else:
            name, given = parse(word)
            options |= given
    for what, known in KINDS.items():
        if name in known and what not in ("schedule", "initializer"):
            check_function(what, name, options)
    return name, options


def configuration(like: str) -> Configuration:
    """Return the training step that `like` describes; what it does not say is as in PyTorch.

    >>> configuration("two-layer relu mse sgd lr=0.1").activations
    ('relu', 'identity')
    """
    depth, activations, loss, rule = 0, [], "", ""
    options: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for word in words(like):
        if "=" in word and "(" not in word.split("=")[0]:
            option, _, text = word.partition("=")
            if option in SPARED:
                extra[option] = spared(option, text)
            else:
                place(option, value(option, text), options, extra)
            continue
        if word.endswith(("-layer", "-layers")):
            depth = layers(word)
            continue
        if word in ("batch-norm", "batchnorm", "batch_norm"):
            extra["batch_norm"] = extra.get("batch_norm") or {}
            continue
        name, _ = parse(word)
        if name in ACTIVATIONS:
            activations.append(word)
        elif name in LOSSES:
            loss = word
        elif name in RULES:
            rule = name
            options |= parse(word)[1]
        else:
            refuse(word)
    if not loss or not rule:
        raise ValueError(
            f"--like {like!r} names no {'loss' if not loss else 'optimiser'}; "
            'write for example "two-layer relu mse sgd lr=0.1"'
        )
    if loss == "cross_entropy" and activations and activations[-1] == "softmax":
        loss = "cross_entropy_on_probabilities"
    named = shaped(activations, depth, output_of(loss))
    for name in extra.get("frozen", ()):
        if not 1 <= int(re.sub(r"\D", "", name)) <= len(named):
            raise ValueError(f"frozen names {name!r}, but the net has {len(named)} layers")
    c = Configuration(named, loss, rule, options, **extra)
    check_step(c)
    return c


def spared(option: str, text: str) -> tuple[str, ...]:
    """Return what `undecayed=b,gamma` or `frozen=W1,b1` names.

    >>> spared("undecayed", "b,gamma")
    ('b', 'gamma')
    """
    what, example = SPARED[option]
    names = tuple(text.split(","))
    for name in names:
        if not re.fullmatch(what, name):
            raise ValueError(f"{option} got {name!r}; write {example}")
    return names


PARAMETERS = "W|b|gamma|beta"
SPARED = {
    "undecayed": (
        PARAMETERS,
        "the kinds of parameters without weight decay, such as undecayed=b,gamma,beta",
    ),
    "frozen": (f"({PARAMETERS})[0-9]+", "the parameters that do not train, such as frozen=W1,b1"),
}


def place(option: str, given: Any, options: dict[str, Any], extra: dict[str, Any]) -> None:
    """Put an option where it belongs: the rule's, or the step's."""
    if option in SETTINGS or option.startswith("bn_"):
        check_setting(option, given)
    if option in ("clip", "clip_norm"):
        extra["clip"] = {"norm": float(given)}
    elif option == "clip_value":
        extra["clip"] = {"value": float(given)}
    elif option in ("dropout", "accumulate"):
        extra[option] = given
    elif option.startswith("bn_"):
        extra["batch_norm"] = {**(extra.get("batch_norm") or {}), option.removeprefix("bn_"): given}
    else:
        options[option] = given


def layers(word: str) -> int:
    text = word.split("-")[0]
    depth = LAYERS.get(text) or (int(text) if text.isdigit() else 0)
    if not 1 <= depth <= 50:
        raise ValueError(f"cannot read {word!r}; write two-layer, 3-layer, ...")
    return depth


def shaped(activations: list[str], depth: int, output: str) -> tuple[str, ...]:
    """Return one activation a layer: one named is the hidden layers'; as many as layers are all of them."""
    depth = depth or max(len(activations), 1) + (len(activations) < 2)
    if len(activations) == depth:
        return tuple(activations)
    if len(activations) == depth - 1:
        return (*activations, output)
    if len(activations) == 1:
        return (*activations * (depth - 1), output)
    raise ValueError(
        f"{len(activations)} activations for {depth} layers; name one for all hidden layers, or one each"
    )
