"""Whose turn it is: shares by class, turns between callers, bounds, and nobody left waiting for ever."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quota.fairness import CLASSES, WEIGHTS, FairQueue, Waiting


def anyone(waiting):
    return True


def filled(*entries, longest=1000):
    queue = FairQueue(longest)
    for caller, priority, many in entries:
        for number in range(many):
            queue.push(Waiting(number, caller, priority))
    return queue


def served(queue, many):
    return [queue.pop(anyone) for _ in range(many)]


def test_a_noisy_caller_does_not_delay_a_quiet_one():
    queue = filled(("noisy", "normal", 100), ("quiet", "normal", 3))
    assert [waiting.caller for waiting in served(queue, 6)].count("quiet") == 3


def test_one_caller_s_requests_keep_their_order():
    assert [waiting.item for waiting in served(filled(("a", "normal", 5)), 5)] == [0, 1, 2, 3, 4]


def test_classes_are_served_in_the_ratio_of_their_weights():
    queue = filled(*(("all", name, 200) for name in CLASSES))
    counts = [sum(waiting.priority == name for waiting in served(queue, 290)) for name in CLASSES[:1]]
    assert counts == [160]
    rest = [waiting.priority for waiting in served(filled(*(("all", name, 200) for name in CLASSES)), 290)]
    assert {name: rest.count(name) for name in CLASSES} == {name: 10 * WEIGHTS[name] for name in CLASSES}


def test_a_throttled_caller_gets_his_share_of_turns():
    queue = FairQueue(100)
    for number in range(30):
        queue.push(Waiting(number, "throttled", "normal", 0.5))
        queue.push(Waiting(number, "other", "normal"))
    assert [waiting.caller for waiting in served(queue, 30)].count("throttled") == 10


def test_asking_one_by_one_does_not_get_around_a_share():
    queue = filled(("other", "normal", 50))
    turns = []
    for _ in range(30):
        if not turns or turns[-1] == "throttled":
            queue.push(Waiting(0, "throttled", "normal", 0.25))
        turns.append(queue.pop(anyone).caller)
    assert turns.count("throttled") == 30 // 5


def test_who_cannot_go_is_passed_over_and_keeps_his_place():
    queue = filled(("stuck", "high", 2), ("free", "low", 2))
    assert queue.pop(lambda waiting: waiting.caller == "free").caller == "free"
    assert queue.pop(lambda waiting: False) is None
    assert len(queue) == 3
    assert queue.pop(anyone).caller == "stuck"


def test_within_a_line_who_can_go_goes_past_who_cannot():
    queue = filled(("a", "normal", 3))
    assert queue.pop(lambda waiting: waiting.item == 1).item == 1
    assert [waiting.item for waiting in served(queue, 2)] == [0, 2]


def test_a_class_that_comes_late_is_owed_nothing_for_the_time_before():
    queue = filled(("person", "normal", 60))
    served(queue, 40)
    for number in range(9):
        queue.push(Waiting(number, "factory", "batch"))
    assert [waiting.priority for waiting in served(queue, 9)].count("batch") <= 2


def test_a_class_that_could_not_go_is_owed_nothing_for_that_time():
    queue = filled(("person", "normal", 60), ("factory", "batch", 9))
    for _ in range(40):
        queue.pop(lambda waiting: waiting.priority != "batch")
    assert [waiting.priority for waiting in served(queue, 9)].count("batch") <= 2


def test_a_full_queue_puts_out_the_newest_of_the_longest_line():
    queue = filled(("noisy", "normal", 9), ("quiet", "normal", 1), longest=10)
    out = queue.push(Waiting("new", "quiet", "normal"))
    assert (out.caller, out.item) == ("noisy", 8)
    assert len(queue) == 10


def test_the_noisy_caller_himself_is_turned_away():
    queue = filled(("noisy", "normal", 9), ("quiet", "normal", 1), longest=10)
    newcomer = Waiting("new", "noisy", "normal")
    assert queue.push(newcomer) is newcomer


def test_batch_gives_way_when_the_queue_is_full_and_never_puts_out_others():
    queue = filled(("batch", "batch", 5), ("person", "normal", 5), longest=10)
    assert queue.push(Waiting("new", "person", "normal")).priority == "batch"
    newcomer = Waiting("new", "someone", "batch")
    full = filled(("person", "normal", 10), longest=10)
    assert full.push(newcomer) is newcomer


def test_a_queue_of_no_length_lets_nobody_wait():
    newcomer = Waiting(1, "a", "high")
    assert FairQueue(0).push(newcomer) is newcomer


def test_who_left_is_not_served_and_leaves_once():
    queue = filled(("a", "normal", 1))
    late = Waiting("late", "a", "normal")
    queue.push(late)
    assert queue.remove(late)
    assert not queue.remove(late)
    assert [queue.pop(anyone).item, queue.pop(anyone)] == [0, None]


def test_newcomers_without_number_do_not_hold_up_who_waits():
    queue = filled(("mine", "normal", 5))
    turns = []
    for number in range(12):
        queue.push(Waiting(number, f"caller {number}", "normal"))
        turns.append(queue.pop(anyone).caller)
    assert turns.count("mine") == 4


def test_nothing_is_remembered_of_callers_who_do_not_wait():
    queue = FairQueue(10)
    for number in range(100):
        queue.push(Waiting(number, f"caller {number}", "normal"))
        queue.pop(anyone)
    group = queue._classes["normal"]
    assert (group.lines, group.tags) == ({}, {})


ARRIVALS = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(CLASSES), st.booleans()), max_size=120)


@given(arrivals=ARRIVALS, priority=st.sampled_from(CLASSES))
def test_whoever_waits_is_served_after_a_bounded_number_of_turns_whatever_the_others_send(arrivals, priority):
    queue = FairQueue(10_000)
    for caller, name, _ in arrivals:
        queue.push(Waiting(None, caller, name))
    mine = Waiting("mine", "me", priority)
    queue.push(mine)
    turns = 0
    others = iter(arrivals * 100)
    while queue.pop(anyone) is not mine:
        turns += 1
        if arrivals:
            caller, name, more = next(others)
            for _ in range(1 + more):
                queue.push(Waiting(None, caller, name))
        # Six callers in each class, and one place of my class in so many.
        assert turns <= 7 * (sum(WEIGHTS.values()) / WEIGHTS[priority] + len(CLASSES))


@given(arrivals=ARRIVALS, longest=st.integers(1, 20))
def test_the_length_is_what_was_pushed_less_what_went_and_never_beyond_the_bound(arrivals, longest):
    queue, inside = FairQueue(longest), []
    for number, (caller, priority, take) in enumerate(arrivals):
        newcomer = Waiting(number, caller, priority)
        inside.append(newcomer)
        out = queue.push(newcomer)
        if out is not None:
            inside.remove(out)
        if take and (gone := queue.pop(anyone)) is not None:
            inside.remove(gone)
        assert len(queue) == len(inside) <= longest
    assert {queue.pop(anyone) for _ in range(len(inside))} == set(inside)


def test_a_priority_that_is_none_is_a_mistake():
    with pytest.raises(KeyError):
        FairQueue(1).push(Waiting(1, "a", "urgent"))
