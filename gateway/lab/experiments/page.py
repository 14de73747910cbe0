"""Tables in Markdown, and where they stand in a page: between `<!-- lab: NAME -->` and `<!-- /lab: NAME -->`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.lab.experiments.base import Table

__all__ = ["markdown", "put"]


def markdown(tables: Sequence[Table]) -> str:
    """Each table under its title in bold, its note behind it."""
    return "\n\n".join(_one(table) for table in tables)


def put(page: str, name: str, told: str) -> str:
    """The page with this text between the marks of an experiment; a page without them gets them at its end."""
    first, last = f"<!-- lab: {name} -->", f"<!-- /lab: {name} -->"
    block = f"{first}\n{told}\n{last}"
    before, found, rest = page.partition(first)
    if not found:
        return f"{page.rstrip()}\n\n{block}\n".lstrip()
    return f"{before}{block}{rest.partition(last)[2]}"


def _one(table: Table) -> str:
    lines = [f"**{table.title}**", "", _row(table.columns), _row("---" for _ in table.columns), *map(_row, table.rows)]
    return "\n".join([*lines, *(["", table.note] if table.note else [])])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
