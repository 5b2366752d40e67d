"""Compact token vectors and late interaction with them."""

from __future__ import annotations

import numpy as np
import pytest

from models.token_vectors import DIMENSIONS, TokenVectors, compact, joined, nearest, together


def random_vectors(tokens: int, dimension: int, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((tokens, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize(("dimension", "width"), [(768, 32), (256, 32), (64, 8), (12, 2)])
def test_a_token_takes_a_bit_a_dimension_of_the_first_256(dimension, width):
    vectors = random_vectors(5, dimension)
    bits = compact(vectors)
    assert bits.shape == (5, width) and bits.dtype == np.uint8
    changed = vectors.copy()
    changed[:, DIMENSIONS:] *= -1  # what lies beyond is not looked at
    assert np.array_equal(compact(changed), bits)


@pytest.mark.parametrize("dimension", [768, 64, 12])
def test_nearest_is_the_cosine_with_the_signs(dimension):
    question = random_vectors(4, dimension)
    sentences = [random_vectors(n, dimension, seed=n) for n in (3, 1, 6)]
    tokens = together([compact(s) for s in sentences], len(compact(question)[0]))
    kept = min(dimension, DIMENSIONS)
    asked = question[:, :kept] / np.linalg.norm(question[:, :kept], axis=1, keepdims=True)
    for number, sentence in enumerate(sentences):
        signs = np.where(sentence[:, :kept] > 0, 1, -1) / np.sqrt(kept)
        expected = (asked @ signs.T).max(axis=1)
        assert np.allclose(nearest(question, tokens)[:, number], expected, atol=1e-5)


def test_a_token_is_nearest_to_itself():
    vectors = random_vectors(8, 768)
    tokens = together([compact(vectors[i : i + 1]) for i in range(8)], 32)
    assert nearest(vectors, tokens).argmax(axis=1).tolist() == list(range(8))


def test_a_sentence_without_tokens_is_near_nothing_wherever_it_stands():
    one = compact(random_vectors(2, 64))
    empty = np.zeros((0, 8), np.uint8)
    question = random_vectors(2, 64)
    for order in ([empty, one, empty], [one, empty, one], [empty]):
        near = nearest(question, together(order, 8))
        assert near.shape == (2, len(order))
        for number, sentence in enumerate(order):
            assert near[:, number].all() == bool(len(sentence))


def test_nothing_gives_nothing():
    none = TokenVectors(np.zeros((0, 0), np.uint8), np.zeros(0, np.int64))
    assert nearest(random_vectors(3, 64), none).shape == (3, 0)
    assert nearest(np.zeros((0, 64), np.float32), together([], 8)).shape == (0, 0)


def test_joined_sentences_are_those_of_the_parts():
    parts = [together([compact(random_vectors(n, 64, n)) for n in ns], 8) for ns in ((2, 3), (4,))]
    none = TokenVectors(np.zeros((0, 0), np.uint8), np.zeros(2, np.int64))
    question = random_vectors(3, 64)
    whole = joined([parts[0], none, parts[1]])
    assert whole.counts.tolist() == [2, 3, 0, 0, 4]
    expected = [nearest(question, part) for part in (parts[0], none, parts[1])]
    assert np.allclose(nearest(question, whole), np.concatenate(expected, axis=1), atol=1e-6)
    assert nearest(question, joined([none])).shape == (3, 2)
    assert nearest(question, joined([])).shape == (3, 0)
