r"""The text of docstrings and chapters, Markdown with LaTeX between dollars, as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from compare.book.maths import Glyphs

MATHS = re.compile(r"\$\$.+?\$\$|\$[^$]+\$", re.DOTALL)  # a line of it may begin like a list


class Prose:
    """Renders text for one page: formulas are drawn with its glyphs, names of formulas link to their pages."""

    def __init__(
        self, glyphs: Glyphs, link: Callable[[str], str | None] = lambda name: None
    ) -> None:
        self.glyphs, self.link = glyphs, link
        self.markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
        self.markdown.use(dollarmath_plugin, allow_space=True, double_inline=True)
        rules: dict[str, Callable[..., str]] = {
            "math_inline": self.inline,
            "math_inline_double": self.display,
            "math_block": self.block,
            "code_inline": self.code,
        }
        self.markdown.renderer.rules.update(rules)  # type: ignore[attr-defined]

    def blocks(self, text: str) -> str:
        """Return paragraphs, lists, tables and displays; wide tables scroll by themselves."""
        joined = MATHS.sub(lambda found: " ".join(found[0].split()), text)
        html: str = self.markdown.render(joined)
        return html.replace("<table>", '<div class="scroll" tabindex="0"><table>').replace(
            "</table>", "</table></div>"
        )

    def line(self, text: str) -> str:
        """Return a piece of text without paragraphs."""
        return str(self.markdown.renderInline(" ".join(text.split())))

    def inline(self, tokens: Any, k: int, *_: Any) -> str:
        return self.glyphs.inline(tokens[k].content)

    def display(self, tokens: Any, k: int, *_: Any) -> str:
        return self.glyphs.display(tokens[k].content)

    def block(self, tokens: Any, k: int, *_: Any) -> str:
        return f"<p>{self.glyphs.display(tokens[k].content)}</p>\n"

    def code(self, tokens: Any, k: int, *_: Any) -> str:
        content: str = tokens[k].content
        code, address = f"<code>{escape(content)}</code>", self.link(content)
        return f'<a href="{address}">{code}</a>' if address else code
