r"""What a chapter can insert into its text: << card(...) >>, << figure(...) >> and so on."""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2 import Environment, StrictUndefined

from compare.book import conventions, errata, figures, starts, symbols
from compare.book.catalogue import Formula
from compare.book.documentation import documentation, source
from compare.book.page import Page, highlighted

PLACE = re.compile(r"(?:<p>)?@@(\d+)@@(?:</p>)?")
SYNTAX = Environment(
    variable_start_string="<<", variable_end_string=">>", comment_start_string="<#",
    comment_end_string="#>", block_start_string="<%", block_end_string="%>",
    undefined=StrictUndefined,
)  # fmt: skip
Insertions = dict[str, Callable[..., str]]


def inserted(page: Page, text: str) -> str:
    """Return a chapter's text as HTML, with what it inserts: each piece holds its place until the prose is set."""
    pieces: list[str] = []

    def placed(make: Callable[..., str]) -> Callable[..., str]:
        def place(*given: str, **named: float) -> str:
            pieces.append(make(*given, **named))
            return f"@@{len(pieces) - 1}@@"

        return place

    every = {name: placed(make) for name, make in {**findings(page), **computed(page)}.items()}
    html = page.prose.blocks(SYNTAX.from_string(text).render(every))
    return PLACE.sub(lambda found: pieces[int(found[1])], html)


def known(page: Page, subject: str) -> Formula:
    return next(f for f in page.book.formulas if f.subject == subject)


def card(page: Page, subject: str) -> str:
    """Return a formula in short, with a link to its page."""
    f, found = known(page, subject), page.book.findings
    return page.part(
        "card.html",
        f=f,
        doc=documentation(f.by_hand),
        measured=found.measured.get(subject, []),
        proofs=found.proofs.get(subject, []),
    )


def findings(page: Page) -> Insertions:
    """Return what shows formulas and what was found of them."""
    found, book = page.book.findings, page.book

    def text(subject: str, part: str) -> str:
        return page.prose.blocks(documentation(known(page, subject).by_hand).text(part))

    return {
        "card": lambda subject: card(page, subject),
        "cards": lambda *subjects: "".join(card(page, s) for s in subjects),
        "group": lambda name: "".join(
            card(page, f.subject) for f in book.formulas if f.group == name
        ),
        "code": lambda subject: highlighted(source(known(page, subject).by_hand)),
        "derivation": lambda subject: text(subject, "derivation"),
        "proofs": lambda subject: page.part("proofs.html", proofs=found.proofs[subject]),
        "measured": lambda subject: page.part("measured.html", measured=found.measured[subject]),
        "mistakes": lambda subject: page.part("mistakes.html", mistakes=found.mistakes[subject]),
    }


def computed(page: Page) -> Insertions:
    """Return what is computed for this page alone."""
    return {
        "figure": figures.chapter,
        "shown": lambda name: page.part("shown.html", shown=errata.named(name)()),
        "sizes": lambda: page.part("shown.html", shown=starts.sizes()),
        "symmetry": lambda: page.part("shown.html", shown=starts.symmetry()),
        "errata": lambda: page.part("errata.html", errata=errata.ERRATA),
        "conventions": lambda: page.part("conventions.html", tables=conventions.tables()),
        "glossary": lambda *latex: page.part("symbols.html", symbols=symbols.chosen(latex)),
    }
