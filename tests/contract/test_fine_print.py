"""What nobody needs to think of, decided once so that every backend does the same: which ids are
given, how equals are ordered, what a refusal names, which names stay known."""

from __future__ import annotations

import pytest

from storage.errors import NotFound, NotReady, RefusedInput, UsageError
from storage.query import parse
from storage.repository import Repository
from tests.making import add_images, new_image, new_model, new_prediction, new_run


def test_what_was_refused_takes_no_id(repository: Repository) -> None:
    with pytest.raises(RefusedInput):
        add_images(repository, new_image(1), new_image(2, label=""))
    assert add_images(repository, new_image(1), new_image(1), new_image(2)) == [1, 1, 2]
    assert add_images(repository, new_image(3)) == [3]


def test_an_edit_that_changes_nothing_takes_no_number(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1, label="a"))
    for label in ("a", "b", "b", "c"):
        repository.images.set_label([image], label, actor="cli")
    assert [action.id for action in repository.history.actions()] == [2, 1]


def test_ids_go_on_from_the_largest_that_is_left(repository: Repository) -> None:
    ids = add_images(repository, *(new_image(number) for number in range(3)))
    repository.images.delete(ids[:1], actor="cli")
    repository.vacuum()
    assert add_images(repository, new_image(9)) == [4]
    models = [repository.models.add(new_model("a", name=name)) for name in "abc"]
    repository.models.remove(models[0])
    assert repository.models.add(new_model("a")) == 4
    runs = [repository.runs.create(new_run()) for _ in range(3)]
    repository.runs.remove(runs[1])
    assert repository.runs.create(new_run()) == 4


@pytest.mark.parametrize("key", ["width", "height", "bytes", "confidence", "margin"])
def test_equals_are_ordered_by_their_ids_in_the_same_direction(
    repository: Repository, key: str
) -> None:
    ids = add_images(repository, *(new_image(number) for number in range(5)))
    model = repository.models.add(new_model("a"))
    repository.predictions.save(model, [new_prediction(image, "a", 0.5) for image in ids])
    assert repository.images.ids(parse(f"sort:{key}")) == ids
    assert repository.images.ids(parse(f"sort:-{key}")) == ids[::-1]
    first = repository.images.page(parse(f"sort:-{key}"), limit=2)
    rest = repository.images.page(parse(f"sort:-{key}"), limit=9, after=first.next)
    assert [image.id for image in (*first.images, *rest.images)] == ids[::-1]


def test_a_page_goes_on_though_the_image_that_it_ended_at_is_gone(repository: Repository) -> None:
    ids = add_images(repository, *(new_image(number, width=9 - number) for number in range(5)))
    query = parse("sort:width")
    after = repository.images.page(query, limit=2).next
    repository.images.delete([ids[3]], actor="cli")
    repository.vacuum()
    assert [one.id for one in repository.images.page(query, after=after).images] == ids[2::-1]


def test_the_first_image_that_is_gone_is_named(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1))
    with pytest.raises(NotFound, match="no image 9"):
        repository.images.delete([image, 9, 7], actor="cli")
    with pytest.raises(NotFound, match="no image 9"):
        repository.images.set_split({9: "val", 7: "val"}, actor="cli", summary="")


def test_a_bad_name_is_refused_before_it_is_looked_up(repository: Repository) -> None:
    for act in (
        lambda: repository.labels.rename("nobody", "", actor="cli"),
        lambda: repository.tags.rename("nobody", "a,b", actor="cli"),
        lambda: repository.images.add_tag([9], "a,b", actor="cli"),
        lambda: repository.images.set_label([9], "", actor="cli"),
        lambda: repository.models.rename(9, ""),
    ):
        with pytest.raises(RefusedInput) as caught:
            act()
        assert not isinstance(caught.value, NotFound)


def test_an_unknown_model_is_named_before_a_bad_place(repository: Repository) -> None:
    add_images(repository, new_image(1))
    with pytest.raises(NotFound, match="no model 'nobody'"):
        repository.images.page(parse("model:nobody"), after="none")
    with pytest.raises(NotReady, match="no model has made any"):
        repository.images.page(parse("is:wrong"), after="none")
    with pytest.raises(UsageError, match="not a place"):
        repository.images.page(parse(""), after="none")


def test_a_name_stays_known_when_its_last_image_is_given_another(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1, label="a", tags=("x",)))
    repository.images.set_label([image], "b", actor="cli")
    repository.images.remove_tag([image], "x", actor="cli")
    assert repository.labels.counts() == {"a": 0, "b": 1}
    assert repository.tags.counts() == {"x": 0}


def test_images_in_the_trash_are_edited_and_renamed_with_the_others(repository: Repository) -> None:
    (image,) = add_images(repository, new_image(1, label="a", tags=("x",)))
    repository.images.delete([image], actor="cli")
    assert repository.labels.rename("a", "b", actor="cli").images == 1
    assert repository.images.set_split({image: "val"}, actor="cli", summary="").images == 1
    assert repository.labels.merge("b", "c", actor="cli").images == 1
    record = repository.images.get(image)
    assert (record.label, record.split, record.deleted) == ("c", "val", True)
    assert repository.labels.counts() == {"c": 0}


def test_a_prediction_keeps_its_truth_under_the_name_that_it_has_now(
    repository: Repository,
) -> None:
    (image,) = add_images(repository, new_image(1, label="a"))
    model = repository.models.add(new_model("b"))
    repository.predictions.save(model, [new_prediction(image, "b", 0.5)])
    repository.images.set_label([image], None, actor="cli")
    repository.labels.rename("a", "z", actor="cli")
    (stored,) = repository.predictions.of_image(image)
    assert (stored.truth, repository.images.get(image).prediction is not None) == ("z", True)


def test_upper_and_lower_case_and_other_spellings_are_other_names(repository: Repository) -> None:
    ids = add_images(
        repository,
        new_image(1, label="a", source="Ab.png"),
        new_image(2, label="A", source="ab.png"),
        new_image(3, label="e\u0301", source="%_.png"),
    )
    assert repository.images.ids(parse("label:a")) == ids[:1]
    assert repository.images.ids(parse("label:é")) == ids[2:]
    assert repository.images.ids(parse("source:A*")) == ids[:1]
    assert repository.images.ids(parse("source:a")) == ids[1:2]
    assert repository.images.ids(parse("source:%_")) == ids[2:]
    assert repository.labels.names() == ["A", "a", "é"]
