r"""One page in the making: its glyphs, its prose, its template."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from compare.book.catalogue import GROUPS
from compare.book.contents import HERE, Book
from compare.book.maths import Glyphs
from compare.book.prose import Prose


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
