"""Files that somebody is looking at before they are stored: kept on disk for a day at most.

Each is known by a random name, belongs to whoever sent it, and is gone once it is stored. Several
processes of one machine share them; a second machine would need the same folder.
"""

import json
import os
import re
import secrets
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from organizations.importing.uploads import Upload

KEPT_SECONDS = 24 * 60 * 60
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


def folder() -> Path:
    """Where they are, for this system's user alone."""
    path = Path(tempfile.gettempdir()) / f"facilities-uploads-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_uid != os.getuid() or path.stat().st_mode & 0o077:
        raise PermissionError(f"{path} is not this service's alone")
    return path


@dataclass
class Draft:
    """A file with what has been said about it so far."""

    token: str
    user: str
    organization: str
    kind: str
    name: str
    said: dict[str, Any] = field(default_factory=dict)
    """Options of the import, as the page's form has them."""

    columns: dict[str, str] = field(default_factory=dict)
    """Our column → theirs, where that was chosen by hand."""

    constants: dict[str, str] = field(default_factory=dict)
    """Our column → what every row has."""

    mended: dict[int, dict[int, str]] = field(default_factory=dict)
    """Line → position of a cell → what it should have been."""

    @classmethod
    def begin(cls, upload: Upload, user: Any, organization: Any, kind: str) -> Self:
        """Keeps a file that was sent; others that nobody came back to go."""
        forget_old()
        token = secrets.token_urlsafe(24)
        draft = cls(token, str(user.pk), str(organization.pk), kind, upload.name)
        os.replace(upload.path, draft.path)
        draft.save()
        return draft

    @classmethod
    def of(cls, token: str, user: Any) -> Self | None:
        """The one of that name, if it is the user's."""
        if not TOKEN.fullmatch(token):
            return None
        try:
            kept = json.loads((folder() / f"{token}.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        kept["mended"] = {
            int(line): {int(place): text for place, text in cells.items()}
            for line, cells in kept["mended"].items()
        }
        draft = cls(**kept)
        return draft if draft.user == str(user.pk) else None

    @property
    def path(self) -> Path:
        return folder() / self.token

    def save(self) -> None:
        new = folder() / f"{self.token}.new"
        new.write_text(json.dumps(asdict(self)), encoding="utf-8")
        os.replace(new, folder() / f"{self.token}.json")

    def claim(self) -> bool:
        """Takes it for storing; of two who do so at once one gets it."""
        try:
            os.rename(folder() / f"{self.token}.json", folder() / f"{self.token}.storing")
        except FileNotFoundError:
            return False
        return True

    def give_back(self) -> None:
        """After what was not stored."""
        os.rename(folder() / f"{self.token}.storing", folder() / f"{self.token}.json")

    def remove(self) -> None:
        for name in (self.token, f"{self.token}.json", f"{self.token}.storing"):
            with suppress(FileNotFoundError):
                (folder() / name).unlink()


def forget_old() -> None:
    """Removes what was begun more than a day ago."""
    for path in folder().iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > KEPT_SECONDS:
                path.unlink()
