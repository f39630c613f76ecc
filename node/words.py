"""A person's key on paper: 24 words (BIP 39), which hold the 32-byte seed and a checksum."""

import unicodedata

from mnemonic import Mnemonic

from node.refused import Refused

__all__ = ["COUNT", "LANGUAGES", "seed_of", "words_of"]

LANGUAGES = tuple(sorted(Mnemonic.list_languages()))
"""The languages that have a word list."""
COUNT = 24
"""Words that hold a seed of 32 bytes."""


def words_of(seed: bytes, language: str = "english") -> str:
    """The 24 words that hold `seed` (32 bytes), in one of `LANGUAGES`; raises `Refused` on another."""
    return Mnemonic(_named(language)[0]).to_mnemonic(seed)


def seed_of(words: str, language: str | None = None) -> bytes:
    """The seed in `words`, of `language` or of whichever they are.

    Raises `Refused` that tells which word is wrong, where one is.
    """
    given = _plain(words).split()
    if len(given) != COUNT:
        raise Refused(
            "words-count", f"These are {len(given)} words, and a key has {COUNT}; write all of them, in order."
        )
    lists = {name: [_plain(word) for word in Mnemonic(name).wordlist] for name in _named(language)}
    seeds = {seed for name, known in lists.items() if (seed := _seed(Mnemonic(name, known), given))}
    if len(seeds) == 1:
        return seeds.pop()
    if seeds:
        raise Refused("words-ambiguous", "These words are a key in two languages; say which is meant with --language.")
    # The language of most words is the one meant.
    meant = max(lists.values(), key=lambda known: sum(word in known for word in given))
    for position, word in enumerate(given, start=1):
        if word not in meant:
            raise Refused(
                "words-unknown", f"Word {position}, {word!r}, is not in the word list; look at the paper again."
            )
    raise Refused("words-checksum", "Each word is known but together they are no key: one is wrong or two are swapped.")


def _plain(text: str) -> str:
    """The same letters however they were composed: lists and keyboards differ."""
    return unicodedata.normalize("NFKD", text.lower())


def _named(language: str | None) -> tuple[str, ...]:
    if language is None:
        return LANGUAGES
    if language not in LANGUAGES:
        raise Refused("words-language", f"There is no word list in {language!r}; there are: {', '.join(LANGUAGES)}.")
    return (language,)


def _seed(known: Mnemonic, given: list[str]) -> bytes | None:
    try:
        return bytes(known.to_entropy(given))
    except ValueError:  # an unknown word, or a wrong checksum
        return None
