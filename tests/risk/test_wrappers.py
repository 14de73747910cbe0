"""Which parts of a wording recur in an account, and in whose accounts they do."""

import pytest

from gateway.model.look import Look
from gateway.risk.wrappers import PARTS, RECENT, Account, Wrappers, parts_of
from tests.risk.crowds import dice


def look(rnd, head=None, exact=None, words=30):
    return Look(
        words=words, exact=exact or rnd.getrandbits(64), head=head or rnd.getrandbits(64), tail=rnd.getrandbits(64),
        wrapper=tuple(rnd.getrandbits(32) for _ in range(32)), topic=(1, 2),
    )  # fmt: skip


@pytest.fixture
def rnd():
    return dice()


@pytest.fixture
def wrappers():
    return Wrappers(most_users=4, most_shared=8, known=frozenset())


def head_part(head):
    return head & 0xFFFFFFFF | 1


def repeat(wrappers, rnd, number, head, times=3, account=None):
    account = account or Account(f"a-{number}", 0)
    for _ in range(times):
        wrappers.feed(number, account, look(rnd, head))
    return account


def test_a_request_has_so_many_parts_and_none_is_zero(rnd):
    assert len(parts_of(look(rnd))) == PARTS
    assert all(parts_of(look(rnd)))


def test_a_few_words_have_none(rnd):
    assert parts_of(look(rnd, words=3)) == ()
    assert parts_of(Look(words=20)) == ()


def test_a_part_recurs_around_another_text(wrappers, rnd):
    assert repeat(wrappers, rnd, 1, 0xABC1).count(head_part(0xABC1)) == 2


def test_the_same_text_again_is_no_wrapper(wrappers, rnd):
    account, same = Account("a", 0), look(rnd, 0xABC1)
    for _ in range(5):
        wrappers.feed(1, account, same)
    assert account.count(head_part(0xABC1)) == 0
    assert account.repeats == 4


def test_what_came_too_long_ago_does_not_recur(wrappers, rnd):
    account = repeat(wrappers, rnd, 1, 0xABC1, times=1)
    for _ in range(RECENT):
        wrappers.feed(1, account, look(rnd))
    repeat(wrappers, rnd, 1, 0xABC1, times=1, account=account)
    assert account.count(head_part(0xABC1)) == 0


def test_what_recurs_in_two_accounts_is_shared(wrappers, rnd):
    repeat(wrappers, rnd, 1, 0xABC1)
    assert wrappers.shared == {}
    repeat(wrappers, rnd, 2, 0xABC1)
    assert list(wrappers.shared[head_part(0xABC1)].users) == [1, 2]


def test_requests_that_had_it_once_are_counted(wrappers, rnd):
    for number in range(1, 3):
        repeat(wrappers, rnd, number, 0xABC1)
    for number in range(3, 9):
        repeat(wrappers, rnd, number, 0xABC1, times=1)
    assert wrappers.shared[head_part(0xABC1)].single == 6


def test_a_part_that_more_use_than_are_kept_is_common(wrappers, rnd):
    for number in range(1, 6):
        repeat(wrappers, rnd, number, 0xABC1)
    assert wrappers.shared[head_part(0xABC1)].common


def test_a_known_part_is_common_from_the_start(rnd):
    wrappers = Wrappers(4, 8, frozenset({head_part(0xABC1)}))
    for number in range(1, 3):
        repeat(wrappers, rnd, number, 0xABC1)
    assert wrappers.shared[head_part(0xABC1)].common


def test_shared_parts_are_bounded_and_phrases_go_first(wrappers, rnd):
    for number in range(1, 3):
        repeat(wrappers, rnd, number, 0xABC1)
    for head in range(0x100, 0x150, 2):
        for number in range(1, 3):
            repeat(wrappers, rnd, number, head)
        for number in range(5, 9):
            repeat(wrappers, rnd, number, head, times=1)
        assert len(wrappers.shared) <= 8
    assert head_part(0xABC1) in wrappers.shared


def test_an_account_keeps_a_bounded_number_of_everything(wrappers, rnd):
    account = Account("a", 0)
    for n in range(400):
        one = look(rnd, head=0x1000 + n // 4)
        wrappers.feed(1, account, one)
        account.wrap(one)
    assert len(account.seen) == RECENT * 4 * (PARTS + 1)
    assert len(account.used) <= 16
    assert len(account.topics) <= 48


def test_accounts_that_leave_are_out_of_what_they_shared(wrappers, rnd):
    for number in range(1, 4):
        repeat(wrappers, rnd, number, 0xABC1)
    wrappers.leave(frozenset({1}))
    assert list(wrappers.shared[head_part(0xABC1)].users) == [2, 3]
    wrappers.leave(frozenset({2, 3}))
    assert wrappers.shared == {}
