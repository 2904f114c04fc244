"""The part of the review screen that asks: which model, which order, which images; and what it
says as command lines."""

from __future__ import annotations

from dataclasses import replace

from ml.review_items import Item, Suggestion
from ml.review_queue import MODEL_KINDS, REVIEWED, UNCERTAINTIES, Queue
from ml.reviewing import lacking_texts, query_text
from storage.query import parse
from storage.records import ModelRecord
from tui.evaluation.evaluations import model_names
from tui.frame.edits import ids_word
from tui.library.query_words import query_problem
from tui.plain.text import printable
from tui.review.edits import accept_edit
from tui.review.queues import ReviewQueues


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
        from tui.frame.dialogs import Prompt

        def answered(words: str | None) -> None:
            if words is not None:
                self.narrowed(words)

        self.app.push_screen(
            Prompt(
                "Review the images of a query",
                value=self.words,
                placeholder="label:7 split:test",
                check=query_problem,
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
        from tui.keys.key_menu import Entry, KeyMenu

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
            key = self.pixshelf.key_of("app.train")
            self.notify(f"there is no model yet: {key} trains one", severity="warning")
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
        from tui.frame.dialogs import Choice

        names = model_names(models)
        chosen = await self.app.push_screen_wait(Choice(title, list(names)))
        return None if chosen is None else str(names[chosen].id)

    # --- as command lines

    def queue_words(self) -> tuple[str, ...]:
        """The words of the command that lists this queue, what narrows it left aside."""
        asked = self.queue
        words = ["review", asked.kind]
        for flag, value in (("--model", asked.model), ("--other", asked.other)):
            words += [flag, value] if value else []
        words += ["--by", asked.by] if asked.kind == "unlabelled" else []
        return tuple(words)

    def commands(self) -> list[tuple[str, str]]:
        """This queue, its query, and each thing to be done to the item that is shown."""
        line = self.pixshelf.command_line
        narrowed = [self.words] if self.words else []
        found = [("list this queue", line(*self.queue_words(), *narrowed))]
        resolved = self.resolved
        if resolved is not None:
            text = query_text(resolved)
            if text is not None:
                found.append(("list its images", line("ls", " ".join((*narrowed, text)))))
            if self.lacking:
                found += self._filling(resolved)
        if self.queue.kind == "problems":
            found.append(("measure the images", line("problems", *narrowed)))
        found += self._deciding()
        found.append(("take the latest action back", line("undo")))
        return found

    def _filling(self, queue: Queue) -> list[tuple[str, str]]:
        texts = lacking_texts(queue)
        found = []
        for (model, text), name in zip(texts, self.models, strict=True):
            query = f"{self.words} {text}".strip()
            line = self.pixshelf.command_line(
                "predict", "--query", query, "--save", "--model", model
            )
            of = f" of {printable(name)}" if len(texts) > 1 else ""
            found.append((f"predict what is missing{of}", line))
        return found

    def _deciding(self) -> list[tuple[str, str]]:
        line, queue = self.pixshelf.command_line, self.queue_words()
        item, suggestion = self.item, self.suggested()
        if item is None:
            return []
        found = []
        if suggestion is not None:
            accept = accept_edit([suggestion], queue=queue, actions=[])
            found.append(("accept the suggestion", line(*accept.words())))
        images = ids_word(item.images)
        found.append(("keep it as it is", line("tag", "add", REVIEWED, images)))
        found.append(("give it a label", line("label", "--reviewed", images, "LABEL")))
        found.append(("move it to the trash", line("rm", images)))
        items = [self.items[place] for place in self.page if place in self.items]
        suggested = [each for each in items if each.suggestion is not None]
        for what, group, words in (
            ("accept the page", suggested, lambda ids: (*queue, f"id:{ids}", "--accept")),
            ("keep the page", items, lambda ids: ("tag", "add", REVIEWED, ids)),
        ):
            if group:
                ids = ids_word(tuple(image for each in group for image in each.images))
                found.append((what, line(*words(ids))))
        return found
