"""History: every action whole, and the way back and forth through all of them."""

from __future__ import annotations

import pytest

from storage.errors import NotFound, NotReady, RefusedInput
from storage.query import parse
from storage.records import Event
from storage.repository import Repository
from tests.backends import Backend
from tests.making import add_images, new_image, new_model, new_prediction


def test_undo_gives_every_image_what_it_had(repository: Repository) -> None:
    one, two, three = add_images(
        repository, new_image(1, label="a"), new_image(2, label="b"), new_image(3)
    )
    repository.images.set_label([one, two, three], "c", actor="cli")
    (undone,) = repository.history.undo()
    assert (undone.images, undone.state) == (3, "undone")
    assert [repository.images.get(i).label for i in (one, two, three)] == ["a", "b", None]
    (redone,) = repository.history.redo()
    assert redone.state == "done"
    assert repository.images.ids(parse("label:c")) == [one, two, three]


def test_every_kind_of_action_is_undone_and_redone(repository: Repository) -> None:
    one, two = add_images(
        repository, new_image(1, label="a", tags=("t", "u")), new_image(2, split="val")
    )
    states = [_state(repository)]
    for act in (
        lambda: repository.images.set_split({one: "test", two: None}, actor="x", summary=""),
        lambda: repository.images.add_tag([one, two], "t", actor="x"),
        lambda: repository.images.remove_tag([one], "u", actor="x"),
        lambda: repository.images.delete([two], actor="x"),
        lambda: repository.images.restore([two], actor="x"),
        lambda: repository.labels.rename("a", "b", actor="x"),
        lambda: repository.images.set_label([two], "c", actor="x"),
        lambda: repository.labels.merge("c", "b", actor="x"),
        lambda: repository.tags.rename("t", "v", actor="x"),
        lambda: repository.tags.remove("v", actor="x"),
        lambda: repository.labels.remove("b", actor="x"),
    ):
        assert act().id > 0
        states.append(_state(repository))
        assert states[-1] != states[-2]
    for state in states[-2::-1]:
        assert len(repository.history.undo()) == 1
        assert _state(repository) == state
    assert repository.history.undo() == []
    for state in states[1:]:
        assert len(repository.history.redo()) == 1
        assert _state(repository) == state
    assert repository.history.redo() == []


def test_several_actions_are_undone_newest_first_and_redone_in_order(
    repository: Repository,
) -> None:
    (image,) = add_images(repository, new_image(1))
    for label in ("a", "b", "c"):
        repository.images.set_label([image], label, actor="cli")
    assert [action.summary for action in repository.history.undo(2)] == ["label 'c'", "label 'b'"]
    assert repository.images.get(image).label == "a"
    assert [action.summary for action in repository.history.redo(9)] == ["label 'b'", "label 'c'"]
    assert repository.images.get(image).label == "c"


def test_an_undo_of_what_was_expected_does_nothing_where_another_came_between(
    repository: Repository, backend: Backend
) -> None:
    one, two = add_images(repository, new_image(1), new_image(2))
    mine = [repository.images.set_label([one], label, actor="ann").id for label in ("a", "b")]
    with backend.open() as other:
        theirs = other.images.set_label([two], "c", actor="bob").id
    with pytest.raises(NotReady, match="changed meanwhile"):
        repository.history.undo(2, expected=mine[::-1])
    assert [action.state for action in repository.history.actions()] == ["done"] * 3
    assert [repository.images.get(image).label for image in (one, two)] == ["b", "c"]
    undone = repository.history.undo(3, expected=[theirs, *mine[::-1]])
    assert [action.id for action in undone] == [theirs, *mine[::-1]]


def test_a_redo_of_what_was_expected_does_nothing_where_another_is_next(
    repository: Repository, backend: Backend
) -> None:
    (image,) = add_images(repository, new_image(1))
    ids = [repository.images.set_label([image], label, actor="x").id for label in "ab"]
    repository.history.undo(2)
    with backend.open() as other:
        other.history.redo()
    with pytest.raises(NotReady, match="changed meanwhile"):
        repository.history.redo(2, expected=ids)
    assert repository.images.get(image).label == "a"
    assert [action.id for action in repository.history.redo(1, expected=ids[1:])] == ids[1:]


def test_expected_are_all_that_are_taken_and_no_others(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1))
    first, last = (repository.images.set_label([image], at, actor="x").id for at in "ab")
    for count, expected in ((2, [last]), (1, [last, first]), (2, []), (2, [first, last])):
        with pytest.raises(NotReady):
            repository.history.undo(count, expected=expected)
    assert len(repository.history.undo(9, expected=[last, first])) == 2
    assert repository.history.undo(9, expected=[]) == []


@pytest.mark.parametrize("count", [0, -1])
def test_no_action_is_undone_or_redone_where_none_is_wanted(
    repository: Repository, count: int
) -> None:
    (image,) = add_images(repository, new_image(1))
    for label in "ab":
        repository.images.set_label([image], label, actor="x")
    repository.history.undo()
    assert repository.history.undo(count) == repository.history.redo(count) == []
    assert len(repository.history.redo(2**64)) == 1
    assert len(repository.history.undo(2**64)) == 2


def test_a_new_action_drops_what_could_be_redone(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1))
    repository.images.set_label([image], "a", actor="cli")
    repository.history.undo()
    repository.images.set_label([image], "b", actor="cli")
    assert repository.history.redo() == []
    assert [action.state for action in repository.history.actions()] == ["done", "dropped"]
    repository.history.undo()
    assert repository.images.get(image).label is None


def test_an_edit_that_changes_nothing_drops_nothing(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1))
    repository.images.set_label([image], "a", actor="cli")
    repository.history.undo()
    repository.images.set_label([image], None, actor="cli")
    assert len(repository.history.redo()) == 1


def test_history_survives_a_restart(repository: Repository, backend: Backend) -> None:
    (image,) = add_images(repository, new_image(1))
    repository.images.set_label([image], "a", actor="cli")
    repository.close()
    with backend.open() as again:
        assert [action.summary for action in again.history.undo()] == ["label 'a'"]
        assert again.images.get(image).label is None


def test_an_action_lists_what_it_did(repository: Repository) -> None:
    ids = add_images(repository, *(new_image(n, label="a") for n in range(5)))
    action = repository.images.set_label(ids, "b", actor="cli")
    assert repository.history.get(action.id) == action
    events = repository.history.events(action.id, limit=2, after=ids[0])
    assert events == [Event(ids[1], "a", "b"), Event(ids[2], "a", "b")]
    assert repository.history.of_image(ids[3]) == [(action, Event(ids[3], "a", "b"))]
    with pytest.raises(NotFound, match="no action 99"):
        repository.history.events(99)


def test_the_list_of_actions_continues_below_an_id(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1))
    for label in "abcd":
        repository.images.set_label([image], label, actor="cli")
    newest = repository.history.actions(limit=2)
    older = repository.history.actions(limit=9, before=newest[-1].id)
    assert [action.summary[-2] for action in newest + older] == ["d", "c", "b", "a"]


def test_deleted_images_are_nowhere_but_in_the_trash(repository: Repository) -> None:
    one, two = add_images(repository, new_image(1, label="a"), new_image(2, label="a"))
    model = repository.models.add(new_model("a", "b"))
    repository.predictions.save(model, [new_prediction(i, "b", 0.9) for i in (one, two)])
    repository.images.delete([one], actor="cli")
    for query in ("", "label:a", "is:wrong", "sort:confidence", "-is:deleted"):
        assert repository.images.ids(parse(query)) == [two], query
    assert repository.images.ids(parse("is:deleted")) == [one]
    assert repository.images.count(parse("is:deleted,labelled")) == 2
    assert (repository.stats().images, repository.stats().labels) == (1, {"a": 1})
    assert repository.images.get(one).deleted
    assert repository.images.data(one) == b"image 1"
    assert repository.info().images == 1


def test_an_image_in_the_trash_is_not_imported_again(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1))
    repository.images.delete([image], actor="cli")
    assert add_images(repository, new_image(1)) == [image]
    assert repository.images.ids(parse("")) == []


def test_emptying_the_trash_removes_images_and_their_history(
    repository: Repository, backend: Backend
) -> None:
    one, two = add_images(repository, new_image(1, tags=("t",)), new_image(2))
    repository.images.set_label([one, two], "a", actor="cli")
    repository.images.delete([one], actor="cli")
    assert repository.vacuum() == 1
    assert backend.rows("image_data", "image_id") == [(two,)]
    assert [action.summary for action in repository.history.actions()] == ["label 'a'"]
    assert list(repository.check()) == []
    repository.history.undo()
    assert repository.images.get(two).label is None


def test_a_renamed_label_is_renamed_for_models_too(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1, label="a"))
    model = repository.models.add(new_model("a", "b"))
    repository.predictions.save(model, [new_prediction(image, "a", 0.9)])
    action = repository.labels.rename("a", "z", actor="cli")
    assert (action.kind, action.images) == ("rename-label", 1)
    assert repository.models.get(model).labels == ("z", "b")
    assert repository.images.ids(parse("label:z predicted:z is:right")) == [image]


def test_a_name_that_is_taken_is_refused(repository: Repository) -> None:
    add_images(repository, new_image(1, label="a", tags=("s",)), new_image(2, label="b"))
    add_images(repository, new_image(3, tags=("t",)))
    with pytest.raises(RefusedInput, match="label 'b' already"):
        repository.labels.rename("a", "b", actor="cli")
    with pytest.raises(RefusedInput, match="tag 't' already"):
        repository.tags.rename("s", "t", actor="cli")
    assert repository.history.actions() == []


def test_a_renaming_is_not_undone_into_a_name_that_is_taken_since(repository: Repository) -> None:
    add_images(repository, new_image(1, label="a"))
    repository.labels.rename("a", "b", actor="cli")
    add_images(repository, new_image(2, label="a"))
    with pytest.raises(RefusedInput, match="images imported since"):
        repository.history.undo()
    assert repository.labels.counts() == {"a": 1, "b": 1}


def test_an_undo_that_is_refused_in_the_middle_takes_nothing_back(
    repository: Repository,
) -> None:
    one, two = add_images(repository, new_image(1, label="a"), new_image(2))
    repository.images.add_tag([two], "before", actor="cli")
    repository.labels.rename("a", "b", actor="cli")
    add_images(repository, new_image(3, label="a"))
    repository.images.add_tag([two], "since", actor="cli")
    repository.images.set_label([one], "c", actor="cli")
    with pytest.raises(RefusedInput, match="images imported since"):
        repository.history.undo(4)
    assert [action.state for action in repository.history.actions()] == ["done"] * 4
    assert repository.images.get(one).label == "c"
    assert repository.images.get(two).tags == ("before", "since")
    assert len(repository.history.undo(2)) == 2


def test_a_renaming_is_undone_though_its_old_name_was_in_use_for_a_while(
    repository: Repository,
) -> None:
    one, two = add_images(repository, new_image(1, label="a"), new_image(2, label="c"))
    repository.labels.rename("a", "b", actor="cli")
    repository.images.set_label([two], "a", actor="cli")
    assert len(repository.history.undo(2)) == 2
    assert [repository.images.get(image).label for image in (one, two)] == ["a", "c"]
    assert len(repository.history.redo(2)) == 2
    assert [repository.images.get(image).label for image in (one, two)] == ["b", "a"]


def test_unknown_names_are_not_found(repository: Repository) -> None:
    for act in (
        lambda: repository.labels.rename("x", "y", actor="cli"),
        lambda: repository.labels.merge("x", "y", actor="cli"),
        lambda: repository.labels.remove("x", actor="cli"),
        lambda: repository.tags.rename("x", "y", actor="cli"),
        lambda: repository.tags.remove("x", actor="cli"),
    ):
        with pytest.raises(NotFound, match="'x'"):
            act()


def test_a_removed_label_is_forgotten_unless_a_model_tells_it_apart(
    repository: Repository,
) -> None:
    add_images(repository, new_image(1, label="a"), new_image(2, label="b"))
    repository.models.add(new_model("a"))
    repository.labels.remove("a", actor="cli")
    repository.labels.remove("b", actor="cli")
    assert repository.labels.counts() == {"a": 0}


def _state(repository: Repository) -> object:
    images = repository.images.page(parse("is:deleted,labelled,unlabelled")).images
    return [(i.id, i.label, i.split, i.tags, i.deleted) for i in images]
