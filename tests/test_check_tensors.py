"""Candidates written with torch: modules, autograd functions, optimisers, schedulers, functions of tensors."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from compare.checking.activations import examine_activation
from compare.checking.losses import examine_loss
from compare.checking.rules import examine_rule
from compare.checking.schedules import examine_schedule

F = torch.nn.functional


class Leaky(torch.nn.Module):
    def __init__(self, negative_slope=0.01):
        super().__init__()
        self.slope = negative_slope

    def forward(self, z):
        return torch.where(z > 0, z, self.slope * z)


class ReluFromZero(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        ctx.save_for_backward(z)
        return z.clamp(min=0)

    @staticmethod
    def backward(ctx, d):
        return d * (ctx.saved_tensors[0] >= 0)


class Sloped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z, slope=0.01):
        ctx.save_for_backward(z)
        ctx.slope = slope
        return torch.where(z > 0, z, slope * z)

    @staticmethod
    def backward(ctx, d):
        return torch.where(ctx.saved_tensors[0] > 0, d, ctx.slope * d), None


def with_backward(z):
    return torch.tanh(z), lambda d: d * (1 - torch.tanh(z) ** 2)


class Forward:
    def forward(self, z):
        return torch.relu(z)


ACTIVATIONS = {
    "an autograd function with an option": (Sloped, "leaky_relu(negative_slope=0.2)"),
    "what it applies": (Sloped.apply, "leaky_relu(negative_slope=0.2)"),
    "a value with its backward": (with_backward, "tanh"),
    "forward alone": (Forward(), "relu"),
    "a function": (torch.sigmoid, "sigmoid"),
    "a class": (torch.nn.GELU, "gelu"),
    "an object that writes in place": (torch.nn.ReLU(inplace=True), "relu"),
    "options": (Leaky, "leaky_relu(negative_slope=0.2)"),
    "one example a row": (lambda z: z.softmax(dim=1), "softmax"),
    "methods": (lambda z: z * z.sigmoid(), "silu"),
    "a derivative of one's own": ((torch.tanh, lambda a: 1 - torch.square(a)), "tanh"),
    "a gradient of one's own": ((torch.tanh, lambda da, z: da / torch.cosh(z) ** 2), "tanh"),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("form", ACTIVATIONS)
def test_activations_of_tensors_are_judged_with_their_gradient(form, dtype):
    function, like = ACTIVATIONS[form]
    verdict = examine_activation(function, like, dtype=dtype)
    assert verdict.right, str(verdict)
    assert verdict.shown == ("A1", "dZ1")


def test_an_autograd_functions_own_backward_is_judged():
    verdict = examine_activation(ReluFromZero, "relu")
    assert verdict.divergence.origin == "dZ1"
    assert verdict.diagnosis.names == ("relu: derivative 1 at exactly zero",)


def test_a_wrong_module_is_named():
    verdict = examine_activation(lambda z: 0.5 * z * (1 + torch.erf(z)), "gelu")
    assert "sqrt(2) left out" in verdict.diagnosis.names[0]


class Layer:
    def forward(self, z):
        self.z = z
        return torch.relu(z)

    def backward(self, d):
        return torch.where(self.z >= 0, d, torch.zeros_like(d))


def test_an_objects_own_backward_on_tensors_is_judged():
    verdict = examine_activation(Layer, "relu")
    assert verdict.diagnosis.names == ("relu: derivative 1 at exactly zero",)


class OwnBackward(torch.nn.Module):
    def forward(self, z):
        return torch.relu(z)

    def backward(self, d):
        return 17 * d


class Operators(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z):
        return z * (z > 0)

    @staticmethod
    def backward(ctx, d):
        return 17 * d


@pytest.mark.parametrize("function", [OwnBackward, OwnBackward(), Operators])
def test_a_backward_of_ones_own_does_not_pass_unjudged(function):
    assert examine_activation(function, "relu").divergence.origin == "dZ1"


def test_what_a_module_raises_is_told():
    verdict = examine_activation(torch.nn.Linear(11, 2), "relu")
    assert "shapes cannot be multiplied" in verdict.error


def test_what_overflows_on_arrays_is_no_warning():
    verdict = examine_activation(lambda z: np.maximum(z, 0) + 0 / (1 + np.exp(9000 * z)), "relu")
    assert verdict.right


def test_a_module_of_single_precision_is_judged_in_the_type_asked_for():
    slope = torch.nn.PReLU(init=0.25)
    assert examine_activation(slope, "leaky_relu(negative_slope=0.25)").right
    assert slope.weight.dtype == torch.float32


class SquaredError:
    def forward(self, a, y):
        self.r = a - y
        return torch.mean(self.r**2)

    def backward(self):
        return 2 * self.r / self.r.numel()


class TargetsFirst(torch.autograd.Function):
    @staticmethod
    def forward(ctx, y_true, y_pred):
        ctx.save_for_backward(y_true, y_pred)
        return ((y_pred - y_true) ** 2).mean()

    @staticmethod
    def backward(ctx, d):
        y, a = ctx.saved_tensors
        return None, d * 2 * (a - y) / a.numel()


class Unmultiplied(TargetsFirst):
    @staticmethod
    def backward(ctx, d):
        y, a = ctx.saved_tensors
        return None, 2 * (a - y) / a.numel()


def test_a_backward_that_ignores_its_upstream_gradient_is_wrong():
    verdict = examine_loss(Unmultiplied, "mse")
    assert verdict.case == "an upstream gradient of 2, and what comes back halved"
    assert any("has to multiply by what it is given" in note for note in verdict.notes)


def test_arrays_that_a_function_of_tensors_returns_are_in_rows_too():
    verdict = examine_activation(lambda z: z.softmax(1).numpy(), "softmax")
    assert verdict.right, str(verdict)
    assert verdict.shown == ("A1",)


LOSSES = {
    "an autograd function": (TargetsFirst, "mse"),
    "a class": (torch.nn.MSELoss, "mse"),
    "a function": (F.binary_cross_entropy, "bce"),
    "targets first": (lambda y_true, y_pred: torch.mean((y_pred - y_true) ** 2), "mse"),
    "with logits": (F.binary_cross_entropy_with_logits, "bce_with_logits"),
    "classes": (F.cross_entropy, "cross_entropy"),
    "indices": (lambda a, y: F.cross_entropy(a, y.argmax(1)), "cross_entropy"),
    "class indices": (lambda a, y: F.nll_loss(a.log_softmax(1), y), "cross_entropy"),
    "methods": (SquaredError, "mse"),
}


@pytest.mark.parametrize("form", LOSSES)
def test_losses_of_tensors_are_judged_with_their_gradient(form):
    verdict = examine_loss(*LOSSES[form])
    assert verdict.right, str(verdict)
    assert verdict.shown == ("loss", "dA1")


def test_logits_of_exactly_0_are_tried():
    verdict = examine_loss(
        lambda z, y: (F.relu(z) - z * y + F.softplus(-z.abs())).mean(), "bce_with_logits"
    )
    assert verdict.divergence.origin == "dA1"
    assert verdict.case == "logits of exactly 0"


def test_a_loss_without_its_graph_shows_its_value_alone():
    verdict = examine_loss(lambda a, y: torch.mean((a - y) ** 2).item(), "mse")
    assert verdict.right
    assert verdict.shown == ("loss",)


def test_a_sum_in_place_of_a_mean_is_named():
    verdict = examine_loss(torch.nn.MSELoss(reduction="sum"), "mse")
    assert verdict.diagnosis.names == ("loss times m n_y",)


@pytest.mark.parametrize("name", ["Adam", "SGD", "RMSprop", "Adagrad"])
def test_the_optimisers_of_torch_are_right(name):
    verdict = examine_rule(getattr(torch.optim, name), name.lower())
    assert verdict.right, str(verdict)


def test_an_optimiser_may_have_its_options_already():
    verdict = examine_rule(partial(torch.optim.SGD, momentum=0.9), "sgd momentum=0.9")
    assert verdict.right, str(verdict)


def test_a_loss_that_is_not_reduced_is_told_so():
    verdict = examine_loss(torch.nn.MSELoss(reduction="none"), "mse")
    assert verdict.diagnosis.names == ("the mean over all elements is one number",)


class Averaging(torch.optim.Optimizer):
    def __init__(self, params, lr=0.01, momentum=0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            mu = group["momentum"]
            for p in group["params"]:
                m = self.state[p].get("m", torch.zeros_like(p))
                self.state[p]["m"] = mu * m + (1 - mu) * p.grad
                p.add_(self.state[p]["m"], alpha=-group["lr"])


class Shrinking(torch.optim.SGD):
    def step(self, closure=None):
        super().step()
        for group in self.param_groups:
            group["lr"] *= 0.5


def test_a_rate_that_an_optimiser_changes_itself_is_not_put_back():
    assert not examine_rule(Shrinking, "sgd").right


class Stumbling(torch.optim.SGD):
    def step(self, closure=None):
        self.param_groups[0]["learn"]


def test_what_an_optimiser_raises_is_told():
    assert "KeyError: 'learn'" in examine_rule(Stumbling, "sgd").error


def test_an_optimiser_of_ones_own_is_named():
    verdict = examine_rule(Averaging, "sgd momentum=0.9")
    assert "momentum as a moving average" in verdict.diagnosis.names


class Plain:
    """An optimiser of torch's style that is none of its classes."""

    def __init__(self, parameters, lr, momentum=0.0):
        self.parameters, self.lr, self.momentum = parameters, lr, momentum
        self.m = [torch.zeros_like(p) for p in parameters]

    def step(self):
        for m, p in zip(self.m, self.parameters, strict=True):
            m.mul_(self.momentum).add_(p.grad)
            p.data -= self.lr * m


class Dampened(Plain):
    def step(self):
        for m, p in zip(self.m, self.parameters, strict=True):
            m.mul_(self.momentum).add_(p.grad, alpha=1 - self.momentum)
            p.data -= self.lr * m


class Keeping(Plain):
    def step(self):
        for k, p in enumerate(self.parameters):
            m = self.m[k]
            self.m[k] = p.grad if not m.any() else m.mul_(self.momentum).add_(p.grad)
            p.data -= self.lr * self.m[k]


def test_an_optimiser_may_be_like_those_of_torch():
    verdict = examine_rule(Plain, "sgd momentum=0.9")
    assert verdict.right, str(verdict)
    assert not [note for note in verdict.notes if "lr cannot be changed" in note or "keeps" in note]
    wrong = examine_rule(Dampened, "sgd momentum=0.9")
    assert "momentum as a moving average" in wrong.diagnosis.names


def keeping(p, g, slots, lr, momentum=0.9):
    m = momentum * slots["m"] + g if slots else g
    return p - lr * m, {"m": m}


@pytest.mark.parametrize("rule", [Keeping, keeping])
def test_a_state_that_is_the_gradient_itself_is_told(rule):
    verdict = examine_rule(rule, "sgd momentum=0.9")
    assert verdict.right, str(verdict)
    assert any("it keeps the array of a gradient" in note for note in verdict.notes)


def test_an_optimiser_that_has_its_parameters_is_refused():
    with pytest.raises(ValueError, match="hand over the class Adam"):
        examine_rule(torch.optim.Adam([torch.zeros(2)]), "adam")


def test_a_rule_of_tensors_shows_its_state():
    def rule(p, g, slots, lr, momentum=0.9):
        m = torch.add(g, slots["m"], alpha=momentum) if slots else g.clone()
        return torch.add(p, m, alpha=-lr), {"m": m}

    verdict = examine_rule(rule, "sgd momentum=0.9")
    assert verdict.right, str(verdict)
    assert set(verdict.shown) == {"m.W1", "m.b1", "W1", "b1"}


SCHEDULERS = {
    "StepLR": "step_decay(step_size=10)",
    "CosineAnnealingLR": "cosine(T_max=50)",
    "LinearLR": "linear_warmup",
    "OneCycleLR": "one_cycle(total_steps=60)",
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_schedulers_of_torch_are_right(name):
    assert examine_schedule(getattr(lr_scheduler, name), SCHEDULERS[name]).right


class Early(lr_scheduler.LRScheduler):
    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        return [lr * self.gamma ** (self.last_epoch + 1) for lr in self.base_lrs]


def test_a_scheduler_of_ones_own_is_named():
    verdict = examine_schedule(Early, "exponential(gamma=0.9)")
    assert "the schedule is 1 step early" in verdict.diagnosis.names


def falling(optimizer):
    return lr_scheduler.LambdaLR(optimizer, lambda k: 0.9**k)


class Plainly:
    def __init__(self, optimizer, gamma):
        self.groups, self.gamma = optimizer.param_groups, gamma

    def step(self):
        for group in self.groups:
            group["lr"] *= self.gamma


STEPPED = partial(lr_scheduler.ExponentialLR, gamma=0.9)


@pytest.mark.parametrize("made", [falling, Plainly, STEPPED])
def test_a_schedule_may_be_whatever_makes_a_scheduler(made):
    verdict = examine_schedule(made, "exponential(gamma=0.9)")
    assert verdict.right, str(verdict)


def test_a_scheduler_that_has_its_optimiser_is_refused():
    made = STEPPED(torch.optim.SGD([torch.zeros(2)], lr=0.1))
    with pytest.raises(ValueError, match="it is a scheduler that has its optimiser already"):
        examine_schedule(made, "exponential(gamma=0.9)")


class OwnRate(torch.optim.Optimizer):
    """It steps by a rate of its own, which no scheduler changes."""

    def __init__(self, params, lr=0.01):
        super().__init__(params, {"lr": lr})
        self.lr = lr

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p -= self.lr * p.grad


def test_a_rate_that_no_scheduler_reaches_is_not_called_one_that_falls():
    verdict = examine_rule(OwnRate, "sgd")
    assert any("lr cannot be changed" in note for note in verdict.notes)


class FirstGroup(torch.optim.SGD):
    def step(self, closure=None):
        groups, self.param_groups = self.param_groups, self.param_groups[:1]
        super().step()
        self.param_groups = groups


def test_every_group_is_stepped():
    assert "b1 is not updated" in examine_rule(FirstGroup, "sgd").diagnosis.names


class Clearing(Keeping):
    """Its zero_grad writes zeros into the array that it keeps as its momentum."""

    def zero_grad(self):
        for p in self.parameters:
            if p.grad is not None:
                p.grad.zero_()


def test_gradients_are_set_to_zero_as_the_optimiser_does():
    assert not examine_rule(Clearing, "sgd momentum=0.9").right
    assert examine_rule(Plain, "sgd momentum=0.9").right


class UnderNoGrad:
    """As d2l has it: called where no gradient is recorded."""

    def __init__(self, params, lr):
        self.params, self.lr = params, lr

    def step(self):
        for p in self.params:
            p -= self.lr * p.grad


def made(params, lr):
    return UnderNoGrad(params, lr)


@pytest.mark.parametrize("rule", [UnderNoGrad, made])
def test_an_optimiser_may_need_no_grad_or_be_made_by_a_function(rule):
    verdict = examine_rule(rule, "sgd")
    assert verdict.right, str(verdict)
    assert not verdict.notes


class Squared(Unmultiplied):
    @staticmethod
    def forward(ctx, y_true, y_pred):
        ctx.save_for_backward(y_true, y_pred)
        return torch.mean(torch.square(y_pred - y_true))


@pytest.mark.parametrize("loss", [lambda y_true, y: Squared.apply(y_true, y), Unmultiplied.apply])
def test_an_autograd_function_within_another_function_is_tried_as_well(loss):
    assert examine_loss(loss, "mse").divergence.origin == "dA1"


class Based:
    def __init__(self, optimizer, lr, gamma):
        self.optimizer, self.lr, self.gamma = optimizer, lr, gamma

    def step(self):
        self.lr *= self.gamma
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr


def test_a_scheduler_may_be_told_the_rate():
    assert examine_schedule(Based, "exponential(gamma=0.9)").right
