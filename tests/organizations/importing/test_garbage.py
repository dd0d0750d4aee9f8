"""How often Python looks for garbage while files are brought in, and afterwards."""

import gc

from organizations.importing.engine import USUAL, garbage_is_looked_for_seldom


def test_two_imports_at_once_leave_it_as_it_was() -> None:
    first, second = garbage_is_looked_for_seldom(), garbage_is_looked_for_seldom()
    first.__enter__()
    second.__enter__()
    assert gc.get_threshold()[0] > USUAL[0]
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert gc.get_threshold() == USUAL
