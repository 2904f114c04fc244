"""Which key gives which label."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.labels.label_keys import DIGITS, keys_of_labels, label_of, rekeyed, taken_keys, why_not


def test_a_label_that_is_one_digit_has_that_digit() -> None:
    labels = [str(digit) for digit in range(10)]
    assert keys_of_labels(labels, {}) == {label: label for label in labels}


def test_other_labels_get_the_digits_in_turn() -> None:
    assert keys_of_labels(["dog", "cat"], {}) == {"1": "cat", "2": "dog"}


def test_what_the_user_chose_goes_before_a_label_of_that_name() -> None:
    keys = keys_of_labels(["7", "cat"], {"cat": "7"})
    assert keys == {"1": "7", "7": "cat"}


def test_of_two_labels_with_one_chosen_key_the_first_has_it() -> None:
    assert keys_of_labels(["b", "a1"], {"a1": "z", "b": "z"}) == {"z": "a1", "b": "b"}


def test_a_letter_that_an_action_has_is_not_taken_from_it() -> None:
    assert keys_of_labels(["q"], {}, {"q"}) == {"1": "q"}


def test_a_chosen_key_is_given_even_if_an_action_has_it() -> None:
    assert keys_of_labels(["cat"], {"cat": "q"}, {"q"}) == {"q": "cat"}


def test_of_many_labels_ten_get_a_key() -> None:
    keys = keys_of_labels([f"label {number}" for number in range(30)], {})
    assert list(keys) == list(DIGITS)
    assert keys["0"] == "label 9"


@given(
    st.lists(st.text(max_size=3), unique=True),
    st.dictionaries(st.text(max_size=3), st.sampled_from([*"ab12", "f12"])),
    st.sets(st.sampled_from([*"abq"])),
)
def test_no_label_has_two_keys_and_no_key_a_label_that_is_not_there(
    labels: list[str], chosen: dict[str, str], taken: set[str]
) -> None:
    keys = keys_of_labels(labels, chosen, taken)
    assert len(set(keys.values())) == len(keys)
    assert set(keys.values()) <= set(labels)


def test_a_key_press_is_known_by_its_character_or_its_name() -> None:
    keys = {"#": "sharp", "f12": "last"}
    assert label_of(keys, "number_sign", "#") == "sharp"
    assert label_of(keys, "f12", None) == "last"
    assert label_of(keys, "a", "a") is None


def test_keys_of_actions_follow_what_the_user_changed() -> None:
    assert "t" in taken_keys({})
    changed = taken_keys({"labelling.tag": "T"})
    assert "T" in changed
    assert "t" not in changed


def test_no_action_beside_labels_has_a_digit() -> None:
    assert not set(DIGITS) & taken_keys({})


def test_a_new_key_is_taken_from_the_label_that_had_it() -> None:
    assert rekeyed({"cat": "c", "dog": "d"}, "dog", "c") == {"dog": "c"}
    assert rekeyed({"cat": "c"}, "cat", None) == {}


def test_keys_that_move_or_act_are_refused() -> None:
    assert "move" in why_not("enter", ())
    assert "action" in why_not("q", ("q",))
    assert why_not("7", ("q",)) == ""
