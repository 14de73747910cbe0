"""Groups out of pairs: the surest first, and nobody drawn in by one bridge."""

from gateway.risk.groups import LEVELS, gather

SURE, WEAK = LEVELS[0], LEVELS[-1]


def edges(*pairs):
    both = {}
    for one, other, strength in pairs:
        both.setdefault(one, {})[other] = strength
        both.setdefault(other, {})[one] = strength
    return both


def clique(numbers, strength):
    return [(one, other, strength) for at, one in enumerate(numbers) for other in numbers[at + 1 :]]


def worth(numbers_that_count, each=10.0):
    return lambda group: each * len(numbers_that_count & set(group)) - each * len(set(group) - numbers_that_count)


def test_what_hangs_together_and_weighs_enough_is_a_group():
    assert gather(edges(*clique([1, 2, 3], WEAK)), worth({1, 2, 3}), 15) == [[1, 2, 3]]


def test_two_are_no_group():
    assert gather(edges((1, 2, SURE)), worth({1, 2}), 15) == []


def test_a_group_that_weighs_too_little_is_none():
    assert gather(edges(*clique([1, 2, 3], SURE)), lambda group: 14.9, 15) == []


def test_an_edge_below_the_last_level_joins_nobody():
    assert gather(edges(*clique([1, 2, 3], WEAK - 1)), worth({1, 2, 3}), 15) == []


def test_strangers_behind_a_bridge_stay_out_even_where_the_whole_would_weigh_enough():
    pairs = [*clique([1, 2, 3, 4, 5, 6], SURE), *clique([11, 12, 13, 14], SURE), (6, 11, WEAK)]
    assert gather(edges(*pairs), worth({1, 2, 3, 4, 5, 6}), 15) == [[1, 2, 3, 4, 5, 6]]


def test_two_found_groups_with_a_bridge_are_one():
    pairs = [*clique([1, 2, 3], SURE), *clique([11, 12, 13], SURE), (3, 11, WEAK)]
    assert gather(edges(*pairs), worth({1, 2, 3, 11, 12, 13}), 15) == [[1, 2, 3, 11, 12, 13]]


def test_an_account_that_shares_most_with_a_group_comes_to_it():
    pairs = [*clique([1, 2, 3], SURE), (9, 1, WEAK), (9, 2, WEAK)]
    assert gather(edges(*pairs), worth({1, 2, 3, 9}), 15) == [[1, 2, 3, 9]]


def test_one_in_common_with_a_group_and_most_with_others_does_not():
    pairs = [*clique([1, 2, 3], SURE), (9, 1, WEAK), (9, 2, WEAK), (9, 20, WEAK), (9, 21, WEAK), (9, 22, WEAK)]
    assert gather(edges(*pairs), worth({1, 2, 3}), 15) == [[1, 2, 3]]
