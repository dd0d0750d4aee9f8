"""Sentences that are made or stored in English, in the language of the page.

What an import refuses is told in English, because its file, the API and the commands are; so is
what was stored of it. A page looks a sentence up in the catalogue, by the template that it was made
of: “Line 3 is the same facility.” is “Line {earlier} is the same facility.” with earlier = 3.
"""

import re
from functools import cache
from typing import Any, NamedTuple

from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation.trans_real import translation

from organizations.staff.numbers import in_own_language

REFUSAL = "refusal"
"""The context of the sentences of imports in the catalogue (tests.messages finds them)."""

PLACEHOLDER = re.compile(r"\{(\w+)\}|%\((\w+)\)[sd]")
THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
"""A number that the sentence counts; what stands in quotation marks is as it was written."""

QUOTES = ("“", "«", '"')
LITERAL = 10
"""So many characters a template has besides its placeholders, so that it fits nothing else."""


class Template(NamedTuple):
    """How a sentence is recognised and said."""

    longest: str
    """Its longest part without a placeholder, to look for first."""

    pattern: str
    said: str


def said(sentence: str) -> str:
    """A sentence of an import in the language of the page; as it is where there is no other."""
    if not sentence or (get_language() or "en").startswith("en"):
        return sentence
    for whole in (pgettext(REFUSAL, sentence), gettext(sentence)):
        if whole != sentence:
            return whole
    for one in templates(get_language() or "en"):
        if one.longest in sentence and (found := re.fullmatch(one.pattern, sentence, re.DOTALL)):
            return filled(one.said, found.groupdict())
    first, stop, rest = sentence.partition(". ")
    return f"{said(first + '.')} {said(rest)}" if stop else sentence


def filled(template: str, given: dict[str, str]) -> str:
    """A template with what stood in the sentence, which may be sentences itself: “… ; …”."""

    def one(place: re.Match[str]) -> str:
        text = given[place[1] or place[2]]
        if THOUSANDS.fullmatch(text) and template[: place.start()][-1:] not in QUOTES:
            return in_own_language(text)
        space = text[: len(text) - len(text.lstrip())]
        return space + "; ".join(map(said, text.lstrip().split("; "))) if " " in text else text

    return PLACEHOLDER.sub(one, template)


@cache
def templates(language: str) -> list[Template]:
    """Every text of the catalogue that has placeholders, those that say most first."""
    known: Any = translation(language)
    found = []
    for key, text in known._catalog.items():
        source = (key if isinstance(key, str) else key[0]).rpartition("\x04")[2]
        parts = PLACEHOLDER.split(source)[::3]
        names = [one[1] or one[2] for one in PLACEHOLDER.finditer(source)]
        if len(parts) > 1 and text and len("".join(parts)) >= LITERAL:
            found.append(
                (len("".join(parts)), Template(max(parts, key=len), fitting(parts, names), text))
            )
    return [one for _, one in sorted(found, key=lambda one: -one[0])]


def fitting(parts: list[str], names: list[str]) -> str:
    """The pattern of a template from what is between its placeholders, and their names. What
    stands in a single sentence has no end of a sentence in it, or it would take in the next one."""
    several = any(re.search(r"\. |\.$", one) for one in parts[:-1]) or ". " in parts[-1]
    anything = ".*?" if several else r"(?:(?!\. ).)*?"
    seen: set[str] = set()
    pattern = re.escape(parts[0])
    for name, part in zip(names, parts[1:], strict=True):
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{anything})"
        pattern += re.escape(part)
        seen.add(name)
    return pattern
