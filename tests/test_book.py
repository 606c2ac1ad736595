"""The book: everything in it is computed and comes out as it says, and nothing of anybody else's is overwritten."""

import re
from collections import defaultdict

import pytest
from typer.testing import CliRunner

from compare.book import conventions, errata, pages, site, starts, symbols
from compare.book.catalogue import formulas
from compare.book.contents import Book
from compare.book.documentation import documentation
from compare.book.findings import Findings, measured
from compare.book.mistakes import of
from compare.commands import app

FORMULAS = formulas()


@pytest.mark.parametrize("erratum", errata.ERRATA, ids=lambda e: e.name)
def test_each_erratum_comes_out_as_it_says(erratum):
    assert erratum.demonstrate().holds


@pytest.mark.parametrize("shown", [starts.sizes, starts.symmetry])
def test_wrong_initial_weights_look_as_the_text_says(shown):
    assert shown().holds


@pytest.mark.parametrize("table", conventions.tables(), ids=lambda t: t.title)
def test_each_executed_convention_comes_out_as_it_says(table):
    executed = [row for row in table.rows if row.executed]
    assert executed
    assert all(row.holds for row in executed), [r for r in executed if not r.holds]
    assert all(row.source for row in table.rows)
    assert any(row.where == "PyTorch" for row in executed)


MEASURED = [f for f in FORMULAS if f.group in ("activations", "losses", "optimizers")]


@pytest.mark.parametrize("f", MEASURED, ids=lambda f: f.subject)
def test_every_such_formula_is_measured_and_agrees(f):
    rows = measured(f)
    assert {row.dtype for row in rows} == {"float64", "float32"}
    assert all(row.agrees for row in rows)


def test_a_wrong_formula_is_measured_as_one_that_differs(monkeypatch):
    import manual.activations

    right = manual.activations.tanh
    monkeypatch.setattr(
        manual.activations, "tanh", lambda Z: (right(Z)[0] * (1 + 1e-12), right(Z)[1])
    )
    rows = measured(next(f for f in FORMULAS if f.subject == "activations.tanh"))
    assert not all(row.agrees for row in rows)


@pytest.mark.parametrize("f", MEASURED, ids=lambda f: f.subject)
def test_every_such_formula_has_its_mistakes_and_they_show(f):
    found = list(of(f.group, f.name))
    assert found or f.name == "identity"
    assert all(s.looks and s.where and s.right for s in found)


LETTERS = re.compile(
    r"\\(?:alpha|beta|gamma|delta|epsilon|eta|lambda|mu|rho|tau|psi|sigma|varphi|Phi|Delta)(?![a-z])"
)


@pytest.mark.parametrize("f", FORMULAS, ids=lambda f: f.subject)
def test_every_greek_letter_of_a_formula_has_a_meaning(f):
    text = documentation(f.by_hand).maths
    maths = " ".join(a or b for a, b in symbols.MATHS.findall(text))
    known = " ".join(s.latex for s in symbols.symbols(f.group, text))
    arguments = " ".join(documentation(f.by_hand).arguments.values())
    assert [x for x in LETTERS.findall(maths) if x not in known + arguments] == []


MEANT = {
    "initialization.uniform": {"b": "the upper bound"},
    "schedules.reduce_on_plateau": {r"\tau": "the option `threshold`"},
    "schedules.one_cycle": {"s": "the share of the way from one rate to the next"},
    "schedules.cosine": {r"\eta_{min}": "the option `eta_min`"},
    "optimizers.radam": {r"\rho": "the length of the approximated average"},
    "optimizers.adadelta": {r"\rho": "`rho`: how long the mean squares remember"},
    "optimizers.nadam": {"d": r"the denominator $\sqrt{\hat v} + \epsilon$"},
    "activations.gelu_tanh": {"t": r"$\tanh u(z)$"},
    "clipping.clip_by_value": {r"clip\_value": "the limit, `clip_value`", "g": "the gradient of a parameter"},
    "clipping.clip_by_norm": {r"max\_norm": "the limit, `max_norm`", "g_k": "the gradient of the k-th parameter"},
}  # fmt: skip


@pytest.mark.parametrize("subject", MEANT)
def test_a_symbol_means_what_it_does_in_its_formula(subject):
    f = next(f for f in FORMULAS if f.subject == subject)
    d = documentation(f.by_hand)
    text = "\n\n".join([d.maths, *map(d.text, ("shapes", "note", "derivation"))])
    found = {s.latex: s.meaning for s in symbols.symbols(f.group, text, f.name)}
    assert found.items() >= MEANT[subject].items()


@pytest.mark.parametrize("f", FORMULAS, ids=lambda f: f.subject)
def test_every_formula_says_what_it_is_in_pytorch(f):
    assert documentation(f.by_hand).text("torch") or f.group in ("network", "initialization")


def empty_book():
    return Book(FORMULAS, Findings(defaultdict(list)), {})


def test_the_pages_show_the_code_that_stands_in_the_file():
    page = pages.formula_page(empty_book(), next(f for f in FORMULAS if f.name == "relu"))
    text = re.sub(r"<[^>]+>", "", page).replace("&lt;", "<")
    assert "return np.where(Z <= 0.0, 0.0, dA)" in text


def test_no_page_says_proved_where_nothing_was_proved():
    page = pages.formula_page(empty_book(), next(f for f in FORMULAS if f.name == "relu"))
    assert "proved</span>" not in page
    assert "agrees</span>" not in page


def refused(tmp_path, folder):
    done = CliRunner().invoke(app, ["book", "-o", str(folder)])
    assert done.exit_code == 2
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_a_folder_with_anything_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert "holds notes.txt, which is not part of a book" in refused(tmp_path, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("name", "why"), [("file", "it is not a folder"), ("no/such", "there is no folder")]
)
def test_a_place_where_no_book_can_be_is_refused(tmp_path, name, why):
    (tmp_path / "file").write_text("mine")
    assert why in refused(tmp_path, tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"


def built(monkeypatch, **texts):
    monkeypatch.setattr(site, "files", lambda watch: iter(texts.items()))


def test_a_former_book_is_replaced_as_a_whole(tmp_path, monkeypatch):
    built(monkeypatch, old="1", same="1")
    site.write(tmp_path / "book", lambda what, things: things)
    built(monkeypatch, same="2")
    site.write(tmp_path / "book", lambda what, things: things)
    assert {p.name for p in (tmp_path / "book").iterdir()} == {"same", site.MARK}
    assert (tmp_path / "book" / "same").read_text() == "2"


def test_a_book_that_fails_leaves_the_former_one_as_it_was(tmp_path, monkeypatch):
    built(monkeypatch, page="1")
    site.write(tmp_path / "book", lambda what, things: things)

    def broken(watch):
        yield "page", "2"
        raise RuntimeError("in the middle")

    monkeypatch.setattr(site, "files", broken)
    with pytest.raises(RuntimeError):
        site.write(tmp_path / "book", lambda what, things: things)
    assert (tmp_path / "book" / "page").read_text() == "1"
    assert [p.name for p in tmp_path.iterdir()] == ["book"]
