"""What a review of `parity check` found: programs that are right, and input that cannot be judged."""

import numpy as np
import pytest

from compare.checking import check_activation, check_rule, check_step, check_training
from compare.checking.activations import examine_activation
from compare.checking.likeness import configuration, single
from compare.checking.rules import examine_rule
from compare.checking.steps import examine_step
from compare.commands.check import check_recordings
from compare.configuration import Configuration
from compare.divergence import Divergence
from compare.recording import About, findings, record
from compare.verification import Batch, verify
from manual import optimizers, training


class Smoothed:
    """RMSprop whose smoothing is called beta."""

    def __init__(self, lr=0.01, beta=0.99, eps=1e-8):
        self.lr, self.beta, self.eps, self.v = lr, beta, eps, {}

    def step(self, params, grads):
        for n, g in grads.items():
            self.v[n] = self.beta * self.v.get(n, 0.0) + (1.0 - self.beta) * g * g
            params[n] -= self.lr * g / (np.sqrt(self.v[n]) + self.eps)


class Rebound:
    """SGD that holds a list of its parameters, and binds each anew."""

    keep = staticmethod(lambda params: params)

    def __init__(self, params, lr):
        self.parameters, self.lr = self.keep(params), lr

    def step(self, grads):
        for i, g in enumerate(grads):
            self.parameters[i] = self.parameters[i] - self.lr * g


class Copied(Rebound):
    keep = staticmethod(list)


def test_the_beta_of_rmsprop_is_no_momentum():
    assert "alpha is passed as beta" in check_rule(Smoothed, "rmsprop").notes


@pytest.mark.parametrize("rule", [Rebound, Copied])
def test_parameters_that_an_object_binds_anew_are_read_back_from_it(rule):
    assert check_rule(rule, "sgd").right


def test_parameters_bound_anew_to_something_wrong_are_wrong():
    class Twice(Rebound):
        def step(self, grads):
            super().step([2.0 * g for g in grads])

    with pytest.raises(AssertionError, match="W1"):
        check_rule(Twice, "sgd")


def test_a_complex_entry_is_refused_not_cut_to_its_real_part():
    def relu(z):
        return np.maximum(z, 0) + 5j, lambda da: da * (z > 0)

    with pytest.raises(ValueError, match="A1 is complex; expected real numbers"):
        check_activation(relu, "relu")


def test_inputs_given_back_are_nothing_to_compare():
    X, Y = np.ones((2, 3)), np.ones((1, 3))
    like = "two-layer relu mse sgd lr=0.1"
    with pytest.raises(ValueError, match="nothing was compared: it shows X, Y"):
        check_step(lambda state, X, Y: {"X": X, "Y": Y}, like)
    state = {"W1": X[:, :2], "b1": Y.T[:2], "W2": X[:1, :2], "b2": Y[:, :1]}
    with pytest.raises(ValueError, match="nothing was compared: it shows X, Y"):
        check_training([{"X": X, "Y": Y}], like, state, [Batch(X, Y)])


LIKES = {
    "two-layer relu mse sgd clip=none": "clip is None; expected a number above 0",
    "two-layer relu mse sgd clip=-1": "clip is -1; expected a number above 0",
    "two-layer relu mse sgd dropout=2": "dropout is 2; expected a number p, 0 <= p < 1",
    "two-layer relu mse sgd accumulate=0.5": "accumulate is 0.5; expected a whole number, 1 or more",
    "two-layer relu mse sgd bn_foo=1": "batch norm has no option 'bn_foo'",
    "two-layer relu mse sgd lr=(1,2)": "got lr=",
    "two-layer relu mse adam foo=1": "adam has no option 'foo'",
    "two-layer relu mse adam betas=(0.9,1.5)": "a decay rate must be",
}
SINGLES = {
    "adam foo=1": "adam has no option 'foo'",
    "relu foo=1": "relu has no option 'foo'",
    "huber delta=-1": "delta",
    "sgd lr=-1": "lr",
}


@pytest.mark.parametrize("like", LIKES)
def test_a_step_that_cannot_be_meant_is_refused(like):
    with pytest.raises(ValueError, match=LIKES[like].replace("(", "\\(")):
        configuration(like)


@pytest.mark.parametrize("like", SINGLES)
def test_a_function_that_cannot_be_meant_is_refused(like):
    with pytest.raises(ValueError, match=SINGLES[like]):
        single(like)


def test_sizes_and_types_that_no_net_has_are_refused():
    def step(state, X, Y):
        raise AssertionError("it must not be called")

    with pytest.raises(ValueError, match="sizes are 11, 1, 2 numbers; a net of 2 layers has 3"):
        check_step(step, "two-layer relu mse sgd", sizes=(11, 1))
    for check, like in ((check_step, "two-layer relu mse sgd"), (check_rule, "adam")):
        with pytest.raises(ValueError, match="dtype 'float16' is not known"):
            check(step, like, dtype="float16")


def overflowing(path, A1):
    """Record a step whose product overflows, of which A1 is shown so."""
    c = Configuration(("identity", "identity"), "mse", "sgd", {"lr": 0.1})
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    state = {"W1": 1e308 * one, "b1": zero, "W2": one, "b2": zero}
    batch = Batch(np.array([[10.0, 20.0, 30.0]]), np.zeros((1, 3)))
    record(path, lambda *given: {"A1": np.array(A1)}, state, [batch], About(c, "float64", 1))
    return path


def test_a_recording_in_which_nothing_is_finite_is_refused(tmp_path):
    inf = np.inf
    path = overflowing(tmp_path / "blown.safetensors", [[inf, inf, inf]])
    with pytest.raises(ValueError, match="nothing was compared: A1 is not finite on either side"):
        findings(path)


def test_a_recording_is_told_of_in_every_file_that_is_asked_for(tmp_path, capsys):
    path = overflowing(tmp_path / "wrong.safetensors", [[np.inf, -5.0, 17.0]])
    assert check_recordings([str(path)], None, 1, junit_file=tmp_path / "out.xml") == 1
    assert 'failures="1"' in (tmp_path / "out.xml").read_text()
    assert "DIVERGENCE" in capsys.readouterr().out


def test_what_is_finite_of_an_entry_that_overflows_is_judged(tmp_path):
    found = findings(overflowing(tmp_path / "wrong.safetensors", [[np.inf, -5.0, 17.0]]))
    assert found.wrong.origin == "A1"


def test_batches_of_unequal_length_are_refused_tile_by_tile():
    state = {"W1": np.ones((1, 2)), "b1": np.zeros((1, 1))}
    batch = np.ones((2, 256)), np.ones((1, 300))
    with pytest.raises(ValueError, match=r"X is \(2, 256\) but Y is \(1, 300\)"):
        training.train(state, [batch], hidden=[], rule=optimizers.sgd, columns=128, lr=0.1)


def test_what_is_finite_of_an_entry_that_overflows_on_both_sides_is_judged_in_a_run():
    c = Configuration(("identity", "identity"), "mse", "sgd", {"lr": 0.1})
    right = c.by_hand()

    def step(state, X, Y, **options):
        trace = dict(right(state, X, Y, **options))
        trace["Z2"] = np.where(np.arange(3) == 1, -5.0, trace["Z2"])
        return trace

    zero = np.zeros((1, 1))
    state = {"W1": np.full((1, 1), 1e200), "b1": zero, "W2": np.full((1, 1), 1e200), "b2": zero}
    sides = c.by_torch(), c, state, [Batch(np.array([[10.0, 20.0, 30.0]]), np.zeros((1, 3)))]
    assert [s.blown for s in verify(right, *sides)] == ["Z2"]
    with pytest.raises(Divergence, match="formula of Z2"):
        list(verify(step, *sides))


def test_a_training_run_that_cannot_be_read_is_refused():
    like, one = "two-layer relu mse sgd lr=0.1", np.ones((1, 1))
    state = {"W1": one, "b1": one, "W2": one, "b2": one}
    with pytest.raises(ValueError, match=r"batch 1 is a tuple; expected Batch\(X, Y\)"):
        check_training([{"Z1": one}], like, state, [(one, one)])
    with pytest.raises(ValueError, match="step 1 of the run is a list; expected a mapping"):
        check_training([[one]], like, state, [Batch(one, one)])
    with pytest.raises(ValueError, match="the run made 0 steps, fewer"):
        check_training([], like, state, [Batch(one, one)])
    with pytest.raises(ValueError, match="initial has no W2; this net has W1, W2"):
        check_training([], like, {"W1": one, "b1": one}, [Batch(one, one)])


class Downhill:
    """SGD with momentum as Keras has it: other than torch's once the learning rate changes."""

    def __init__(self, lr=0.01, momentum=0.9):
        self.learning_rate, self.momentum, self.v = lr, momentum, {}

    def step(self, params, grads):
        for n, g in grads.items():
            self.v[n] = self.momentum * self.v.get(n, 0.0) - self.learning_rate * g
            params[n] += self.v[n]


class Bound(Downhill):
    """The same with torch's formula, and a learning rate that cannot be changed from outside."""

    def __init__(self, lr=0.01, momentum=0.9):
        self.momentum, self.v = momentum, {}
        self.rate = lambda: lr

    def step(self, params, grads):
        for n, g in grads.items():
            self.v[n] = self.momentum * self.v.get(n, 0.0) + g
            params[n] -= self.rate() * self.v[n]


def test_the_learning_rate_of_an_object_falls_where_it_reads_it_at_each_step():
    verdict = examine_rule(Downhill, "sgd momentum=0.9")
    assert "a falling learning rate" in verdict.case
    assert (
        "the velocity is the step itself, learning rate and sign inside" in verdict.diagnosis.names
    )
    notes = examine_rule(Bound, "sgd momentum=0.9").notes
    assert (
        "lr cannot be changed from step to step here, so that a falling one was not tried" in notes
    )


def test_softplus_is_tried_between_its_threshold_and_where_it_is_linear_anyway():
    def late(z):
        return np.where(z > 20.0, z, np.log1p(np.exp(np.minimum(2.0 * z, 40.0))) / 2.0)

    for seed in range(4):
        assert not examine_activation(late, "softplus(beta=2)", seed=seed).right


def test_parameters_under_other_names_are_asked_about_and_their_lack_is_in_the_headline():
    step = Configuration(("relu", "identity"), "mse", "sgd", {"lr": 0.1}).by_hand()

    def renamed(state, X, Y, lr):
        trace = step(state, X, Y, lr=lr)
        return {"loss": trace["loss"], "w_hid": trace["W1"], "w_out": trace["W2"]}

    def loss_alone(state, X, Y, lr):
        return {"loss": step(state, X, Y, lr=lr)["loss"]}

    like = "two-layer relu mse sgd lr=0.1"
    asked = examine_step(renamed, like).error
    assert "it shows no parameter by its name, but w_hid" in asked
    assert "which are they?" in asked
    assert "the updated W1, b1, W2, b2 among them" in examine_step(loss_alone, like).sentence


def test_a_class_that_has_made_use_of_its_learning_rate_is_not_given_another():
    class Precomputed:
        def __init__(self, lr=0.01, momentum=0.9):
            self.lr, self.step_length, self.momentum, self.v = lr, -lr, momentum, {}

        def step(self, params, grads):
            for n, g in grads.items():
                self.v[n] = self.momentum * self.v.get(n, 0.0) + g
                params[n] += self.step_length * self.v[n]

    class Other(Precomputed):
        def __init__(self, rate=0.01, inertia=0.9):
            super().__init__(rate, inertia)
            self.eta = inertia

        def step(self, params, grads):
            self.momentum = self.eta
            super().step(params, grads)

    assert check_rule(Precomputed, "sgd momentum=0.9").right
    assert check_rule(Other, "sgd momentum=0.9 lr=0.01").right


def test_a_mask_beside_gradients_is_no_parameter():
    step = Configuration(("relu", "identity"), "mse", "sgd", {"lr": 0.1}).by_hand()

    def gradients(state, X, Y, lr):
        t = step(state, X, Y, lr=lr)
        shown = {n: t[n] for n in ("loss", "dW1", "db1", "dW2", "db2")}
        return {**shown, "relu_mask": (t["Z1"] > 0.0) * 1.0, "step_W1": 0.1 * t["dW1"]}

    assert examine_step(gradients, "two-layer relu mse sgd lr=0.1").right
