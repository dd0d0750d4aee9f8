"""What is wrong with a file as a whole."""


class Unreadable(Exception):
    """The file as a whole cannot be read; the sentence says why and what to do."""

    def __init__(self, detail: str, code: str = "unreadable") -> None:
        super().__init__(detail)
        self.code = code
