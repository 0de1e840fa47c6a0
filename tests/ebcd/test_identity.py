"""Who is asking."""

from __future__ import annotations

import hashlib

import pytest

from ebcd.identity import TOKEN_CHARACTERS_MAX, Operators
from ebcd.operator import Actor, OperationRefused

OPERATORS = Operators({hashlib.sha256(b"s3cret").hexdigest(): "chen"}, {1000: "wang"})


def test_a_token_names_its_operator_before_the_user_id_does() -> None:
    assert OPERATORS.identify("s3cret", 1000) == Actor("chen", via="token")


def test_a_user_id_names_its_operator_without_a_token() -> None:
    assert OPERATORS.identify(None, 1000) == Actor("wang", via="uid")


def test_a_wrong_token_is_refused_even_where_the_user_id_is_known() -> None:
    with pytest.raises(OperationRefused) as refused:
        OPERATORS.identify("guess", 1000)
    assert refused.value.problem.code == "bad_token"


def test_a_token_over_the_limit_is_refused_without_hashing_it() -> None:
    with pytest.raises(OperationRefused):
        OPERATORS.identify("s" * (TOKEN_CHARACTERS_MAX + 1), None)


def test_an_unknown_user_id_is_nobody_and_may_not_act() -> None:
    assert OPERATORS.identify(None, 1001) is None
    with pytest.raises(OperationRefused) as refused:
        OPERATORS.required(None, 1001)
    assert refused.value.problem.code == "unknown_actor"
    assert refused.value.problem.value == "uid 1001"
