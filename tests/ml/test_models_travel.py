"""Models that come from Keras and go to other programs: each answer compared with the original's,
by the runtime that each form is for."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from ml.child import environment
from ml.convert import export_model
from ml.importing import Imported, import_model
from ml.predicting import load_predictor
from storage.errors import PixshelfError, RefusedInput, UsageError
from storage.opening import open_repository
from storage.records import NewModel
from storage.repository import Repository
from tests.keras_files import write_keras
from tests.ml_fixtures import DIGITS, digits, store_digits

pytestmark = pytest.mark.slow

MAKE = """
import json, sys
import numpy as np
import keras
from keras import layers as L

folder = sys.argv[1]
keras.utils.set_random_seed(1)
images = np.load(folder + "/images.npy")
targets = np.load(folder + "/targets.npy")

def keep(model, name, inputs):
    model.save(f"{folder}/{name}.keras")
    model.save(f"{folder}/{name}.h5")
    np.save(f"{folder}/{name}.npy", model.predict(inputs, verbose=0))

reference = keras.Sequential([
    keras.Input(shape=(28, 28, 1)),
    L.Conv2D(32, kernel_size=(3, 3), activation="relu"),
    L.MaxPooling2D(pool_size=(2, 2)),
    L.Conv2D(64, kernel_size=(3, 3), activation="relu"),
    L.MaxPooling2D(pool_size=(2, 2)),
    L.Flatten(),
    L.Dropout(0.5),
    L.Dense(10, activation="softmax"),
])
reference.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
reference.fit(images / 255.0, targets, batch_size=64, epochs=1, verbose=0)
keep(reference, "reference", images / 255.0)

def vary(model):
    # Statistics of normalisation as a training would leave them, and biases that are not nought.
    random = np.random.default_rng(2)
    for each in model.weights:
        if len(each.shape) == 1:
            each.assign(random.uniform(0.5, 1.5, each.shape))
    return model

# Nearly every layer, a branch, a frozen model within, and logits at the end.
base = keras.Sequential([
    keras.Input((14, 14, 8)),
    L.SeparableConv2D(8, 3, padding="same", depth_multiplier=2, use_bias=False),
    L.BatchNormalization(),
    L.DepthwiseConv2D(3, strides=2, padding="same"),
    L.BatchNormalization(scale=False),
], name="base")
base.trainable = False
image = keras.Input((28, 28, 1), dtype="uint8")
x = L.Rescaling(1 / 127.5, offset=-1)(image)
x = L.RandomRotation(0.1)(x)
x = L.ZeroPadding2D(((1, 0), (2, 0)))(x)
x = L.Conv2D(8, 3, strides=2, padding="valid", activation="silu")(x)
x = L.LayerNormalization()(x)
deep = base(x)
side = L.AveragePooling2D(3, strides=2, padding="same")(x)
side = L.LeakyReLU(negative_slope=0.1)(side)
x = L.Concatenate()([deep, L.Conv2D(8, 1, activation="gelu")(side)])
x = L.Activation("relu6")(x)
gate = L.Dense(16, activation="sigmoid")(L.GlobalMaxPooling2D(keepdims=True)(x))
x = L.Multiply()([x, gate])
x = L.Conv2D(12, 3, groups=4, dilation_rate=2, padding="same")(x)
x = L.Add()([x, L.ELU()(x)])
x = L.Maximum()([x, L.ReLU(max_value=2.0, negative_slope=0.1)(x)])
flat = L.Reshape((-1,))(L.MaxPooling2D(2)(x))
both = L.Average()([L.Dense(10)(L.GlobalAveragePooling2D()(x)), L.Dense(10)(flat)])
keep(vary(keras.Model(image, both)), "many", images.astype("uint8"))

chance = keras.Sequential([
    keras.Input((None, None, 1)), L.Conv2D(4, 3, activation="tanh"), L.GlobalAveragePooling2D(),
    L.Dense(1, activation="sigmoid"),
])
keep(vary(chance), "chance", images / 255.0)

from ml.convert import to_litert
from ml.network import build_classifier, build_network, take_weights
from ml.pixels import InputSpec
from ml.spec import design, parameters
from ml.weights import to_bytes
import dataclasses

own = dataclasses.replace(design(InputSpec(28, 28, 1, "crop"), classes=10, width=4), members=2)
weights = take_weights(vary(build_network(own, seed=3)))
open(folder + "/own.safetensors", "wb").write(to_bytes(weights))
open(folder + "/own.tflite", "wb").write(to_litert(build_classifier(own, weights, 0.7)))
json.dump({"spec": own.to_json(), "parameters": parameters(own)}, open(folder + "/own.json", "w"))
"""

ASK = """
import sys
import numpy as np
import keras
import tensorflow as tf

images = np.load(sys.argv[1])
for name in sys.argv[2:]:
    if name.endswith((".keras", ".h5")):
        model = keras.saving.load_model(name, compile=False, safe_mode=True)
        said = model.predict(images, verbose=0)
    else:
        loaded = tf.saved_model.load(name)
        said = loaded.serve(images).numpy()
    np.save(name + ".npy", said)
"""


@dataclass(frozen=True)
class Made:
    """A folder with Keras' files and answers, 256 pictures, and an open dataset."""

    folder: Path
    images: np.ndarray
    repository: Repository
    brought: dict[str, Imported] = field(default_factory=dict)

    def once(self, name: str) -> Imported:
        """The file brought in, by whichever test comes first: each time costs a TensorFlow."""
        if name not in self.brought:
            self.brought[name] = self.bring(name)
        return self.brought[name]

    def bring(
        self, name: str, labels: tuple[str, ...] = DIGITS, size: tuple[int, int] | None = None
    ) -> Imported:
        path = self.folder / name
        return import_model(self.repository, path, trust=True, labels=labels, size=size)

    def answers(self, model: int) -> np.ndarray:
        return load_predictor(self.repository, str(model)).predict(self.images)


def child(code: str, *words: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("travel")
    small, targets = digits()
    images = np.pad(small[:256].repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    np.save(folder / "images.npy", images[..., None])
    np.save(folder / "targets.npy", targets[:256])
    child(MAKE, folder)
    return Made(folder, images[..., None], open_repository(folder / "d.db", create=True))


def assert_same(said: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(said - expected).max() < 1e-4
    assert (said.argmax(axis=1) == expected.argmax(axis=1)).all()


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_the_reference_script_s_model_predicts_as_in_keras(made: Made, ending: str) -> None:
    done = made.once(f"reference.{ending}")
    assert done.spec.scale == "0..1"
    assert_same(made.answers(done.model), np.load(made.folder / "reference.npy"))


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_nearly_every_layer_predicts_as_in_keras(made: Made, ending: str) -> None:
    done = made.once(f"many.{ending}")
    assert done.spec.scale == "0..255"
    assert_same(made.answers(done.model), softmax(np.load(made.folder / "many.npy")))


def test_one_sigmoid_tells_two_labels_apart_at_the_size_that_is_named(made: Made) -> None:
    with pytest.raises(RefusedInput, match="any size"):
        made.bring("chance.keras", ("no", "yes"))
    done = made.bring("chance.keras", ("no", "yes"), (28, 28))
    chance = np.load(made.folder / "chance.npy")
    assert_same(made.answers(done.model), np.concatenate([1 - chance, chance], axis=1))


def test_labels_that_are_not_as_many_as_the_outputs_are_refused(made: Made) -> None:
    with pytest.raises(UsageError, match="received 2, but the model tells 10 apart"):
        made.bring("reference.keras", ("a", "b"))


@dataclass(frozen=True)
class Exported:
    """A model and its files by their endings."""

    model: int
    files: dict[str, Path]


def export_all(made: Made, model: int, folder: Path) -> Exported:
    endings = (".keras", ".h5", ".tflite", ".onnx", "")
    files = {end: export_model(made.repository, model, folder / f"model{end}") for end in endings}
    return Exported(model, files)


@pytest.fixture(scope="module")
def own(made: Made) -> Exported:
    """A model of pixshelf's own, an ensemble, in every form."""
    told = json.loads((made.folder / "own.json").read_text())
    model = made.repository.models.add(
        NewModel(
            name="own",
            labels=tuple(f"digit {label}" for label in DIGITS),
            spec=told["spec"],
            parameters=told["parameters"],
            weights=(made.folder / "own.safetensors").read_bytes(),
            litert=(made.folder / "own.tflite").read_bytes(),
            temperature=0.7,
        )
    )
    folder = made.folder / "own"
    folder.mkdir()
    return export_all(made, model, folder)


@pytest.mark.parametrize("which", ["own", "reference.keras"])
def test_every_form_answers_alike_in_its_own_runtime(
    made: Made, own: Exported, which: str, tmp_path: Path
) -> None:
    import onnxruntime
    from ai_edge_litert.interpreter import Interpreter

    exported = own if which == "own" else export_all(made, made.once(which).model, tmp_path)
    model, forms = exported.model, exported.files
    expected = made.answers(model)
    in_keras = [forms[".keras"], forms[".h5"], forms[""]]
    child(ASK, made.folder / "images.npy", *in_keras)
    for path in in_keras:
        assert_same(np.load(f"{path}.npy"), expected)

    session = onnxruntime.InferenceSession(forms[".onnx"])
    assert_same(session.run(["probabilities"], {"image": made.images})[0], expected)
    labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
    assert tuple(labels) == made.repository.models.get(model).labels

    interpreter = Interpreter(str(forms[".tflite"]))
    entry = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(entry, made.images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry, made.images)
    interpreter.invoke()
    assert_same(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), expected)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_what_pixshelf_exported_comes_back_with_its_labels(
    made: Made, own: Exported, ending: str
) -> None:
    model = own.model
    back = import_model(made.repository, own.files[f".{ending}"], trust=True)
    assert back.labels_from == "file"
    assert back.labels == made.repository.models.get(model).labels
    assert str(back.spec.input) == "28x28 grey, crop"
    assert_same(made.answers(back.model), made.answers(model))


def test_a_layer_that_the_converter_to_onnx_does_not_know_is_an_error_that_says_so(
    made: Made, tmp_path: Path
) -> None:
    model = made.once("many.keras").model
    with pytest.raises(PixshelfError, match="cannot be written as ONNX"):
        export_model(made.repository, model, tmp_path / "many.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_the_child_refuses_leaves_no_model(made: Made, tmp_path: Path) -> None:
    bad = write_keras(tmp_path / "bad.keras", kernel=np.full((16, 2), np.nan, np.float32))
    before = made.repository.models.all()
    with pytest.raises(RefusedInput, match=r"bad\.keras: .*NaN"):
        import_model(made.repository, bad, trust=True, labels=["a", "b"])
    assert made.repository.models.all() == before


def test_without_labels_those_of_the_dataset_are_taken_if_they_are_as_many(tmp_path: Path) -> None:
    file = write_keras(tmp_path / "small.keras")
    with open_repository(tmp_path / "d.db", create=True) as repository:
        with pytest.raises(UsageError, match="the dataset has 0"):
            import_model(repository, file, trust=True)
        store_digits(repository, 2)
        done = import_model(repository, file, trust=True)
    assert (done.labels_from, done.labels, done.name) == ("dataset", ("8", "9"), "small")
