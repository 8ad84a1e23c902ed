"""What every store keeps to, in both worlds. A class of tests inherits it and gives the fixture `kept`."""

from functools import partial

import pytest

from tests.stores.kept import Kept

VALUES = [b"", b"\x00", b"\xff\xfe\r\n", bytes(range(256)), b"v" * 200_000]
KEYS = ["", "a b", "schlüssel", "日本", "100%_", "a\r\nb", "k" * 1000, "{a}:*?[b]"]
CALLERS = 12


class StoreContract:
    def test_knows_nothing_at_first(self, kept: Kept) -> None:
        assert kept.get("a", "b") == [None, None]

    def test_answers_in_the_order_of_the_question(self, kept: Kept) -> None:
        kept.put("a", b"1")
        kept.put("b", b"2")
        assert kept.get("b", "nothing", "a", "b") == [b"2", None, b"1", b"2"]

    def test_a_question_for_nothing_has_an_empty_answer(self, kept: Kept) -> None:
        assert kept.get() == []

    @pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{value[:4]!r}*{len(value)}")
    def test_gives_back_every_byte(self, kept: Kept, value: bytes) -> None:
        kept.put("a", value)
        assert kept.get("a") == [value]

    def test_tells_keys_apart(self, kept: Kept) -> None:
        for key in KEYS:
            kept.put(key, key.encode())
        assert kept.get(*KEYS) == [key.encode() for key in KEYS]

    def test_the_last_value_counts(self, kept: Kept) -> None:
        kept.put("a", b"1")
        kept.put("a", b"2")
        assert kept.get("a") == [b"2"]

    def test_what_has_ended_is_gone(self, kept: Kept) -> None:
        kept.put("a", b"1", 0.2)
        kept.put("b", b"2", 60)
        kept.later(0.3)
        assert kept.get("a", "b") == [None, b"2"]

    def test_a_new_value_has_its_own_lifetime(self, kept: Kept) -> None:
        kept.put("longer", b"1", 0.2)
        kept.put("longer", b"2", 60)
        kept.put("shorter", b"1", 60)
        kept.put("shorter", b"2", 0.2)
        kept.later(0.3)
        assert kept.get("longer", "shorter") == [b"2", None]

    @pytest.mark.parametrize("seconds", [0, -5, 1e-9])
    def test_the_shortest_lifetime_is_a_millisecond(self, kept: Kept, seconds: float) -> None:
        kept.put("a", b"1", seconds)
        kept.later(0.01)
        assert kept.get("a") == [None]

    @pytest.mark.parametrize("seconds", [1e9, 1e300, float("inf")])
    def test_a_lifetime_may_be_endless(self, kept: Kept, seconds: float) -> None:
        kept.put("a", b"1", seconds)
        assert kept.get("a") == [b"1"]

    def test_a_lifetime_is_a_number(self, kept: Kept) -> None:
        with pytest.raises(ValueError, match="NaN"):
            kept.put("a", b"1", float("nan"))

    def test_the_first_one_wins(self, kept: Kept) -> None:
        assert kept.run(kept.store.put_if_absent("a", b"1", 60))
        assert not kept.run(kept.store.put_if_absent("a", b"2", 60))
        assert kept.get("a") == [b"1"]

    def test_a_loser_does_not_prolong(self, kept: Kept) -> None:
        kept.run(kept.store.put_if_absent("a", b"1", 0.2))
        assert not kept.run(kept.store.put_if_absent("a", b"1", 60))
        kept.later(0.3)
        assert kept.run(kept.store.put_if_absent("a", b"2", 60))
        assert kept.get("a") == [b"2"]

    def test_one_of_many_wins(self, kept: Kept) -> None:
        calls = [partial(kept.store.put_if_absent, "a", b"%d" % number, 60) for number in range(CALLERS)]
        won = kept.together(calls)
        assert won.count(True) == 1
        assert kept.get("a") == [b"%d" % won.index(True)]

    def test_replaces_what_is_expected(self, kept: Kept) -> None:
        kept.put("a", b"1", 0.2)
        assert kept.run(kept.store.replace("a", b"1", b"2", 60))
        kept.later(0.3)
        assert kept.get("a") == [b"2"]

    def test_replaces_nothing_else(self, kept: Kept) -> None:
        kept.put("a", b"1", 0.2)
        assert not kept.run(kept.store.replace("a", b"other", b"2", 60))
        assert not kept.run(kept.store.replace("b", b"", b"2", 60))
        kept.later(0.3)
        assert not kept.run(kept.store.replace("a", b"1", b"2", 60))
        assert kept.get("a", "b") == [None, None]

    def test_one_of_many_replaces(self, kept: Kept) -> None:
        kept.put("a", b"old")
        calls = [partial(kept.store.replace, "a", b"old", b"%d" % number, 60) for number in range(CALLERS)]
        assert kept.together(calls).count(True) == 1

    def test_no_update_is_lost(self, kept: Kept) -> None:
        kept.put("a", b"0")

        async def count() -> None:
            for _ in range(5):
                while True:
                    (value,) = await kept.store.get_many(["a"])
                    if value and await kept.store.replace("a", value, b"%d" % (int(value) + 1), 60):
                        break

        kept.together([count] * 6)
        assert kept.get("a") == [b"30"]

    def test_deletes_several_entries(self, kept: Kept) -> None:
        for key in "abc":
            kept.put(key, b"1")
        kept.run(kept.store.delete(["a", "nothing", "c"]))
        kept.run(kept.store.delete([]))
        assert kept.get("a", "b", "c") == [None, b"1", None]

    def test_a_lock_is_released_by_its_owner_only(self, kept: Kept) -> None:
        kept.put("lock", b"mine")
        assert not kept.run(kept.store.delete_if("lock", b"yours"))
        assert kept.get("lock") == [b"mine"]
        assert kept.run(kept.store.delete_if("lock", b"mine"))
        assert kept.get("lock") == [None]
        assert not kept.run(kept.store.delete_if("lock", b"mine"))

    def test_a_lock_that_has_ended_belongs_to_nobody(self, kept: Kept) -> None:
        kept.put("lock", b"mine", 0.2)
        kept.later(0.3)
        assert not kept.run(kept.store.delete_if("lock", b"mine"))

    def test_many_callers_at_once_get_their_own(self, kept: Kept) -> None:
        async def own(number: int) -> list[bytes | None]:
            seen = list[bytes | None]()
            for turn in range(10):
                await kept.store.put(f"{number}", b"%d of %d" % (turn, number), 60)
                seen += await kept.store.get_many([f"{number}"])
            return seen

        outcomes = kept.together([partial(own, number) for number in range(CALLERS)])
        assert outcomes == [[b"%d of %d" % (turn, number) for turn in range(10)] for number in range(CALLERS)]

    def test_opens_again_after_it_was_closed(self, kept: Kept) -> None:
        kept.run(kept.store.close())
        kept.put("a", b"1")
        kept.run(kept.store.close())
        kept.put("b", b"2")
        assert kept.get("b") == [b"2"]

    def test_every_face_has_the_same_contents(self, kept: Kept) -> None:
        kept.put("a", b"1")
        other = kept.face()
        assert list(kept.run(other.get_many(["a"]))) == [b"1"]
        kept.run(other.close())
