"""Mail to one person, where a server for it is set."""

import logging
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)


def send(to: str, subject: str, template: str, context: dict[str, Any]) -> bool:
    """Whether it was sent. What goes wrong is logged, without the text, which may hold a secret."""
    if not settings.MAIL_IS_SET:
        return False
    text = render_to_string(template, context)
    try:
        send_mail(" ".join(subject.split()), text, None, [to])
    except (SMTPException, OSError) as error:
        logger.error("Mail to %s was not sent: %s", to, type(error).__name__)
        return False
    return True
