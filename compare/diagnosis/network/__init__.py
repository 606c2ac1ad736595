r"""Mistakes of the net itself, by what the failing entry is: each family a table of wrong forms beside the right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from compare.diagnosis.network.accumulation import accumulations, timings, unzeroed
from compare.diagnosis.network.activations import activations
from compare.diagnosis.network.clipping import clippings
from compare.diagnosis.network.derivatives import derivatives
from compare.diagnosis.network.dropout import dropouts
from compare.diagnosis.network.epochs import epoch_losses
from compare.diagnosis.network.evaluation import evaluated_losses, evaluations
from compare.diagnosis.network.gradients import bias_gradients, passed_back, weight_gradients
from compare.diagnosis.network.linear import linear
from compare.diagnosis.network.loss_gradients import loss_gradients
from compare.diagnosis.network.losses import loss_values
from compare.diagnosis.network.normalization import normalizations
from compare.diagnosis.network.normalization_gradient import normalization_gradients
from compare.diagnosis.network.penalties import averaged_losses, penalised_losses
from compare.diagnosis.network.weights import other_weights
from compare.diagnosis.scene import Scene
from compare.diagnosis.variant import Variant

__all__ = ["mistakes", "other_weights"]
Family = Callable[[Scene], Iterator[Variant]]
FAMILIES: Mapping[str, tuple[Family, ...]] = {
    "Z": (linear,),
    "A": (activations, dropouts, normalizations),
    "D": (dropouts,),
    "loss": (loss_values, penalised_losses, averaged_losses),
    "dA": (loss_gradients, passed_back, dropouts),
    "dD": (passed_back,),
    "dZ": (derivatives, dropouts, normalization_gradients),
    "dN": (derivatives, dropouts),
    "dgamma": (normalization_gradients,),
    "dbeta": (normalization_gradients,),
    "db": (bias_gradients,),
    "dW": (weight_gradients,),
    "a": (accumulations,),
    "g": (clippings, unzeroed),
    "norm": (clippings, unzeroed),
    "epochloss": (epoch_losses,),
    "evalloss": (evaluated_losses, penalised_losses, evaluations),
} | dict.fromkeys(("evalZ", "evalN", "evalA"), (evaluations,)) | dict.fromkeys(("mu", "var", "xhat", "N", "running_mean", "running_var", "batches"), (normalizations,))  # fmt: skip


def mistakes(scene: Scene) -> Iterator[Variant]:
    """Yield the mistakes that an entry of this kind can have."""
    if scene.slots:
        yield from (*clippings(scene), *timings(scene), *unzeroed(scene)) if unclear(scene) else ()
        return
    for family in FAMILIES.get(scene.kind, ()):
        yield from family(scene)


def unclear(scene: Scene) -> bool:
    """Tell whether the gradient that the rule was given is not shown: it may have been clipped."""
    shown = scene.last
    name = scene.entry.split(".")[-1]
    return f"g.{name}" not in shown.trace and name not in shown.formulas.frozen
