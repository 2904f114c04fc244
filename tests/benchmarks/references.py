"""What training is compared with: keras-io's recipe, and Keras' own loop over the same network.

Each is a program of its own, timed as a process, that reads its arrays from a file and prints one
JSON object as its last line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import Ran, measured, program

EPOCHS = 15

RECIPE = """
import json, sys
import numpy as np
import keras
from keras import layers

path, batch, epochs, seed = sys.argv[1], *map(int, sys.argv[2:])
keras.utils.set_random_seed(seed)
data = np.load(path)
x_train = data["x_train"].astype("float32") / 255
x_test = data["x_test"].astype("float32") / 255
classes = int(data["y_train"].max()) + 1
y_train = keras.utils.to_categorical(data["y_train"], classes)
y_test = keras.utils.to_categorical(data["y_test"], classes)
model = keras.Sequential([
    keras.Input(shape=x_train.shape[1:]),
    layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
    layers.MaxPooling2D(pool_size=(2, 2)),
    layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
    layers.MaxPooling2D(pool_size=(2, 2)),
    layers.Flatten(),
    layers.Dropout(0.5),
    layers.Dense(classes, activation="softmax"),
])
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
model.fit(
    x_train, y_train, batch_size=batch, epochs=epochs, validation_split=0.1, shuffle=True, verbose=2
)
print(json.dumps({"accuracy": model.evaluate(x_test, y_test, verbose=0)[1]}))
"""
"""keras-io's examples/vision/mnist_convnet: its network and its way to train, for pictures of any
size and number of classes. As there, the last tenth of the training pictures validates."""

LOOP = """
import json, sys, time
import numpy as np
import keras
from ml.network import build_network
from ml.spec import ArchitectureSpec

path, batch, epochs, xla = sys.argv[1], *map(int, sys.argv[2:])
data = np.load(path)
spec = ArchitectureSpec.from_json(json.loads(str(data["spec"])))
images, targets = data["images"], data["targets"]

class Clock(keras.callbacks.Callback):
    seconds = []
    def on_epoch_begin(self, epoch, logs=None):
        self.began = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.began)

model = build_network(spec)
model.compile(
    optimizer=keras.optimizers.AdamW(0.001, weight_decay=0.05),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["accuracy"],
    jit_compile=bool(xla),
)
clock = Clock()
model.fit(images, targets, batch_size=batch, epochs=epochs, verbose=0, callbacks=[clock])
print(json.dumps({"speeds": [len(images) / seconds for seconds in clock.seconds]}))
"""
"""`model.fit` of the network that pixshelf trains, on uint8 arrays in memory."""


def train_recipe(
    arrays: Path, scratch: Path, *, batch: int, epochs: int, seed: int
) -> tuple[Ran, float]:
    """Train and test by keras-io's recipe: the process, and its accuracy on the test pictures.
    `arrays` has uint8 x_train and x_test [N, H, W, C], and y_train and y_test [N]."""
    ran = measured(program(RECIPE, arrays, batch, epochs, seed), scratch)
    return ran, float(said(ran)["accuracy"])


def fit_speeds(arrays: Path, scratch: Path, *, batch: int, epochs: int, xla: bool) -> list[float]:
    """Images a second of every epoch but the first, which builds the graph. `arrays` has images,
    targets and spec, an architecture's JSON."""
    ran = measured(program(LOOP, arrays, batch, epochs, int(xla)), scratch)
    return [float(speed) for speed in said(ran)["speeds"][1:]]


def said(ran: Ran) -> Any:
    """The JSON of a program's last line."""
    return json.loads(ran.output.splitlines()[-1])
