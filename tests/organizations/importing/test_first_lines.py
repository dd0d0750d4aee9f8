"""`FirstLines` is a map of key → first line, whatever the number of keys."""

from organizations.importing.first_lines import FirstLines


def test_the_first_line_of_a_key_is_remembered_as_the_map_grows() -> None:
    seen = FirstLines()
    for line in range(1, 20_001):
        assert seen.add(f"key {line}", line) == 0
    assert seen.add("key 7", 99) == 7
    assert [seen.line(f"key {line}") for line in (1, 2_731, 20_000)] == [1, 2_731, 20_000]
    assert seen.line("another") == 0


def test_keys_may_be_tuples() -> None:
    seen = FirstLines()
    assert seen.add(("a", 1), 2) == 0
    assert seen.add(("a", 1), 3) == 2
    assert seen.add(("a", 2), 4) == 0


def test_many_keys_at_once_are_noted_in_their_order() -> None:
    seen = FirstLines()
    keys = [f"key {number % 7000}" for number in range(10_000)]
    earlier = seen.add_all(keys, range(1, 10_001))
    assert earlier == [0] * 7000 + list(range(1, 3001))
    assert seen.add_all([], []) == []
    assert seen.add_all(["key 6999", "new", "new"], [5, 6, 7]) == [7000, 0, 6]
