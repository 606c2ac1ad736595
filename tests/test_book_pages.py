"""The whole book, looked at: by a parser for links and structure, by Chromium for what a reader sees."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from browser import CHROMIUM, look

from compare.book import findings, site

browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: install chromium to have the pages looked at"
)
pytestmark = pytest.mark.xdist_group("book")  # written once, by one process
PROVED = ("activations.", "losses.", "optimizers.adam", "normalization.", "clipping.")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Write the book, with the proofs of the smaller claims only: all are proved in test_proofs."""
    folder, every = tmp_path_factory.mktemp("library") / "book", findings.claims
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            findings, "claims", lambda s: [c for c in every(s) if c.subject.startswith(PROVED)]
        )
        site.write(folder, lambda what, things: things)
    return folder


class Parsed(HTMLParser):
    """The links, ids and images of a page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids, self.tags, self.addresses, self.twice = [], set(), set(), [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.add(tag)
        self.twice |= {given["id"]} & self.ids if given.get("id") else set()
        self.ids.add(given.get("id"))
        if tag == "a":
            self.links.append(given["href"])
        self.addresses += [given[a] for a in ("src", "href") if given.get(a)]


def parsed(book):
    return {p.name: Parsed(p.read_text(encoding="utf-8")) for p in book.glob("*.html")}


def test_every_link_leads_somewhere(book):
    pages = parsed(book)
    for name, page in pages.items():
        for link in page.links:
            target, _, place = link.partition("#")
            assert target in pages or not target, f"{name}: {link}"
            assert not place or place in pages[target or name].ids, f"{name}: {link}"


def test_nothing_comes_from_elsewhere_and_nothing_runs(book):
    for name, page in parsed(book).items():
        assert "script" not in page.tags, name
        assert not [a for a in page.addresses if re.match(r"(https?:)?//", a)], name


def test_no_two_elements_of_a_page_have_one_id(book):
    assert {name: page.twice for name, page in parsed(book).items() if page.twice} == {}


def test_every_page_can_be_reached_from_the_first(book):
    pages = parsed(book)
    seen, ahead = set(), ["index.html"]
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += [link.partition("#")[0] or name for link in pages[name].links]
    assert seen == set(pages)


def test_no_formula_is_left_as_latex(book):
    for page in book.glob("*.html"):
        text = re.sub(
            r"<(svg|pre|code)\b.*?</\1>|<[^>]+>",
            "",
            page.read_text(encoding="utf-8"),
            flags=re.DOTALL,
        )
        assert not re.search(r"\\[a-z]{2,}|\$|@@\d", text), page.name


def test_what_was_proved_says_so_and_nothing_else(book):
    relu = (book / "activations.relu.html").read_text(encoding="utf-8")
    linear = (book / "layers.linear.html").read_text(encoding="utf-8")  # its claim was not run here
    assert ">proved</span>" in relu
    assert ">proved</span>" not in linear


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_has_enough_contrast(book, theme):
    css = (book / "style.css").read_text(encoding="utf-8")
    colours = dict(
        re.findall(r"--([\w-]+): (#[0-9a-f]{6});", css.split(":root {")[theme + 1].split("}")[0])
    )
    texts = [c for c in colours if c not in ("page", "card", "line", "good-back", "bad-back")]
    assert len(texts) == 10
    for text in texts:
        for back in ("page", "card"):
            assert contrast(colours[text], colours[back]) >= 4.5, (text, back)
    assert contrast(colours["good"], colours["good-back"]) >= 4.5
    assert contrast(colours["bad"], colours["bad-back"]) >= 4.5


@browser
@pytest.mark.parametrize(
    ("width", "dark"), [(1280, False), (360, True)], ids=["desk in light", "phone in dark"]
)
def test_a_reader_sees_every_page_whole(book, width, dark):
    pages = sorted(p.name for p in book.glob("*.html"))
    found, console = look(book, pages, width=width, dark=dark)
    assert not console
    assert list(found) == pages
    assert {page["background"] for page in found.values()} == {
        "rgb(15, 19, 24)" if dark else "rgb(255, 255, 255)"
    }
    assert sum(page["formulas"] for page in found.values()) > 1000
    for name, page in found.items():
        assert page["overflow"] <= 0, f"{name} scrolls sideways"
        assert page["hidden"] == page["unlabelled"] == page["wide"] == page["scripts"] == 0, name
        assert page["lang"] == "en", name
        assert page["headings"].count(1) == 1, name
        assert all(b - a <= 1 for a, b in pairwise(page["headings"])), name


@browser
def test_the_browser_tests_see_what_is_wrong(tmp_path):
    (tmp_path / "bad.html").write_text(
        "<!doctype html><html lang=en><body><h1>x</h1><svg class=maths width=0 height=0></svg>"
        "<main><p style='width:3000px'>wide</p></main><script>console.error('oops')</script></body>"
    )
    found, console = look(tmp_path, ["bad.html"], width=360)
    page = found["bad.html"]
    assert page["overflow"] > 0
    assert (page["hidden"], page["unlabelled"], page["wide"], page["scripts"]) == (1, 1, 1, 1)
    assert console
