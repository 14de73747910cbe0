"""Tables of experiments in a page: written once, replaced the next time, everything else left as it is."""

from __future__ import annotations

from gateway.lab.experiments.base import Table
from gateway.lab.experiments.page import markdown, put

TABLE = Table("Stealing", ("attack", "found"), (("by bans", "32"), ("by a | b", "0")), "What was found.")


def test_a_table_has_its_title_its_rows_and_its_note():
    assert (
        markdown([TABLE]) == "**Stealing**\n\n| attack | found |\n| --- | --- |\n| by bans | 32 |\n| by a / b | 0 |\n\nWhat was found."
    )


def test_a_page_without_marks_gets_them_at_its_end():
    assert put("# Page\n", "steal", "new") == "# Page\n\n<!-- lab: steal -->\nnew\n<!-- /lab: steal -->\n"
    assert put("", "steal", "new") == "<!-- lab: steal -->\nnew\n<!-- /lab: steal -->\n"


def test_what_stood_between_the_marks_is_replaced_and_nothing_else():
    page = "before\n<!-- lab: steal -->\nold\n<!-- /lab: steal -->\nbetween\n<!-- lab: text -->\nkept\n<!-- /lab: text -->\nafter\n"
    assert put(page, "steal", "new") == page.replace("old", "new")
