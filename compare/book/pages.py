r"""The pages: chapters and formulas filled into their templates."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from compare.book import figures, symbols
from compare.book.catalogue import GROUPS, Formula
from compare.book.documentation import documentation, source
from compare.book.findings import Findings
from compare.book.maths import Glyphs
from compare.book.prose import Prose

HERE = Path(__file__).parent
CHAPTERS = (
    "structure", "forward", "cost", "backpropagation", "descent", "losses", "activations",
    "rmsprop", "adam", "family", "gradients", "initialization", "clipping", "normalization",
    "errata", "conventions",
)  # fmt: skip
PLACE = re.compile(r"(?:<p>)?@@(\d+)@@(?:</p>)?")


@dataclass(frozen=True)
class Chapter:
    """A chapter: its file's name, its title and its text, Markdown with insertions in << >>."""

    name: str
    title: str
    text: str

    @property
    def page(self) -> str:
        return f"{self.name}.html"


def chapters() -> list[Chapter]:
    """Return the chapters in reading order.

    >>> chapters()[0].title
    'Structure and shapes'
    """
    out = []
    for name in CHAPTERS:
        text = (HERE / "chapters" / f"{name}.md").read_text(encoding="utf-8")
        title, _, rest = text.partition("\n")
        out.append(Chapter(name, title.removeprefix("# "), rest))
    return out


@dataclass
class Book:
    """Everything a page may show: the formulas, the chapters, and what was found when they were run."""

    formulas: list[Formula]
    findings: Findings
    provenance: dict[str, str]
    chapters: list[Chapter] = field(default_factory=chapters)

    def address(self, name: str) -> str | None:
        """Return the page of a formula that goes by this name in the text, if one does."""
        return next(
            (f.page for f in self.formulas if name in (f.name, f.subject, f"manual.{f.subject}")),
            None,
        )


def environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class Page:
    """One page in the making: its glyphs, its prose, and the pieces inserted into it."""

    def __init__(self, book: Book, here: str) -> None:
        self.book, self.here = book, here
        self.glyphs = Glyphs()
        self.prose = Prose(self.glyphs, lambda name: self.link(name))
        self.environment = environment()
        self.environment.filters.update(
            prose=lambda text: Markup(self.prose.blocks(text)),
            line=lambda text: Markup(self.prose.line(text)),
            tex=lambda text: Markup(self.glyphs.inline(text)),
            display=lambda text: Markup(self.glyphs.display(text)),
            code=lambda text: Markup(highlighted(text)),
        )

    def link(self, name: str) -> str | None:
        address = self.book.address(name)
        return None if address == self.here else address

    def part(self, template: str, **values: Any) -> str:
        return self.environment.get_template(template).render(**values)

    def whole(self, template: str, title: str, **values: Any) -> str:
        body = self.part(template, title=title, **values)
        around = {"title": title, "here": self.here, "book": self.book, "groups": GROUPS}
        return self.part(
            "page.html", body=Markup(body), sheet=Markup(self.glyphs.sheet()), **around
        )


def highlighted(text: str) -> str:
    """Return Python code as HTML, coloured by the style sheet."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonConsoleLexer, PythonLexer

    lexer = PythonConsoleLexer() if text.startswith(">>>") else PythonLexer()
    html: str = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return f'<pre tabindex="0"><code>{html}</code></pre>'


def formula_page(book: Book, f: Formula) -> str:
    """Return the page of a formula."""
    page, doc, found = Page(book, f.page), documentation(f.by_hand), book.findings
    torch = f.by_torch
    return page.whole(
        "formula.html",
        f.name,
        f=f,
        group=GROUPS[f.group],
        doc=doc,
        symbols=symbols.symbols(
            f.group,
            "\n\n".join([doc.maths, doc.text("shapes"), doc.text("note"), doc.text("derivation")]),
        ),
        options=list(options(f, doc.arguments)),
        code=source(f.by_hand),
        torch_code=source(torch) if torch else "",
        proofs=found.proofs.get(f.subject, []),
        readings=readings(f),
        measured=found.measured.get(f.subject, []),
        mistakes=found.mistakes.get(f.subject, []),
        figure=Markup(figures.of(f)),
    )


def readings(f: Formula) -> list[Any]:
    from compare.proofs.reading import readings

    return readings(f.name) if f.group == "activations" and f.name != "softmax" else []


def options(f: Formula, arguments: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the default and the meaning of each keyword of a formula."""
    for p in inspect.signature(f.by_hand).parameters.values():
        if p.kind is p.KEYWORD_ONLY:
            default = "" if p.default is p.empty else repr(p.default)
            yield p.name, default, arguments.get(p.name, "")


def chapter_page(book: Book, chapter: Chapter) -> str:
    """Return the page of a chapter: its text, with what it inserts."""
    page = Page(book, chapter.page)
    pieces: list[str] = []

    def placed(make: Callable[..., str]) -> Callable[..., str]:
        def place(*given: Any, **named: Any) -> str:
            pieces.append(make(*given, **named))
            return f"@@{len(pieces) - 1}@@"

        return place

    inserts = Environment(
        variable_start_string="<<", variable_end_string=">>", comment_start_string="<#",
        comment_end_string="#>", block_start_string="<%", block_end_string="%>",
        undefined=StrictUndefined,
    )  # fmt: skip
    text = inserts.from_string(chapter.text).render(
        {name: placed(make) for name, make in insertions(page).items()}
    )
    html = page.prose.blocks(text)
    body = PLACE.sub(lambda found: pieces[int(found[1])], html)
    k = book.chapters.index(chapter)
    before = book.chapters[k - 1] if k else None
    after = book.chapters[k + 1] if k + 1 < len(book.chapters) else None
    return page.whole(
        "chapter.html", chapter.title, text=Markup(body), before=before, after=after, number=k + 1
    )


def insertions(page: Page) -> dict[str, Callable[..., str]]:
    """Return what a chapter can insert into its text."""
    from compare.book import conventions, demonstrations

    found, book = page.book.findings, page.book

    def known(subject: str) -> Formula:
        return next(f for f in book.formulas if f.subject == subject)

    def card(subject: str) -> str:
        f = known(subject)
        doc = documentation(f.by_hand)
        measured = found.measured.get(subject, [])
        proofs = found.proofs.get(subject, [])
        return page.part("card.html", f=f, doc=doc, measured=measured, proofs=proofs)

    return {
        "card": card,
        "cards": lambda *subjects: "".join(map(card, subjects)),
        "group": lambda name: "".join(card(f.subject) for f in book.formulas if f.group == name),
        "code": lambda subject: highlighted(source(known(subject).by_hand)),
        "derivation": lambda subject: page.prose.blocks(
            documentation(known(subject).by_hand).text("derivation")
        ),
        "proofs": lambda subject: page.part("proofs.html", proofs=found.proofs[subject]),
        "measured": lambda subject: page.part("measured.html", measured=found.measured[subject]),
        "mistakes": lambda subject: page.part("mistakes.html", mistakes=found.mistakes[subject]),
        "figure": lambda name, **o: figures.chapter(name, **o),
        "shown": lambda name: page.part("shown.html", shown=demonstrations.named(name)()),
        "errata": lambda: page.part("errata.html", errata=demonstrations.ERRATA),
        "conventions": lambda: page.part("conventions.html", tables=conventions.tables()),
        "glossary": lambda *latex: page.part("symbols.html", symbols=symbols.chosen(latex)),
    }


def index_page(book: Book) -> str:
    """Return the first page."""
    page = Page(book, "index.html")
    by_group = {GROUPS[g]: [f for f in book.formulas if f.group == g] for g in GROUPS}
    proofs = [p for proofs in book.findings.proofs.values() for p in proofs]
    return page.whole(
        "index.html", "Backpropagation, computed", book=book, groups=by_group, proofs=proofs
    )
