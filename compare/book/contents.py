r"""What is in the book: its chapters in reading order, its formulas, and what was found when they were run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from compare.book.catalogue import Formula
from compare.book.findings import Findings

HERE = Path(__file__).parent
CHAPTERS = (
    "structure", "forward", "cost", "backpropagation", "descent", "losses", "activations",
    "rmsprop", "adam", "family", "gradients", "initialization", "clipping", "normalization",
    "errata", "conventions",
)  # fmt: skip


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
