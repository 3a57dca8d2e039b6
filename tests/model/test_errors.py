"""Every error code says what it means and what helps."""

import pytest

from ringpost.errors import ERRORS, RingpostError


@pytest.mark.parametrize("code", ERRORS)
def test_every_code_has_a_status_a_meaning_and_help(code: str) -> None:
    error = RingpostError(code)
    assert 400 <= error.status < 600
    assert error.kind.meaning.endswith(".")
    assert error.kind.help.endswith(".")
    assert error.message == f"{error.kind.meaning} {error.kind.help}"


def test_a_code_that_is_not_in_the_list_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        RingpostError("no_such_code")
