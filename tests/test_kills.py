"""Mistakes planted in a right program are caught at their formula and called by their names.

A sample of every bed; `parity selftest --faults` plants them all.
"""

import pytest

import compare.selftest.kills as kills_module
from compare.configuration import Configuration
from compare.selftest import matrix
from compare.selftest.beds import Bed, beds
from compare.selftest.kills import RULE, Kill, kills

BEDS = list(beds())
EVERY = 17
ADAM = Bed(Configuration(("tanh", "identity"), "mse", "adam", {"lr": 0.05, "eps": 1e-3}), (RULE,))


@pytest.mark.parametrize(
    "bed", BEDS, ids=[f"{', '.join(b.kinds)} of {b.configuration.title}" for b in BEDS]
)
def test_planted_mistakes_are_caught_at_their_formula_and_named(bed):
    found = kills(bed, every=EVERY)
    assert found
    assert matrix.failures(found) == []


def test_every_rule_activation_and_loss_has_a_bed_of_its_own():
    import manual.activations
    import manual.losses
    import manual.optimizers

    nets = [b.configuration for b in BEDS]
    assert {c.activations[0].split("(")[0] for c in nets} >= set(manual.activations.__all__)
    assert {c.loss for c in nets} == set(manual.losses.__all__)
    assert {c.optimizer for c in nets} >= set(manual.optimizers.__all__) - {"momentum"}


def test_a_verifier_that_sees_nothing_is_found_out(monkeypatch):
    monkeypatch.setattr(kills_module, "examine", lambda verdict, *rest, **case: verdict)
    found = kills(ADAM, every=EVERY)
    assert "missed" in {k.outcome for k in found}
    assert matrix.failures(found)


@pytest.mark.parametrize(
    ("names", "outcome"),
    [
        ((), "unexplained"),
        (("another",), "misnamed"),
        (("another", "this"), "in the set"),
        (("this",), "named"),
    ],
    ids=lambda x: str(x),
)
def test_a_name_counts_only_if_it_is_the_mistakes_own(names, outcome):
    assert kills_module.called("this", names) == outcome


def test_the_matrix_counts_what_it_is_given():
    fates = ["named", "in the set", "misnamed", "elsewhere", "missed", "shows nothing"]
    found = [Kill("a net", "dW1", "a mistake", "a trial", fate) for fate in fates]
    assert list(matrix.lines(found))[-1] == ("all", "5", "4", "3", "1", "1", "1")
    assert len(matrix.failures(found)) == 3
