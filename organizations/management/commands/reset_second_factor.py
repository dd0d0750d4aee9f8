"""`reset_second_factor EMAIL`: for somebody who has lost the phone and the recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from organizations.audit.recording import account
from organizations.models import User
from organizations.people.second_factor import take_away


class Command(BaseCommand):
    help = (
        "Takes a person's second factor away; where one is required, the next log-in sets one up."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['email']}.")
        if not user.second_factor:
            raise CommandError(f"{user.email} has no second factor.")
        take_away(user, actor=account())
        self.stdout.write(f"{user.email} logs in with the password alone.")
