"""The options of `pixshelf train` that say what is trained, each with its words of help.

Their parameters are called like the fields of TrainSettings, which refuses what makes no sense.
"""

from __future__ import annotations

from typing import Annotated

import typer

Preset = Annotated[
    str, typer.Option("--preset", metavar="NAME", help="quick, standard or thorough.")
]
Epochs = Annotated[
    int | None, typer.Option("--epochs", metavar="N", help="How long: passes over the images.")
]
Steps = Annotated[
    int | None, typer.Option("--steps", metavar="N", help="Or how long: batches of each network.")
]
Minutes = Annotated[
    float | None,
    typer.Option("--minutes", metavar="N", help="Or how long: wall time, from start to model."),
]
Batch = Annotated[int | None, typer.Option("--batch", metavar="N", help="Images a step.")]
Size = Annotated[
    int | None, typer.Option("--size", metavar="N", help="Bring images to NxN pixels.")
]
Resize = Annotated[
    str | None,
    typer.Option(
        "--resize", metavar="HOW", help="letterbox, stretch or crop. [default: letterbox]"
    ),
]
Augment = Annotated[
    str, typer.Option("--augment", metavar="HOW", help="auto, none, light or strong.")
]
ClassWeights = Annotated[
    bool,
    typer.Option(
        "--class-weights", help="Let every label weigh alike, however many images it has."
    ),
]
StartFrom = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="MODEL",
        help="Start from a model's weights; other labels are learnt anew.",
    ),
]
Ensemble = Annotated[
    int | None,
    typer.Option("--ensemble", metavar="N", help="Train N networks and average their answers."),
]
Seed = Annotated[
    int, typer.Option("--seed", metavar="N", help="The same seed gives the same model.")
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name", metavar="NAME", help="For the run and the model. [default: preset and seed]"
    ),
]
On = Annotated[
    str | None,
    typer.Option("--on", metavar="QUERY", help="Only images that match; never the test split."),
]
