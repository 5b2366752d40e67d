"""The same story in several files: agency copy, found by MinHash and confirmed by its words.

An article leaves the bands of a MinHash signature over its word shingles (Broder 1997; banding:
Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3). Articles that share a band
are candidates; ``alike`` then compares the shingles themselves, so bands shared by chance cost time
but never a wrong pair. Confirmed pairs are kept, so asking for an article's copies is one look-up.

On 7,483 articles of 14 newspapers of one week, ``alike`` holds for 3,379 pairs of 2,331 articles
(every pair compared); the bands find 3,361 of them. Forty pairs near the limits were read: the
false ones were telegrams of one wording to two heads of state (similarity .52 and below) and daily
weather reports (.49), which is where the first limit comes from.
"""

from __future__ import annotations

import re
import sqlite3
import zlib
from functools import lru_cache

import numpy as np

from vectorstore.arabic import fold

_SHINGLE = 3  # words
_BANDS, _ROWS = 20, 2  # Jaccard similarity s: some band is shared with 1 - (1 - s^2)^20
_WORD = re.compile(r"\w+")
_MOST_CANDIDATES = 64

# Alike: most of what two articles say is in both, or nearly all of the shorter one is in the
# longer one, which an outlet extended or cut but did not bury in a round-up.
_JACCARD, _CONTAINED, _LONGER = 0.55, 0.8, 3.0

_random = np.random.default_rng(20_201_119)
_MULTIPLIERS = _random.integers(1, 2**63, size=(_BANDS * _ROWS, 1), dtype=np.uint64) * 2 + 1
_ADDENDS = _random.integers(0, 2**63, size=(_BANDS * _ROWS, 1), dtype=np.uint64)


def shingles(text: str) -> np.ndarray:
    """Sorted distinct hashes, uint32, of the text's runs of three folded words."""
    words = _WORD.findall(fold(text))
    last = max(1, len(words) - _SHINGLE + 1) if words else 0
    runs = (zlib.crc32(" ".join(words[i : i + _SHINGLE]).encode()) for i in range(last))
    return np.unique(np.fromiter(runs, dtype=np.uint32, count=last))


def bands(hashes: np.ndarray) -> list[int]:
    """Twenty signed 64-bit numbers, or none for a text without words."""
    if len(hashes) == 0:
        return []
    # Multiply-add-shift hashing: arithmetic modulo 2^64, of which the upper half is good.
    mixed = hashes.astype(np.uint64)[None, :] * _MULTIPLIERS + _ADDENDS
    signature = (mixed >> np.uint64(32)).min(axis=1).astype(np.uint64)
    first, second = signature.reshape(_BANDS, _ROWS).T
    number = (first << np.uint64(32) | second) * np.uint64(0x9E3779B97F4A7C15)
    number += np.arange(_BANDS, dtype=np.uint64)  # the same values in another band differ
    return number.view(np.int64).tolist()


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two texts, given by their shingles, are the same or nearly the same story."""
    shorter, longer = sorted((len(one), len(other)))
    if shorter == 0:
        return False
    common = len(np.intersect1d(one, other, assume_unique=True))
    if common >= _JACCARD * (shorter + longer - common):
        return True
    return longer <= _LONGER * shorter and common >= _CONTAINED * shorter


class CopyIndex:
    """Writes and reads the tables ``bands`` and ``copies``; writes belong in a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._shingles = lru_cache(maxsize=2048)(self._read_shingles)

    def _read_shingles(self, number: int) -> np.ndarray:
        query = "SELECT text FROM articles WHERE number = ?"
        return shingles(self._connection.execute(query, (number,)).fetchone()[0])

    def add(self, number: int, text: str) -> None:
        """Find the copies of an article that has just been inserted."""
        hashes = shingles(text)
        keys = bands(hashes)
        if not keys:
            return
        candidates = self._connection.execute(
            f"SELECT article FROM bands WHERE band IN ({','.join('?' * len(keys))}) "
            "GROUP BY article ORDER BY count(*) DESC, article LIMIT ?",
            (*keys, _MOST_CANDIDATES),
        ).fetchall()
        pairs = []
        for (other,) in candidates:
            if other != number and alike(hashes, self._shingles(other)):
                pairs += [(number, other), (other, number)]
        self._connection.executemany("INSERT OR IGNORE INTO copies VALUES (?, ?)", pairs)
        self._connection.executemany(
            "INSERT OR IGNORE INTO bands VALUES (?, ?)", [(key, number) for key in keys]
        )

    def remove(self, number: int) -> None:
        """Forget an article whose text changes (one that is deleted takes its rows with it)."""
        self._connection.execute("DELETE FROM bands WHERE article = ?", (number,))
        self._connection.execute("DELETE FROM copies WHERE ? IN (article, other)", (number,))
        self._shingles.cache_clear()
