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
    """The 24 words that hold `seed` (32 bytes), in one of `LANGUAGES`."""
    return Mnemonic(language).to_mnemonic(seed)


def seed_of(words: str) -> bytes:
    """The seed in `words`, of any language; raises `Refused` that tells which word is wrong, where one is."""
    given = unicodedata.normalize("NFKD", words).lower().split()
    if len(given) != COUNT:
        raise Refused(
            "words-count", f"These are {len(given)} words, and a key has {COUNT}; write all of them, in order."
        )
    lists = {language: set(Mnemonic(language).wordlist) for language in LANGUAGES}
    for language, known in lists.items():
        if known.issuperset(given) and Mnemonic(language).check(" ".join(given)):
            return bytes(Mnemonic(language).to_entropy(given))
    # The language of most words is the one meant.
    meant = max(lists.values(), key=lambda known: sum(word in known for word in given))
    for position, word in enumerate(given, start=1):
        if word not in meant:
            raise Refused(
                "words-unknown", f"Word {position}, {word!r}, is not in the word list; look at the paper again."
            )
    raise Refused("words-checksum", "Each word is known but together they are no key: one is wrong or two are swapped.")
