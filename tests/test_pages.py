"""The pages of `parity run --html` and `parity check --html`: whole, small, and right in a real browser."""

import re
from functools import wraps

import browser
import pytest
from typer.testing import CliRunner

import manual.activations
from compare.checking.likeness import configuration
from compare.checking.steps import examine_step
from compare.commands import app
from compare.reports.html import check_page
from compare.reports.html.figures import Curve, drawn

LARGEST = 300_000  # bytes of a page
RUNS = {
    "parity": ("--steps", 40, "--free"),
    "mini-batches of a deep net": ("--hidden", "6,5,4", "--batch-size", 64, "--batch-norm", "--epochs", 6),
    "judged as a whole": ("--steps", 40, "--level", "step"),
    "blown up": ("--optimizer", "sgd", "--lr", 1e6),
    "divergence": ("--steps", 40, "--activation", "tanh"),
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a page of every kind."""
    place = tmp_path_factory.mktemp("pages")
    codes = {}
    for name, options in RUNS.items():
        with pytest.MonkeyPatch.context() as patch:
            if name == "divergence":
                patch.setattr(manual.activations, "tanh", slightly_off(manual.activations.tanh))
            codes[name] = run(place / f"{name}.html", *options)
    assert codes == dict.fromkeys(RUNS, 0) | {"divergence": 1}
    (place / "check.html").write_text(check_page(outcomes(), LIKE, command="parity check a.py"))
    return place


PAGES = [f"{name}.html" for name in (*RUNS, "check")]
LIKE = "two-layer relu mse sgd lr=0.1"


def slightly_off(function):
    calls = []

    @wraps(function)
    def wrong(Z):
        A, backward = function(Z)
        calls.append(1)
        return (A * (1.0 + 1e-9) if len(calls) > 11 else A), backward

    return wrong


def run(page, *options):
    told = CliRunner().invoke(app, ["run", *map(str, options), "--html", str(page)])
    assert told.exception is None or isinstance(told.exception, SystemExit), told.output
    return told.exit_code


def outcomes():
    """Return what is found of a right candidate, a wrong one, and one that cannot be judged."""
    right = configuration(LIKE).by_hand()

    def copied(state, X, Y, lr):
        return right(state, X, Y, lr=lr)

    def doubled(state, X, Y, lr):
        trace = right(state, X, Y, lr=lr)
        return trace | {"dW1": trace["dW1"] * 2.0}

    def broken(state, X, Y, lr):
        raise RuntimeError("<script>alert('mine')</script>")

    steps = {"right.py": copied, "wrong.py": doubled, "<b>broken</b>.py": broken}
    verdicts = [examine_step(step, LIKE, name=name) for name, step in steps.items()]
    return [{"text": str(v), **v.declared()} for v in verdicts]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_complete_in_itself_and_small(folder, page):
    text = (folder / page).read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST
    assert "<script" not in text
    links = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)', text)
    assert all((a or b).startswith(("#", "data:")) for a, b in links)


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("parity.html", "manual and torch agree in 40 steps"),
        ("judged as a whole.html", "formulas at the first step alone"),
        ("blown up.html", "until both blew up at the same step"),
        ("divergence.html", "the formula of A1 is wrong in manual"),
        ("check.html", "1 of 3 candidates"),
    ],
    ids=lambda x: x,
)
def test_a_page_says_the_verdict_first(folder, page, sentence):
    text = re.sub(r"<[^>]*>", " ", (folder / page).read_text(encoding="utf-8").split("<body", 1)[1])
    assert sentence in " ".join(text.split())[:400]


def test_a_page_says_at_which_steps_every_formula_was_judged(folder):
    always, first = (
        (folder / f"{name}.html").read_text(encoding="utf-8")
        for name in ("parity", "judged as a whole")
    )
    doubt = "At the first step, and wherever the two sides are in doubt, every entry is recomputed"
    assert "Every entry is recomputed" in always
    assert "Every entry is recomputed" not in first
    assert doubt in first


def test_a_divergence_is_drawn_where_it_is_and_can_be_made_again(folder):
    text = (folder / "divergence.html").read_text(encoding="utf-8")
    assert "the first wrong formula" in text
    assert "parity run --activation tanh --steps 40" in text
    assert re.search(
        r"step \d+: the formula of A1 is wrong in manual", re.sub(r"<[^>]*>", "", text)
    )


def test_what_a_user_wrote_is_escaped(folder):
    text = (folder / "check.html").read_text(encoding="utf-8")
    assert "<b>broken" not in text
    assert "&lt;b&gt;broken" in text
    assert "&lt;script&gt;" in text


@pytest.mark.parametrize(
    "values",
    [(1.2e-16, 3e-16), (2e-17, 0.0, 9e-16), (1e-16, 1e-16), (0.0, 5e-324), (1.1e307, 1.2e307)],
    ids=["within a decade", "a decade", "constant", "smallest", "largest"],
)
def test_a_logarithmic_axis_always_has_numbers(values):
    svg = drawn("drift", [Curve("a", range(len(values)), values)], logarithmic=True)
    numbers = [t for t in re.findall(r"<text[^>]*>([^<]*)</text>", svg) if t.startswith("1e")]
    assert len(numbers) >= 2


@pytest.mark.skipif(
    browser.CHROMIUM is None, reason="there is no Chromium here to look at pages with"
)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360], ids=["wide", "phone"])
def test_pages_open_in_a_browser(folder, width, dark):
    found, console = browser.look(folder, PAGES, width=width, dark=dark)
    assert console == []
    for page in PAGES:
        seen = found[page]
        assert seen["overflow"] <= 0, page
        assert seen["unlabelled"] == 0, page
        assert seen["headings"][0] == 1, page
        assert all(b - a <= 1 for a, b in zip(seen["headings"], seen["headings"][1:], strict=False))
        assert seen["lang"] == "en"
        assert contrast(seen["ink"], seen["background"]) > 7.0, page
    bright = luminance(found[PAGES[0]]["background"])
    assert bright < 0.1 if dark else bright > 0.9


def luminance(colour):
    parts = [int(x) / 255 for x in re.findall(r"\d+", colour)[:3]]
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
