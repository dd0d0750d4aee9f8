"""What a refusal names."""

from tests.conftest import Answer


def refused(answer: Answer) -> list[str]:
    """The fields that a 422 names. Any other answer fails here, with its body."""
    assert answer.status == 422, (answer.status, answer.body)
    assert answer.body["code"] == "validation_error"
    return answer.fields
