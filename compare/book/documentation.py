r"""A docstring of `manual`, taken apart: what it returns, the derivation, the PyTorch call, sources, the example."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

MARKS = {
    "shapes": r"Shapes?[:, ]",
    "derivation": r"(Derivation|The two places|Both ends|Stable form)",
    "torch": r"\*\*In PyTorch:\*\*",
    "arguments": r"Args:",
    "raises": r"Raises",
    "source": r"Source:",
    "example": r">>>",
    "formula": r"\$\$",
}
ARGUMENT = re.compile(r"^(?:    |)(\w+): (.+(?:\n        .+)*)", re.MULTILINE)


@dataclass
class Documentation:
    """The parts of a docstring, each as its text; what belongs to none of them is a note."""

    summary: str
    parts: dict[str, list[str]] = field(default_factory=dict)

    def text(self, part: str) -> str:
        """Return a part whole, or nothing.

        >>> from manual.activations import tanh
        >>> documentation(tanh).text("torch")
        '`torch.tanh`.'
        """
        joined = "\n\n".join(self.parts.get(part, []))
        return re.sub(r"^(\*\*In PyTorch:\*\*|Source:|Args:|Derivation[^.]*\.)\s*", "", joined)

    @property
    def arguments(self) -> dict[str, str]:
        """Return what is said of each argument."""
        return {name: " ".join(t.split()) for name, t in ARGUMENT.findall(self.text("arguments"))}

    @property
    def maths(self) -> str:
        """Return the summary and the displayed formulas, where every symbol needs a meaning."""
        return "\n".join([self.summary, self.text("formula")])


def documentation(function: Callable[..., Any]) -> Documentation:
    """Return the parts of a function's docstring."""
    first, *rest = paragraphs(inspect.getdoc(function) or "")
    out, last = Documentation(first), "note"
    for paragraph in rest:
        kind = marked(paragraph) or (last if last in ("derivation", "arguments") else "note")
        if kind == "formula" and last in ("derivation", "note") and "derivation" in out.parts:
            kind = "derivation"
        out.parts.setdefault(kind, []).append(paragraph)
        last = kind
    return out


def marked(paragraph: str) -> str | None:
    return next((kind for kind, mark in MARKS.items() if re.match(mark, paragraph)), None)


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs; an example, once begun, goes on over its blank lines."""
    for paragraph in re.split(r"\n\s*\n(?!\s*<BLANKLINE>)", text.strip()):
        yield paragraph.rstrip() if paragraph.startswith(" ") else paragraph.strip()


def source(function: Callable[..., Any]) -> str:
    """Return the code of a function without its docstring, as it stands in its file."""
    text = inspect.getsource(function)
    body = re.sub(r'\n\s+r?"""(?:.|\n)*?"""', "", text, count=1)
    return inspect.cleandoc(body) if body.startswith(" ") else body.rstrip()
