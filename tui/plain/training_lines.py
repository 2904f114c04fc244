"""A training in lines of text: its phases, its epochs, and what came out."""

from __future__ import annotations

from ml.events import Done, Epoch
from storage.records import EpochMetrics
from tui.plain.text import in_time, percent, plural

PHASES = {
    "starting": "starting TensorFlow, which takes some seconds",
    "decoding": "decoding pictures",
    "training": "training",
    "calibrating": "calibrating the probabilities",
    "converting": "converting the model to LiteRT and comparing the two",
    "saving": "saving the model",
}
"""What a training is busy with, in words, by the name of the phase."""


def epoch_line(epoch: Epoch) -> str:
    """A finished epoch in a line: the loss and the accuracy of both splits."""
    return metrics_line(epoch, epoch.epochs, kept=epoch.best)


def metrics_line(epoch: Epoch | EpochMetrics, epochs: int, *, kept: bool = False) -> str:
    """The same for one that is stored, of a run of so many `epochs`."""
    places = len(str(epochs))
    val = ""
    if epoch.val_loss is not None:
        best = ", kept" if kept else ""
        val = f"  val {epoch.val_loss:.4f} {percent(epoch.val_accuracy)}{best}"
    return (
        f"epoch {epoch.epoch:>{places}}/{epochs}  train {epoch.train_loss:.4f} "
        f"{percent(epoch.train_accuracy)}{val}  {in_time(epoch.seconds)}"
    )


def result_line(done: Done) -> str:
    """What came out of a training, in a line."""
    if done.model is None:
        if done.epochs:
            return f"run {done.run}: stopped with {plural(done.epochs, 'epoch')} as before"
        return f"run {done.run}: stopped before an epoch was finished; there is no model"
    how = "stopped after" if done.stopped else "trained for"
    return (
        f"model {done.model} (run {done.run}): {how} {plural(done.epochs, 'epoch')}, "
        f"val accuracy {percent(done.val_accuracy)}, {in_time(done.seconds)}"
    )
