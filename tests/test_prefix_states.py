"""Saved prompt states: exact, bounded, and never trusted when damaged."""

from __future__ import annotations

import os

import numpy as np
import pytest

from models.prefix_states import PrefixStates, State


def state(number: int) -> State:
    return State(bytes([number]) * 1000, np.full(7, number, np.float32))


def same(a: State | None, b: State) -> bool:
    return a is not None and a.data == b.data and np.array_equal(a.logits, b.logits)


def test_a_state_comes_back_exactly_from_memory_and_from_disk(tmp_path):
    states = PrefixStates("c", tmp_path / "states")
    key = states.key([[1, 2]])
    states.put(key, state(5), to_disk=True)
    assert same(states.get(key), state(5))
    assert same(PrefixStates("c", tmp_path / "states").get(key), state(5))
    assert (tmp_path / "states").stat().st_mode & 0o777 == 0o700


def test_only_what_is_meant_for_the_disk_gets_there(tmp_path):
    states = PrefixStates("c", tmp_path)
    states.put(states.key([[1]]), state(1), to_disk=False)
    assert list(tmp_path.iterdir()) == []


def test_the_key_knows_the_conditions_the_tokens_and_where_they_are_cut():
    keys = {
        PrefixStates("a", None).key([[1, 2], [3]]),
        PrefixStates("b", None).key([[1, 2], [3]]),
        PrefixStates("a", None).key([[1], [2, 3]]),
        PrefixStates("a", None).key([[1, 2, 3]]),
        PrefixStates("a", None).key([[1, 2], [4]]),
    }
    assert len(keys) == 5


def test_memory_keeps_those_used_last():
    states = PrefixStates("c", None, in_memory=2)
    states.put("a", state(1), to_disk=False)
    states.put("b", state(2), to_disk=False)
    states.get("a")
    states.put("c", state(3), to_disk=False)
    assert states.get("b") is None
    assert same(states.get("a"), state(1)) and same(states.get("c"), state(3))


def test_the_disk_keeps_those_used_last(tmp_path):
    states = PrefixStates("c", tmp_path, in_memory=1, on_disk=2)
    for age, name in ((30, "a"), (20, "b")):
        states.put(name, state(1), to_disk=True)
        os.utime(tmp_path / f"{name}.state", (1e9 - age, 1e9 - age))
    assert states.get("a") is not None  # used now, so "b" is the oldest
    states.put("c", state(3), to_disk=True)
    assert sorted(f.stem for f in tmp_path.iterdir()) == ["a", "c"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[:-1] + b"\0",
        lambda content: b"",
        lambda content: b"X" + content[1:],
        lambda content: content + b"x",
    ],
)
def test_a_damaged_file_is_dropped(tmp_path, damage):
    PrefixStates("c", tmp_path).put("k", state(1), to_disk=True)
    path = tmp_path / "k.state"
    path.write_bytes(damage(path.read_bytes()))
    assert PrefixStates("c", tmp_path).get("k") is None
    assert not path.exists()


def test_a_disk_that_takes_nothing_costs_only_time(tmp_path):
    (tmp_path / "file").write_text("in the way")
    states = PrefixStates("c", tmp_path / "file" / "states")
    states.put("k", state(1), to_disk=True)
    assert same(states.get("k"), state(1))
