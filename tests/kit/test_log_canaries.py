"""The watch over all that the tests log: it sees what it shall see, and lets the rest pass."""

import logging
from collections.abc import Callable

import pytest

from kit.log import logger
from tests.support.canaries import WORDS, Watch


def say_a_message(word: str) -> None:
    """Put the word into what is said."""
    logging.getLogger("a.library").warning("sent %s", word)


def say_a_field(word: str) -> None:
    """Put the word into a field."""
    logger.info("request", password=word)


def say_an_error(word: str) -> None:
    """Put the word into an exception that led to another."""
    try:
        try:
            raise ValueError(word)
        except ValueError as error:
            raise RuntimeError from error
    except RuntimeError:
        logger.exception("unexpected error")


class TestWatch:
    @pytest.mark.parametrize("word", WORDS)
    @pytest.mark.parametrize("say", [say_a_message, say_a_field, say_an_error])
    def test_sees_each_word_wherever_it_is(
        self, canary_watch: Watch, say: Callable[[str], None], word: str
    ) -> None:
        say(word)
        (line,) = canary_watch.found
        canary_watch.found.clear()  # else this test would fail for it
        assert word in line

    def test_lets_the_rest_pass(self, canary_watch: Watch) -> None:
        for say in (say_a_message, say_a_field, say_an_error):
            say("nothing special")
        assert canary_watch.found == []
