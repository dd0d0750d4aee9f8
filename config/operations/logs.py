"""Log lines: JSON for a collector of logs, or plain ones for a person, each with its request's id.

Nothing here needs settings: granian's own process, which serves nothing itself, writes its lines by
the same class.
"""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

REQUEST_ID: ContextVar[str] = ContextVar("REQUEST_ID", default="")
"""The id of the request that is being answered; empty outside of one."""


class WithRequest(logging.Filter):
    """Puts the id of the request on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = REQUEST_ID.get() or "-"
        return True


class JSONLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, request_id and message; then the `fields`
    that a record was given; and what went wrong, where it carries an exception."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request_id": REQUEST_ID.get() or None,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
