"""Records: what there is to write down, and what there never is."""

from __future__ import annotations

from gateway.model.decision import Action, Decision
from gateway.model.record import AuditRecord, Opened

DECISION = Decision("forward", Action.ALLOW, Action.ALLOW, "open", "open", "p@1#0")


def test_a_record_of_a_request_that_held_nothing_says_so():
    record = AuditRecord("d1", 1, 2, "GET", "/", "192.0.2.1", None, None, DECISION, "client_gone", 0)
    assert (record.settle, record.usage.source, record.first_byte_us) == ("none", "none", None)


def test_neither_record_nor_opened_line_has_room_for_text_or_secrets():
    names = {name for shape in (AuditRecord, Opened) for name in shape.__struct_fields__}
    assert not names & {"body", "prompt", "answer", "text", "credential", "authorization", "headers", "query"}
