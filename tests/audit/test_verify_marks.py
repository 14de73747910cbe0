"""Checkpoints as they are read along with a chain, while more may come."""

from __future__ import annotations

from gateway.audit.verify_marks import Mark, Marks

HEAD = "ab" * 32


def a_mark(seq):
    return f'{{"v":1,"chain":"c","seq":{seq},"head":"{HEAD}","at":5}}\n'


def test_marks_come_in_order_and_those_that_came_meanwhile_are_told_apart(tmp_path):
    path = tmp_path / "checkpoints.jsonl"
    path.write_text(a_mark(3))
    with Marks(path) as marks:
        assert marks.peek() == marks.peek() == Mark(1, "c", 3, HEAD, 5, True)
        marks.take()
        assert marks.peek() is None
        with open(path, "a") as file:
            file.write(a_mark(7))
        assert marks.peek() == Mark(2, "c", 7, HEAD, 5, False)


def test_a_torn_last_line_waits_for_its_end(tmp_path):
    path = tmp_path / "checkpoints.jsonl"
    path.write_text(a_mark(3)[:30])
    with Marks(path) as marks:
        assert marks.peek() is None
        assert marks.torn == 30
        with open(path, "a") as file:
            file.write(a_mark(3)[30:])
        assert marks.peek().seq == 3


def test_a_line_that_is_no_mark_has_no_number(tmp_path):
    path = tmp_path / "checkpoints.jsonl"
    path.write_text("nonsense\n" + a_mark(1))
    with Marks(path) as marks:
        assert marks.peek().seq == -1
        marks.take()
        assert (marks.peek().line, marks.peek().seq) == (2, 1)


def test_a_file_that_is_not_there_has_none(tmp_path):
    with Marks(tmp_path / "checkpoints.jsonl") as marks:
        assert marks.peek() is None
