r"""The pages: chapters and formulas filled into their templates."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from compare.book import figures, symbols
from compare.book.catalogue import GROUPS, Formula
from compare.book.contents import Book, Chapter
from compare.book.documentation import documentation, source
from compare.book.insertions import inserted
from compare.book.page import Page


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
            f.name,
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
    text = Markup(inserted(page, chapter.text))
    k = book.chapters.index(chapter)
    before = book.chapters[k - 1] if k else None
    after = book.chapters[k + 1] if k + 1 < len(book.chapters) else None
    around = {"before": before, "after": after, "number": k + 1}
    return page.whole("chapter.html", chapter.title, text=text, **around)


def index_page(book: Book) -> str:
    """Return the first page."""
    page = Page(book, "index.html")
    by_group = {GROUPS[g]: [f for f in book.formulas if f.group == g] for g in GROUPS}
    proofs = [p for proofs in book.findings.proofs.values() for p in proofs]
    return page.whole(
        "index.html", "Backpropagation, computed", book=book, groups=by_group, proofs=proofs
    )
