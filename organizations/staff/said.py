"""Sentences that are made or stored in English, in the language of the page.

What an import refuses is told in English, because its file, the API and the commands are; so is
what was stored of it. A page looks a sentence up in the catalogue, by the template that it was made
of: “Line 3 is the same facility.” is “Line {earlier} is the same facility.” with earlier = 3.
"""

import re
from datetime import date
from functools import cache
from typing import Any, NamedTuple

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation.trans_real import translation

from organizations.staff.numbers import in_own_language

REFUSAL = "refusal"
"""The context of the sentences of imports in the catalogue (tests.messages finds them)."""

PLACEHOLDER = re.compile(r"\{(\w+)\}|%\((\w+)\)[sd]")
THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
"""A number that the sentence counts; what stands in quotation marks is as it was written."""

ISO_DAY = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
QUOTES = ("“", "«", '"')
SENTENCE_END = re.compile(r"\. (?![^“]*”)")
"""No stop in quotation marks, which is a value's: “St. Mary”."""

OURS = ("fields", "known", "lacking", "name", "names", "near", "other")
"""The placeholders for columns of ours, whose codes people know by their names."""

SAME = {"cups": "CUPS", "cups_list": "CUPS"}
"""Columns whose name is one in every language."""

LITERAL = 10
"""So many characters a template has besides its placeholders, so that it fits nothing else."""


class Template(NamedTuple):
    """How a sentence is recognised and said."""

    longest: str
    """Its longest part without a placeholder, to look for first."""

    pattern: str
    loose: str
    """The pattern where a value may be anything."""

    said: str


def said(sentence: str) -> str:
    """A sentence of an import in the language of the page; as it is where there is no other."""
    if not sentence or (get_language() or "en").startswith("en"):
        return sentence
    if whole := known(sentence):
        return whole
    ends = [found.start() + 1 for found in SENTENCE_END.finditer(sentence)]
    for end in ends:
        if first := known(sentence[:end]):
            return f"{first} {said(sentence[end + 1 :])}"
    if whole := known(sentence, anything=True):
        return whole
    return f"{sentence[: ends[0]]} {said(sentence[ends[0] + 1 :])}" if ends else sentence


def known(sentence: str, anything: bool = False) -> str:
    """The sentence in the language of the page, or nothing; with `anything` also where the end of
    a sentence stands in a value that is in no quotation marks: the layout St. Mary."""
    for whole in (pgettext(REFUSAL, sentence), gettext(sentence)):
        if whole != sentence:
            return whole
    for one in templates(get_language() or "en"):
        pattern = one.loose if anything else one.pattern
        if one.longest in sentence and (found := re.fullmatch(pattern, sentence, re.DOTALL)):
            return filled(one.said, found.groupdict())
    return ""


def filled(template: str, given: dict[str, str]) -> str:
    """A template with what stood in the sentence, which may be sentences itself: “… ; …”."""

    def one(place: re.Match[str]) -> str:
        name = place[1] or place[2]
        text = given[name]
        quoted = template[: place.start()][-1:] in QUOTES
        if THOUSANDS.fullmatch(text) and not quoted:
            return in_own_language(text)
        if ISO_DAY.fullmatch(text) and not quoted:
            return date_format(date.fromisoformat(text), "DATE_FORMAT")
        if name in OURS and not quoted:
            return ", ".join(map(column_said, text.split(", ")))
        if quoted:
            return text
        space = text[: len(text) - len(text.lstrip())]
        return space + "; ".join(map(said, text.lstrip().split("; "))) if " " in text else text

    return PLACEHOLDER.sub(one, template)


def column_said(code: str) -> str:
    """One of our columns as people call it, with the code that files have: fecha de inicio
    (start_date)."""
    if code in SAME:
        return SAME[code] if code == "cups" else f"{SAME[code]} ({code})"
    words = code.replace("_", " ")
    for one in (words, words.removesuffix(" id"), f"{words.removesuffix(' list')}s"):
        name = gettext(one)
        if name != one:
            return f"{name} ({code})"
    return code


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
            one = Template(
                max(parts, key=len), fitting(parts, names), fitting(parts, names, ".*?"), text
            )
            found.append((len("".join(parts)), one))
    return [one for _, one in sorted(found, key=lambda one: -one[0])]


def fitting(parts: list[str], names: list[str], anything: str = "") -> str:
    """The pattern of a template from what is between its placeholders, and their names. What
    stands in a single sentence has no end of a sentence in it, or it would take in the next one;
    but in quotation marks it may."""
    several = any(re.search(r"\. |\.$", one) for one in parts[:-1]) or ". " in parts[-1]
    anything = anything or (".*?" if several else r"(?:(?!\. ).)*?")
    seen: set[str] = set()
    pattern = re.escape(parts[0])
    for name, before, after in zip(names, parts[:-1], parts[1:], strict=True):
        quoted = before.endswith("“") and after.startswith("”")
        text = f"(?P<{name}>{'[^“”]*?' if quoted else anything})"
        pattern += f"(?P={name})" if name in seen else text
        pattern += re.escape(after)
        seen.add(name)
    return pattern
