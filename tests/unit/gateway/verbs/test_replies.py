"""An outage is never taken for an answer: DIRAC's own words, each with the error it must become."""

from __future__ import annotations

import pytest

from dirac_prodsys.errors import (
    GatewayDenied,
    GatewayError,
    GatewayRejected,
    GatewayUnavailable,
    NotFound,
)
from dirac_prodsys.gateway.verbs.replies import each, error_of, value_of


@pytest.mark.parametrize(
    ("message", "number", "expected"),
    [
        # connection
        ("('127.0.0.1', 9131) [Errno 111] Connection refused", 0, GatewayUnavailable),
        ("Can't connect to dips://host:9131/X/Y: TimeoutError()", 0, GatewayUnavailable),
        ("Peer closed connection", 0, GatewayUnavailable),
        ("Connection seems stalled. Closing...", 0, GatewayUnavailable),
        ("Error in _read: timed out SSLTimeoutError('timed out')", 0, GatewayUnavailable),
        ("DNS lookup failed gaierror(-2)", 0, GatewayUnavailable),
        ("whatever", 104, GatewayUnavailable),
        # a query that is stored well, read by two threads at once
        ("Server error while serving x: Unknown error processing object expression", 0,
         GatewayUnavailable),
        ("Server error while serving x: Syntax error processing object expression", 0,
         GatewayRejected),
        # database
        ('MySQL Error ( 1131 : (2006, "Server has gone away"))', 1131, GatewayUnavailable),
        ("Execution failed.: ((2013, 'Lost connection'))", 1131, GatewayUnavailable),
        ("Execution failed.: ((1205, 'Lock wait timeout'))", 1131, GatewayUnavailable),
        ("Execution failed.: ((1213, 'Deadlock found'))", 1131, GatewayUnavailable),
        ("Could not retrieve transformation 7 details for permissions check.", 0,
         GatewayUnavailable),
        ("Execution failed.: ((1064, 'syntax'))", 1131, GatewayRejected),
        ("Execution failed.: ((1062, 'Duplicate entry'))", 1131, GatewayRejected),
        ("Execution failed.: ((1406, 'Data too long'))", 1131, GatewayRejected),
        # rights
        ("Unauthorized query ( 1111 : Unauthorized query)", 1111, GatewayDenied),
        ("No proxy found", 0, GatewayDenied),
        ("Can't connect to dips://h:1/x/y: SSLError('tlsv1 alert unknown ca')", 0, GatewayDenied),
        ("Can't connect to dips://h:1/x/y: SSLError('sslv3 alert certificate expired')", 0,
         GatewayDenied),
        ("PEM file /x has expired, not valid after 2020", 0, GatewayDenied),
        ("You do not have permissions for transformation 7", 0, GatewayDenied),
        ("/sim/x: Permission denied ( 13 : directory not writable)", 0, GatewayDenied),
        # the rest
        ("Transformation does not exist", 0, NotFound),
        ("/sim/x: No such dataset", 0, NotFound),
        ("Directory /sim/x not found", 0, NotFound),
        ("Can not extend non-SIMULATION type production", 0, GatewayRejected),
        ("Transformation with name x already exists with TransformationID = 7", 0,
         GatewayRejected),
        ("", 0, GatewayRejected),
    ],
)  # fmt: skip
def test_each_of_diracs_words_becomes_the_error_that_tells_what_to_do(
    message: str, number: int, expected: type[GatewayError]
) -> None:
    error = error_of(message, "Service.method", number)
    assert type(error) is expected
    assert error.reason.startswith("Service.method: ")
    assert error.hint
    assert error.retryable is (expected is GatewayUnavailable)


def test_a_good_reply_gives_its_value_and_a_bad_one_raises() -> None:
    assert value_of({"OK": True, "Value": [1]}, "x") == [1]
    assert value_of({"OK": True}, "x") is None
    with pytest.raises(GatewayRejected, match=r"x: no such thing"):
        value_of({"OK": False, "Message": "no such thing"}, "x")


@pytest.mark.parametrize("reply", [None, [], "busy", {}])
def test_what_is_no_reply_of_dirac_is_an_outage(reply: object) -> None:
    with pytest.raises(GatewayUnavailable):
        value_of(reply, "x")
    with pytest.raises(GatewayUnavailable):
        each(reply, "x")


def test_one_failure_in_a_bulk_reply_is_an_error_that_names_it() -> None:
    reply = {"Successful": {"/a": True}, "Failed": {"/b": "Peer closed connection"}}
    with pytest.raises(GatewayUnavailable, match=r"/b: Peer closed"):
        each(reply, "x")
    assert each({"Successful": {"/a": 1}, "Failed": {}}, "x") == {"/a": 1}
