"""A directory from a CSV file, and what it adds to events."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from ringpost.directory.directory import Directory
from ringpost.directory.table import read_directory
from ringpost.errors import RingpostError
from ringpost.model.data import CallData, Party
from ringpost.model.directory import Person

FILE = """\
extension,name,e-mail,userId,department,group
1001,Alice Rossi,alice@example.com,u-1,Sales,Front desk
1002,"Größner, Jürgen",,,,
"""


def people(raw: str) -> Directory:
    return read_directory(raw.encode()).directory


def test_every_column_reaches_its_person() -> None:
    directory = people(FILE)
    assert directory.person("1001") == Person(
        extension="1001",
        name="Alice Rossi",
        email="alice@example.com",
        user_id="u-1",
        department="Sales",
        group="Front desk",
    )
    assert directory.person("1002") == Person(extension="1002", name="Größner, Jürgen")
    assert directory.person("1003") is directory.person(None) is None


@pytest.mark.parametrize(
    "raw", ["\ufeffUser ID;Extension\nu;1\n", "userid\textension\r\n\r\nu\t1\r\n", "user_id,EXT\nu,1"]
)
def test_columns_are_found_in_any_order_case_and_separation(raw: str) -> None:
    person = people(raw).person("1")
    assert person is not None
    assert person.user_id == "u"


def test_trunks_and_emergency_numbers_have_rows_of_their_own() -> None:
    directory = people("extension,trunk,emergency\n1001,,\n,SIP*,\n,,112\n,provider,\n")
    assert directory.trunks == ("SIP*", "provider")
    assert directory.emergency == ("112",)
    assert directory.extensions == {"1001"}


def test_queues_have_rows_of_their_own_with_the_name_that_people_know() -> None:
    directory = people("extension,queue,name\n,500,Support\n1001,,Alice\n,sales,Our sales\n")
    assert directory.queues == {"500": "Support", "sales": "Our sales"}
    assert directory.people == (Person(extension="1001", name="Alice"),)


def test_columns_of_other_names_are_left_out_and_told() -> None:
    table = read_directory(b"extension,Mobile,name\n1001,0461,Alice\n")
    assert table.unused == ("Mobile",)
    assert table.directory.person("1001") == Person(extension="1001", name="Alice")


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "line 1: The file is empty"),
        (b"name,email\nA,a@b\n", "The column `extension` is missing"),
        (b"extension,ext\n1,1\n", "line 1, column ext: The column 'ext' is there twice"),
        (b"extension,name\n1001,A\n\n1001,B\n", "line 4, column extension: Extension 1001 is there twice"),
        (b"extension,name\n,A\n", "line 2: A row tells of one of these"),
        (b"extension,trunk\n1,T\n", "line 2: A row tells of one of these"),
        (b"extension,queue\n1,500\n", "line 2: A row tells of one of these"),
        (b"queue,name\n500,A\n500,B\n", "line 3, column queue: Queue 500 is there twice"),
        (b"queue,name\n500,\n", "line 2, column name: Write the name of queue 500"),
        (b"extension,email\n1,nonsense\n", "line 2, column email: 'nonsense' is not an e-mail address"),
        (b"extension\n10 01\n", "line 2, column extension: '10 01' is not an extension"),
        (b"extension\n1,2\n", "line 2: The line has more cells"),
        (b'extension,name\n1,"A\n', "The line is no CSV"),
        (b"extension,name\n1,J\xfcrgen\n", "line 2: The file is not in UTF-8"),
        (b"extension,name\n1,A\x07\n", "line 2, column name: Write up to 256 characters"),
        (b"extension,name\n1," + b"A" * 257 + b"\n", "line 2, column name: Write up to 256 characters"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(raw: bytes, message: str) -> None:
    with pytest.raises(RingpostError) as caught:
        read_directory(raw)
    assert caught.value.code == "directory_invalid"
    assert message in caught.value.message


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: b"extension,name\n" + text.encode("utf-8")))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        read_directory(raw)
    except RingpostError as error:
        assert error.code == "directory_invalid"  # noqa: PT017 - either is right


LOCAL = Party(type="LOCAL", phone="1001", name="A. R.", userExtension="1001")


def said(caller: Party | None, callee: Party | None) -> CallData:
    return CallData(status="RINGING", caller=caller, callee=callee)


def test_people_inside_are_described_and_what_is_not_known_of_them_stays() -> None:
    known = people(FILE).described(said(Party(type="REMOTE", phone="1001"), LOCAL))
    assert known.caller == Party(type="REMOTE", phone="1001")
    assert known.callee == structs.replace(
        LOCAL,
        name="Alice Rossi",
        email="alice@example.com",
        userId="u-1",
        userDepartment="Sales",
        groupName="Front desk",
    )
    nameless = people("extension,userId\n1001,u-1\n").described(said(LOCAL, None))
    assert nameless.caller == structs.replace(LOCAL, userId="u-1")


def test_an_event_of_strangers_stays_as_it_is() -> None:
    told = said(Party(type="LOCAL", phone="1003"), None)
    assert people(FILE).described(told) is told
