"""The part of the review screen that asks: which model, which order, which images; and what it
says as command lines."""

from __future__ import annotations

from dataclasses import replace

from ml.review_items import Item, Suggestion
from ml.review_queue import MODEL_KINDS, REVIEWED, UNCERTAINTIES, Queue
from ml.reviewing import query_text
from storage.errors import QueryError
from storage.query import parse
from storage.records import ModelRecord
from tui.edits import ids_word
from tui.review_queues import ReviewQueues
from tui.text import printable


class ReviewChoices(ReviewQueues):
    """A review whose queue can be chosen, narrowed and told of."""

    page: tuple[int, ...] = ()

    @property
    def item(self) -> Item | None:
        """The item that is shown."""
        raise NotImplementedError

    def suggested(self) -> Suggestion | None:
        """What would be done to it."""
        raise NotImplementedError

    def choose(self, queue: Queue) -> None:
        """Review this queue from now on."""
        self.page = ()
        self.open_queue(queue)

    # --- asking

    def action_narrow(self) -> None:
        """Ask for a query."""
        from tui.dialogs import Prompt

        def answered(words: str | None) -> None:
            if words is not None:
                self.narrowed(words)

        self.app.push_screen(
            Prompt(
                "Review the images of a query",
                value=self.words,
                placeholder="label:7 split:test",
                check=_wrong_with,
            ),
            answered,
        )

    def narrowed(self, words: str) -> None:
        """Review only what the query finds; '' for all."""
        self.words = words.strip()
        self.counts.clear()
        self.choose(replace(self.queue, query=parse(self.words)))

    def action_order(self) -> None:
        """Ask how the unlabelled are ordered."""
        from tui.widgets.key_menu import Entry, KeyMenu

        if self.queue.kind != "unlabelled":
            self.notify("this queue has one order")
            return
        words = ("least confident first", "smallest margin first", "highest entropy first")
        entries = [
            Entry(by[0], f"{by}: {told}", by) for by, told in zip(UNCERTAINTIES, words, strict=True)
        ]

        def chosen(value: str | None) -> None:
            for by in UNCERTAINTIES:
                if by == value:
                    self.choose(replace(self.queue, by=by))

        at = UNCERTAINTIES.index(self.queue.by)
        self.app.push_screen(KeyMenu("Most doubtful is", entries, at=at), chosen)

    def action_model(self) -> None:
        """Ask for the model, or for the two of them."""
        if self.queue.kind not in MODEL_KINDS:
            self.notify("this queue needs no model")
        else:
            self.start(self._ask_model(), group="model")

    async def _ask_model(self) -> None:
        models = await self.pixshelf.dataset.read(lambda repo: repo.models.all())
        if not models:
            self.notify("there is no model yet: F4 trains one", severity="warning")
            return
        pair = self.queue.kind == "disagreement"
        first = await self._asked("Whose answers are suggested" if pair else "Model", models)
        if first is None:
            return
        other = None
        if pair:
            rest = [model for model in models if str(model.id) != first]
            other = await self._asked("Compared with", rest) if rest else None
            if other is None:
                return
        self.counts.clear()
        self.choose(replace(self.queue, model=first, other=other))

    async def _asked(self, title: str, models: list[ModelRecord]) -> str | None:
        from tui.dialogs import Choice

        names = {f"{printable(model.name)}  (model {model.id})": str(model.id) for model in models}
        chosen = await self.app.push_screen_wait(Choice(title, list(names)))
        return None if chosen is None else names[chosen]

    # --- as command lines

    def commands(self) -> list[tuple[str, str]]:
        """This queue, its query, and each thing to be done to the item that is shown."""
        line = self.pixshelf.command_line
        asked = self.queue
        words = ["review", asked.kind, *([self.words] if self.words else [])]
        for flag, value in (("--model", asked.model), ("--other", asked.other)):
            words += [flag, value] if value else []
        words += ["--by", asked.by] if asked.kind == "unlabelled" else []
        found = [("list this queue", line(*words))]
        resolved = self.resolved
        text = None if resolved is None else query_text(resolved)
        if text is not None:
            found.append(
                ("list its images", line("ls", " ".join(filter(None, (self.words, text)))))
            )
        if self.lacking and resolved is not None and resolved.model is not None:
            query = " ".join(filter(None, (self.words, "-is:predicted", f"model:{resolved.model}")))
            predict = ("predict", "--query", query, "--save", "--model", resolved.model)
            found.append(("predict what is missing", line(*predict)))
        elif asked.kind == "problems":
            found.append(("measure the images", line("problems")))
        item = self.item
        if item is None:
            return found
        suggestion = self.suggested()
        if suggestion is not None and suggestion.what == "trash":
            found.append(("accept the suggestion", line("rm", ids_word(suggestion.images))))
        elif suggestion is not None:
            found.append(("accept the suggestion", self._accepting(words, [item])))
        images = ids_word(item.images)
        found.append(("keep it as it is", line("tag", "add", REVIEWED, images)))
        found.append(("give it a label", line("label", images, "LABEL")))
        found.append(("move it to the trash", line("rm", images)))
        items = [self.items[place] for place in self.page if place in self.items]
        suggested = [each for each in items if each.suggestion is not None]
        if suggested:
            found.append(("accept the page", self._accepting(words, suggested)))
        found.append(("take the latest action back", line("undo")))
        return found

    def _accepting(self, words: list[str], items: list[Item]) -> str:
        images = ids_word(tuple(image for item in items for image in item.images))
        return self.pixshelf.command_line(*words, f"id:{images}", "--accept")


def _wrong_with(text: str) -> str:
    try:
        parse(text)
    except QueryError as error:
        return f"{error.message}. {error.hint or ''}".strip()
    return ""
