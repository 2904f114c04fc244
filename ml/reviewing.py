"""The queues of the review: which images a person should look at, the most telling first.

Those that a query answers are read a page at a time; the others are listed whole by `listing`, as
numbers only, however many images there are. What was decided about an image is kept as the tag
`reviewed`, and every queue leaves out what bears it.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

from ml import review_lists
from ml.copies import list_copies
from ml.pixels import Progress
from ml.review_queue import (
    MODEL_KINDS,
    NOT_REVIEWED,
    REVIEWED,
    SMALL_MARGIN,
    Kind,
    Listing,
    Queue,
    Stage,
)
from storage.errors import NotReady, UsageError
from storage.query import Query, Sort, Term
from storage.records import LOOKS

if TYPE_CHECKING:
    from storage.records import ModelRecord
    from storage.repository import Repository


def resolve(repo: Repository, queue: Queue) -> Queue:
    """The queue with its models named by their ids. Of two that were not named the better one, by
    the share of its stored answers that are right, comes first: it gives the suggestions. Raises
    NotReady where there is no model, or no second one, NotFound for an unknown one, UsageError
    for twice the same."""
    if queue.kind not in MODEL_KINDS:
        return queue
    model = repo.models.find(queue.model) if queue.model else _newest_predicting(repo)
    if queue.kind != "disagreement":
        return replace(queue, model=str(model.id))
    if queue.other is not None:
        other = repo.models.find(queue.other)
        if other.id == model.id:
            raise UsageError(f"'{queue.other}' is both models", hint="Name two different models.")
    else:
        others = [each for each in repo.models.all() if each.id != model.id]
        if not others:
            raise NotReady(
                "there is one model, and two are needed to disagree",
                hint="Train another one: 'pixshelf train'.",
            )
        other = others[0]
        if queue.model is None and _right(repo, other) > _right(repo, model):
            model, other = other, model
    return replace(queue, model=str(model.id), other=str(other.id))


def as_query(queue: Queue) -> Query | None:
    """The queue as a query in its order; None for one that has to be listed."""
    match queue.kind, queue.by:
        case "wrong", _:
            term, sort = Term("is", ":", ("wrong",)), Sort("confidence", True)
        case "confidence", _:
            term, sort = Term("is", ":", ("uncertain",)), Sort("confidence")
        case "margin", _:
            term, sort = Term("margin", "<", (SMALL_MARGIN,)), Sort("margin")
        case "unlabelled", "confidence" | "margin" as by:
            term, sort = Term("is", ":", ("unlabelled",)), Sort(by)
        case _:
            return None
    return Query((*queue.query.terms, term, NOT_REVIEWED), sort, queue.model)


def query_text(queue: Queue) -> str | None:
    """The queue as the words of a query that anybody can ask; None where there is no such query.
    The words of `queue.query` are not among them."""
    model = f" model:{queue.model}" if queue.model else ""
    words: dict[Kind, str] = {
        "wrong": "is:wrong sort:-confidence",
        "confidence": "is:uncertain sort:confidence",
        "margin": f"margin<{SMALL_MARGIN} sort:margin",
        "unlabelled": f"is:unlabelled sort:{queue.by}",
    }
    if as_query(queue) is None:
        if queue.kind != "problems":
            return None
        return f"is:{','.join(LOOKS)} -tag:{REVIEWED}"
    return f"{words[queue.kind]} -tag:{REVIEWED}{model}"


def count(repo: Repository, queue: Queue) -> int | None:
    """How many items the queue has, where that is quickly told; None where it has to be listed, or
    where what it needs is not there yet."""
    query = as_query(queue)
    if query is None and queue.kind == "problems":
        query = queue.query.where(Term("is", ":", LOOKS), NOT_REVIEWED)
    if query is None:
        return None
    try:
        return repo.images.count(query)
    except NotReady:
        return None


def lacking(repo: Repository, queue: Queue, model: str | None = None) -> list[int]:
    """The images of a resolved queue that still need an answer of its model (or of `model`, one of
    its two); for problems those that were never measured; ascending."""
    if queue.kind == "duplicates":
        return []
    if queue.kind == "problems":
        from storage.problems import VERSION

        return repo.measurements.missing(Query(queue.query.terms), version=VERSION)
    return repo.images.ids(_unanswered(queue, model))


def count_lacking(repo: Repository, queue: Queue) -> int:
    """How many answers, or measures, a resolved queue lacks."""
    if queue.kind == "problems":
        from storage.problems import VERSION

        return repo.measurements.count_missing(Query(queue.query.terms), version=VERSION)
    if queue.kind not in MODEL_KINDS:
        return 0
    models = [each for each in (queue.model, queue.other) if each is not None]
    return sum(repo.images.count(_unanswered(queue, model)) for model in models)


def lacking_texts(queue: Queue) -> list[tuple[str, str]]:
    """For each model of a resolved queue its id, and the words of the query for the images that
    need an answer of it. The words of `queue.query` are not among them."""
    models = [each for each in (queue.model, queue.other) if each is not None]
    restricted = _restricted(queue)
    words = f"-is:predicted is:{restricted}" if restricted else "-is:predicted"
    return [(model, f"{words} model:{model}") for model in models]


def _unanswered(queue: Queue, model: str | None) -> Query:
    terms = [Term("is", ":", ("predicted",), negated=True)]
    if restricted := _restricted(queue):
        terms.append(Term("is", ":", (restricted,)))
    return Query((*queue.query.terms, *terms), model=model or queue.model)


def _restricted(queue: Queue) -> str | None:
    """What has to hold of an image for the queue to need an answer about it."""
    if queue.kind == "unlabelled":
        return "unlabelled"
    return "labelled" if queue.kind in ("wrong", "labels") else None


def fill(repo: Repository, queue: Queue, *, progress: Progress | None = None) -> int:
    """Predict, or for problems measure, what a resolved queue lacks, and store it; gives how many
    images that were. What was done before an interruption (an exception that `progress` raises)
    stays done. Raises what `load_predictor` and `predict_stored` raise."""
    if queue.kind == "problems":
        from storage.problems import measure_images

        missing = lacking(repo, queue)
        return measure_images(repo, missing, progress=progress).images
    from ml.predicting import load_predictor, predict_stored

    models = [each for each in (queue.model, queue.other) if each is not None]
    missing_by = [(model, lacking(repo, queue, model)) for model in models]
    total, done = sum(len(ids) for _, ids in missing_by), 0
    for model, ids in missing_by:
        if not ids:
            continue
        predictor = load_predictor(repo, model)
        for images, _ in predict_stored(repo, predictor, ids, save=True):
            done += len(images)
            if progress is not None:
                progress(done, total)
    return done


def first_page(repo: Repository, queue: Queue, limit: int) -> Listing | None:
    """The first items of a resolved queue, at the same cost however long it is; None for one that
    has to be listed. Raises NotReady where what it needs is not there yet."""
    query = as_query(queue)
    if query is None:
        return None
    return Listing(array("q", (image.id for image in repo.images.page(query, limit=limit).images)))


def listing(
    repo: Repository,
    queue: Queue,
    *,
    progress: Progress | None = None,
    stage: Stage | None = None,
) -> Listing:
    """Every item of a resolved queue. `progress` and `stage` may raise to give up. Raises NotReady
    where what the queue needs is not there yet."""
    query = as_query(queue)
    if query is not None:
        return Listing(array("q", repo.images.ids(query)))
    match queue.kind:
        case "labels":
            return review_lists.list_label_errors(repo, queue, progress)
        case "disagreement":
            return review_lists.list_disagreement(repo, queue, progress)
        case "duplicates":
            return list_copies(repo, queue.query, progress, stage)
        case "problems":
            return review_lists.list_problems(repo, queue)
        case _:
            return review_lists.list_by_entropy(repo, queue, progress)


def _right(repo: Repository, model: ModelRecord) -> float:
    """The share of a model's stored answers that are right, by the labels of now."""
    right, wrong = (
        repo.images.count(Query((Term("is", ":", (state,)),), model=str(model.id)))
        for state in ("right", "wrong")
    )
    return right / (right + wrong) if right + wrong else 0.0


def _newest_predicting(repo: Repository) -> ModelRecord:
    try:
        page = repo.images.page(Query((Term("is", ":", ("predicted",)),)), limit=1)
    except NotReady:
        return repo.models.find(None)
    found = page.images[0].prediction if page.images else None
    return repo.models.find(None) if found is None else repo.models.get(found.model)
