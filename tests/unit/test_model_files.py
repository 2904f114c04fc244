"""Model files from strangers: what is read of a plain one, and what is refused of the others."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ml.model_files import add_card, read_card, read_model_file
from storage.errors import RefusedInput
from tests.keras_files import (
    BIAS,
    KERNEL,
    PARTS,
    PLAIN,
    Change,
    dense,
    in_line,
    layer,
    picture,
    write_h5,
    write_keras,
)


def refusal(path: Path) -> str:
    with pytest.raises(RefusedInput) as refused:
        read_model_file(path, path.parent)
    return refused.value.message


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_plain_model_is_read_with_its_weights(tmp_path: Path, ending: str) -> None:
    write = write_keras if ending == ".keras" else write_h5
    found = read_model_file(write(tmp_path / f"a{ending}"), tmp_path)
    assert [node.layer for node in found.graph.nodes] == ["Flatten", "Dense"]
    assert np.array_equal(found.weights["dense_1/kernel"], KERNEL)
    assert np.array_equal(found.weights["dense_1/bias"], BIAS)
    assert found.card is None


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_card_goes_into_a_file_and_comes_back(tmp_path: Path, ending: str) -> None:
    write = write_keras if ending == ".keras" else write_h5
    path = write(tmp_path / f"a{ending}")
    add_card(path, {"labels": ["cat", "Hündin"], "input": {"resize": "crop"}})
    found = read_model_file(path, tmp_path)
    assert read_card(found.card) == (["cat", "Hündin"], {"resize": "crop"})


@pytest.mark.parametrize("card", [None, {"labels": "ab"}, {"labels": [1, 2]}, {"labels": {}}])
def test_a_card_that_names_no_labels_gives_none(card: Any) -> None:
    assert read_card(card)[0] is None


# What stands in the config


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("odd", "named"),
    [
        (layer("Lambda", "evil", function="__import__('os').system('true')"), "'evil' is a"),
        (layer("TFSMLayer", "evil", filepath="/etc"), "TFSMLayer"),
        (layer("Thing", "evil", module="os.path"), "os.path.Thing"),
        (layer("Dense", "evil", module="builtins", units=2), "builtins.Dense"),
        ({**layer("Dense", "evil", units=2), "registered_name": "mine>Dense"}, "mine>Dense"),
        (layer("Dense", "evil", units=2, activation={"class_name": "Lambda"}), "activation"),
        (layer("Dense", "evil", units=2, surprise=1), "surprise"),
        (layer("Dense", "evil", units=10**9), "units"),
        (layer("Conv2D", "evil", filters=4, kernel_size=[10**6, 1]), "kernel_size"),
        (layer("Conv2D", "evil", filters=4, kernel_size=3, data_format="channels_first"), "data_f"),
        (layer("Dense", "evil", units=2, dtype="string"), "counts in"),
        (layer("Rescaling", "evil", scale=float("nan")), "scale"),
    ],
)
def test_a_layer_that_is_not_known_to_be_harmless_is_refused_by_name(
    tmp_path: Path, ending: str, odd: Any, named: str
) -> None:
    write = write_keras if ending == ".keras" else write_h5
    path = write(tmp_path / f"a{ending}", in_line(picture(), odd, layer("Flatten", "f"), dense()))
    assert named in refusal(path)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (in_line(picture(4, 4, 2), layer("Flatten", "f"), dense()), "2 channels"),
        (in_line(picture(4, 4), dense()), "not pictures"),
        (in_line(picture(100_000, 4, 1), layer("Flatten", "f"), dense()), "no picture"),
        (in_line(picture(None, None, 1), layer("Flatten", "f"), dense()), "any size"),
        (in_line(picture()), "no layers"),
        (in_line(), "no layers"),
        (in_line(layer("Flatten", "f")), "not pictures"),
        ({"class_name": "Mystery", "config": {}}, "Mystery"),
        ([], "config"),
        (layer("Sequential", "a", module="keras", layers=7), "list"),
        (
            in_line(picture(), layer("ZeroPadding2D", "z", padding=[64, 64]), dense(units=100_000)),
            "would make",
        ),
    ],
)
def test_a_config_that_is_no_network_for_pictures_is_refused(
    tmp_path: Path, config: Any, named: str
) -> None:
    assert named in refusal(write_keras(tmp_path / "a.keras", config))


def test_models_within_models_have_a_deepest_level(tmp_path: Path) -> None:
    config = PLAIN
    for _ in range(30):
        config = in_line(picture(), config)
    assert "not a Sequential" in refusal(write_keras(tmp_path / "a.keras", config))


def test_a_config_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    parts = {"config.json": b"[" * 100_000}
    assert "not JSON" in refusal(write_keras(tmp_path / "a.keras", parts=parts))


def test_a_network_of_too_many_parameters_is_refused_before_anything_is_built(
    tmp_path: Path,
) -> None:
    wide = [layer("Dense", f"d{at}", units=20_000) for at in range(3)]
    config = in_line(picture(), layer("Flatten", "f"), *wide, dense())
    assert "parameters" in refusal(write_keras(tmp_path / "a.keras", config))


# What stands in the zip


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "assets/vocabulary.txt", "a.py"])
def test_a_file_that_holds_more_than_a_plain_model_is_refused(tmp_path: Path, name: str) -> None:
    path = write_keras(tmp_path / "a.keras", parts={name: b"x"})
    assert "not a plain Keras model" in refusal(path)
    assert not (tmp_path.parent / "evil").exists()


def test_a_file_with_a_part_twice_is_refused(tmp_path: Path) -> None:
    path = write_keras(tmp_path / "a.keras")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", b"{}")
    assert "once each" in refusal(path)


def test_a_bomb_in_the_zip_is_given_up_at_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in PARTS:
            archive.writestr(name, b" " * (20 << 20))
    assert path.stat().st_size < 100_000
    assert "more than 8,388,608 bytes" in refusal(path)


def test_weights_that_unpack_to_more_than_the_network_needs_are_given_up_at_that(
    tmp_path: Path,
) -> None:
    path = write_keras(tmp_path / "a.keras")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in PARTS}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in parts.items():
            archive.writestr(name, data + bytes(70 << 20) * name.endswith(".h5"))
    assert path.stat().st_size < 1 << 20
    most = (64 << 20) + 32 * 34
    assert f"more than {most:,} bytes" in refusal(path)
    assert (tmp_path / "model.weights.h5").stat().st_size <= most


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, ending: str, kept: float) -> None:
    write = write_keras if ending == ".keras" else write_h5
    path = write(tmp_path / f"a{ending}")
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if kept < 1 else int(kept)])
    assert refusal(path)


@pytest.mark.parametrize("seed", range(20))
def test_damage_anywhere_is_refused_or_gives_finite_weights(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    for path in (write_keras(tmp_path / "a.keras"), write_h5(tmp_path / "a.h5")):
        data = bytearray(path.read_bytes())
        for at in random.integers(0, len(data), 8):
            data[at] = random.integers(256)
        path.write_bytes(data)
        try:
            found = read_model_file(path, tmp_path)
        except RefusedInput:
            continue
        assert all(np.isfinite(array).all() for array in found.weights.values())


# What stands in the HDF5


def _in_place_of_kernel(make: Any) -> Change:
    def change(file: h5py.File) -> None:
        values = file["layers/dense/vars"]
        del values["0"]
        make(file, values)

    return change


def _external_numbers(file: h5py.File, values: h5py.Group) -> None:
    values.create_dataset("0", (16, 2), "f4", external=[("/etc/passwd", 0, 128)])


def _virtual(file: h5py.File, values: h5py.Group) -> None:
    layout = h5py.VirtualLayout((16, 2), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "kernel", (16, 2))  # noqa: S108 (not read)
    values.create_virtual_dataset("0", layout)


def _external_link(file: h5py.File, values: h5py.Group) -> None:
    values["0"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft_link(file: h5py.File, values: h5py.Group) -> None:
    values["0"] = h5py.SoftLink("/layers")


def _unwritten(file: h5py.File, values: h5py.Group) -> None:
    values.create_dataset("0", (16, 2), "f4")


def _huge_chunk(file: h5py.File, values: h5py.Group) -> None:
    values.create_dataset(
        "0", (16, 2), "f4", maxshape=(None, None), chunks=(1 << 14, 1 << 13), compression="gzip"
    )


def _texts(file: h5py.File, values: h5py.Group) -> None:
    values["0"] = np.full((16, 2), b"code", "S4")


def _group(file: h5py.File, values: h5py.Group) -> None:
    values.create_group("0")


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (_external_numbers, "another file"),
        (_virtual, "another file"),
        (_external_link, "is a link"),
        (_soft_link, "is a link"),
        (_unwritten, "not in the file"),
        (_huge_chunk, "unusual"),
        (_texts, "not real numbers"),
        (_group, "no numbers"),
    ],
)
def test_weights_that_do_not_lie_plainly_in_the_file_are_refused(
    tmp_path: Path, make: Any, named: str
) -> None:
    path = write_keras(tmp_path / "a.keras", change=_in_place_of_kernel(make))
    assert named in refusal(path)


def test_a_linked_group_of_a_h5_file_is_refused(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["model_weights"]
        file["model_weights"] = h5py.ExternalLink("/etc/passwd", "/")

    assert "is a link" in refusal(write_h5(tmp_path / "a.h5", change=change))


@pytest.mark.parametrize("name", ["ext/d", "in/ext/d"])
@pytest.mark.parametrize("kind", ["external", "soft"])
def test_a_layer_whose_name_leads_through_a_link_is_refused(
    tmp_path: Path, name: str, kind: str
) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        _weights_of_a_layer(other.create_group("d"))

    def change(file: h5py.File) -> None:
        _weights_of_a_layer(file.create_group("elsewhere/d"))
        link = name.removesuffix("/d")
        file[f"model_weights/{link}"] = (
            h5py.ExternalLink(str(tmp_path / "other.h5"), "/")
            if kind == "external"
            else h5py.SoftLink("/elsewhere")
        )

    last = layer("Dense", name, units=2, activation="softmax")
    config = in_line(picture(), layer("Flatten", "flatten"), last)
    assert "leads through one" in refusal(write_h5(tmp_path / "a.h5", config, change=change))


def test_a_layer_whose_name_has_slashes_is_read(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        _weights_of_a_layer(file.create_group("model_weights/block/d"))

    last = layer("Dense", "block/d", units=2, activation="softmax")
    config = in_line(picture(), layer("Flatten", "flatten"), last)
    found = read_model_file(write_h5(tmp_path / "a.h5", config, change=change), tmp_path)
    assert sorted(found.weights) == ["dense_1/bias", "dense_1/kernel"]


def _weights_of_a_layer(group: h5py.Group) -> None:
    group["kernel"], group["bias"] = KERNEL, BIAS
    group.attrs["weight_names"] = ["kernel", "bias"]


def test_a_card_that_is_a_link_is_refused(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        file["pixshelf"] = h5py.ExternalLink("/etc/passwd", "/")

    assert "is a link" in refusal(write_h5(tmp_path / "a.h5", change=change))


@pytest.mark.parametrize("path", ["../../x", "line/nothing", "", "/"])
def test_a_weight_that_is_not_where_the_file_says_is_refused(tmp_path: Path, path: str) -> None:
    def change(file: h5py.File) -> None:
        file["model_weights/dense"].attrs["weight_names"] = [path, "line/dense/bias"]

    assert refusal(write_h5(tmp_path / "a.h5", change=change))


def test_a_bomb_of_numbers_is_refused_by_its_shape(tmp_path: Path) -> None:
    def make(file: h5py.File, values: h5py.Group) -> None:
        bomb = values.create_dataset(
            "0", (1 << 20, 1 << 20), "f4", chunks=(1 << 10, 1 << 10), compression="gzip"
        )
        bomb[:1024, :1024] = 0

    path = write_keras(tmp_path / "a.keras", change=_in_place_of_kernel(make))
    assert "(1048576, 1048576), not (16, 2)" in refusal(path)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, wrong: float) -> None:
    kernel = KERNEL.copy()
    kernel[3, 1] = wrong
    assert "NaN" in refusal(write_keras(tmp_path / "a.keras", kernel=kernel))


def test_weights_of_another_shape_are_refused_naming_both(tmp_path: Path) -> None:
    message = refusal(write_keras(tmp_path / "a.keras", kernel=KERNEL[:8]))
    assert "'dense'" in message
    assert "(8, 2), not (16, 2)" in message


def test_a_layer_with_too_many_weights_is_refused(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        file["layers/dense/vars/2"] = BIAS

    assert "3 weights" in refusal(write_keras(tmp_path / "a.keras", change=change))


def test_weights_without_a_model_are_refused_saying_how_to_save_one(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file.attrs["model_config"]

    path = write_h5(tmp_path / "a.h5", change=change)
    with pytest.raises(RefusedInput, match="weights without a model") as refused:
        read_model_file(path, tmp_path)
    assert "model.save" in str(refused.value.hint)


def test_what_only_matters_in_training_is_passed_over(tmp_path: Path) -> None:
    own = {"class_name": "Mine", "module": "my.code", "config": {}}
    config = in_line(
        picture(),
        layer("RandomFlip", "flip", mode="horizontal", seed=own),
        layer("Flatten", "flatten"),
        layer("Dropout", "drop", rate=0.5),
        dense(kernel_initializer=own, kernel_regularizer=own, bias_constraint=None),
    )
    found = read_model_file(write_keras(tmp_path / "a.keras", config), tmp_path)
    assert json.dumps(found.graph.to_json()).count("layer") == 2
