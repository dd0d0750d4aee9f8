"""What the text of a cell cannot say by itself, in one character before it.

Unicode keeps these characters for use inside programs, so that no file has them.
"""

ERROR, NUMBER, DAY, ABSENT = "\ufdd0", "\ufdd1", "\ufdd2", "\ufdd3"
"""An error or a formula without its value; a real number, whose text has a decimal point; a real
date as ISO; and a key that a JSON row does not have, which is not an empty one."""

LIST, STRUCTURE = "\ufdd4", "\ufdd5"
"""A list of JSON, divided by |, and what no cell can hold, such as true or {"a": 1}."""

MARKS = LIST + STRUCTURE + ERROR + NUMBER + DAY + ABSENT


def unmarked(text: str) -> str:
    """A cell as people see it."""
    return text[1:] if text and text[0] in MARKS else text
