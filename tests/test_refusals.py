"""`parity run` with every remedy, and with what no run can be made of: one sentence, exit code 2, nothing else."""

import sys

import pytest

from compare.commands import main

SHORT = ("--steps", "4")


def call(capsys, monkeypatch, *words):
    """Run `parity run`; return its exit code, standard output and standard error."""
    monkeypatch.setattr(sys, "argv", ["parity", "run", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return (end.value.code, *capsys.readouterr())


REFUSED = {
    "--dropout 1.0": "dropout is 1.0; expected 0 <= p < 1",
    "--dropout nan": "dropout is nan; expected 0 <= p < 1",
    "--hidden none --dropout 0.1": "dropout acts on hidden layers, and there are none",
    "--batch-size 1 --batch-norm": "batch norm needs at least 2 examples a batch",
    "--batch-size 255 --batch-norm": "of 256 examples batches of 255 leave 1 alone",
    "--no-affine": "there is none; give --batch-norm too",
    "--batch-norm --batch-norm-momentum 2": "expected a number from 0 to 1, or none",
    "--patience 0": "--patience",
    "--schedule exponental(gamma=0.9)": "unknown schedule 'exponental'; did you mean exponential?",
    "--schedule exponential": "schedule exponential needs gamma",
    "--schedule one_cycle(total_steps=3)": "cannot be used: k is 3, total_steps 3",
    "--schedule reduce_on_plateau(factor=2.0)": "factor is 2.0",
    "--lr -0.1": "lr is -0.1: it must be a finite number, 0 or more",
    "--lr nan": "lr=nan; expected a finite number",
    "--set eps=-1": "eps is -1",
    "--set betas=(0.9,1)": "betas[1] is 1.0: a decay rate must be at least 0 and below 1",
    "--set momentum=0.9": "optimizer adam has no option 'momentum'; it has lr, betas, eps",
    "--hidden 16,8 --activation relu,tanh,gelu": "3 activations 'relu,tanh,gelu' for 2 hidden layers",
    "--activation swish": "unknown activation 'swish'; did you mean silu?",
    "--optimizer SGD": "unknown optimizer 'SGD'; did you mean sgd?",
    "--loss MSELoss": "unknown loss 'MSELoss'; did you mean mse?",
    "--optimizer adam --set beta1=0.8": "has no option 'beta1'; did you mean betas?",
    "--activation relo": "unknown activation 'relo'; did you mean relu?",
    "--hidden 8,,4": "cannot read hidden widths '8,,4'",
    "--clip 0": "clipping to 0.0: expected a finite number above 0",
    "--clip 1 --clip-value 1": "clip by norm or by value, not both",
    "--accumulate 5": "4 steps end before the first update, which takes 5 micro-batches",
    "--undecayed b --optimizer adam": "weight decay of adam is 0; give one",
    "--undecayed q --optimizer adamw": "--undecayed names 'q'; this net has W, b",
    "--frozen W9": "--frozen names 'W9'; this net has W1, b1, W2, b2",
    "--frozen W1,b1,W2,b2": "names every parameter of the net: nothing would be trained",
    "--frozen W1,b1,W2,b2 --clip 1": "names every parameter of the net: nothing would be trained",
    "--init normal(std=1e38) --dtype float32": "the first step overflows at once, in Z1",
    "--task multiclass --output softmax --loss cross_entropy": "takes logits, and has the softmax in it",
    "--task binary --output sigmoid --loss bce_with_logits": "after the activation sigmoid take bce",
    "--threshold 5": "makes labels of numbers; this task is regression: use --task binary",
    "--data breast-cancer --threshold 5": "is made of zeros and ones already: leave it out",
    "--level net": "level 'net' is not known; choose formula or step",
    "--level step --precision float16": "is not for --device and --precision; --json is",
    "--batch-norm-momentum 0.3": "there is none; give --batch-norm too",
    f"--optimizer sgd --set momentum=1{'0' * 400}": "expected a finite number",
    "--optimizer sgd --set momentum=0.9 --set momentum=0.5": "option momentum is given twice",
    "--lr 0.1 --lr 0.2": "--lr is given twice; give it once",
    "--hidden 3 --layers=4": "--layers is given twice; give it once",
    "--hidden 10000000000": "not enough memory: ",
    "--precision float32 --witness digits": "--witness is not for --device and --precision",
    "--precision float32 --repro a.npz": "--repro is not for --device and --precision",
    "--init he": "unknown initialisation 'he'",
}


@pytest.mark.parametrize(("words", "sentence"), REFUSED.items(), ids=REFUSED)
def test_what_no_run_can_be_made_of_is_refused_in_one_sentence(
    words, sentence, capsys, monkeypatch
):
    code, out, err = call(capsys, monkeypatch, *SHORT, *words.split())
    assert (code, out) == (2, "")
    assert err.startswith("parity: ")
    assert err.count("\n") == 1
    assert sentence in err


RUNS = {
    "--layers 16,8,4 --activation leaky_relu(negative_slope=0.2),gelu,silu": "16 -> 8 -> 4",
    "--layers 9,5 --activation elu --batch-norm --dropout 0.2 --clip 0.1": "dropout 0.2 | batch norm",
    "--batch-norm --no-affine --batch-norm-momentum none --batch-size 32": "weights and batch order",
    "--data breast-cancer --clip-value 0.01 --schedule cosine(T_max=4)": "clip value 0.01",
    "--data diabetes --dropout 0.9 --batch-size 50 --accumulate 2": "weights, masks and batch order",
    "--task multiclass --activation softplus --optimizer adamw --undecayed b": "cross_entropy",
    "--set betas=(0,0)": "betas=(0.0, 0.0)",
    "--set eps=0": "eps=0",
    "--init sparse(sparsity=0.5)": "sparse",
    "--level step": "numbers; formulas at the first step alone",
}


def test_no_report_is_written_over_the_data(capsys, monkeypatch, tmp_path):
    data = tmp_path / "mine.csv"
    data.write_text("a,y\n1,2\n2,3\n3,5\n4,4\n")
    words = ("--data", str(data), "--target", "y", "--csv", str(data))
    code, _, err = call(capsys, monkeypatch, *SHORT, *words)
    assert code == 2
    assert "mine.csv, which is read; name another file" in " ".join(err.split())
    assert data.read_text().startswith("a,y")


@pytest.mark.parametrize(("words", "told"), RUNS.items(), ids=RUNS)
def test_remedies_are_run_as_they_are_asked_for(words, told, capsys, monkeypatch):
    code, out, err = call(capsys, monkeypatch, *SHORT, *words.split())
    assert (code, err) == (0, "")
    assert out.startswith("PARITY: manual and torch agree in 4 steps, ")
    assert told in " ".join(out.split())
    headline, *rest = out.splitlines()
    assert told.endswith("alone") == (len(headline) > 80)  # in a pipe it stays one line
    assert all(len(line) <= 80 for line in rest)


@pytest.mark.parametrize(
    ("words", "step", "cause"),
    [
        ("--lr 1e30 --optimizer sgd", 2, "learning rate is"),
        ("--lr 1e30 --optimizer sgd --activation identity", 2, "learning rate is"),
        ("--lr 1e30 --optimizer sgd --activation gelu", 2, "learning rate is"),
        ("--lr 1e30 --optimizer sgd --activation identity --level step", 2, "learning rate is"),
        ("--lr 1e308", 0, "learning rate is"),
        ("--init normal(std=1e200)", 0, "initial weights are"),
    ],
)
def test_a_run_that_blows_up_does_so_at_the_same_step_on_both_sides(
    words, step, cause, capsys, monkeypatch
):
    code, out, _ = call(capsys, monkeypatch, *SHORT, *words.split())
    told = " ".join(out.split())
    assert code == 0
    assert told.startswith(f"PARITY until both blew up at the same step: step {step}, first in ")
    assert f"; the {cause} too large" in told
    assert ", 0 arrays" not in told


def test_an_early_stop_is_told(capsys, monkeypatch):
    words = ("--patience", "1", "--lr", "0.9", "--optimizer", "sgd", "--steps", "60")
    code, out, _ = call(capsys, monkeypatch, *words)
    assert code == 0
    assert "both stopped early, after 1 epochs without a better loss" in " ".join(out.split())


def test_a_flag_may_be_given_twice(capsys, monkeypatch):
    assert call(capsys, monkeypatch, *SHORT, "--batch-norm", "--batch-norm")[0] == 0


def test_a_mistake_of_parity_itself_is_no_divergence(capsys, monkeypatch):
    monkeypatch.setattr("compare.preparation.prepare", lambda r: 1 // 0)
    code, out, err = call(capsys, monkeypatch)
    assert (code, out) == (2, "")
    assert "ZeroDivisionError" in err
    assert err.endswith("parity: this is a mistake of parity itself: please report it\n")
